"""Training in miniature: a stopped run goes on where it was, folded scales change nothing, drawn lines are lines."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from wala_blender.autoencoder import Autoencoder, AutoencoderConfig
from wala_blender.denoiser import UViTConfig
from wala_blender.errors import InputError
from wala_blender.geometry.views import Camera, framed, trace
from wala_blender.models.starter import Starter, StarterConfig
from wala_blender.training.autoencoder_training import channel_scales, fold_scales, tree_loss
from wala_blender.training.denoiser_training import load_stage_one, normalise_latents, timesteps
from wala_blender.training.loop import Loop, LoopSettings
from wala_blender.training.sketches import drawn, line_picture
from wala_blender.training.store import dense_tree, sparse_tree

SMALL = AutoencoderConfig(widths=(8, 8, 8), norm_groups=8)


def run(folder, stop_after=None):
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    loop = Loop(model, folder, LoopSettings(minutes=1e9, warmup=0.5, save_minutes=0.0))
    losses = []

    class Enough(Exception):
        pass

    def step(progress):
        if len(losses) == (stop_after or 8 - loop.samples // 2 + len(losses)):
            raise Enough
        x = torch.randn(2, 4, generator=loop.generator)
        loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
        losses.append(loss.item())
        return loss, 2, {}

    with pytest.raises(Enough):
        loop.run(step)
    return losses, loop


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    whole, loop = run(tmp_path / "whole")
    first, _ = run(tmp_path / "parts", stop_after=3)
    second, resumed = run(tmp_path / "parts")
    assert len(whole) == 8 and resumed.samples == loop.samples == 16
    assert first + second == pytest.approx(whole, rel=1e-4)
    for name, value in loop.average.items():
        assert torch.allclose(value, resumed.average[name], atol=1e-5)


def test_folded_scales_change_nothing():
    torch.manual_seed(1)
    model = Autoencoder(SMALL).eval()
    scales = channel_scales()
    tree = torch.randn(1, 64, 12, 12, 12) * scales
    with torch.no_grad():
        inside = model.decode_quantized(model.encode(tree / scales)) * scales
        outside = (folded := fold_scales(model)).decode_quantized(folded.encode(tree))
    assert ((inside - outside) / scales).abs().max() < 1e-4


def test_normalised_latents_decode_to_the_same():
    torch.manual_seed(2)
    model = Autoencoder(SMALL).eval()
    tree = torch.randn(1, 64, 12, 12, 12)
    with torch.no_grad():
        latent, before = model.encode(tree), model.decode(model.encode(tree))
        normalise_latents(model, 0.37)
        assert torch.allclose(model.encode(tree) * 0.37, latent, atol=1e-5)
        assert torch.allclose(model.decode(model.encode(tree)), before, atol=1e-4)


def test_the_loss_is_zero_only_for_the_tree_itself():
    tree = torch.randn(1, 64, 12, 12, 12)
    assert tree_loss(tree, tree, 1.0)[0].item() == 0
    for channel in (0, 5, 60):
        wrong = tree.clone()
        wrong[:, channel] += 0.5
        assert tree_loss(wrong, tree, 1.0)[0] > 1e-5


def test_sparse_trees_come_back():
    tree = torch.randn(64, 6, 6, 6) * (torch.rand(64, 6, 6, 6) < 0.05)
    parts = sparse_tree(tree)
    assert (dense_tree(**parts).float() - tree).abs().max() < 4e-3
    assert len(parts["index"]) < 0.1 * tree.numel()


def test_dropped_conditions_equal_the_empty_one():
    model = Starter(StarterConfig(UViTConfig(width=32, blocks=1, heads=2, channels=16, context_width=192, grid_channels=68, norm_groups=8)))
    occupancy = (torch.rand(2, 1, 16, 16, 16) < 0.3).float()
    condition = model.encode("voxels", occupancy)
    dropped = model.dropped(condition, torch.tensor([True, False]))
    empty = model.empty(condition)
    assert torch.equal(dropped.tokens[0], empty.tokens[0]) and torch.equal(dropped.grid[0], empty.grid[0])
    assert torch.equal(dropped.tokens[1], condition.tokens[1]) and torch.equal(dropped.grid[1], condition.grid[1])


def test_noisy_timesteps_are_drawn_more_often():
    t = timesteps(20_000, 0.4, torch.Generator().manual_seed(0))
    assert t.min() >= 0 and t.max() <= 999
    assert (t >= 700).float().mean().item() == pytest.approx(0.4 + 0.6 * 0.3, abs=0.02)


def test_a_box_is_drawn_by_its_edges():
    R = 128
    axis = torch.arange(R) * 2 / R - 1
    grid = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)
    q = grid.abs() - torch.tensor([0.8, 0.4, 0.5])
    field = (q.clamp(min=0).norm(dim=-1) + q.amax(-1).clamp(max=0)).clamp(-0.1, 0.1)
    corners = np.array([[x, y, z] for x in (-0.8, 0.8) for y in (-0.4, 0.4) for z in (-0.5, 0.5)])
    depth, normal = trace(field, framed(corners, 30.0), 64)
    lines = line_picture(depth[None], normal[None])
    hit = torch.isfinite(depth)
    assert depth[hit].min() == pytest.approx(-(0.4 * np.sin(np.pi / 6) + 0.5 * np.cos(np.pi / 6)), abs=0.03)
    assert 0.02 < lines.mean() < 0.12
    # The edge between top and front crosses the whole width, about where it projects.
    row = int((1 - Camera(30.0).project(np.array([[0, 0.4, 0.5]]))[0, 1] / framed(corners, 30.0).half_size) * 32)
    assert lines[0, 0, row - 3 : row + 4, 10:54].amax(0).mean() > 0.9
    wavering = drawn(lines, torch.Generator().manual_seed(0))
    assert wavering.shape == lines.shape and wavering.max() <= 1 and 0.3 < wavering.sum() / lines.sum() < 4


def test_stage_two_can_start_from_the_shipped_autoencoder(tmp_path):
    tree = torch.zeros(1, 64, 46, 46, 46)
    with torch.no_grad():
        latent = load_stage_one(Path("starter")).encode(tree)
    assert latent.shape == (1, 4, 12, 12, 12) and latent.isfinite().all()
    with pytest.raises(InputError, match="autoencoder.pt is missing"):
        load_stage_one(tmp_path)
