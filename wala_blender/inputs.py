"""Typed inputs of ``Pipeline.generate``, one class a condition.

Wherever a field takes an array, it also takes the path of a file, which is read as on the command line. Units and axes:
+Y is up, angles are degrees, azimuth 0 is the front (+Z) and 90 the right side (+X). Constructors only store their
arguments; ``raw`` reads, checks and raises InputError.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .array_files import checked_numbers
from .conditions.inputs import FILES, checked_mesh, load_inputs
from .conditions.point_files import checked_points
from .conditions.specs import check_inputs
from .conditions.voxel_files import occupancy_of_array
from .errors import InputError

Source = ArrayLike | Path | str  # an array or a file of one
# Vertices (V, 3) and triangles (F, 3), as read_mesh returns them, or a file of them
Mesh = tuple[ArrayLike, ArrayLike] | Path | str


@dataclass(frozen=True, eq=False)
class Input:
    """Base of all inputs; ``condition`` is the name of the condition in a model's table."""

    condition: ClassVar[str]

    def raw(self) -> dict:
        """The inputs as the conditions take them, see conditions/inputs.py. Raises InputError."""
        values = {
            "views" if item.name == "cameras" else item.name: value
            for item in fields(self)
            if (value := getattr(self, item.name)) is not None
        }
        check_inputs(self.condition, values)
        raw: dict = {}
        notes: list[str] = []
        for name, value in values.items():
            part = _read(name, value, type(self).__name__)
            notes += part.pop("notes", [])
            raw |= part
        return raw | ({"notes": notes} if notes else {})


@dataclass(frozen=True, eq=False)
class TextInput(Input):
    """A few English words: "a chair". ``originality``: how far the result departs from the training shape of that name
    that it starts from, 0 … 1; 1: from noise alone."""

    prompt: str
    originality: float | None = None
    condition: ClassVar[str] = "text"


@dataclass(frozen=True, eq=False)
class SketchInput(Input):
    """A line drawing: ``polylines``, each (n, 2) floats, x right, y up, any unit; or ``image`` (H, W) or (H, W, 3 or 4)
    uint8, dark lines on light. ``elevation``: how far above the horizon it is seen from."""

    polylines: Sequence[ArrayLike] | None = None
    elevation: float | None = None
    prompt: str | None = None
    image: Source | None = None
    condition: ClassVar[str] = "sketch"


@dataclass(frozen=True, eq=False)
class ImageInput(Input):
    """A picture of one object, (H, W, 3 or 4) uint8, cut out or on a background of one colour. ``cameras`` (of the
    published ones) and ``background`` ("keep", "remove") are for the published models."""

    image: Source
    elevation: float | None = None
    prompt: str | None = None
    cameras: list[int] | None = None
    background: str | None = None
    condition: ClassVar[str] = "image"


@dataclass(frozen=True, eq=False)
class DepthInput(Input):
    """One depth map ``image`` (H, W), or a ``mesh`` to render it from. ``near``: "light", "dark", or "auto" to detect
    it from the map."""

    image: Source | None = None
    mesh: Mesh | None = None
    azimuth: float | None = None
    elevation: float | None = None
    prompt: str | None = None
    cameras: list[int] | None = None
    near: str | None = None
    condition: ClassVar[str] = "depth"


@dataclass(frozen=True, eq=False)
class MultiViewDepthInput(Input):
    """Depth maps ``images``, each (H, W), of the published ``cameras``; or a ``mesh`` to render them from."""

    images: Sequence[Source] | None = None
    mesh: Mesh | None = None
    cameras: list[int] | None = None
    prompt: str | None = None
    near: str | None = None
    condition: ClassVar[str] = "depths"


@dataclass(frozen=True, eq=False)
class MultiViewImageInput(Input):
    """Pictures of one object, each (H, W, 3 or 4) uint8, of the published ``cameras``."""

    images: Sequence[Source]
    cameras: list[int] | None = None
    background: str | None = None
    condition: ClassVar[str] = "views"


@dataclass(frozen=True, eq=False)
class VoxelInput(Input):
    """``occupancy`` (16, 16, 16) of 0 and 1, axes x, y, z (other sizes are resampled); or a ``mesh`` of a blockout,
    whose result lies where it is. ``hold``: how much of a mesh's own surface is kept, 0 … 1."""

    occupancy: Source | None = None
    mesh: Mesh | None = None
    prompt: str | None = None
    hold: float | None = None
    condition: ClassVar[str] = "voxels"


@dataclass(frozen=True, eq=False)
class PointInput(Input):
    """Points of a surface (N, 3); the result lies where they are."""

    points: Source
    prompt: str | None = None
    condition: ClassVar[str] = "points"


