"""Small LaGeM checkpoints in the published format. For tests."""

import argparse
import io
import re
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from shapes import box

from wala_blender.geometry.metrics import sample_surface
from wala_blender.geometry.point_sets import unit_sphere_frame
from wala_blender.networks.configs import LevelAutoencoderConfig
from wala_blender.networks.level_autoencoder import LevelAutoencoder
from wala_blender.networks.set_layers import frequency_basis

CONFIG = LevelAutoencoderConfig(width=64, points=96, counts=(4, 8, 24), channels=(16, 8, 4), layers=2)
COUNTS = {64: (96, (4, 8, 24))}  # in place of models.lagem's
STEPS = 150
SETTINGS = argparse.Namespace(batch_size=16, lr=None, output_dir="output", distributed=True)


def published_state(model: LevelAutoencoder) -> dict[str, torch.Tensor]:
    """The model's tensors under the published names."""
    state = {}
    for key, value in model.state_dict().items():
        if key.endswith(".fn.to_v.weight"):
            continue
        if key.endswith(".fn.to_k.weight"):
            key, value = (
                key.replace("to_k", "to_kv"),
                torch.cat([value, model.state_dict()[key.replace("to_k", "to_v")]]),
            )
        state[re.sub(r"(fn\.net\.0)\.proj|(fn\.to_out)\.0", r"\1\2", key)] = value
    return state | {"point_embed.basis": frequency_basis()}


@cache
def learned_box() -> LevelAutoencoder:
    """A model that was trained for a few seconds on the box of ``box_mesh`` alone."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = LevelAutoencoder(CONFIG)
    vertices, faces = box_mesh()
    vertices = unit_sphere_frame(vertices).to_model(vertices)
    clouds = sample_surface(vertices, faces, 4 * CONFIG.points, np.random.default_rng(0)).astype(np.float32)
    clouds, half = torch.from_numpy(clouds).reshape(4, -1, 3), torch.from_numpy(vertices.max(axis=0)).float()
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, STEPS)
    for _ in range(STEPS):
        near = torch.rand(4, 256, 1, generator=generator) < 0.7
        queries = (2 * torch.rand(4, 256, 3, generator=generator) - 1) * torch.where(near, 1.6 * half, torch.ones(3))
        logits = model.query(queries, model.decode(model.encode(clouds)))
        F.binary_cross_entropy_with_logits(logits, (queries.abs() < half).all(dim=-1).float()).backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    return model.eval()


def checkpoint(weights: LevelAutoencoder, **changes: object) -> bytes:
    """A file as the published training script writes it."""
    state = published_state(weights)
    optimizer = {
        "state": {i: {"step": torch.tensor(3.0), "exp_avg": torch.zeros(1000)} for i in range(3)},
        "param_groups": [{"lr": 1e-4}],
    }
    stream = io.BytesIO()
    torch.save(
        {"model": state, "optimizer": optimizer, "epoch": 350, "scaler": {"scale": 65536.0}, "args": SETTINGS}
        | changes,
        stream,
    )
    return stream.getvalue()


def box_mesh() -> tuple[np.ndarray, np.ndarray]:
    """A box of 4 × 2 × 1 off the origin."""
    return box((10, 0, -5), (14, 2, -4))
