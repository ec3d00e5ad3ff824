"""Latent optimisation: gradient descent on a latent until the field it decodes to agrees with observations.

As in DeepSDF (Park et al. 2019): gradient descent through the frozen decoder. It starts at the denoiser's sample and
stops after a few steps, so that parts the input does not determine keep the denoiser's result.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from .conditions.shape_constraints import Observation
from .networks.autoencoder import Autoencoder
from .wavelet import tree_to_half_field
from .wavelet.box import HALF_MARGIN

LEARNING_RATE = 0.08  # learning rate of the first step, in latent units; a third of it at the last
ADAM_BETAS = (0.8, 0.95)
INSIDE = slice(HALF_MARGIN, HALF_MARGIN + 128)  # the field's own grid points in the half transform's output
STOP_RATIO = 0.05  # stop when the loss is 5 % of its first value; only voxels reach that


def fit(
    autoencoder: Autoencoder,
    latent: Tensor,
    observation: Observation,
    steps: int,
    on_step: Callable[[int, int], object],
) -> Tensor:
    """Latent (4, 12, 12, 12) before quantisation after ``steps`` steps of Adam towards agreement of its field with the
    observation; fewer steps if the loss falls below STOP_RATIO of its first value.

    The gradient passes straight through a quantiser. on_step(step, steps) is called before each step and may raise to
    stop. Returns float32.
    """
    moved = latent.detach().float().clone().requires_grad_(True)
    momentum, power = torch.zeros_like(moved), torch.zeros_like(moved)
    stop_below = None
    for step in range(steps):
        on_step(step, steps)
        disagreement = disagreement_of(autoencoder, moved, observation)
        left = disagreement.detach()
        stop_below = STOP_RATIO * left if stop_below is None else stop_below
        going_on = left > stop_below
        # Reading the value would synchronise a GPU: there the remaining steps have no effect instead.
        if going_on.device.type == "cpu" and not going_on:
            break
        (gradient,) = torch.autograd.grad(disagreement, moved)  # not of the networks' parameters
        with torch.no_grad():
            moved -= going_on * adam_step(
                gradient, momentum, power, step + 1, LEARNING_RATE * (1 - 2 / 3 * step / steps)
            )
    return moved.detach()


def adam_step(gradient: Tensor, momentum: Tensor, power: Tensor, count: int, rate: float) -> Tensor:
    """Update that step number ``count``, from 1, of Adam (Kingma & Ba 2015, algorithm 1) subtracts; modifies the
    averages of the gradient and of its square. Importing torch.optim imports torch's compiler, which takes longer than
    all steps."""
    momentum.lerp_(gradient, 1 - ADAM_BETAS[0])
    power.lerp_(gradient.square(), 1 - ADAM_BETAS[1])
    spread = power.div(1 - ADAM_BETAS[1] ** count).sqrt_().add_(1e-8)
    return momentum.div(spread).mul_(rate / (1 - ADAM_BETAS[0] ** count))


@torch.enable_grad()
def disagreement_of(autoencoder: Autoencoder, latent: Tensor, observation: Observation) -> Tensor:
    """Loss of a latent (4, 12, 12, 12): the disagreement of its decoded field with the observation, a scalar with a
    gradient."""
    with torch.autocast(latent.device.type, torch.bfloat16, enabled=_is_half(autoencoder)):
        tree = autoencoder.decode(latent[None])
    return observation(where_gradients_are(half_field(tree)))


def half_field(tree: Tensor) -> Tensor:
    """Every second grid point (128, 128, 128) of the distance field of a wavelet tree (1, 64, 46, 46, 46)."""
    return tree_to_half_field(tree.float())[0, INSIDE, INSIDE, INSIDE]


def where_gradients_are(field: Tensor) -> Tensor:
    """The field on a device where observations have gradients: grid sampling has none on MPS in many versions of
    torch."""
    return field.cpu() if field.device.type == "mps" else field


def _is_half(autoencoder: Autoencoder) -> bool:
    """Whether the decoder has bfloat16 weights: then all of it computes in bfloat16, as the gradient need not be
    exact."""
    return autoencoder.decoder.res_in.in_conv.weight.dtype == torch.bfloat16
