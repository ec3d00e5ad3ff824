"""Words in the panel that the model does not know, and the operator that replaces one by a known one."""

import logging
import re

import bpy

from ...wala_blender.errors import CheckpointError
from ...wala_blender.known_words import KnownWords
from .. import preferences
from ..conditions import CAPTURES
from ..models import catalog
from . import panel_state

log = logging.getLogger(__name__)

FOLDER = "wala_blender/models/starter"


class UnknownWords:
    """Compares the words with those that the starter knows, when they have changed. The tables are read once."""

    def __init__(self) -> None:
        self._known: KnownWords | None = None
        self._is_damaged = False
        self._shown: tuple = ()

    def poll(self, scene) -> None:
        """Update the panel if the words have changed. Cheap otherwise."""
        fields = fields_of(scene.wala) if scene.wala.model == catalog.STARTER.name else {}
        state = (bpy.context.window_manager.as_pointer(), *fields.items())  # a new file's panel has none yet
        if state == self._shown:
            return
        self._shown = state
        rows = [
            (word, name, " ".join(nearest)) for name, text in fields.items() for word, nearest in self._unknown(text)
        ]
        panel_state.show_unknown_words(rows)

    def _unknown(self, text: str) -> list[tuple[str, list[str]]]:
        if not text.strip() or self._is_damaged:
            return []
        if self._known is None:
            try:
                self._known = KnownWords.load(preferences.SOURCE_ROOT / FOLDER)
            except CheckpointError as error:
                log.warning("The known words cannot be read: %s", error)
                self._is_damaged = True
                return []
        return self._known.unknown(text)


def fields_of(settings) -> dict[str, str]:
    """The texts of a scene's settings that the next shape or edit goes by, by their properties."""
    row = CAPTURES[settings.condition]
    names = ["prompt"] if row.condition == "text" else []
    names += ["subject"] if catalog.takes_prompt_beside(settings.model, row.condition) else []
    names += ["edit_words"] if settings.edit_guide == "WORDS" else []
    return {name: getattr(settings, name) for name in names}


class WALA_OT_replace_word(bpy.types.Operator):
    """Write this word, which the model knows, in the place of the other"""

    bl_idname = "wala.replace_word"
    bl_label = "Replace Word"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    field: bpy.props.EnumProperty(
        name="Field", items=[(name, name, "") for name in ("prompt", "subject", "edit_words")], options={"SKIP_SAVE"}
    )
    word: bpy.props.StringProperty(name="Word", options={"SKIP_SAVE"})
    by: bpy.props.StringProperty(name="By", options={"SKIP_SAVE"})

    def execute(self, context):
        settings = context.scene.wala
        text = getattr(settings, self.field)
        replaced = re.sub(rf"(?<![a-z-]){re.escape(self.word)}(?![a-z-])", self.by, text, flags=re.IGNORECASE)
        if replaced == text:
            self.report({"INFO"}, f"“{self.word}” is not there any more")
            return {"CANCELLED"}
        setattr(settings, self.field, replaced)
        return {"FINISHED"}


CLASSES = (WALA_OT_replace_word,)
