"""The documentation's site: Sphinx with MyST, over the Markdown files that GitHub shows. `make docs` builds it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import wala_blender

project, author, release = "WaLa", "The WaLa add-on authors", wala_blender.__version__
extensions = ["myst_parser"]
include_patterns = [
    "docs/*.md",
    "benchmarks/README.md",
    "README.md",
    "MODEL_CARD.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "wala_blender/models/starter/CREDITS.md",
]
root_doc = "docs/index"
myst_heading_anchors = 3
suppress_warnings = ["toc.not_included", "myst.xref_missing"]  # the README's links to files that are no pages
html_theme = "furo"
html_title = f"WaLa {release}"
