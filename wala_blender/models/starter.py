"""The starter model's second stage: one denoiser for all its conditions, and their encoders. Knows which conditions there are; not raw inputs."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..conditions.condition import Condition
from ..conditions.points import PlacedPoints
from ..conditions.sketch import SketchEncoder
from ..conditions.text import TextEncoder
from ..conditions.voxels import PlacedVoxels
from ..denoiser import UViT, UViTConfig

ENCODERS: dict[str, type[nn.Module]] = {"text": TextEncoder, "sketch": SketchEncoder, "voxels": PlacedVoxels, "points": PlacedPoints}
CONTEXT_WIDTH = 192
GRID_CHANNELS = 64


@dataclass(frozen=True)
class StarterConfig:
    """The denoiser's configuration; the encoders' are their defaults."""

    denoiser: UViTConfig = UViTConfig(width=224, blocks=5, heads=7, channels=64, res_blocks=1, patch=3, context_width=CONTEXT_WIDTH,
                                      context_to_time=True, grid_channels=GRID_CHANNELS, norm_groups=16)


class Starter(nn.Module):
    """Encoders by name and the denoiser. ``encode`` gives a Condition; ``empty`` the one guidance compares it with."""

    def __init__(self, config: StarterConfig = StarterConfig()):
        super().__init__()
        self.config = config
        self.encoders = nn.ModuleDict({name: encoder() for name, encoder in ENCODERS.items()})
        self.kinds = nn.ParameterDict({name: nn.Parameter(0.02 * torch.randn(1, 1, CONTEXT_WIDTH)) for name in ENCODERS})
        self.nothing = nn.Parameter(0.02 * torch.randn(1, 1, CONTEXT_WIDTH))
        self.denoiser = UViT(config.denoiser)
        # Not from zero like the rest: from the placed features a short training learns most.
        self.denoiser.grid_in.reset_parameters()

    def encode(self, kind: str, *inputs: Tensor) -> Condition:
        """Condition of a batch of prepared inputs of one kind (what its encoder's forward takes)."""
        tokens, grid = self.encoders[kind](*inputs)
        return Condition(tokens + self.kinds[kind], grid)

    def empty(self, condition: Condition) -> Condition:
        """The empty condition of the same shapes: every token the learned one, nothing in place."""
        return Condition(self.nothing.expand_as(condition.tokens), torch.zeros_like(condition.grid))

    def dropped(self, condition: Condition, drop: Tensor) -> Condition:
        """condition with the rows where drop (B,) bool is set made empty: for training."""
        empty = self.empty(condition)
        return Condition(torch.where(drop[:, None, None], empty.tokens, condition.tokens),
                         torch.where(drop[:, None, None, None, None], empty.grid, condition.grid))

    def denoise(self, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
        return self.denoiser.denoise(x, t, condition)
