"""Evidence of a training shape for the detail stage, with the imperfections of artists' inputs."""

import numpy as np
import torch
from torch import Tensor

from ..conditions.evidence import DepthMap, Evidence
from ..conditions.sketch import drawing_camera, with_enclosed
from ..errors import InputError
from ..geometry.cameras import PUBLISHED
from ..geometry.distance import mesh_to_distance
from ..geometry.metrics import iou
from ..geometry.renderer import trace
from ..latent_optimization import half_field
from .data.blockouts import drawn_blockout
from .data.depth_renders import published_camera, view_directions
from .data.input_augmentation import noisy_points
from .data.line_drawings import drawn, line_picture
from .latents import Latents

EVIDENCE = ("points", "voxels", "blockout", "depths", "depth", "sketch", "none")
_COUNTS = (1024, 2048, 4096, 4096)  # of points
_MAP_SIDE = 128  # pixels
_DEPTH_ERROR = 0.015  # of a map's scale and shift, where they were estimated
_HOLD_ERROR = 0.1
_TURN = 2.0  # degrees: deviation of the elevation that an artist guesses


class EvidenceSource:
    """Evidence for rows of latents. A row's blockout is generated once, as that takes longer than a training step."""

    def __init__(self, latents: Latents):
        self.latents = latents
        self._blockouts: dict[int, tuple[Tensor, float]] = {}

    def evidence(self, kind: str, row: int, tree: Tensor, decoded: Tensor, generator: torch.Generator) -> Evidence:
        """Evidence of one row, from its true tree (64, 46, 46, 46) and the decoded one (1, 64, 46, 46, 46), which a
        drawing is aligned with."""
        if kind == "points":
            return Evidence(points=self._points(row, generator))
        if kind == "voxels":
            return Evidence(voxels=self.latents.occupancy[row, 0] > 0.5)
        if kind in ("depths", "depth"):
            return Evidence(depths=_maps(half_field(tree[None]), 1 if kind == "depth" else None, generator))
        if kind == "blockout":
            distance, likeness = self._blockout(row, half_field(tree[None]))
            hold = likeness + _HOLD_ERROR * float(torch.randn(1, generator=generator))
            return Evidence(blockout=distance.float(), hold=min(max(hold, 0.0), 1.0))
        if kind == "sketch":
            return self._sketch(row, decoded, generator)
        return Evidence()

    def _points(self, row: int, generator: torch.Generator) -> Tensor:
        cloud = self.latents.points[row].float()
        count = _COUNTS[int(torch.randint(len(_COUNTS), (1,), generator=generator))]
        cloud = cloud[torch.randperm(len(cloud), generator=generator)[:count]]
        clean = float(torch.rand(1, generator=generator)) < 0.5
        return cloud if clean else noisy_points(cloud[None], generator, most=0.01)[0]

    def _blockout(self, row: int, field: Tensor) -> tuple[Tensor, float]:
        """Distance field (128, 128, 128) float16 of a blockout, and its similarity to the shape, which gives the
        hold."""
        if row not in self._blockouts:
            try:
                distance = mesh_to_distance(*drawn_blockout(field, np.random.default_rng(row)), len(field))
            except InputError:  # parts without a volume: the shape itself is all there is to block out
                distance = field.numpy()
            self._blockouts[row] = torch.from_numpy(distance).half(), iou(torch.from_numpy(distance < 0), field < 0)
        return self._blockouts[row]

    def _sketch(self, row: int, decoded: Tensor, generator: torch.Generator) -> Evidence:
        view = int(torch.randint(self.latents.depth.shape[1], (1,), generator=generator))
        lines = line_picture(self.latents.depth[row, view][None], self.latents.normal[row, view][None])
        elevation = float(self.latents.elevation[row, view]) + _TURN * float(torch.randn(1, generator=generator))
        return Evidence(
            sketch=with_enclosed(drawn(lines, generator))[0],
            camera=drawing_camera(half_field(decoded).cpu(), elevation),
        )


def _maps(field: Tensor, count: int | None, generator: torch.Generator) -> list[DepthMap]:
    """Maps of the published four or six cameras, or of some of any, half of the time of a scale and shift that are a
    little wrong."""
    draw = float(torch.rand(1, generator=generator))
    if count is None and draw < 0.75:
        directions = [PUBLISHED.direction(view) for view in PUBLISHED.sets[4 if draw < 0.35 else 6]]
    else:
        rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
        directions = view_directions(count or int(rng.integers(2, 6)), rng)
    estimated = float(torch.rand(1, generator=generator)) < 0.5
    maps = []
    for direction in directions:
        depth = trace(field, published_camera(*direction), _MAP_SIDE)[0].numpy() + PUBLISHED.distance
        if estimated:
            scale, shift = (torch.randn(2, generator=generator) * _DEPTH_ERROR).tolist()
            depth = PUBLISHED.distance + (depth - PUBLISHED.distance) * (1 + scale) + shift
        maps.append(DepthMap(depth, direction))
    return maps
