"""Words that the model does not know: in the panel after the next poll, and replaced by a click."""

import sys

import bpy
import pytest


@pytest.fixture
def words(extension):
    """A function: what the panel shows, (word, setting, known ones)."""
    extension.settings.condition = "TEXT"

    def shown():
        extension.session.tick()
        return [(item.name, item.field, item.nearest.split()) for item in extension.panel.unknown_words]

    return shown


def test_an_unknown_word_is_shown_and_replaced(extension, words):
    extension.settings.prompt = "A red Chiar with wheels"
    assert words() == [("chiar", "prompt", ["chair"])]
    assert bpy.ops.wala.replace_word(field="prompt", word="chiar", by="chair") == {"FINISHED"}
    assert extension.settings.prompt == "A red chair with wheels" and words() == []
    assert bpy.ops.wala.replace_word(field="prompt", word="chiar", by="chair") == {"CANCELLED"}


def test_the_words_beside_an_input_and_of_an_edit_count(extension, words):
    extension.settings.prompt, extension.settings.edit_words = "a chair", "a zeppelin"
    assert words() == [("zeppelin", "edit_words", [])]
    extension.settings.condition, extension.settings.subject = "SKETCH", "a saxophone"
    assert words() == [("saxophone", "subject", []), ("zeppelin", "edit_words", [])]
    extension.settings.edit_guide = "SOURCE"
    assert words() == [("saxophone", "subject", [])]


def test_another_model_has_words_of_its_own(extension, words):
    extension.settings.prompt, extension.settings.model = "a zeppelin", "another"
    assert words() == []


def test_it_needs_no_torch_and_reads_its_tables_once(extension, words):
    extension.settings.prompt = "a zeppelin"
    words()
    assert "torch" not in sys.modules
    known = extension.session.current.unknown_words._known
    extension.settings.prompt = "a saxophone"
    words()
    assert extension.session.current.unknown_words._known is known
    extension.module("wala_blender.known_words")
