"""Training in miniature: a stopped run goes on where it was, folded scales change nothing, drawn lines are lines."""

from pathlib import Path

import numpy as np
import pytest
import torch

from wala_blender.errors import InputError
from wala_blender.geometry.renderer import Camera, framed, trace
from wala_blender.models.starter_config import StarterConfig
from wala_blender.models.starter_model import Starter
from wala_blender.networks.autoencoder import Autoencoder, AutoencoderConfig
from wala_blender.networks.denoiser import UViTConfig
from wala_blender.training.autoencoder_training import deviation, normalise_channels
from wala_blender.training.data.build import dense_tree, sparse_tree
from wala_blender.training.data.dataset import Entry
from wala_blender.training.data.line_drawings import drawn, line_picture
from wala_blender.training.denoiser_training import timesteps
from wala_blender.training.latents import normalise_latents
from wala_blender.training.loop import checkpoint_gradients
from wala_blender.training.runs import load_stage_one
from wala_blender.training.tree_batches import TreeBatches
from wala_blender.training.tree_losses import (
    channel_scales,
    everywhere_loss,
    fold_scales,
    huber_loss,
    overlap_loss,
    sampled_cells,
    sampled_loss,
)
from wala_blender.wavelet import field_to_tree

from .shapes import box_field

SMALL = AutoencoderConfig(widths=(8, 8, 8), norm_groups=8)


def test_folded_scales_change_nothing():
    torch.manual_seed(1)
    model = Autoencoder(SMALL).eval()
    scales = channel_scales()
    tree = torch.randn(1, 64, 12, 12, 12) * scales
    with torch.no_grad():
        inside = model.decode_quantized(model.encode(tree / scales)) * scales
        outside = (folded := fold_scales(model)).decode_quantized(folded.encode(tree))
        again = (unfolded := fold_scales(model, back=True)).decode_quantized(unfolded.encode(tree / scales)) * scales
    assert ((inside - outside) / scales).abs().max() < 1e-4
    assert ((inside - again) / scales).abs().max() < 1e-4


def test_normalised_latents_decode_to_the_same():
    torch.manual_seed(2)
    model = Autoencoder(SMALL).eval()
    tree = torch.randn(1, 64, 12, 12, 12)
    with torch.no_grad():
        latent, before = model.encode(tree), model.decode(model.encode(tree))
        normalise_latents(model, 0.37)
        assert torch.allclose(model.encode(tree) * 0.37, latent, atol=1e-5)
        assert torch.allclose(model.decode(model.encode(tree)), before, atol=1e-4)


def test_the_losses_are_zero_only_for_the_tree_itself():
    tree, generator = torch.randn(1, 64, 12, 12, 12), torch.Generator()
    assert huber_loss(tree, tree, 1.0, generator)[0].item() == 0 == sampled_loss(tree, tree, 1.0, generator)[0].item()
    for channel in (0, 5, 60):
        wrong = tree.clone()
        wrong[:, channel] += 0.5
        assert huber_loss(wrong, tree, 1.0, generator)[0] > 1e-5
    # Each level's term has the coarse one's size, but its own gradient's direction.
    wrong = (tree + 0.5 * torch.randn_like(tree)).requires_grad_()
    loss, numbers = sampled_loss(wrong, tree, 1.0, generator)
    assert loss.item() == pytest.approx(3 * numbers["coarse"].item(), rel=1e-5)
    loss.backward()
    assert all(wrong.grad[:, channels].abs().max() > 0 for channels in (0, slice(1, 57), slice(57, 64)))


def test_without_sampling_a_single_wrong_cell_hardly_counts():
    """One large coefficient, one wrong answer there: among the sampled cells it weighs as many times more as there are
    fewer of them."""
    tree, wrong = torch.zeros(1, 64, 12, 12, 12), torch.zeros(1, 64, 12, 12, 12)
    tree[0, 60, 6, 6, 6] = 1.0
    generator = torch.Generator().manual_seed(0)
    sampled, everywhere = (
        loss(wrong, tree, 1.0, generator)[1]["parents"].item() for loss in (sampled_loss, everywhere_loss)
    )
    assert everywhere == pytest.approx(1 / 7 / 12**3) and sampled > 100 * everywhere


