"""The map of the source in docs/architecture.md, made from the modules' docstrings: `python -m tests.architecture`
writes it anew."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "architecture.md"
FOLDERS = ("wala_blender", "runtime", "operators", "ui", "demo", "benchmarks")
BEGIN, END = "<!-- map: begin -->\n", "<!-- map: end -->\n"


def sentence_of(source: str) -> str:
    """The first sentence of a module's docstring, without its full stop."""
    paragraph = " ".join((ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0].split())
    return paragraph.split(". ")[0].rstrip(".")


def sources(folder: Path) -> Iterator[Path]:
    """The Python files below a folder: a package's own file first, then its modules, then its packages."""
    files = sorted(folder.glob("*.py"), key=lambda path: (path.name != "__init__.py", path.name))
    yield from files
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        yield from sources(inner)


def map_of_source() -> str:
    """The map as Markdown: a heading for each folder, a line for each file."""
    lines: list[str] = []
    for file in (path for name in FOLDERS for path in sources(ROOT / name)):
        folder, sentence = file.parent.relative_to(ROOT).as_posix(), sentence_of(file.read_text(encoding="utf-8"))
        if f"### {folder}/" not in lines:
            lines += ["", f"### {folder}/", ""]
        lines += [sentence + ".", ""] if file.name == "__init__.py" else [f"* `{file.name}`: {sentence}"]
    return "\n".join(lines).strip().replace("\n\n\n", "\n\n") + "\n"


def with_map(document: str) -> str:
    """The document with the map between its two marks."""
    before, rest = document.split(BEGIN)
    return before + BEGIN + map_of_source() + END + rest.split(END)[1]


if __name__ == "__main__":
    DOCUMENT.write_text(with_map(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
