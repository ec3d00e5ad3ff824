"""The public API: what `from wala_blender import …` gives, and typed inputs."""

import dataclasses

import numpy as np
import pytest
from shapes import box
from test_start import imported

import wala_blender
from wala_blender import (
    DepthInput,
    Generation,
    ImageInput,
    MultiViewDepthInput,
    MultiViewImageInput,
    NoInput,
    PointInput,
    SketchInput,
    TextInput,
    VoxelInput,
    WalaError,
    read_mesh,
)
from wala_blender.conditions.inputs import load_condition
from wala_blender.conditions.specs import SPECS
from wala_blender.errors import InputError
from wala_blender.geometry.meshes import write_mesh
from wala_blender.inputs import Input

GREY = np.full((32, 32), 128, np.uint8)
BLOCK = np.zeros((16, 16, 16), bool)
BLOCK[4:12, 2:9, 4:12] = True


def test_importing_the_package_imports_nothing_that_computes():
    assert imported("import wala_blender; dir(wala_blender)", {"numpy", "torch", "scipy", "PIL"}) == set()


def test_every_public_name_is_there_and_others_are_not():
    assert all(getattr(wala_blender, name) is not None for name in wala_blender.__all__) and set(
        wala_blender.__all__
    ) <= set(dir(wala_blender))
    with pytest.raises(AttributeError, match="no attribute 'Pipelines'"):
        wala_blender.Pipelines  # noqa: B018


def test_a_typed_input_has_the_fields_of_its_condition():
    assert {kind.condition for kind in Input.__subclasses__()} <= set(SPECS)
    for kind in Input.__subclasses__():
        spec, names = SPECS[kind.condition], {field.name for field in dataclasses.fields(kind)}
        assert {name.replace("views", "cameras") for name in spec.needs} <= names
        assert {option.name for option in spec.options} <= names


@pytest.mark.parametrize(
    ("given", "raw"),
    [
        (TextInput("a chair"), {"prompt": "a chair"}),
        (
            SketchInput([[(0, 0), (1, 2)]], elevation=20, prompt="a chair"),
            {"polylines": [[(0, 0), (1, 2)]], "elevation": 20.0, "prompt": "a chair"},
        ),
        (ImageInput(GREY, cameras=[3], background="remove"), {"image": GREY, "views": [3], "background": "remove"}),
        (DepthInput(GREY, near="dark"), {"image": GREY, "near": "dark"}),
        (MultiViewImageInput([GREY] * 4), {"images": [GREY] * 4}),
        (VoxelInput(BLOCK.astype(np.uint8)), {"occupancy": BLOCK}),
        (PointInput(np.eye(3)), {"points": np.eye(3)}),
        (NoInput(), {}),
    ],
)
def test_arrays_and_values_are_the_raw_inputs(given, raw):
    made = given.raw()
    assert set(made) == set(raw)
    for name, value in raw.items():
        np.testing.assert_array_equal(made[name], value)


def test_a_file_in_place_of_an_array_is_read_as_the_command_line_reads_it(tmp_path):
    vertices, faces = box((-1, -1, -1), (1, 3, 1))
    write_mesh(tmp_path / "block.obj", vertices, faces, {})
    np.save(tmp_path / "grid.npy", np.ones((8, 8, 8)))
    for given, inputs in (
        (VoxelInput(tmp_path / "grid.npy"), {"occupancy": "grid.npy"}),
        (VoxelInput(mesh=str(tmp_path / "block.obj")), {"mesh": "block.obj"}),
        (MultiViewDepthInput(mesh=tmp_path / "block.obj"), {"mesh": "block.obj"}),
    ):
        read = load_condition(given.condition, inputs, tmp_path)
        made = given.raw()
        assert set(made) == set(read) and made.get("notes") == read.get("notes")
        assert all(np.array_equal(made[name], read[name]) for name in read if name != "notes")
    assert np.array_equal(
        VoxelInput(mesh=(vertices, faces)).raw()["vertices"], VoxelInput(mesh=tmp_path / "block.obj").raw()["vertices"]
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (SketchInput(), "sketch needs polylines or image"),
        (SketchInput([[(0, 0, 0)]]), r"SketchInput: points are int64 \(1, 3\)"),
        (SketchInput([[(0, 0), (1, 1)]], elevation=100), "elevation is 100"),
        (TextInput(" "), "prompt is empty"),
        (VoxelInput(np.full((16, 16, 16), 0.5)), "VoxelInput: the occupancy has the value"),
        (VoxelInput("no.npy"), "no.npy is missing"),
        (PointInput([(np.nan, 0, 0)]), "1 of 1 points are not finite"),
        (PointInput(np.zeros((4, 2))), r"expected numbers of shape \(n, 3\)"),
        (ImageInput(GREY.astype(np.int64)), "the image is int64"),
        (ImageInput(np.zeros((4, 4, 2), np.uint8)), r"shape \(4, 4, 2\)"),
        (DepthInput(mesh=(np.eye(3), np.eye(3))), "faces are float64"),
        (DepthInput(mesh=(np.eye(3), [(0, 1, 3)])), "names vertex 3"),
        (MultiViewImageInput([]), "images"),
    ],
)
def test_unusable_inputs_are_one_line(given, words):
    with pytest.raises(InputError, match=words) as caught:
        given.raw()
    assert "\n" not in str(caught.value) and isinstance(caught.value, WalaError)


def test_a_result_is_saved_where_its_input_was_and_says_where_it_comes_from(tmp_path):
    vertices, faces = box((-0.9, -0.9, -0.9), (0.9, 0.9, 0.9))
    record = {
        "model": "starter",
        "model_version": "7",
        "prompt": "a crate",
        "frame": {"center": [10.0, 0.0, 0.0], "scale": 0.9},
    }
    made = Generation(vertices.astype(np.float32), faces, np.zeros((4, 12, 12, 12), np.float32), record)
    made.save(tmp_path / "crate.obj")
    assert np.allclose(read_mesh(tmp_path / "crate.obj")[0].mean(axis=0), (10, 0, 0), atol=1e-6)
    assert np.allclose(np.ptp(made.placed_vertices, axis=0), 2)
    text = (tmp_path / "crate.obj").read_text()
    assert all(
        f"# {line}\n" in text
        for line in ("model: starter", "model_version: 7", "prompt: a crate", "origin: AI-generated")
    )
    assert np.array_equal(Generation(vertices, faces, made.latent, {}).placed_vertices, vertices)


def test_models_are_described():
    starter, *others = wala_blender.describe_models()
    assert (
        starter["name"] == "starter" and starter["version"].isdigit() and "sketch" in starter["conditions"] and others
    )