def test_the_overlap_counts_how_much_of_a_wall_is_there():
    def wall(half: float) -> torch.Tensor:
        field = torch.from_numpy(box_field((-0.5, -0.5, -half), (0.5, 0.5, half), 256)).float()
        return field_to_tree(field.clamp(-0.1, 0.1)[None]) / channel_scales()

    generator, tree = torch.Generator(), wall(0.04)
    whole, thin, none = (
        overlap_loss(made, tree, 1.0, generator)[1]["overlap"].item() for made in (tree, wall(0.02), wall(-0.2))
    )
    assert whole > 0.7 and 0.3 < thin < 0.6 and none < 0.02  # edges are soft: not even the tree itself overlaps wholly
    wrong = (tree + 0.1).requires_grad_()
    overlap_loss(wrong, tree, 1.0, generator)[0].backward()
    assert wrong.grad[:, 0].abs().max() > 0


def test_large_coefficients_count_always_and_as_many_others_by_chance():
    level = torch.zeros(2, 7, 16, 16, 16)
    level[0, 3, :4], level[1, 2, 0, 0, :8] = 1.0, 0.04
    level[1, 2, 0, 0, 0], level[1, 0, 1] = 1.0, 1 / 33
    cells = sampled_cells(level, torch.Generator().manual_seed(0))
    assert cells[0, :4].min() == 1 and cells[1, 0, 0, :8].min() == 1
    assert cells[0].sum().item() == pytest.approx(2 * 4 * 256, rel=0.05) and 8 <= cells[1].sum() < 30


def test_sparse_trees_come_back():
    tree = torch.randn(64, 6, 6, 6) * (torch.rand(64, 6, 6, 6) < 0.05)
    parts = sparse_tree(tree)
    assert (dense_tree(**parts).float() - tree).abs().max() < 4e-3
    assert len(parts["index"]) < 0.1 * tree.numel()


TINY = StarterConfig(
    UViTConfig(
        width=32,
        blocks=1,
        heads=2,
        channels=16,
        context_width=192,
        context_to_time=True,
        grid_channels=68,
        norm_groups=8,
    )
)


def test_dropped_conditions_equal_the_empty_one():
    model = Starter(TINY)
    occupancy = (torch.rand(2, 1, 16, 16, 16) < 0.3).float()
    condition = model.encode("voxels", occupancy)
    dropped = model.dropped(condition, torch.tensor([True, False]))
    empty = model.empty(condition)
    assert torch.equal(dropped.tokens[0], empty.tokens[0]) and torch.equal(dropped.grid[0], empty.grid[0])
    assert torch.equal(dropped.tokens[1], condition.tokens[1]) and torch.equal(dropped.grid[1], condition.grid[1])


@torch.no_grad()
def test_several_conditions_and_none():
    torch.manual_seed(0)
    model = Starter(TINY).eval()
    for value in model.parameters():  # nothing may be neutral by being zero
        value.add_(0.02 * torch.randn_like(value))
    given = {"voxels": ((torch.rand(2, 1, 16, 16, 16) < 0.3).float(),), "points": (torch.rand(2, 64, 3),)}
    x, t = torch.randn(2, 4, 12, 12, 12), torch.tensor([900.0, 20.0])
    words = torch.tensor([[5, 9] + [0] * 14] * 2)
    together, beside = (
        model.encode_several({**given, "text": (words,)}),
        model.encode("voxels", *given["voxels"], beside={"text": (words,)}),
    )
    assert together.tokens.shape[1] - beside.tokens.shape[1] == model.encode("points", *given["points"]).tokens.shape[1]
    assert torch.allclose(beside.tokens, model.encode_several({"voxels": given["voxels"], "text": (words,)}).tokens)
    both, turned = (model.encode_several(dict(items)) for items in (given.items(), reversed(given.items())))
    assert both.tokens.shape[1] == sum(model.encode(kind, *tensors).tokens.shape[1] for kind, tensors in given.items())
    assert torch.allclose(model.denoise(x, t, both), model.denoise(x, t, turned), atol=1e-4)
    alone = model.denoise(x, t, model.encode("voxels", *given["voxels"]))
    assert not torch.allclose(model.denoise(x, t, both), alone, atol=1e-3)
    # One token of nothing is as good as many: no condition is what training's dropped ones were.
    assert torch.allclose(
        model.denoise(x, t, model.encode_several({})), model.denoise(x, t, model.empty(both)), atol=1e-4
    )


