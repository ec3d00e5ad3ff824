"""The extension's zip and the static repository that Blender subscribes to, built without starting Blender by the tool
inside its module.

python -m demo.package dist [--release]
"""

import argparse
import hashlib
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHECKSUMS = "SHA256SUMS"


def build_zip(folder: Path) -> Path:
    """The zip that an artist installs, in ``folder``. Raises RuntimeError with the tool's own words when it refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("wala-*.zip"):
        old.unlink()
    _extension_tool("build", "--source-dir", str(ROOT), "--output-dir", str(folder))
    return next(folder.glob("wala-*.zip"))


def build_release(folder: Path) -> list[Path]:
    """The zip, index.json and index.html of an extension repository, and SHA256SUMS of them, as `sha256sum --check`
    reads it. Raises RuntimeError."""
    package = build_zip(folder)
    _extension_tool("server-generate", "--repo-dir", str(folder), "--html")
    files = [package, folder / "index.json", folder / "index.html"]
    (folder / CHECKSUMS).write_text(
        "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files), "utf-8"
    )
    return [*files, folder / CHECKSUMS]


def _extension_tool(*words: str) -> None:
    """Run one of Blender's extension commands."""
    found = find_spec("bpy")
    if found is None:
        raise RuntimeError("this Python has no bpy: run `make env`")
    tool = next(Path(found.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    done = subprocess.run([sys.executable, str(tool), *words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed: {(done.stdout + done.stderr).strip()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Builds the extension's zip.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("dist"))
    parser.add_argument("--release", action="store_true", help="the extension repository and checksums as well")
    options = parser.parse_args()
    print(*(build_release(options.folder) if options.release else [build_zip(options.folder)]), sep="\n")
