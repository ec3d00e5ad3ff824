"""Prepared inputs: what a raw input becomes before a condition's encoder reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from ..geometry.distance import Frame
from .evidence import EvidenceFor
from .shape_constraints import Observation


@dataclass(frozen=True)
class Prepared:
    """A prepared input: ``tensors``, a batch of one, are the arguments of the condition's encoder; ``frame``: position
    of the input's coordinates in model space, ``observation``: its shape constraint; both None for inputs without a
    position. ``beside``: arguments of the encoders of the further inputs that came with it, by their conditions, a
    prompt among them; ``weights``: of all the inputs, 0 … 1, by their conditions, 1 where there is none; ``note``: a
    remark for the user; ``in_parts``: the input has several loose parts; ``evidence``: input of the detail stage;
    ``has_surface``: it has surface points, see surface_points; ``blockout``: distance field (R, R, R) of the input's
    own surface, of which the result keeps the share ``hold``, None: the model's default."""

    tensors: tuple[Tensor, ...]
    frame: Frame | None = None
    observation: Observation | None = None
    beside: Mapping[str, tuple[Tensor, ...]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    in_parts: bool = False
    evidence: EvidenceFor | None = None
    has_surface: bool = False
    blockout: Tensor | None = None
    hold: float | None = None
