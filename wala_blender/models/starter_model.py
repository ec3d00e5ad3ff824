"""Second stage of starter models: one denoiser for all conditions, and the encoders of the configuration."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

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
from ..networks.key_mapping import Rename, renamed
from ..networks.layers import convolution, normal_parameter
from .starter_config import StarterConfig, conditions_of


def _with_current_keys(module: "Starter", state: dict[str, Tensor], prefix: str, *_) -> None:
    """Renames the keys of a state dict that is being loaded, in place."""
    own = {key.removeprefix(prefix): state.pop(key) for key in list(state) if key.startswith(prefix)}
    state |= {prefix + key: value for key, value in renamed(own, module.published_layout).items()}


class Starter(nn.Module):
    """Encoders by name and the denoiser. ``encode`` returns a Condition; ``empty`` the unconditional one for guidance.

    Each condition carries a draft: an initial estimate of the latent, predicted from the grid features by two
    convolutions. It is the last LATENT_CHANNELS of the grid features, and an input of every denoising step, so that the
    first steps, which matter most when sampling in few, start from it.
    """

    views = ()  # cameras of its pictures: any
    published_layout = (  # keys of files that were written before they had their present names
        Rename("usual", ("mean_latent",)),
        Rename("nothing", ("null_token",)),
        Rename(r"kinds\.(.+)", (r"type_embeddings.\1",)),
    )

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
        # The offset of every draft
        self.mean_latent = nn.Parameter(torch.zeros(1, LATENT_CHANNELS, *[config.denoiser.grid] * 3))
        self.type_embeddings = nn.ParameterDict({name: normal_parameter((1, 1, width)) for name in config.encoders})
        self.null_token = normal_parameter((1, 1, width))
        self.denoiser = UViT(config.denoiser)
        # Not zero-initialised like the rest: a short training learns most from the grid features.
        self.denoiser.grid_in.reset_parameters()
        self.schedule = Schedule()
        self.register_load_state_dict_pre_hook(_with_current_keys)

    @property
    def encoding_modules(self) -> tuple[nn.Module, ...]:
        """Modules that ``encode``, ``empty`` and ``denoise`` need: all, as the model is small."""
        return (self,)

    denoising_modules = encoding_modules

    def prepare(self, kind: str, inputs: dict) -> Prepared:
        """Raw inputs of one condition, with an optional prompt and further conditions' inputs ("beside") → the input of
        ``encode``. Where the first does not say where the shape is, another one may. Raises InputError for unusable
        ones."""
        several = {kind: inputs, **inputs.get("beside", {})}
        if has_prompt_beside(kind, inputs):
            several.setdefault("text", inputs)
        prepared = {name: self._prepared(name, raw) for name, raw in several.items()}
        placed = next((one for one in prepared.values() if one.observation is not None), prepared[kind])
        return replace(
            placed,
            tensors=prepared[kind].tensors,
            beside={name: one.tensors for name, one in prepared.items() if name != kind},
            weights=inputs.get("weights", {}),
            note=". ".join(dict.fromkeys(filter(None, (one.note for one in prepared.values())))),
        )

    def _prepared(self, kind: str, inputs: dict) -> Prepared:
        if not self.takes(kind):
            raise InputError(f"the model has no encoder of {kind}", "Choose another input, or another model.")
        return SPECS[kind].implementation.prepare(inputs, self)

    def takes(self, kind: str) -> bool:
        """Whether the model has an encoder for a condition."""
        return kind in conditions_of(self.config.encoders)

    def encode(
        self,
        kind: str,
        *inputs: Tensor,
        beside: Mapping[str, tuple[Tensor, ...]] = MappingProxyType({}),
        weights: Mapping[str, float] = MappingProxyType({}),
    ) -> Condition:
        """Condition of a batch of prepared inputs of one kind (the arguments of its encoder's forward), and of those of
        other kinds ``beside`` it, with its draft; see ``encode_several``."""
        return self.encode_several({kind: inputs, **beside}, weights)

    def encode_several(
        self, inputs: Mapping[str, tuple[Tensor, ...]], weights: Mapping[str, float] = MappingProxyType({})
    ) -> Condition:
        """Condition of prepared inputs of several kinds, each a batch of the same shapes: concatenated tokens, summed
        grid features, mean draft; for no inputs the empty one. ``weights``, by kind, 1 where there is none: 0 leaves an
        input out, between 0 and 1 lie its tokens and features between none and its own, and its share of the draft."""
        named = [
            (SPECS[kind].encoder, tensors, weights.get(kind, 1.0))
            for kind, tensors in inputs.items()
            if SPECS[kind].encoder and weights.get(kind, 1.0) > 0
        ]
        if not named:
            config = self.config.denoiser
            return Condition(self.null_token, self.null_token.new_zeros(1, config.grid_channels, *[config.grid] * 3))
        encoded = [(name, weight, *self.encoders[name](*tensors)) for name, tensors, weight in named]
        tokens = torch.cat(
            [
                torch.lerp(self.null_token.expand_as(tokens), tokens + self.type_embeddings[name], weight)
                for name, weight, tokens, _ in encoded
            ],
            dim=1,
        )
        drafts = sum(weight * self.drafts[name](grid) for name, weight, _, grid in encoded)
        grid = sum(weight * grid for _, weight, _, grid in encoded)
        total = sum(weight for _, _, weight in named)
        return Condition(tokens, torch.cat([grid, self.mean_latent + drafts / total], dim=1))

    def draft(self, condition: Condition) -> Tensor:
        """A condition's draft (B, 4, 12, 12, 12)."""
        return condition.grid[:, -LATENT_CHANNELS:]

    def empty(self, condition: Condition) -> Condition:
        """The empty condition in the same shapes: the learned null token everywhere, zero grid features."""
        return Condition(self.null_token.expand_as(condition.tokens), torch.zeros_like(condition.grid))

    def dropped(self, condition: Condition, drop: Tensor) -> Condition:
        """condition with the rows where drop (B,) bool is set replaced by the empty one: condition dropout in
        training."""
        empty = self.empty(condition)
        return Condition(
            torch.where(drop[:, None, None], empty.tokens, condition.tokens),
            torch.where(drop[:, None, None, None, None], empty.grid, condition.grid),
        )

    def projected(self, condition: Condition) -> ProjectedCondition:
        """Part of the computation of ``denoise`` that is the same at every step."""
        return self.denoiser.projected(condition.tokens, condition.grid)

    def denoise(self, x: Tensor, t: Tensor, condition: Condition | ProjectedCondition) -> Tensor:
        """x₀ like x (B, 4, 12, 12, 12), t (B,) 0 … 999. The network's input is x scaled by √ᾱ_t, so that it is near
        zero where x is only noise."""
        return self.denoiser.denoise(x * self.schedule.signal(t, x), t, condition)
