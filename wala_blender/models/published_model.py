"""Second stage of the published models: the denoiser and the encoder of its one condition."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from ..conditions.processing import ConditionProcessing
from ..conditions.specs import SPECS
from ..conditions.types import Prepared
from ..errors import ModelError
from ..networks.condition import Condition
from ..networks.denoiser import ProjectedCondition, UViT
from .published_config import PublishedSettings

# The large networks may be of half precision; point coordinates, camera tables and what is under them keep all their
# digits.
LARGE = frozenset({"denoiser", "image_encoder"})


@dataclass(frozen=True)
class ViewCondition(Condition):
    """A condition with the cameras (B, V) of its tokens, which the empty one shares."""

    views: Tensor | None = None


class PublishedModel(nn.Module):
    """Denoiser, encoder and condition processing of ``settings``; ``kind`` is its condition. Same interface as Starter.

    ``views``: the cameras of the pictures it takes, () where it does not matter. ``points``: how many points are read.
    The modules' names are the checkpoint's components.
    """

    def __init__(self, settings: PublishedSettings, kind: str, views: tuple[int, ...] = (), point_count: int = 25_000):
        super().__init__()
        if settings.denoiser is None:
            raise ModelError("the checkpoint holds an autoencoder alone", "Give the folder of a whole model.")
        self.kind, self.views, self.point_count = kind, views, point_count
        self.denoiser = UViT(settings.denoiser)
        self.processing = ConditionProcessing(settings.processing) if settings.processing else None
        self.reader = SPECS[kind].implementation.published_encoder
        configuration = self.reader and getattr(settings, self.reader.setting)
        if (self.processing is None) != (configuration is None):
            raise ModelError(f"the settings name no encoder of {kind}", "Check args.json.")
        if self.reader is not None:
            self.add_module(self.reader.component, self.reader.network(configuration))

    @property
    def encoder(self) -> nn.Module:
        return self.get_submodule(self.reader.component)

    def components(self) -> dict[str, nn.Module]:
        """Component name → module, for the loader."""
        return {name: module for name, module in self.named_children() if module is not None}

    @property
    def encoding_modules(self) -> tuple[nn.Module, ...]:
        """What ``encode`` and ``empty`` need."""
        return () if self.reader is None else (self.encoder, self.processing)

    @property
    def denoising_modules(self) -> tuple[nn.Module, ...]:
        """What ``denoise`` needs."""
        return (self.denoiser,)

    def prepare(self, kind: str, inputs: dict) -> Prepared:
        """Raw inputs of the model's kind → what ``encode`` takes. Raises InputError for unusable ones."""
        return SPECS[kind].implementation.published_prepare(inputs, self)

    def encode(
        self,
        kind: str,
        *inputs: Tensor,
        beside: Mapping[str, tuple[Tensor, ...]] = MappingProxyType({}),
        weights: Mapping[str, float] = MappingProxyType({}),
    ) -> Condition:
        """Condition of a batch of prepared inputs; these models take nothing ``beside`` them."""
        if self.reader is None:
            return Condition()
        dtype = next(self.encoder.parameters()).dtype
        tokens, views = self.reader.tokens(self.encoder, *(x.to(dtype) if x.is_floating_point() else x for x in inputs))
        processed = self.processing(tokens.to(self.processing.cond_pos_emb.dtype), views)
        return ViewCondition(processed.tokens, views=views)

    def empty(self, condition: ViewCondition) -> Condition:
        """The empty condition of guidance: zeros as raw tokens, from the same cameras."""
        table = self.processing.cond_pos_emb
        cameras = condition.tokens.shape[:1] if condition.views is None else condition.views.shape
        return self.processing.empty(table.new_zeros(*cameras, *table.shape[1:]), condition.views)

    def projected(self, condition: Condition) -> ProjectedCondition:
        """Part of the computation of ``denoise`` that is the same at every step, in the denoiser's precision."""
        return self.denoiser.projected(None if condition.tokens is None else condition.tokens.to(self._precision))

    @property
    def _precision(self) -> torch.dtype:
        return self.denoiser.pos_emb.dtype

    def denoise(self, x: Tensor, t: Tensor, condition: Condition | ProjectedCondition) -> Tensor:
        """Like UViT.denoise, in the denoiser's precision; input and output keep their own."""
        if not isinstance(condition, ProjectedCondition):
            condition = self.projected(condition)
        return self.denoiser.denoise(x.to(self._precision), t, condition).to(x.dtype)
