"""Normalisation of latents with long tails, channel by channel."""

import torch
from torch import Tensor, nn

DATA = 0.5  # standard deviation that normalised latents are to have: EDM's sigma_data
_QUARTILES = 0.7413  # standard deviation of a normal distribution, by the distance between its quartiles


class LatentScale(nn.Module):
    """normalised = DATA · (latent − center) / spread, with ``center`` and ``spread`` of each channel (C,)."""

    center: Tensor
    spread: Tensor

    def __init__(self, channels: int):
        super().__init__()
        self.register_buffer("center", torch.zeros(channels))
        self.register_buffer("spread", torch.ones(channels))

    @classmethod
    def of(cls, latents: Tensor, robust: bool = True) -> "LatentScale":
        """Of latents (N, C, …): median and distance between the quartiles, which long tails do not move; or else mean
        and standard deviation."""
        rows = latents.transpose(0, 1).flatten(1).double()
        scale = cls(len(rows))
        if robust:
            low, scale.center, high = (
                rows.kthvalue(max(1, round(share * rows.shape[1])), dim=1)[0].float() for share in (0.25, 0.5, 0.75)
            )
            spread = _QUARTILES * (high - low)
        else:
            scale.center, spread = rows.mean(dim=1).float(), rows.std(dim=1).float()
        scale.spread = spread.clamp(min=1e-6)
        return scale

    def forward(self, latents: Tensor) -> Tensor:
        """Latents (N, C, …) → normalised ones."""
        center, spread = self._like(latents)
        return DATA * (latents - center) / spread

    def inverse(self, normalised: Tensor) -> Tensor:
        """Normalised latents (N, C, …) → latents."""
        center, spread = self._like(normalised)
        return normalised * spread / DATA + center

    def _like(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        shape = (-1, *[1] * (latents.ndim - 2))
        return self.center.view(shape), self.spread.view(shape)
