"""The starter model's second stage: one denoiser for all its conditions, and their encoders. Knows which conditions there are; not raw inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..conditions import points, sketch, text, voxels
from ..conditions.condition import Condition, Prepared
from ..conditions.points import PlacedPoints
from ..conditions.sketch import SketchEncoder
from ..conditions.text import TextEncoder
from ..conditions.voxels import PlacedVoxels
from ..denoiser import UViT, UViTConfig


@dataclass(frozen=True)
class Kind:
    """A condition of this model: ``prepare`` turns raw inputs (see conditions/inputs.py) into what ``encoder``'s forward takes."""

    encoder: type[nn.Module]
    prepare: Callable[[dict], Prepared]


KINDS = {
    "text": Kind(TextEncoder, text.prepare),
    "sketch": Kind(SketchEncoder, sketch.prepare),
    "voxels": Kind(PlacedVoxels, voxels.prepare),
    "points": Kind(PlacedPoints, points.prepare),
}
CONTEXT_WIDTH = 192
GRID_CHANNELS = 64
LATENT_CHANNELS = 4
DRAFT_TIME = 1000.0  # one past the noisiest timestep


@dataclass(frozen=True)
class StarterConfig:
    """The denoiser's configuration; the encoders' are their defaults."""

    denoiser: UViTConfig = UViTConfig(width=224, blocks=5, heads=7, channels=64, res_blocks=1, patch=3, context_width=CONTEXT_WIDTH,
                                      context_to_time=True, grid_channels=GRID_CHANNELS + LATENT_CHANNELS, norm_groups=16)


class Starter(nn.Module):
    """Encoders by name and the denoiser. ``encode`` gives a Condition; ``empty`` the one guidance compares it with.

    A condition carries a draft: what the denoiser says of the latent from the condition alone, without any noise to be misled by (the
    mean of all latents that fit it). Every denoising step sees it, so that the first ones, on which sampling in few steps lives, start
    from what is known. It is the last LATENT_CHANNELS of the placed features, and the denoiser's own answer to zeros at DRAFT_TIME.
    """

    def __init__(self, config: StarterConfig = StarterConfig(), vocabulary: Path = text.VOCABULARY):
        super().__init__()
        self.config, self.vocabulary = config, vocabulary
        self.encoders = nn.ModuleDict({name: kind.encoder() for name, kind in KINDS.items()})
        self.kinds = nn.ParameterDict({name: nn.Parameter(0.02 * torch.randn(1, 1, CONTEXT_WIDTH)) for name in KINDS})
        self.nothing = nn.Parameter(0.02 * torch.randn(1, 1, CONTEXT_WIDTH))
        self.denoiser = UViT(config.denoiser)
        # Not from zero like the rest: from the placed features a short training learns most.
        self.denoiser.grid_in.reset_parameters()

    @property
    def encoding_modules(self) -> tuple[nn.Module, ...]:
        """What ``encode`` and ``empty`` need: all of it, for the denoiser makes the draft."""
        return (self,)

    denoising_modules = encoding_modules

    def prepare(self, kind: str, inputs: dict) -> Prepared:
        """Raw inputs of one kind → what ``encode`` takes. Raises InputError for unusable ones."""
        return KINDS[kind].prepare({"vocabulary": self.vocabulary, **inputs})

    def encode(self, kind: str, *inputs: Tensor) -> Condition:
        """Condition of a batch of prepared inputs of one kind (what its encoder's forward takes), with its draft."""
        return self.encode_several({kind: inputs})

    def encode_several(self, inputs: Mapping[str, tuple[Tensor, ...]]) -> Condition:
        """Condition, with its draft, of prepared inputs of any kinds at once, each a batch about the same shapes; of none: the empty one."""
        if not inputs:
            cells = self.config.denoiser.grid
            return Condition(self.nothing, self.nothing.new_zeros(1, GRID_CHANNELS + LATENT_CHANNELS, cells, cells, cells))
        condition = self.features(inputs)
        return self.with_draft(condition, self.draft(condition))

    def features(self, inputs: Mapping[str, tuple[Tensor, ...]]) -> Condition:
        """The same before it has a draft: the kinds' tokens in a row, their placed features added up, zeros in the draft's place."""
        encoded = {kind: self.encoders[kind](*tensors) for kind, tensors in inputs.items()}
        tokens = torch.cat([tokens + self.kinds[kind] for kind, (tokens, _) in encoded.items()], dim=1)
        return Condition(tokens, F.pad(sum(grid for _, grid in encoded.values()), (0, 0) * 3 + (0, LATENT_CHANNELS)))

    def draft(self, condition: Condition) -> Tensor:
        """Draft (B, 4, 12, 12, 12) from ``features``."""
        B, _, *size = condition.grid.shape
        nothing = condition.grid.new_zeros(B, LATENT_CHANNELS, *size)
        return self.denoiser(nothing, condition.grid.new_full((B,), DRAFT_TIME), condition.tokens, condition.grid)

    def with_draft(self, condition: Condition, draft: Tensor) -> Condition:
        grid = torch.cat([condition.grid[:, :-LATENT_CHANNELS], draft.to(condition.grid.dtype)], dim=1)
        return Condition(condition.tokens, grid)

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
