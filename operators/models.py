"""The models that can be chosen, and what they take. Knows names and conditions; the library's table has the rest. Imports no bpy.

Today that is the starter, which comes with the extension. Models that are fetched or added belong into KNOWN once Blender can do that.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """``conditions`` by the names a job's request has for them."""

    name: str
    title: str
    conditions: tuple[str, ...]


STARTER = Model("starter", "Starter", ("text", "sketch", "voxels", "points"))
KNOWN: dict[str, Model] = {STARTER.name: STARTER}


def why_not(name: str, condition: str) -> str:
    """Why a model cannot make a shape from a condition, "" when it can. Cheap."""
    if name not in KNOWN:
        return f"There is no model “{name}”: choose another one"
    if condition not in KNOWN[name].conditions:
        return f"The model “{KNOWN[name].title}” does not take this input: choose another one, or another model"
    return ""
