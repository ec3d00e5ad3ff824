"""docs/architecture.md tells of the code that is there."""

import ast
import re

import pytest
from architecture import DOCUMENT, FOLDERS, ROOT, map_of_source, sentence_of, with_map

TEXT = DOCUMENT.read_text(encoding="utf-8")
# `path/file.py` `name` or `Class.method`
STATIONS = re.findall(r"`([\w/]+\.py)`\s+`([\w.]+)`", TEXT)


def test_the_map_has_every_file_with_its_sentence():
    assert with_map(TEXT) == TEXT, "write the map anew: python -m tests.architecture"


def test_every_module_says_what_it_is():
    silent = [
        path
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if not sentence_of(path.read_text(encoding="utf-8"))
    ]
    assert silent == []


def test_the_map_names_each_file_once():
    named = re.findall(r"^\* `(\w+\.py)`", map_of_source(), re.M)
    assert len(named) == sum(path.name != "__init__.py" for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize(("file", "name"), STATIONS)
def test_the_walks_pass_what_is_there(file, name):
    body = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    for part in name.split("."):
        found = [node for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == part]
        assert found, f"{file} has no {name}"
        body = found[0].body


def test_there_are_walks():
    assert len(STATIONS) > 30
