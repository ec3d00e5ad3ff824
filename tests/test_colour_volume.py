"""Colour volumes by law: sampling, rendering of known densities, gradients, and the mesh of a known ball."""

import math

import numpy as np
import pytest
import torch
from shapes import box

from wala_blender.colour.volume_surface import face_colours, volume_to_mesh
from wala_blender.errors import InputError
from wala_blender.geometry.colour_volume import (
    DENSITY,
    DISTANCE,
    FIELD_OF_VIEW,
    rays_of,
    render,
    sample_volume,
    sphere_crossings,
    spread_cameras,
)
from wala_blender.training.data.coloured_pictures import coloured_pictures, colourful_selection
from wala_blender.training.data.mesh_datasets import Record

RED, BLUE = (200, 40, 30), (30, 60, 210)


def uniform(density: float, colour: tuple[float, ...], size: int = 4) -> torch.Tensor:
    """Logits of a volume that is everywhere alike."""
    logits = [math.log(math.expm1(density / DENSITY)), *(math.log(c / (1 - c)) for c in colour)]
    return torch.tensor(logits)[None, :, None, None, None].expand(1, 4, size, size, size).contiguous()


def ball(radius: float, size: int = 32) -> torch.Tensor:
    """Logits of a dense ball, red above and blue below."""
    axis = (2 * torch.arange(size) + 1) / size - 1
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    density = 60 * (radius - (x**2 + y**2 + z**2).sqrt())
    colours = [torch.where(y > 0, 4.0 if a > 100 else -4.0, 4.0 if b > 100 else -4.0) for a, b in zip(RED, BLUE)]
    return torch.stack([density, *colours])[None]


