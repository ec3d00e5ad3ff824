"""Codec round trip: the loss of each stage, distance field → wavelet tree → latent and back."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from .geometry.metrics import iou
from .wavelet import field_to_tree, tree_to_field
from .wavelet.tree import COARSE

if TYPE_CHECKING:
    from .pipeline import Pipeline


@dataclass(frozen=True)
class Stage:
    """``iou`` of what comes back from the stage with the input's field (0…1), and how many ``numbers`` the stage
    holds."""

    name: str
    iou: float
    numbers: int


def round_trip(
    field: np.ndarray | torch.Tensor, pipeline: "Pipeline | None" = None, fit: int = 0
) -> tuple[list[Stage], torch.Tensor]:
    """Stages "coarse", "wavelet_tree" and, with a pipeline, "latent" of field (256, 256, 256); and the field that came
    back from the last.

    "coarse" is the wavelet tree's coarse coefficients alone. fit: see Pipeline.field_to_latent.
    """
    field = torch.as_tensor(field, dtype=torch.float32)
    inside = field < 0
    tree = field_to_tree(field[None])
    coarse = torch.zeros_like(tree)
    coarse[:, COARSE] = tree[:, COARSE]
    stages = [Stage("coarse", iou(tree_to_field(coarse)[0] < 0, inside), tree[:, COARSE].numel())]
    back = tree_to_field(tree)[0]
    stages.append(Stage("wavelet_tree", iou(back < 0, inside), tree.numel()))
    if pipeline is not None:
        latent = pipeline.field_to_latent(field, fit)
        back = torch.as_tensor(pipeline.latent_to_field(latent)).cpu()
        stages.append(Stage("latent", iou(back < 0, inside), latent.numel()))
    return stages, back
