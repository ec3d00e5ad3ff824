"""A reference shape → the raw input of a condition, as an artist would give it. Knows shapes and cameras; not models,
not scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..conditions.voxels import CELLS, occupancy_of
from ..errors import InputError
from ..geometry.cameras import PUBLISHED
from ..geometry.renderer import framed, shaded, trace
from ..training.data.blockouts import KINDS, blockout
from ..training.data.build import POINTS
from ..training.data.line_drawings import line_picture
from ..training.data.shape_filter import surface_points
from .shapes import Shape

PICTURE = 256  # pixels of what is drawn or rendered of a reference
ELEVATIONS = (0.0, 40.0)  # degrees, as in training


def voxel_input(shape: Shape, rng: np.random.Generator) -> dict:
    """The cells that the shape fills."""
    return {"occupancy": occupancy_of(shape.field, CELLS)}


def point_input(shape: Shape, rng: np.random.Generator) -> dict:
    """Points of its surface."""
    return {"points": surface_points(*shape.mesh, shape.field.numpy(), POINTS, rng)}


def _elevation(rng: np.random.Generator) -> float:
    return float(rng.uniform(*ELEVATIONS))


def _seen(shape: Shape, elevation: float) -> tuple[Tensor, Tensor]:
    """Depth (256, 256) and normals (3, 256, 256) of the reference from azimuth 0, as ``trace`` gives them."""
    return trace(shape.field, framed(shape.surface[0], elevation), PICTURE)


def sketch_input(shape: Shape, rng: np.random.Generator) -> dict:
    """Dark lines on white, (256, 256) uint8, three pixels wide, of the reference seen from a random elevation."""
    elevation = _elevation(rng)
    depth, normal = _seen(shape, elevation)
    lines = F.max_pool2d(line_picture(depth[None], normal[None]), 3, 1, 1)[0, 0]
    return {"image": (255 * (1 - lines)).round().to(torch.uint8).numpy(), "elevation": elevation}


def image_input(shape: Shape, rng: np.random.Generator) -> dict:
    """A grey picture, lit and cut out, (256, 256, 4) uint8, of the reference seen from a random elevation."""
    elevation = _elevation(rng)
    depth, normal = _seen(shape, elevation)
    picture = torch.stack([shaded(normal)] * 3 + [torch.isfinite(depth).float()], -1)
    return {"image": (255 * picture).round().to(torch.uint8).numpy(), "elevation": elevation}


def depth_input(shape: Shape, rng: np.random.Generator) -> dict:
    """The mesh, for the condition to look at from one side."""
    return _surface(shape) | {"azimuth": 0.0, "elevation": _elevation(rng)}


def depths_input(shape: Shape, rng: np.random.Generator, views: Sequence[int]) -> dict:
    """The mesh, for the condition to look at through the published cameras ``views``."""
    return _surface(shape) | {"views": list(views)}


def _surface(shape: Shape) -> dict:
    return {"vertices": shape.surface[0].astype(np.float64), "faces": shape.surface[1].astype(np.int64)}


def blockout_input(shape: Shape, rng: np.random.Generator, kind: str) -> dict:
    """The mesh of a blockout of the reference, of one of the kinds in blockouts.KINDS."""
    vertices, faces = blockout(shape.field, kind, rng)
    return {"vertices": vertices, "faces": faces}


def text_input(shape: Shape, rng: np.random.Generator) -> dict:
    """Its caption as the prompt."""
    return {"prompt": shape.record.caption}


def no_input(shape: Shape, rng: np.random.Generator) -> dict:
    """Nothing, for a model without a condition."""
    return {}


# condition → its raw input; of several views it also takes which
INPUTS: dict[str, Callable[..., dict]] = {
    "text": text_input,
    "sketch": sketch_input,
    "image": image_input,
    "depth": depth_input,
    "depths": depths_input,
    "voxels": voxel_input,
    "points": point_input,
    "none": no_input,
}
SEVERAL = ("depths",)
BLOCKOUT = "blockout"  # a mesh in the place of voxels, measured once with every kind of blockout
WITH_CAPTION = "+text"


@dataclass(frozen=True)
class Trial:
    """What is measured under one name: a condition, and the raw input that it is given of a reference, which may have
    its caption beside it."""

    condition: str
    make: Callable[[Shape, np.random.Generator], dict]
    has_caption_beside: bool = False
    baselines: str = ""  # those of which condition simpler methods are tried on; "": of its own


def trials_of(conditions: Sequence[str], views: Sequence[int]) -> dict[str, Trial]:
    """By the names in a report. ``views``: the cameras that the model's pictures must be from; with () a condition of
    several is measured once with every published set, as "depths_4" and "depths_6". "blockout" is voxels given a
    blockout's mesh, as "blockout_boxes" and so on. "sketch+text" is a sketch with the caption beside it, and so on.
    Raises InputError for a condition that cannot be measured."""
    unknown = sorted({condition.removesuffix(WITH_CAPTION) for condition in conditions} - {*INPUTS, BLOCKOUT})
    if unknown:
        raise InputError(f"unknown condition {unknown[0]!r}", f"Choose some of {', '.join((*INPUTS, BLOCKOUT))}")
    trials = {}
    for name in conditions:
        condition, baselines = name.removesuffix(WITH_CAPTION), ""
        if condition == BLOCKOUT:
            made = {f"{BLOCKOUT}_{kind}": partial(blockout_input, kind=kind) for kind in KINDS}
            condition, baselines = "voxels", BLOCKOUT
        elif condition in SEVERAL:
            sets = [views] if views else PUBLISHED.sets.values()
            made = {f"{condition}_{len(one)}": partial(INPUTS[condition], views=one) for one in sets}
        else:
            made = {condition: INPUTS[condition]}
        if name.endswith(WITH_CAPTION):
            trials |= {
                one + WITH_CAPTION: Trial(condition, partial(_captioned, make), True, baselines)
                for one, make in made.items()
            }
        else:
            trials |= {one: Trial(condition, make, False, baselines) for one, make in made.items()}
    return trials


def _captioned(make: Callable[..., dict], shape: Shape, rng: np.random.Generator) -> dict:
    return make(shape, rng) | text_input(shape, rng)
