"""Raw inputs of text, voxels and points made ready, and what is said of unusable ones."""

import numpy as np
import pytest
import torch

from wala_blender.conditions import points, text, voxels
from wala_blender.errors import InputError


def box(low, high) -> dict:
    corners = np.array(
        [[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])], dtype=float
    )
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return {"vertices": corners, "faces": np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])}


def test_a_blockout_is_voxelised_in_its_own_frame():
    blockout = box((10, 0, -2), (12, 4, -1))
    prepared = voxels.prepare(blockout)
    occupancy = prepared.tensors[0][0, 0].bool()
    filled = occupancy.nonzero()
    extent = (filled.max(0).values - filled.min(0).values + 1).tolist()
    # The longest side spans -0.9 … 0.9: 14.4 cells, and any cell that is touched is filled.
    assert extent[1] in (15, 16) and extent[0] in (8, 9) and extent[2] in (4, 5)
    back = prepared.frame.from_model(np.zeros((1, 3)))[0]
    assert back == pytest.approx([11, 2, -1.5])


def test_given_voxels_are_taken_as_they_are():
    occupancy = np.zeros((16, 16, 16), bool)
    occupancy[3, 4, 5] = True
    prepared = voxels.prepare({"occupancy": occupancy})
    assert prepared.frame is None and prepared.tensors[0][0, 0].nonzero().tolist() == [[3, 4, 5]]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"occupancy": np.zeros((16, 16, 16), bool)}, "no voxel is filled"),
        ({"occupancy": np.ones((8, 8, 8), bool)}, "expected voxels of shape"),
        ({"vertices": np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.0]]), "faces": np.array([[0, 1, 2]])}, "no volume"),
    ],
)
def test_unusable_voxels(inputs, words):
    with pytest.raises(InputError, match=words):
        voxels.prepare(inputs)


def test_points_are_normalised_and_counted_down_or_up():
    rng = np.random.default_rng(0)
    for count in (20, 50_000):
        cloud = rng.uniform(-1, 1, (count, 3)) * [3, 1, 1] + [100, 0, 0]
        prepared = points.prepare({"points": cloud})
        ready = prepared.tensors[0]
        assert ready.shape == (1, points.POINTS, 3) and ready.abs().max() <= 0.9 + 1e-6
        again = points.prepare({"points": cloud}).tensors[0]
        assert torch.equal(ready, again)
        back = prepared.frame.from_model(ready[0].numpy())
        nearest = np.abs(back[:5, None] - cloud[None]).max(2).min(1)
        assert nearest.max() < 1e-4


@pytest.mark.parametrize(
    ("cloud", "words"),
    [
        (np.zeros((40, 3)), "one place"),
        (np.full((40, 3), np.nan), "not finite"),
        (np.eye(3), "at least 16"),
        (np.zeros((4, 2)), "shape"),
    ],
)
def test_unusable_points(cloud, words):
    with pytest.raises(InputError, match=words):
        points.prepare({"points": cloud})


def test_prompts_are_pieces_of_words():
    pieces = text.WordPieces()
    assert torch.equal(pieces("  A   Chair "), pieces("a chair")) and len(pieces("a chair")) == text.LENGTH
    assert not torch.equal(pieces("a chair"), pieces("a table"))
    assert (pieces("word " * 100) != 0).all()
    assert 1 not in pieces("zyzzyvalike quux").tolist()  # unknown words are spelled, not lost


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        ("a chair", []),
        ("Chairs, tables!", []),
        ("a chair with a zyzzyva", ["zyzzyva"]),
        ("Quux  quux 漢", ["quux", "漢"]),
    ],
)
def test_words_that_were_never_learned_are_named(prompt, unknown):
    assert text.WordPieces().unknown(prompt) == unknown
    note = text.prepare({"prompt": prompt}).note
    assert all(f"“{word}”" in note for word in unknown) and bool(note) == bool(unknown)


@pytest.mark.parametrize("prompt", ["", "   ", "!?…"])
def test_an_empty_prompt_says_so(prompt):
    with pytest.raises(InputError, match="empty"):
        text.prepare({"prompt": prompt})
