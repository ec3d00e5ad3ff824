"""The documentation keeps to the code: its commands are understood, its examples run, its links lead somewhere."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from wala_blender.cli.main import parser

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/*.md"), ROOT / "benchmarks/README.md"])
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def blocks(page: Path) -> list[str]:
    """The page's Python examples."""
    return re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """(page, command line) of every line of a code block, or piece of code in a text, that begins with wala."""
    found = []
    for page in PAGES:
        text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        lines = re.findall(r"^    (wala .*)$", text, re.MULTILINE) + [
            code for code in re.findall(r"`(wala [^`]*)`", text) if " --" in code
        ]
        found += [(str(page.relative_to(ROOT)), line) for line in lines if "…" not in line and "COMMAND" not in line]
    return found


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 900


def test_there_are_commands_and_examples():
    assert len(commands()) > 40 and blocks(ROOT / "README.md") and blocks(ROOT / "docs/python.md")


@pytest.mark.parametrize(("page", "line"), commands())
def test_a_documented_command_is_understood(page, line, capsys):
    try:
        parser().parse_args(shlex.split(line.split("  #")[0])[1:])
    except SystemExit as stopped:
        assert stopped.code == 0, capsys.readouterr().err


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_make_targets_are_there(page):
    text = page.read_text("utf-8")
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / link).exists(), link
    assert set(re.findall(r"(?:`|^    )make ([a-z-]+)", text, re.MULTILINE)) <= TARGETS


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.slow] * (page.name != "README.md")) for page in PAGES if blocks(page)],
    ids=lambda page: page.name,
)
def test_the_pages_examples_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for number, block in enumerate(blocks(page)):
        exec(compile(block, f"{page.name}, example {number}", "exec"), names)
    assert any(tmp_path.iterdir())


def test_the_site_builds_without_a_warning(tmp_path):
    words = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "-c",
        "docs",
        "-d",
        tmp_path / "cache",
        "-b",
        "html",
        ".",
        tmp_path / "site",
    ]
    done = subprocess.run(list(map(str, words)), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and (tmp_path / "site/docs/index.html").exists(), done.stderr
