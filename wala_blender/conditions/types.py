"""Prepared inputs: what a raw input becomes before a condition's encoder reads it."""

from dataclasses import dataclass

from torch import Tensor

from ..geometry.distance import Frame
from .evidence import EvidenceFor
from .shape_constraints import Observation


@dataclass(frozen=True)
class Prepared:
    """A prepared input: ``tensors``, a batch of one, are the arguments of the condition's encoder; ``frame``: position
    of the input's coordinates in model space, ``observation``: its shape constraint; both None for inputs without a
    position. ``prompt_tensors``: arguments of the text encoder, if a prompt came with the input; ``note``: a remark for
    the user; ``in_parts``: the input has several loose parts; ``evidence``: input of the detail stage; ``has_surface``:
    it has surface points, see surface_points; ``blockout``: distance field (R, R, R) of the input's own surface, of
    which the result keeps the share ``hold``, None: the model's default."""

    tensors: tuple[Tensor, ...]
    frame: Frame | None = None
    observation: Observation | None = None
    prompt_tensors: tuple[Tensor, ...] = ()
    note: str = ""
    in_parts: bool = False
    evidence: EvidenceFor | None = None
    has_surface: bool = False
    blockout: Tensor | None = None
    hold: float | None = None
