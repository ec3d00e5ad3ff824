"""Raw condition tokens → the tokens of a published denoiser: mapping, position embedding, camera rows."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..networks.condition import Condition
from ..networks.layers import normal_parameter


@dataclass(frozen=True)
class ProcessingConfig:
    """``tokens`` (their number, per view) × ``token_width``; ``camera_rows`` 0 without cameras.

    ``training_views``: the camera table has one row for each of these view indices, in this order; None: row = view
    index.
    """

    tokens: int
    token_width: int
    mapping_layers: int = 0
    camera_rows: int = 0
    training_views: tuple[int, ...] | None = None


class ConditionProcessing(nn.Module):
    """(optional mapping) + position embedding (+ the camera's row, per view), views flattened."""

    def __init__(self, config: ProcessingConfig):
        super().__init__()
        self.config = config
        width = config.token_width
        layers = (nn.Sequential(nn.Linear(width, width), nn.SiLU()) for _ in range(config.mapping_layers))
        self.cond_mapping_network = nn.Sequential(*layers)
        self.cond_pos_emb = normal_parameter((1, config.tokens, width))
        self.camera_emb = nn.Embedding(config.camera_rows, width) if config.camera_rows else None

    def camera_row_indices(self, views: Tensor) -> Tensor:
        """View indices of any shape → rows of the camera table; InputError for a view that the model does not have."""
        known = self.config.training_views or tuple(range(self.config.camera_rows))
        unknown = sorted(set(views.flatten().tolist()) - set(known))
        if unknown:
            raise InputError(
                f"view {unknown[0]} is unknown to the model", f"It was trained on views {', '.join(map(str, known))}"
            )
        return torch.tensor([known.index(view) for view in views.flatten().tolist()], device=views.device).reshape(
            views.shape
        )

    def forward(self, tokens: Tensor, views: Tensor | None = None) -> Condition:
        """tokens (B, N, C) with views (B,), or (B, V, N, C) with views (B, V) → Condition of (B, V·N, C).

        ``views``: int64 view indices; needed by models with a camera table, ignored by others.
        """
        h = self.cond_mapping_network(tokens) + self.cond_pos_emb
        if self.camera_emb is not None:
            if views is None:
                raise InputError("this model needs the view index of every image")
            h = h + self.camera_emb(self.camera_row_indices(views))[..., None, :]
        return Condition(h.reshape(len(h), -1, h.shape[-1]))

    def empty(self, tokens: Tensor, views: Tensor | None = None) -> Condition:
        """The empty condition of guidance: zeros in place of ``tokens``, processed in the same way."""
        return self(torch.zeros_like(tokens), views)
