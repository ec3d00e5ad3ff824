"""Best-of-n selection: how well candidate latents agree with the input they were generated for."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .conditions.evidence import Evidence
from .conditions.types import Prepared
from .diffusion.guidance import ConditionalDenoiser
from .diffusion.schedule import Schedule
from .latent_optimization import half_field
from .networks.autoencoder import Autoencoder
from .networks.condition import Condition

_SCORED_TIMESTEPS = (300.0, 500.0, 700.0)
_PICTURE = 64  # pixels of a silhouette that is compared


@dataclass(frozen=True)
class Sample:
    """A seed, its latent (4, 12, 12, 12), and the wavelet tree (1, 64, 46, 46, 46) if decoded already."""

    seed: int
    latent: Tensor
    tree: Tensor | None = None


def candidate_seeds(seed: int, count: int) -> list[int]:
    """``count`` different seeds, of which the first is ``seed``."""
    return [(seed + 1_000_003 * number) % 2**63 for number in range(count)]


def agreement(prepared: Prepared, field: Tensor) -> float | None:
    """Agreement of a half field (128, 128, 128) with an input's shape constraints: higher is better; None without
    constraints."""
    if prepared.observation is not None:
        return -float(prepared.observation(field))
    evidence = prepared.evidence(field) if prepared.evidence else Evidence()
    return silhouette_overlap(evidence, field) if evidence.sketch is not None else None


def silhouette_overlap(evidence: Evidence, field: Tensor) -> float:
    """Intersection over union of a drawing's silhouette and that of a field (R, R, R) from the drawing's camera."""
    camera, R = evidence.camera, len(field)
    inside = (field < 0).nonzero().float() * (2 / R) - 1
    seen = inside @ torch.from_numpy(camera.axes().T).float()
    column = (seen[:, 0] - camera.center[0]) / camera.half_size
    row = (camera.center[1] - seen[:, 1]) / camera.half_size
    pixel = ((torch.stack([row, column], 1) + 1) * (_PICTURE / 2)).long().clamp(0, _PICTURE - 1)
    silhouette = torch.zeros(_PICTURE, _PICTURE, dtype=torch.bool)
    silhouette[pixel[:, 0], pixel[:, 1]] = True
    drawn = torch.nn.functional.interpolate(evidence.sketch[None, 1:], (_PICTURE, _PICTURE), mode="area")[0, 0] > 0.5
    return float((silhouette & drawn).sum() / (silhouette | drawn).sum().clamp(min=1))


@torch.no_grad()
def likelihoods(
    denoise: ConditionalDenoiser, schedule: Schedule, latents: Tensor, condition: Condition, empty: Condition
) -> Tensor:
    """How much better latents (B, 4, 12, 12, 12) are predicted from noise with the condition than without it, (B,):
    higher is better.

    As in diffusion classifiers (Li et al. 2023), at a few timesteps with the same noise for all.
    """
    noise = torch.randn(latents.shape[1:], generator=torch.Generator().manual_seed(0)).to(latents.device)
    gains = torch.zeros(len(latents), device=latents.device)
    both = condition.stacked_with(empty)
    for timestep in _SCORED_TIMESTEPS:
        t = torch.full((len(latents),), timestep, device=latents.device)
        x = schedule.add_noise(latents, noise.expand_as(latents), t.long())
        with_condition, without = (
            ((denoise(torch.cat([x, x]), torch.cat([t, t]), both) - torch.cat([latents, latents])) ** 2)
            .mean((1, 2, 3, 4))
            .chunk(2)
        )
        gains += without - with_condition
    return gains


@torch.no_grad()
def best_of(samples: list[Sample], prepared: Prepared, autoencoder: Autoencoder) -> Sample | None:
    """The sample whose decoded field agrees best with an input, with its tree; None for an input without
    constraints."""
    best, highest = None, 0.0
    for sample in samples:
        tree = autoencoder.decode(sample.latent[None]).float()
        score = agreement(prepared, half_field(tree).cpu())
        if score is None:
            return None
        if best is None or score > highest:
            best, highest = replace(sample, tree=tree), score
    return best
