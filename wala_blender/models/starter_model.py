"""Second stage of starter models: one denoiser for all conditions, and the encoders of the configuration."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from ..conditions import text
from ..conditions.specs import SPECS, has_prompt_beside
from ..conditions.types import Prepared
from ..diffusion.schedule import Schedule
from ..errors import InputError
from ..networks.condition import Condition
from ..networks.configs import LATENT_CHANNELS
from ..networks.denoiser import ProjectedCondition, UViT
from ..networks.layers import convolution, normal_parameter
from .starter_config import StarterConfig, conditions_of


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
        width = config.denoiser.context_width
        grid_channels = config.denoiser.grid_channels - LATENT_CHANNELS
        self.encoders = nn.ModuleDict(
            {name: SPECS[name].implementation.encoder(encoder) for name, encoder in config.encoders.items()}
        )
        self.drafts = nn.ModuleDict(
            {
                name: nn.Sequential(
                    convolution(grid_channels, grid_channels), nn.SiLU(), convolution(grid_channels, LATENT_CHANNELS, 1)
                )
                for name in config.encoders
            }
        )
        # What a draft starts from
        self.usual = nn.Parameter(torch.zeros(1, LATENT_CHANNELS, *[config.denoiser.grid] * 3))
        self.kinds = nn.ParameterDict({name: normal_parameter((1, 1, width)) for name in config.encoders})
        self.nothing = normal_parameter((1, 1, width))
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
        prepared = self._prepared(kind, inputs)
        if not has_prompt_beside(kind, inputs):
            return prepared
        words = self._prepared("text", inputs)
        return replace(prepared, words=words.tensors, note=". ".join(filter(None, (prepared.note, words.note))))

    def _prepared(self, kind: str, inputs: dict) -> Prepared:
        if not self.takes(kind):
            raise InputError(f"the model has no encoder of {kind}", "Choose another input, or another model.")
        return SPECS[kind].implementation.prepare(inputs, self)

    def takes(self, kind: str) -> bool:
        """Whether its encoders can read conditions of a kind."""
        return kind in conditions_of(self.config.encoders)

    def encode(self, kind: str, *inputs: Tensor, words: tuple[Tensor, ...] = ()) -> Condition:
        """Condition of a batch of prepared inputs of one kind (what its encoder's forward takes), and words beside it,
        with its draft."""
        return self.encode_several({kind: inputs, "text": words} if words else {kind: inputs})

    def encode_several(self, inputs: Mapping[str, tuple[Tensor, ...]]) -> Condition:
        """Condition of prepared inputs of any kinds at once, each a batch about the same shapes: their tokens in a row,
        their placed features added up, their drafts' mean; of none: the empty one."""
        named = [(SPECS[kind].encoder, tensors) for kind, tensors in inputs.items() if SPECS[kind].encoder]
        if not named:
            config = self.config.denoiser
            return Condition(self.nothing, self.nothing.new_zeros(1, config.grid_channels, *[config.grid] * 3))
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

    def projected(self, condition: Condition) -> ProjectedCondition:
        """What ``denoise`` makes of a condition at every step, to do it once."""
        return self.denoiser.projected(condition.tokens, condition.grid)

    def denoise(self, x: Tensor, t: Tensor, condition: Condition | ProjectedCondition) -> Tensor:
        """x₀ like x (B, 4, 12, 12, 12), t (B,) 0 … 999. The network sees x by the share of it that is signal, so that
        it has nothing to unlearn where all is noise."""
        return self.denoiser.denoise(x * self.schedule.signal(t, x), t, condition)