@dataclass(frozen=True, eq=False)
class MeshInput(Input):
    """A ``mesh`` to reconstruct from a model's latents, decoded on a grid of ``resolution`` points a side: 257 or
    129. ``keep``: levels that stay ("all", "structure+major", "structure", "nothing"), the finer ones are made anew
    with that ``strength``, 0 … 1."""

    mesh: Mesh
    resolution: int | None = None
    keep: str | None = None
    strength: float | None = None
    condition: ClassVar[str] = "mesh"


@dataclass(frozen=True, eq=False)
class NoInput(Input):
    """Unconditional generation; the seed alone selects the shape."""

    condition: ClassVar[str] = "none"


class SeveralInputs:
    """Inputs of different conditions together, each with a weight from 0, which leaves it out, to 1 (the default). The
    first is the main one: its condition's settings are used, and the shape lies where it is; if it does not say where,
    where the first of the others is that does."""

    def __init__(self, *inputs: Input, weights: Sequence[float] | None = None):
        self.inputs, self.weights = inputs, [1.0] * len(inputs) if weights is None else list(weights)

    @property
    def condition(self) -> str:
        """The main input's condition."""
        return self.inputs[0].condition

    def raw(self) -> dict:
        """The inputs as the conditions take them. Raises InputError."""
        if not self.inputs or len(self.weights) != len(self.inputs):
            raise InputError(
                f"there are {len(self.weights)} weights of {len(self.inputs)} inputs", "Give one for each."
            )
        first, *others = self.inputs
        names = [one.condition for one in self.inputs]
        weights = dict(zip(names, self.weights, strict=True))
        return combined(first.condition, first.raw(), [(one.condition, one.raw()) for one in others], weights)


def combined(condition: str, raw: dict, others: Sequence[tuple[str, dict]], weights: Mapping[str, object]) -> dict:
    """Raw inputs of a condition with those of ``others``, (condition, raw inputs), and the weights by condition. Raises
    InputError: a condition twice, one that has no input to weigh, a weight beyond 0 … 1."""
    names = [condition, *(name for name, _ in others)]
    if len(set(names)) < len(names) or ("text" in names[1:] and "prompt" in raw):
        raise InputError(f"the inputs are {', '.join(names)}, expected each once", "Leave one of them out.")
    if len(names) > 1 and {"none", "mesh"} & set(names):
        raise InputError(f"the inputs {' and '.join(names)} cannot be combined", "Leave one of them out.")
    for name, weight in weights.items():
        if name not in names and not (name == "text" and "prompt" in raw):
            raise InputError(f"there is a weight of {name}, which is no input", f"Inputs are {', '.join(names)}.")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 1:
            raise InputError(f"the weight of {name} is {weight!r}, expected a number from 0 to 1")
    notes = [*raw.get("notes", ()), *(note for _, other in others for note in other.get("notes", ()))]
    return raw | {"beside": dict(others), "weights": dict(weights)} | ({"notes": notes} if notes else {})


def raw_inputs(condition: str | Input | SeveralInputs, inputs: dict | None) -> tuple[str, dict]:
    """The condition's name and raw inputs, of a typed input or of the two. Raises InputError."""
    if isinstance(condition, Input | SeveralInputs):
        return condition.condition, condition.raw()
    return condition, inputs or {}


def _read(name: str, value: Any, owner: str) -> dict:
    if name == "images" and value:
        return {"images": [_read("image", item, owner)["image"] for item in value]}
    if isinstance(value, str | Path) and name in FILES:
        return load_inputs({name: Path(value).name}, Path(value).parent)
    if name in _ARRAYS:
        return _ARRAYS[name](Path(owner), value)
    return load_inputs({name: value}, Path())


def _polylines(owner: Path, lines: Sequence[ArrayLike]) -> dict:
    return {"polylines": [checked_numbers(owner, np.asarray(line), "points", 2).astype(np.float32) for line in lines]}


def _image(owner: Path, image: ArrayLike) -> dict:
    image = np.asarray(image)
    if image.ndim not in (2, 3) or 0 in image.shape or (image.ndim == 3 and image.shape[2] not in (3, 4)):
        raise InputError(f"{owner}: the image has the shape {image.shape}, expected (H, W) or (H, W, 3 or 4)")
    if image.dtype not in (np.uint8, np.uint16, np.float32):
        raise InputError(f"{owner}: the image is {image.dtype}, expected uint8, uint16 or float32")
    return {"image": image}


def _mesh(owner: Path, mesh: tuple[ArrayLike, ArrayLike]) -> dict:
    vertices, faces = map(np.asarray, mesh)
    return checked_mesh(owner, vertices, faces)


# Arrays of raw inputs, and how each is checked: (name for messages, array) → raw inputs.
_ARRAYS: dict[str, Callable[[Path, Any], dict]] = {
    "polylines": _polylines,
    "image": _image,
    "mesh": _mesh,
    "occupancy": lambda owner, values: occupancy_of_array(owner, np.asarray(values)),
    "points": lambda owner, values: checked_points(owner, np.asarray(values)),
}
