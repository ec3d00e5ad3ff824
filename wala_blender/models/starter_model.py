"""The starter model's second stage: one denoiser for all its conditions, and their encoders. Knows which conditions
there are; not raw inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from ..conditions import depth, image, points, sketch, text, voxels
from ..conditions.depth import PlacedDepths
from ..conditions.points import PlacedPoints
from ..conditions.sketch import SketchEncoder
from ..conditions.spec import has_prompt_beside
from ..conditions.text import TextEncoder
from ..conditions.types import Prepared
from ..conditions.voxels import PlacedVoxels
from ..diffusion.schedule import Schedule
from ..networks.condition import Condition
from ..networks.configs import CONTEXT_WIDTH, GRID_CHANNELS, LATENT_CHANNELS, StarterConfig
from ..networks.denoiser import UViT
from ..networks.layers import convolution, normal_parameter


@dataclass(frozen=True)
class Kind:
    """A condition of this model: ``prepare`` turns raw inputs (see conditions/inputs.py) into what the forward of
    ``encoder`` (a name in ENCODERS) takes; without one nothing is encoded."""

    encoder: str | None
    prepare: Callable[[dict], Prepared]


ENCODERS: dict[str, type[nn.Module]] = {
    "text": TextEncoder,
    "sketch": SketchEncoder,
    "voxels": PlacedVoxels,
    "points": PlacedPoints,
    "depths": PlacedDepths,
}
KINDS = {
    "text": Kind("text", text.prepare),
    "sketch": Kind("sketch", sketch.prepare),
    "image": Kind("sketch", image.prepare),
    "depth": Kind("depths", depth.prepare_one),
    "depths": Kind("depths", depth.prepare),
    "voxels": Kind("voxels", voxels.prepare),
    "points": Kind("points", points.prepare),
    "none": Kind(None, lambda inputs: Prepared(())),
}


class Starter(nn.Module):
    """Encoders by name and the denoiser. ``encode`` gives a Condition; ``empty`` the one guidance compares it with.

    A condition carries a draft: the latent as far as two convolutions on the placed features can tell it, the mean of
    all that fit. It is the last LATENT_CHANNELS of the placed features, and every denoising step sees it: the first
    ones, on which sampling in few steps lives, start from what is known.
    """

    views = ()  # of the pictures it takes: any

    def __init__(self, config: StarterConfig = StarterConfig(), vocabulary: Path = text.VOCABULARY):
        super().__init__()
        self.config, self.vocabulary = config, vocabulary
        self.encoders = nn.ModuleDict({name: encoder() for name, encoder in ENCODERS.items()})
        self.drafts = nn.ModuleDict(
            {
                name: nn.Sequential(
                    convolution(GRID_CHANNELS, GRID_CHANNELS), nn.SiLU(), convolution(GRID_CHANNELS, LATENT_CHANNELS, 1)
                )
                for name in ENCODERS
            }
        )
        self.usual = nn.Parameter(
            torch.zeros(1, LATENT_CHANNELS, *[config.denoiser.grid] * 3)
        )  # what a draft starts from
        self.kinds = nn.ParameterDict({name: normal_parameter((1, 1, CONTEXT_WIDTH)) for name in ENCODERS})
        self.nothing = normal_parameter((1, 1, CONTEXT_WIDTH))
        self.denoiser = UViT(config.denoiser)
        # Not from zero like the rest: from the placed features a short training learns most.
        self.denoiser.grid_in.reset_parameters()
        self.schedule = Schedule()

    @property
    def encoding_modules(self) -> tuple[nn.Module, ...]:
        """What ``encode``, ``empty`` and ``denoise`` need: all of it, for it is small."""
        return (self,)

    denoising_modules = encoding_modules

    def prepare(self, kind: str, inputs: dict) -> Prepared:
        """Raw inputs of one kind, and a prompt beside it where there is one → what ``encode`` takes. Raises InputError
        for unusable ones."""
        inputs = {"vocabulary": self.vocabulary, **inputs}
        prepared = KINDS[kind].prepare(inputs)
        if not has_prompt_beside(kind, inputs):
            return prepared
        words = text.prepare(inputs)
        return replace(prepared, words=words.tensors, note=". ".join(filter(None, (prepared.note, words.note))))

    def encode(self, kind: str, *inputs: Tensor, words: tuple[Tensor, ...] = ()) -> Condition:
        """Condition of a batch of prepared inputs of one kind (what its encoder's forward takes), and words beside it,
        with its draft."""
        return self.encode_several({kind: inputs, "text": words} if words else {kind: inputs})

    def encode_several(self, inputs: Mapping[str, tuple[Tensor, ...]]) -> Condition:
        """Condition of prepared inputs of any kinds at once, each a batch about the same shapes: their tokens in a row,
        their placed features added up, their drafts' mean; of none: the empty one."""
        named = [(KINDS[kind].encoder, tensors) for kind, tensors in inputs.items() if KINDS[kind].encoder]
        if not named:
            cells = self.config.denoiser.grid
            return Condition(
                self.nothing, self.nothing.new_zeros(1, GRID_CHANNELS + LATENT_CHANNELS, cells, cells, cells)
            )
        encoded = [(name, *self.encoders[name](*tensors)) for name, tensors in named]
        tokens = torch.cat([tokens + self.kinds[name] for name, tokens, _ in encoded], dim=1)
        drafts = [self.drafts[name](grid) for name, _, grid in encoded]
        grid = sum(grid for _, _, grid in encoded)
        return Condition(tokens, torch.cat([grid, self.usual + sum(drafts) / len(drafts)], dim=1))

    def draft(self, condition: Condition) -> Tensor:
        """A condition's draft (B, 4, 12, 12, 12)."""
        return condition.grid[:, -LATENT_CHANNELS:]

    def empty(self, condition: Condition) -> Condition:
        """The empty condition of the same shapes: every token the learned one, nothing in place."""
        return Condition(self.nothing.expand_as(condition.tokens), torch.zeros_like(condition.grid))

    def dropped(self, condition: Condition, drop: Tensor) -> Condition:
        """condition with the rows where drop (B,) bool is set made empty: for training."""
        empty = self.empty(condition)
        return Condition(
            torch.where(drop[:, None, None], empty.tokens, condition.tokens),
            torch.where(drop[:, None, None, None, None], empty.grid, condition.grid),
        )

    def denoise(self, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """x₀ like x (B, 4, 12, 12, 12), t (B,) 0 … 999. The network sees x by the share of it that is signal, so that
        it has nothing to unlearn where all is noise."""
        return self.denoiser.denoise(x * self.schedule.signal(t, x), t, condition)