def test_computing_again_gives_the_same_gradients():
    gradients = []
    for again in (False, True):
        torch.manual_seed(0)
        model = Autoencoder(SMALL)
        if again:
            checkpoint_gradients(model)
        model.decode(model.encode(torch.randn(1, 64, 8, 8, 8))).square().sum().backward()
        gradients.append({name: value.grad for name, value in model.named_parameters() if value.grad is not None})
    assert gradients[0].keys() == gradients[1].keys() and gradients[0]
    assert all(torch.equal(value, gradients[1][name]) for name, value in gradients[0].items())


def test_channels_are_normalised():
    torch.manual_seed(1)
    model = Autoencoder(SMALL).eval()
    tree = torch.randn(2, 64, 24, 24, 24)
    with torch.no_grad():
        model.encoder.out_conv[2].bias.add_(torch.tensor([0.0, 1.0, -2.0, 0.5]))
        latent = model.encode(tree)
        before = model.decoder.in_conv(latent)
        shift, spread = deviation(model.quantize.rows(latent))
        normalise_channels(model, shift, spread)
        now = model.encode(tree)
        after = model.decoder.in_conv(now)
    assert torch.allclose(now * spread.view(1, 4, 1, 1, 1) + shift.view(1, 4, 1, 1, 1), latent, atol=1e-4)
    again_shift, again_spread = deviation(model.quantize.rows(now))
    assert again_shift.abs().max() < 1e-3 and (again_spread - 1).abs().max() < 1e-3
    inside = (
        ...,
        slice(1, -1),
        slice(1, -1),
        slice(1, -1),
    )  # at the border padding is zero before the shift as after it
    assert torch.allclose(after[inside], before[inside], atol=1e-4)


def entries(*names):
    return [Entry(name, Path(f"{name}.npz"), 3, "train", "", "") for name in names]


def test_balanced_batches_draw_from_every_collection_alike():
    shapes = entries(*(f"large/{i}" for i in range(50)), "small/0", "middle/0", "middle/1")
    picks = [pick for step in range(30) for pick in TreeBatches(shapes, 4, slice(0, 4), balanced=True).picks(step)]
    names = [entry.id.split("/")[0] for entry, _ in picks]
    assert {name: names.count(name) for name in set(names)} == {"large": 40, "middle": 40, "small": 40}
    assert {variant for _, variant in picks} == {0, 1, 2}
    plain = [
        entry.id for step in range(30) for entry, _ in TreeBatches(shapes, 4, slice(0, 4), balanced=False).picks(step)
    ]
    assert sum(name.startswith("large") for name in plain) > 90 and len(set(plain)) > 30


def test_a_steps_trees_depend_on_its_number_alone(monkeypatch):
    monkeypatch.setattr(
        "wala_blender.training.tree_batches.load_tree",
        lambda entry, variant: torch.tensor([float(entry.id), float(variant)]),
    )
    shapes = entries(*map(str, range(40)))
    whole, late = (TreeBatches(shapes, 6, slice(0, 6), False) for _ in range(2))
    batches = [whole(step) for step in range(4)]
    assert torch.equal(late(3), batches[3]) and not torch.equal(batches[2], batches[3])
    parts = [TreeBatches(shapes, 6, slice(start, start + 3), False)(2) for start in (0, 3)]
    assert torch.equal(torch.cat(parts), batches[2])


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
