"""Condition encoders of the published models."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from ..errors import InputError
from ..networks.dinov2 import DinoV2
from .spec import Model
from .types import Prepared


@dataclass(frozen=True)
class PublishedEncoder:
    """``setting`` of PublishedSettings configures ``network``, whose keys are ``component``'s; ``tokens(network, *what
    was prepared)`` gives its raw tokens, and the views' indices where there are any."""

    setting: str
    component: str
    network: type[nn.Module]
    tokens: Callable[..., tuple[Tensor, Tensor | None]]


def _image_tokens(encoder: nn.Module, images: Tensor, cameras: Tensor) -> tuple[Tensor, Tensor]:
    """Images (B, V, 3, 224, 224) from cameras (B, V) → tokens (B, V, N, C)."""
    return encoder(images.flatten(0, 1)).unflatten(0, images.shape[:2]), cameras


IMAGES = PublishedEncoder("image", "image_encoder", DinoV2, _image_tokens)


def several(prepare: Callable[[dict], Prepared]) -> Callable[[dict, Model], Prepared]:
    """Preparation of as many pictures as the model has views, which are the default of "views"."""

    def prepared(inputs: dict, model: Model) -> Prepared:
        result = prepare({"views": list(model.views)} | inputs if model.views else inputs)
        count = result.tensors[1].shape[1]
        if model.views and count != len(model.views):
            raise InputError(
                f"there are {count} pictures, expected {len(model.views)}",
                f"Give one for each of the views {', '.join(map(str, model.views))}.",
            )
        return result

    return prepared
