"""Evidence of a condition about the shape, in model space: the input of the detail stage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from ..geometry.renderer import Camera


@dataclass(frozen=True)
class DepthMap:
    """One depth map of the published lens: depth (S, S) along the viewing direction, model units from the eye, inf
    where nothing is; direction: azimuth and elevation in degrees."""

    depth: np.ndarray
    direction: tuple[float, float]


@dataclass(frozen=True)
class Evidence:
    """Evidence of a shape, in model space.

    points (N, 3) of its surface; voxels (C, C, C) bool, filled where any of it is; blockout: distance field (R, R, R)
    of a rough version, and ``hold``, the share of it to keep, 0 … 1; depths: maps of known depths; sketch: line picture
    and silhouette (2, S, S), from a parallel ``camera``.
    """

    points: Tensor | None = None
    voxels: Tensor | None = None
    blockout: Tensor | None = None
    hold: float = 0.5
    depths: Sequence[DepthMap] = field(default=())
    sketch: Tensor | None = None
    camera: Camera = Camera(0.0)


# The half field (128, 128, 128) of what was decoded, see latent_optimization.half_field → the evidence: what has no
# scale of its own is laid over it.
EvidenceFor = Callable[[Tensor], Evidence]
