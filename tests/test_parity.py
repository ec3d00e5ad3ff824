"""The networks, wavelets and schedules against vectors of the published implementation (tests/parity, a copy of the
small ones).

The copies of the wavelets' keep only some of the coefficients (test_wavelet.py compares all with PyWavelets), and that
of LaGeM's levels not all of what lies between; `wala parity FOLDER` checks the whole set.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from wala_blender.errors import InputError
from wala_blender.evaluation import reference_vectors

FOLDER = Path(__file__).parent / "parity"
FILES = sorted(path.name for path in FOLDER.glob("*.npz"))
ENTRIES = reference_vectors.read_entries(FOLDER)
QUANTITIES = {
    "autoencoder": 8,
    "uncond": 3,
    "depth6": 4,
    "image": 4,
    "pointcloud": 4,
    "view": 4,
    "voxel_uvit": 4,
    "voxel_down2": 1,
    "pointnet": 1,
    "schedules": 11,
    "wavelet_res64_constant": 2,
    "wavelet_res64_zero": 1,
    "dinov2": 2,
    "multiview_unet": 1,
    "lagem_autoencoder": 4,
    "lagem_levels": 17,
    "vecset_edm": 7,
}


def test_all_kinds_are_there():
    assert len(FILES) == 20 and all(any(name.startswith(kind) for name in FILES) for kind in QUANTITIES)


@pytest.mark.parametrize("name", FILES)
def test_reference(name):
    path = FOLDER / name
    rows = reference_vectors.check_file(path, ENTRIES.get(path.stem))
    expected = next(count for kind, count in QUANTITIES.items() if name.startswith(kind))
    assert len(rows) >= expected
    assert [(row.quantity, row.error) for row in rows if not row.passed] == []
    assert all(row.bar <= 2e-5 for row in rows)


def copied(name: str, entry: str, folder: Path, **changes: np.ndarray) -> Path:
    """A folder with one of the vectors, some arrays replaced."""
    with np.load(FOLDER / name) as file:
        np.savez(folder / name, **{key: changes.get(key, file[key]) for key in file.files})
    (folder / "entries.json").write_text(json.dumps({entry: ENTRIES[entry]}))
    return folder


def test_a_small_difference_fails(tmp_path):
    with np.load(FOLDER / "voxel_down2.npz") as file:
        y = file["y"].copy()
    y[0, 3, 4, 5, 6] += 1e-4 * abs(y).max()
    (row,) = reference_vectors.check_folder(copied("voxel_down2.npz", "voxel_down2", tmp_path, y=y))
    assert not row.passed and 0.9e-4 < row.error < 1.1e-4


def test_a_wrong_order_of_points_in_time_fails(tmp_path):
    with np.load(FOLDER / "uncond_uvit.npz") as file:
        noises = file["noises"][::-1].copy()
    rows = reference_vectors.check_folder(copied("uncond_uvit.npz", "uncond_uvit", tmp_path, noises=noises))
    assert {row.quantity for row in rows if not row.passed} == {"sample"}


def test_a_rounding_to_half_precision_is_seen(tmp_path):
    with np.load(FOLDER / "lagem_levels.npz") as file:
        logits = file["logits"].astype(np.float16).astype(np.float32)
    rows = reference_vectors.check_folder(copied("lagem_levels.npz", "lagem_levels", tmp_path, logits=logits))
    assert {row.quantity for row in rows if not row.passed} == {"logits (absolute)"}


def test_unknown_kinds_are_listed_and_do_not_pass(tmp_path):
    np.savez(tmp_path / "something.npz", a=np.zeros(3))
    (row,) = reference_vectors.check_folder(tmp_path)
    assert row.error is None and not row.passed


def test_bad_folders_are_input_errors(tmp_path):
    with pytest.raises(InputError, match="no reference vectors"):
        reference_vectors.check_folder(tmp_path)
    (tmp_path / "schedules.npz").write_bytes((FOLDER / "schedules.npz").read_bytes()[:5000])
    with pytest.raises(InputError, match="schedules.npz cannot be read"):
        reference_vectors.check_folder(tmp_path)
    np.savez(
        tmp_path / "schedules.npz", cosine=np.zeros(1000), linear=np.zeros(1000), space_5=np.array([0, 1, 2, 3, 4])
    )
    assert not any(row.passed for row in reference_vectors.check_folder(tmp_path))


@pytest.mark.parametrize(
    ("ours", "reference", "error"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, 2.2], [1.0, 2.0], 0.1),
        ([1.0], [1.0, 2.0], np.inf),
        ([np.nan, 2.0], [1.0, 2.0], np.inf),
    ],
)
def test_relative_error(ours, reference, error):
    assert reference_vectors.relative_error(np.array(ours), np.array(reference)) == pytest.approx(error)