def test_a_ray_through_an_even_fog():
    """Opacity 1 − exp(−σ·length), the fog's own colour as far as it is opaque, half of the light gone at ln 2 / σ."""
    colour = (0.2, 0.5, 0.9)
    eyes = torch.tensor([[[0.0, 0.0, 3.0], [0.6, 0.0, 3.0], [2.0, 0.0, 3.0]]])
    seen = render(uniform(1.5, colour), eyes, torch.tensor([0.0, 0.0, -1.0]).expand(1, 3, 3), 16)
    lengths = torch.tensor([2.0, 1.6, 0.0])
    torch.testing.assert_close(seen.opacity[0], 1 - (-1.5 * lengths).exp(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(seen.colours[0], seen.opacity[0][:, None] * torch.tensor(colour), atol=1e-5, rtol=1e-5)
    entry = 3 - lengths / 2
    expected = torch.tensor([entry[0] + math.log(2) / 1.5, entry[1] + math.log(2) / 1.5, math.inf])
    torch.testing.assert_close(seen.distance[0], expected, atol=1e-5, rtol=1e-5)


def test_cells_have_their_middles_and_straight_lines_between_them():
    volume = torch.randn(1, 4, 6, 6, 6, generator=torch.Generator().manual_seed(0))
    middles = (2 * torch.tensor([[1, 2, 4], [2, 2, 4], [5, 0, 3]]) + 1) / 6 - 1
    logits = volume[0, 1:, [1, 2, 5], [2, 2, 0], [4, 4, 3]].T
    torch.testing.assert_close(sample_volume(volume, middles[None])[0, :, 1:], logits.sigmoid())
    between = middles[:2].mean(dim=0)[None, None]
    torch.testing.assert_close(sample_volume(volume, between)[0, 0, 1:], logits[:2].mean(dim=0).sigmoid())


def test_sampling_turns_with_the_volume():
    """x → y → z → x, of the axes and of the points alike."""
    generator = torch.Generator().manual_seed(1)
    volume = torch.randn(1, 4, 5, 5, 5, generator=generator)
    points = 2 * torch.rand(1, 50, 3, generator=generator) - 1
    turned = sample_volume(volume.permute(0, 1, 4, 2, 3), points[..., [2, 0, 1]])
    torch.testing.assert_close(turned, sample_volume(volume, points))


def test_gradients_of_rendering_are_those_of_its_numbers():
    generator = torch.Generator().manual_seed(2)
    volume = torch.randn(1, 4, 3, 3, 3, generator=generator, dtype=torch.float64) - 2
    eyes, directions = (torch.from_numpy(rays[:, ::7]).double() for rays in rays_of(spread_cameras(1), 5))

    def seen(values):
        result = render(values, eyes, directions, 6)
        return result.colours, result.opacity

    assert torch.autograd.gradcheck(seen, (volume.requires_grad_(),), atol=1e-6)


def test_the_cameras_see_all_of_the_unit_sphere_and_look_from_everywhere():
    cameras = np.stack(spread_cameras(24))
    np.testing.assert_allclose(np.linalg.norm(cameras[:, :3, 3], axis=1), DISTANCE)
    towards = cameras[:, :3, 3] / DISTANCE
    assert np.abs(towards.mean(axis=0)).max() < 0.05
    assert np.sort(towards @ towards.T, axis=1)[:, -2].max() < math.cos(math.radians(25))
    assert DISTANCE * math.sin(math.radians(FIELD_OF_VIEW / 2)) == pytest.approx(1)
    eyes, directions = map(torch.from_numpy, rays_of(cameras[:2], 64))
    near, far = sphere_crossings(eyes, directions)
    hit = (far > near).view(2, 64, 64)
    assert hit[:, 32, 1:-1].all() and not hit[:, 0, 0].any()


def test_a_ball_becomes_a_mesh_with_its_colours():
    volume = ball(0.6)
    vertices, faces = volume_to_mesh(volume, pixels=64, resolution=64, cameras=24)
    assert np.abs(np.linalg.norm(vertices, axis=1) - 0.6).mean() < 0.02
    colours, heights = face_colours(volume, vertices, faces), vertices[faces].mean(axis=1)[:, 1]
    assert (np.argmax(colours[heights > 0.1], axis=1) == 0).all() and (
        np.argmax(colours[heights < -0.1], axis=1) == 2
    ).all()


def test_an_empty_volume_has_no_mesh():
    with pytest.raises(InputError, match="empty"):
        volume_to_mesh(uniform(0.01, (0.5, 0.5, 0.5)), pixels=16, resolution=16, cameras=6)


def test_pictures_show_flat_colours_where_rays_meet_the_mesh():
    vertices, faces = box((-0.4, -0.4, -0.4), (0.4, 0.4, 0.4))
    colours = np.where(vertices[faces].mean(axis=1)[:, 1:2] > 0.3, RED, BLUE).astype(np.uint8)
    camera = np.eye(4)
    camera[2, 3] = DISTANCE
    seen = coloured_pictures(vertices, faces, colours, [camera], 32)
    assert set(map(tuple, seen.colours[0][seen.mask[0]])) == {BLUE} and not seen.colours[~seen.mask].any()
    assert seen.distance[0][seen.mask[0]].min() == pytest.approx(DISTANCE - 0.4, abs=1e-3)
    assert seen.main_colour() == "blue" and np.isinf(seen.distance[~seen.mask]).all()


def test_a_selection_has_as_many_colours_as_there_are():
    def record(number: int, noun: str) -> Record:
        return Record(f"kit/{number}", None, number, noun, (noun,), noun, "", (), "CC0-1.0")

    colours = ["red", "red", "blue", "grey", "red"]
    of_noun = [(record(i, "car"), colour) for i, colour in enumerate(colours)] + [(record(9, "lamp"), "red")]
    chosen = colourful_selection(of_noun, ("car", "tree"), 4)
    assert sorted(colour for _, colour in chosen) == ["blue", "grey", "red", "red"]
    assert {one.head for one, _ in chosen} == {"car"} and len({one.id for one, _ in chosen}) == 4
