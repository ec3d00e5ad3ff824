"""Prepared inputs: what a raw input becomes before a condition's encoder reads it."""

from dataclasses import dataclass

from torch import Tensor

from ..geometry.distance import Frame
from .evidence import EvidenceFor
from .shape_constraints import Observation


@dataclass(frozen=True)
class Prepared:
    """A raw input made ready: ``tensors``, a batch of one, are what the condition's encoder takes; ``frame`` says where
    the input's coordinates lie in model space, ``observation`` what it says of where the shape is; None where it has no
    place there. ``words``: what the encoder of words takes, where a prompt came with the input; ``note``: a remark for
    whoever gave the input; ``in_parts``: the input itself is of several loose parts; ``evidence``: what the detail
    stage is given; ``has_surface``: it has points of the surface, see surface_points;
    ``blockout``: distance field (R, R, R) of the input's own surface, of which the result keeps the share ``hold``,
    None: the model's."""

    tensors: tuple[Tensor, ...]
    frame: Frame | None = None
    observation: Observation | None = None
    words: tuple[Tensor, ...] = ()
    note: str = ""
    in_parts: bool = False
    evidence: EvidenceFor | None = None
    has_surface: bool = False
    blockout: Tensor | None = None
    hold: float | None = None
