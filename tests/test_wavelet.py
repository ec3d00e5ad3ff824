"""The wavelet transform against PyWavelets, its inverse, and the tree's packing."""

import numpy as np
import pytest
import pywt
import torch
from shapes import box_field, sphere_field

from wala_blender.geometry.metrics import iou
from wala_blender.wavelet import (
    Coefficients,
    field_to_tree,
    forward,
    inverse,
    pack,
    tree_to_field,
    tree_to_half_field,
    unpack,
)
from wala_blender.wavelet.box import BoxTransform
from wala_blender.wavelet.filters import PADDINGS, WAVELET, check_padding
from wala_blender.wavelet.transform import BANDS
from wala_blender.wavelet.tree import CHILDREN, COARSE, PARENTS

FIELDS = {
    "random": np.random.default_rng(0).standard_normal((64, 64, 64)).astype(np.float32),
    "sphere": sphere_field(0.6, (0.1, 0, 0.2)).clip(-0.1, 0.1),
    "box": box_field((-0.9, -0.3, -0.5), (0.9, 0.2, 0.4)).clip(-0.1, 0.1),
}


@pytest.mark.filterwarnings("ignore:Level value of 3 is too high")
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("name", FIELDS)
def test_torch_equals_pywavelets(name, padding):
    made = forward(torch.from_numpy(FIELDS[name])[None], padding)
    coarse, *levels = pywt.wavedecn(FIELDS[name].astype(np.float64), WAVELET, mode=padding, level=3)
    tolerance = 1e-5 * np.abs(coarse).max()
    assert np.abs(made.coarse[0].numpy() - coarse).max() < tolerance
    for level, details in zip(reversed(levels), made.details):
        for band, key in enumerate(BANDS):
            assert np.abs(details[0, band].numpy() - level[key]).max() < tolerance, key


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("name", FIELDS)
def test_the_inverse_brings_the_field_back(name, padding):
    field = torch.from_numpy(FIELDS[name])[None].repeat(2, 1, 1, 1)
    assert (inverse(forward(field, padding)) - field).abs().max() < 2e-5 * field.abs().max()


def test_a_dropped_level_counts_as_zeros():
    whole = forward(torch.from_numpy(FIELDS["sphere"])[None])
    zeros = Coefficients(whole.coarse, (torch.zeros_like(whole.details[0]), *whole.details[1:]))
    dropped = forward(torch.from_numpy(FIELDS["sphere"])[None], keep_finest=False)
    assert dropped.details[0] is None
    assert torch.allclose(inverse(dropped), inverse(zeros), atol=1e-6)


@pytest.mark.parametrize("length", [34, 136])
def test_the_filters_band_alone_gives_what_the_whole_matrix_gives(length):
    """Without a gradient the CPU takes the band, with one the matrix: the same fields, of one and of several."""
    coarse = torch.randn(2, length, length, length, generator=torch.Generator().manual_seed(0))
    whole = inverse(Coefficients(coarse.clone().requires_grad_(True), (None,))).detach()
    assert torch.allclose(inverse(Coefficients(coarse, (None,))), whole, atol=2e-6)
    assert torch.allclose(inverse(Coefficients(coarse[:1], (None,))), whole[:1], atol=2e-6)


def test_a_tree_packs_and_unpacks():
    tree = torch.randn(2, 64, 22, 22, 22, generator=torch.Generator().manual_seed(0))
    parts = unpack(tree)
    assert parts.details[0] is None and parts.details[1].shape == (2, 7, 28, 28, 28)
    again = unpack(pack(parts))
    assert torch.equal(again.coarse, parts.coarse) and all(
        torch.equal(a, b) for a, b in zip(again.details[1:], parts.details[1:])
    )


def test_each_child_is_in_its_channel():
    """Channel 1 + 28·x + 4·b + 2·y + z holds band b of the child at offset (x, y, z)."""
    children = torch.arange(7 * 28**3, dtype=torch.float64).reshape(1, 7, 28, 28, 28)
    tree = pack(
        Coefficients(torch.zeros(1, 22, 22, 22).double(), (None, children, torch.zeros(1, 7, 22, 22, 22).double()))
    )
    for b, x, y, z in ((0, 0, 0, 0), (3, 1, 0, 1), (6, 1, 1, 1), (5, 0, 1, 0)):
        cell = np.array([6, 9, 12])
        child = 2 * cell + (x, y, z) - 8
        assert tree[0, 1 + 28 * x + 4 * b + 2 * y + z, *cell] == children[0, b, *child]
    assert tree[:, COARSE].abs().max() == 0 and tree[:, PARENTS].abs().max() == 0
    assert tree[:, CHILDREN, :4].abs().max() == 0  # the padding


def test_a_real_field_survives_its_tree():
    field = torch.from_numpy(sphere_field(0.7, (0.1, 0, 0), resolution=256).clip(-0.1, 0.1))
    tree = field_to_tree(field[None])
    assert tree.shape == (1, 64, 46, 46, 46)
    back = tree_to_field(tree)[0]
    assert back.shape == field.shape and iou(back < 0, field < 0) > 0.998
    coarse = torch.zeros_like(tree)
    coarse[:, COARSE] = tree[:, COARSE]
    assert 0.97 < iou(tree_to_field(coarse)[0] < 0, field < 0) < iou(back < 0, field < 0)


def test_an_unknown_padding_is_refused():
    with pytest.raises(ValueError, match="periodic"):
        check_padding("periodic")


def test_a_box_alone():
    """The box of the half field from the coefficients it depends on, and the gradient of these."""
    tree = torch.randn(1, 64, 46, 46, 46, generator=torch.Generator().manual_seed(0))
    coefficients = unpack(tree)
    whole = tree_to_half_field(tree)[:, 4:132, 4:132, 4:132]
    box = (slice(0, 20), slice(30, 61), slice(100, 128))
    transform = BoxTransform(box, coefficients)
    cropped = transform.crop(coefficients)
    assert torch.allclose(transform.half_field(cropped), whole[(..., *box)], atol=1e-4)
    assert cropped.coarse.shape[2] < 46 and cropped.details[1].shape[2] < 76
    wanted, found = (
        torch.autograd.grad(function(tree.requires_grad_()).square().sum(), tree)[0]
        for function in (
            lambda tree: tree_to_half_field(tree)[:, 4:132, 4:132, 4:132][(..., *box)],
            lambda tree: transform.half_field(transform.crop(unpack(tree))),
        )
    )
    assert torch.allclose(found, wanted, atol=1e-3)
