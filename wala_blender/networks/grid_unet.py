"""U-Net on two resolutions of a small grid, with attention to itself and to the words of a prompt on the coarse one:
the denoiser of colour volumes' latents (3DVADER's, after Dhariwal and Nichol 2021, made narrow for a CPU).

Letters: B batch, C channels of the latent, S its side, E a width, M tokens of a prompt.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .configs import GridUNetConfig
from .layers import (
    Attention,
    FeedForward,
    ResidualBlock,
    convolution,
    grid_to_tokens,
    normal_parameter,
    output_head,
    silu,
    sinusoids,
    tokens_to_grid,
)

_GROUPS = 16
_HEAD = 32
_MIXED = 64
NO_COLOUR = 0


@dataclass(frozen=True)
class PromptInputs:
    """What B prompts ask for: ``words`` (B, M − 1, D) unit vectors, the noun's first, zeros where there is none;
    ``colour`` (B,) numbers of colour names from 1 on, NO_COLOUR for none."""

    words: Tensor
    colour: Tensor

    @classmethod
    def empty(cls, count: int, config: GridUNetConfig) -> "PromptInputs":
        """So many that ask for nothing."""
        return cls(torch.zeros(count, config.words, config.word_size), torch.zeros(count, dtype=torch.long))

    def without(self, words: Tensor, colour: Tensor) -> "PromptInputs":
        """Without words, or colour, where these (B,) bool are true."""
        return PromptInputs(
            self.words * ~words[:, None, None], torch.where(colour, torch.zeros_like(self.colour), self.colour)
        )

    def stacked_with(self, other: "PromptInputs") -> "PromptInputs":
        """Both, one after the other."""
        return PromptInputs(torch.cat([self.words, other.words]), torch.cat([self.colour, other.colour]))

    def nothing(self) -> "PromptInputs":
        """As many that ask for nothing."""
        return PromptInputs(torch.zeros_like(self.words), torch.zeros_like(self.colour))

    def to(self, device: torch.device) -> "PromptInputs":
        """On a device."""
        return PromptInputs(self.words.to(device), self.colour.to(device))


class PromptTokens(nn.Module):
    """PromptInputs → tokens (B, M, E): of the colour, the noun, the other words."""

    def __init__(self, config: GridUNetConfig, width: int):
        super().__init__()
        self.colours = nn.Embedding(config.colours + 1, width)
        self.words = nn.Linear(config.word_size, width)
        self.places = normal_parameter((1 + config.words, width))

    def forward(self, asked: PromptInputs) -> Tensor:
        tokens = torch.cat([self.colours(asked.colour)[:, None], self.words(asked.words)], dim=1)
        return tokens + self.places


class PromptedBlock(nn.Module):
    """Self-attention of a grid's cells, attention to the prompt, feed-forward, each after a LayerNorm and added."""

    def __init__(self, width: int, context_width: int):
        super().__init__()
        heads = width // _HEAD
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.itself = Attention(width, heads)
        self.context = nn.Linear(context_width, width)
        self.prompt = Attention(width, heads, cross=True)
        self.feed_forward = FeedForward(width)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Grid (B, E, S, S, S), tokens (B, M, E') → grid."""
        h = grid_to_tokens(x)
        h = h + self.itself(self.norms[0](h))
        h = h + self.prompt(self.norms[1](h), self.context(tokens))
        h = h + self.feed_forward(self.norms[2](h))
        return tokens_to_grid(h, x.shape[-1])


class GridMixing(nn.Module):
    """Adds to every cell what a narrow vector of the whole grid, with the time and prompt, says of it: each weight is
    used once, not in every cell, so that whole objects are learned at little cost."""

    def __init__(self, channels: int, size: int, time_width: int, width: int = _MIXED):
        super().__init__()
        numbers = channels * size**3
        self.norm = nn.GroupNorm(_GROUPS, channels)
        self.gather = nn.Linear(numbers, width)
        self.mix = nn.Sequential(
            nn.Linear(width + time_width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width), nn.SiLU()
        )
        self.spread = nn.Linear(width, numbers)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """x (B, channels, size, size, size), time (B, time_width) → like x."""
        mixed = self.mix(torch.cat([self.gather(self.norm(x).flatten(1)), time], dim=1))
        return x + self.spread(mixed).view_as(x)


class GridUNet(nn.Module):
    """F of diffusion/edm.py's ``clean_preconditioned``; its output is zero before it is trained."""

    def __init__(self, config: GridUNetConfig):
        super().__init__()
        self.config = config
        fine, coarse = config.widths
        self.time_width = 2 * coarse
        self.time = nn.ModuleList([nn.Linear(fine, self.time_width), nn.Linear(self.time_width, self.time_width)])
        self.tokens = PromptTokens(config, coarse)
        self.summary = nn.Linear(2 * coarse, self.time_width)
        self.first = convolution(config.channels, fine)
        # where a cell is, as objects stand upright and in the middle
        self.places = normal_parameter((fine, config.size, config.size, config.size))
        self.down = nn.ModuleList([self._block(fine, fine), self._block(fine, coarse)])
        self.mixing = GridMixing(coarse, config.size // 2, self.time_width)
        self.middle = PromptedBlock(coarse, coarse)
        self.up = nn.ModuleList([self._block(coarse, coarse), self._block(fine, fine)])
        self.narrow = convolution(coarse, fine, kernel=1)
        self.head = output_head(fine, config.channels, _GROUPS)
        nn.init.zeros_(self.head[2].weight)
        nn.init.zeros_(self.head[2].bias)

    def _block(self, in_channels: int, out_channels: int) -> ResidualBlock:
        return ResidualBlock(in_channels, out_channels, _GROUPS, skip_kernel=1, time_width=self.time_width)

    def forward(self, x: Tensor, noise: Tensor, asked: PromptInputs) -> Tensor:
        """x (B, C, S, S, S) of unit variance, noise (B,) = ln sigma / 4 → like x."""
        tokens = self.tokens(asked)
        waves = sinusoids(1000 * noise, self.config.widths[0]).to(tokens.dtype)
        time = self.time[1](silu(self.time[0](waves))) + self.summary(tokens[:, :2].flatten(1))  # colour and noun
        h0 = self.first(x) + self.places
        h1 = self.down[0](h0, time)
        h = self.down[1](F.avg_pool3d(h1, 2), time)
        h = self.up[0](self.middle(self.mixing(h, time), tokens), time)
        h = h1 + F.interpolate(self.narrow(h), scale_factor=2, mode="nearest")
        return self.head(self.up[1](h, time))
