"""Model of colour volumes: a denoiser of latents, the latents' scale, and the decoder that makes volumes of them."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..diffusion import edm
from ..diffusion.guidance import conditioned, guided
from ..errors import ModelError
from ..files import file_digest
from ..networks.autodecoder import VolumeDecoder
from ..networks.configs import VolumeModelConfig
from ..networks.grid_unet import GridUNet, PromptInputs
from ..networks.latent_scale import DATA, LatentScale
from .checkpoint import load_components
from .construction import without_weights
from .loading import HASH_DIGITS
from .registry import ModelRow

COMPONENT = "volumes"


class VolumeModel(nn.Module):
    """Prompts and noise → latents → colour volumes (see geometry.colour_volume)."""

    def __init__(self, config: VolumeModelConfig):
        super().__init__()
        self.config = config
        self.denoiser = GridUNet(config.denoiser)
        self.scale = LatentScale(config.denoiser.channels)
        self.decoder = VolumeDecoder(config.widths)

    def noise_of_seed(self, seed: int) -> Tensor:
        """Unit noise (1, C, S, S, S) of a seed, the same on every device."""
        config = self.config.denoiser
        shape = (1, config.channels, config.size, config.size, config.size)
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def sample(
        self,
        noise: Tensor,
        asked: PromptInputs | None,
        steps: int,
        guidance: float | None = None,
        on_step: Callable[[int, int], None] | None = None,
    ) -> Tensor:
        """Latents (B, C, S, S, S) of unit noise like them. asked: None for any object. guidance: unconditional +
        guidance · (conditional − unconditional); None for none. on_step(step, steps) may raise to stop."""
        wanted = asked or PromptInputs.empty(len(noise), self.config.denoiser).to(noise.device)
        network = (
            conditioned(self.denoiser, wanted)
            if asked is None or guidance is None
            else guided(self.denoiser, wanted.stacked_with(wanted.nothing()), guidance)
        )
        sigmas = edm.noise_levels(steps)
        normalised = edm.heun(edm.clean_preconditioned(network, DATA), sigmas, float(sigmas[0]) * noise, on_step)
        return self.scale.inverse(normalised)


def load_volume_model(row: ModelRow, device: torch.device) -> tuple[VolumeModel, str]:
    """The model of a row, and the first digits of its weights' SHA-256. Raises ModelError, CheckpointError."""
    if row.volumes is None or row.weights is None:
        raise ModelError(f"the model {row.name} makes {row.makes}, not volumes", "Choose another model.")
    with without_weights():
        model = VolumeModel(row.volumes)
    load_components(row.weights, {COMPONENT: model}, device=device)
    return model.eval(), file_digest(row.weights)[:HASH_DIGITS]
