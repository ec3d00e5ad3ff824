"""A folder of meshes → a store: what is kept, what is left out and why, and that nothing in a folder stops a build."""

import importlib.util
import json
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from shapes import box, joined, sphere, sphere_field, write_collection

from wala_blender.errors import InputError
from wala_blender.geometry.distance import EXTENT, frame_of, mesh_to_distance
from wala_blender.geometry.meshes import write_mesh
from wala_blender.geometry.metrics import iou
from wala_blender.training.data import blend_files, shape_filter
from wala_blender.training.data.build import build, dense_tree, ordered, sparse_tree
from wala_blender.training.data.dataset import load_tree, read_index
from wala_blender.training.data.duplicates import fingerprint, first_alike
from wala_blender.training.data.mesh_datasets import load_mesh, read_records
from wala_blender.training.data.process_pool import DIED, surviving_map
from wala_blender.training.data.shape_augmentation import fitted
from wala_blender.training.data.shape_filter import Limits, Unfit, bounds_volume, fit_field, open_share, surface_points
from wala_blender.wavelet import tree_to_field

CHAIR = joined(
    box((-0.3, 0, -0.3), (0.3, 0.1, 0.3)),
    box((-0.3, 0, -0.3), (-0.2, 0.8, 0.3)),
    box((-0.3, -0.5, -0.1), (0.3, 0, 0.1)),
)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Fields of 64³: a hundredth of the time, also in the processes forked from this one."""

    def coarse(vertices, faces, resolution, truncation):
        return mesh_to_distance(vertices, faces, resolution // 4, truncation)

    monkeypatch.setattr(shape_filter, "mesh_to_distance", coarse)


@pytest.fixture
def library(tmp_path):
    """Two shapes worth keeping, and one of everything else."""
    folder = tmp_path / "library"
    for name in ("Chairs", "lamps/old"):
        (folder / name).mkdir(parents=True)
    write_mesh(folder / "Chairs/WoodenChair_01.obj", *CHAIR, {})
    write_mesh(folder / "Chairs/copy of it.ply", CHAIR[0] * 3 + 7, CHAIR[1], {})
    write_mesh(folder / "lamps/old/0001.glb", *sphere(0.5, rings=12), {})
    write_mesh(folder / "flat.ply", *box((-1, -1e-3, -1), (1, 1e-3, 1)), {})
    sheets = [
        (vertices, faces[:2]) for vertices, faces in (box((-0.01, -1, -1), (1, 1, 1)), box((-0.5, -1, -1), (1, 1, 1)))
    ]
    write_mesh(folder / "sheets.obj", *joined(*sheets), {})
    write_mesh(folder / "flag.obj", *joined(box((-0.1, -1, -0.1), (0.1, 0.4, 0.1)), sheets[0]), {})
    (folder / "points.obj").write_text("v 0 0 0\nv 1 0 0\n")
    (folder / "damaged.glb").write_bytes(b"glTF and then nothing")
    (folder / "notes.txt").write_text("no mesh")
    return folder


def test_a_folder_becomes_records(library):
    records = {"/".join(record.id.split("/")[1:]): record for record in read_records(library)}
    assert len(records) == 8 and all(record.id.startswith("library/") for record in records.values())
    chair, lamp = records["Chairs/WoodenChair_01.obj"], records["lamps/old/0001.glb"]
    assert (chair.caption, chair.head, chair.category) == ("wooden chair", "chair", "chairs")
    assert (lamp.caption, lamp.head, lamp.category) == (
        "lamps",
        "lamps",
        "other",
    )  # neither "0001" nor "old" says what it is
    vertices, faces = load_mesh(chair)
    assert np.ptp(vertices, axis=0).max() == pytest.approx(1) and np.array_equal(faces, CHAIR[1])
    assert np.allclose(vertices.max(0), -vertices.min(0))


def test_the_up_axis_of_files_that_do_not_say_it(library):
    upright, lying = (next(r for r in read_records(library, up=up) if r.id.endswith("01.obj")) for up in "yz")
    (x, y, z), turned = load_mesh(upright)[0].T, load_mesh(lying)[0]
    assert np.allclose(turned, np.stack([x, z, -y], 1), atol=1e-6)
    assert next(r for r in read_records(library, up="z") if r.id.endswith(".glb")).up == "y"


def test_a_build_says_what_it_left_out(library, tmp_path):
    store = tmp_path / "store"
    report = build(library, store, jobs=1)
    assert report["kept"] == 2 and report["skipped"] == {
        "duplicate": 1,
        "flat": 1,
        "empty": 1,
        "unreadable": 1,
        "too open": 2,
    }, report["reasons"]
    assert report["bytes"] == sum(file.stat().st_size for file in (store / "samples").iterdir())
    assert "of library/Chairs/" in next(said for said in report["reasons"].values() if "duplicate" in said)
    assert json.loads((store / "report.json").read_text()) == report
    entries = read_index(store, "train")
    assert len(entries) == report["by_split"]["train"] and all(
        entry.variants == 3 and len(entry.geometry) == 37 for entry in entries
    )


def test_a_stopped_build_goes_on(library, tmp_path):
    store = tmp_path / "store"
    build(library, store, jobs=1, limit=3)
    index = store / "index.jsonl"
    index.write_bytes(index.read_bytes() + b'{"id": "library/Ch')  # killed while it wrote a line
    before = {file.name: file.stat().st_mtime_ns for file in (store / "samples").iterdir()}
    report = build(library, store, jobs=1)
    assert report["shapes"] == 8 and report["kept"] == 2
    assert {name: (store / "samples" / name).stat().st_mtime_ns for name in before} == before


def test_samples_hold_the_shape(tmp_path):
    write_collection(tmp_path, "kit", [(np.asarray(CHAIR[0]) / 1.3 - (0, 0.5 / 4.3, 0), CHAIR[1])])
    build(tmp_path / "kit.npz", tmp_path / "store", jobs=1)
    entry = read_index(tmp_path / "store", "train")[0]
    (record,) = read_records(tmp_path / "kit.jsonl")
    vertices, faces = load_mesh(record)
    expected = mesh_to_distance(frame_of(vertices).to_model(vertices), faces, 64) < 0
    assert iou(_field(entry, 0) < 0, expected) > 0.95
    with np.load(entry.file) as arrays:
        for variant in range(3):
            field, points = _field(entry, variant), arrays["points"][variant].astype(float)
            at = tuple(np.clip(np.rint((points + 1) * 32).astype(int), 0, 63).T)
            assert np.abs(field[at]).mean() < 0.02, "points lie on their variant's surface"
            filled = np.argwhere(field < 0) / 32 - 1
            assert np.abs(filled.max(0) + filled.min(0)).max() < 0.07 and np.ptp(filled, axis=0).max() == pytest.approx(
                2 * EXTENT, abs=0.07
            )


def _field(entry, variant: int) -> np.ndarray:
    return tree_to_field(load_tree(entry, variant)[None])[0].numpy()


@pytest.mark.parametrize(
    ("degrees", "mirror", "stretch"),
    [(0, False, (1, 1, 1)), (33, True, (0.75, 1.25, 1.1)), (200, False, (1.25, 0.75, 0.8))],
)
def test_a_variants_field_is_the_field_of_its_mesh(degrees, mirror, stretch):
    mesh = joined(box((-0.9, -0.4, -0.3), (0.1, 0.4, 0.3)), sphere(0.3, (0.6, 0.1, 0.2), 16))
    vertices = frame_of(mesh[0]).to_model(mesh[0])
    variant, cell = fitted(vertices, degrees, mirror, stretch), 2 / 64
    moved = variant.field(torch.from_numpy(mesh_to_distance(vertices, mesh[1], 64, 0.35))).clamp(-0.1, 0.1).numpy()
    expected = mesh_to_distance(variant.points(vertices), mesh[1], 64)
    assert iou(moved < 0, expected < 0) > 0.98
    error = np.abs(moved - expected)
    assert error[np.abs(expected) < 2 * cell].mean() < 0.05 * cell and error.mean() < 0.1 * cell
    assert np.abs(variant.points(vertices)).max() == pytest.approx(EXTENT)


def test_fingerprints():
    vertices, faces = CHAIR
    a, b, _c = vertices[faces[0]]
    split = (
        np.concatenate([vertices, [(a + b) / 2]]),
        np.concatenate([faces[1:], [[faces[0][0], len(vertices), faces[0][2]], [len(vertices), *faces[0][1:]]]]),
    )
    same = [
        fingerprint(vertices * 5 + (1, 2, 3), faces[::-1]),
        fingerprint(*split),
        fingerprint(vertices, np.concatenate([faces, faces[:, ::-1]])),
    ]
    others = [
        fingerprint(vertices * (-1, 1, 1), faces),
        fingerprint(vertices * (1, 1.02, 1), faces),
        fingerprint(vertices[:, [2, 1, 0]], faces),
    ]
    assert first_alike(np.array([fingerprint(vertices, faces), *same, *others, others[0]])).tolist() == [
        0,
        0,
        0,
        0,
        4,
        5,
        6,
        4,
    ]
    assert first_alike(np.empty((0, 37))).tolist() == []


def test_a_half_field_gives_the_same_shape(tmp_path):
    write_collection(tmp_path, "kit", [CHAIR])
    trees = []
    for half in (False, True):
        build(tmp_path, tmp_path / str(half), jobs=1, variants=1, half=half)
        entry = read_index(tmp_path / str(half), "train")[0]
        assert entry.variants == 1
        trees.append(load_tree(entry, 0))
    whole, half = (tree_to_field(tree[None])[0] for tree in trees)
    assert whole.shape == half.shape and iou(whole < 0, half < 0) > 0.85 and not torch.equal(whole, half)


def test_points_lie_on_the_solids_surface_only():
    """Neither on a shell within it nor on a sheet beside it."""
    sheet = box((0.85, -0.5, -0.5), (0.95, 0.5, 0.5))
    mesh = joined(sphere(0.7, rings=24), sphere(0.3, rings=24), (sheet[0], sheet[1][:2]))
    points = surface_points(*mesh, sphere_field(0.7), 500, np.random.default_rng(0))
    assert points.shape == (500, 3) and np.abs(np.linalg.norm(points, axis=1) - 0.7).max() < 0.02
    on, nothing = bounds_volume(np.array([[0.7, 0, 0], [0.3, 0, 0], [0.95, 0, 0]]), sphere_field(0.7) < 0)
    assert on.tolist() == [True, False, False] and nothing.tolist() == [False, False, True]


def test_open_and_thin_shapes_are_told_apart():
    assert open_share(*box()) == 0 and open_share(*box(without=2)) > 0.2
    wing = np.array([[-0.9, 0, -0.9], [0.9, 0, -0.9], [0, 0.9, 0.9]])
    with pytest.raises(Unfit, match="too open .*encloses no volume") as caught:
        fit_field(wing, np.array([[0, 1, 2]]), Limits(), 0.1)
    assert caught.value.reason == "too open"
    thick = np.concatenate([wing, wing + (0, 2e-3, 0)])
    closed = np.array([[0, 1, 2], [3, 5, 4], [0, 3, 1], [1, 3, 4], [1, 4, 2], [2, 4, 5], [2, 5, 0], [0, 5, 3]])
    with pytest.raises(Unfit, match="too thin .*encloses no volume"):
        fit_field(thick, closed, Limits(), 0.1)


def double(number: int, deadly: int) -> int:
    if number == deadly:
        os._exit(1)
    return 2 * number


def test_a_process_that_dies_takes_only_its_own_item_along():
    assert list(surviving_map(partial(double, deadly=4), range(12), 2)) == [
        0,
        2,
        4,
        6,
        DIED,
        10,
        12,
        14,
        16,
        18,
        20,
        22,
    ]
    assert list(surviving_map(partial(double, deadly=0), [0], 1)) == [DIED] and list(surviving_map(double, [], 1)) == []


def test_an_order_is_varied_and_capped(tmp_path):
    write_collection(tmp_path, "kit", [box()] * 30, caption=["chair"] * 20 + ["lamp"] * 8 + ["car"] * 2)
    heads = [record.head for record in ordered(read_records(tmp_path), cap=10)]
    assert sorted(heads) == ["car"] * 2 + ["chair"] * 10 + ["lamp"] * 8
    assert set(heads[:10]) == {"chair", "lamp", "car"}


def test_a_sparse_tree_comes_back():
    tree = torch.zeros(64, 22, 22, 22)
    tree[0] = torch.randn(22, 22, 22, generator=torch.Generator().manual_seed(0))
    tree[5, 3, 4, 6], tree[60, 21, 0, 1], tree[9, 1, 1, 1] = 0.25, -0.5, 1e-5
    back = dense_tree(**sparse_tree(tree)).float()
    assert (
        (back - tree).abs().max() < 2e-3
        and back[5, 3, 4, 6] == 0.25
        and back[60, 21, 0, 1] == -0.5
        and back[9, 1, 1, 1] == 0
    )


def test_blend_files_need_a_blender(tmp_path, monkeypatch):
    (tmp_path / "chair.blend").write_bytes(b"BLENDER")
    (record,) = read_records(tmp_path)
    monkeypatch.setattr(blend_files.shutil, "which", lambda name: None)
    monkeypatch.setattr(blend_files.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="needs Blender"):
        load_mesh(record)


_BLEND = """
import sys
import bpy
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.mesh.primitive_cube_add(size=2, location=(0, 5, 3))
bpy.context.object.scale = (1, 2, 4)
bpy.context.object.modifiers.new("twice", "ARRAY").relative_offset_displace = (1.5, 0, 0)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
"""


@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="Blender as a Python module is not installed")
def test_a_blend_file_is_what_its_scene_shows(tmp_path):
    path = tmp_path / "two boxes.blend"
    subprocess.run([sys.executable, "-c", _BLEND, str(path)], check=True, capture_output=True, timeout=300)
    vertices, faces = blend_files.read_blend(path)
    # Blender's x, y, z are our x, -z, y; the modifier's second box stands one and a half widths beside the first.
    assert len(faces) == 24 and np.allclose([vertices.min(0), vertices.max(0)], [[-1, -1, -7], [4, 7, -3]])
    (record,) = read_records(tmp_path, up="z")
    assert record.caption == "two boxes" and np.ptp(load_mesh(record)[0], axis=0).argmax() == 1


@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="Blender as a Python module is not installed")
def test_a_blender_that_cannot_open_a_file_says_so(tmp_path):
    (tmp_path / "chair.blend").write_bytes(b"no such thing")
    with pytest.raises(InputError, match="chair.blend: Blender cannot open it"):
        load_mesh(read_records(tmp_path)[0])
