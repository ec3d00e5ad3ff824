"""Finishing: what holds of every shape and setting, such as closed and manifold; and of each step."""

import sys

import igl
import numpy as np
import pytest
from shapes import box, box_field, joined, open_edges, signed_volume, sphere_field

from wala_blender.errors import InputError
from wala_blender.finishing import finish as finishing
from wala_blender.finishing import quads, uv
from wala_blender.finishing.finish import finish, finished_record
from wala_blender.finishing.planes import snap_planes
from wala_blender.finishing.settings import AS_EXTRACTED, Finish
from wala_blender.geometry.surface import field_to_mesh
from wala_blender.geometry.topology import bad_vertices, face_normals, is_manifold

RESOLUTION = 64
CELL = 2 / RESOLUTION
WAVES = 0.5 * CELL


def table(resolution=RESOLUTION) -> np.ndarray:
    """A top and four legs, not quite symmetric."""
    parts = [
        ((-0.8, 0.3, -0.6), (0.8, 0.45, 0.6)),
        *(((x, -0.5, z), (x + 0.15, 0.35, z + 0.15)) for x in (-0.75, 0.55) for z in (-0.5, 0.4)),
    ]
    return np.minimum.reduce([box_field(*part, resolution) for part in parts])


def wavy_box() -> np.ndarray:
    """A box whose sides have waves as the model's shapes have them, and rounded edges."""
    field = box_field((-0.6, -0.4, -0.5), (0.6, 0.4, 0.5), RESOLUTION) - 2 * CELL
    x, y, z = (
        np.linspace(-1, 1, RESOLUTION, endpoint=False, dtype=np.float32).reshape(shape)
        for shape in ((-1, 1, 1), (1, -1, 1), (1, 1, -1))
    )
    return field + np.float32(WAVES) * np.sin(9 * x + 1) * np.sin(9 * y + 2) * np.sin(9 * z + 3)


FIELDS = {
    "ball": lambda: sphere_field(0.7, (0.1, 0, 0), RESOLUTION),
    "thin plate": lambda: box_field((-0.8, -0.02, -0.7), (0.8, 0.026, 0.7), RESOLUTION),
    "table": table,
    "hollow ball": lambda: np.maximum(
        sphere_field(0.7, resolution=RESOLUTION), -sphere_field(0.5, resolution=RESOLUTION)
    ),
    "two pieces": lambda: np.minimum(
        sphere_field(0.3, (-0.5, 0, 0), RESOLUTION), sphere_field(0.3, (0.45, 0.1, 0), RESOLUTION)
    ),
    "crossing the plane thrice": lambda: np.minimum(
        np.abs(sphere_field(0.6, (0.05, 0, 0), RESOLUTION)) - 2 * CELL,
        box_field((-0.9, -0.1, -0.1), (0.9, 0.1, 0.1), RESOLUTION),
    ),
}
SETTINGS = {
    "default": Finish(),
    "few": Finish(faces=500),
    "low poly": Finish("low-poly"),
    "symmetric": Finish(symmetry="x"),
    "symmetric and few": Finish(symmetry="z", faces=800),
    "upright": Finish(symmetry="y", faces=3000),
    "flat base": Finish(flat_base=True, faces=3000),
    "smooth": Finish(smoothing=20, faces=5000),
    "crisp": Finish(crisp=1.0, faces=3000),
    "full and symmetric": Finish("full", symmetry="x"),
    "everything": Finish(faces=3000, crisp=0.5, smoothing=5, symmetry="x", flat_base=True, hollow=0.05),
}


@pytest.fixture(scope="module")
def surfaces():
    made = {name: field_to_mesh(field()) for name, field in FIELDS.items()}
    assert all(is_manifold(faces) for _, faces in made.values())
    return made


def distances(vertices: np.ndarray, faces: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.sqrt(
        np.abs(
            igl.point_mesh_squared_distance(
                np.asarray(points, float), np.asarray(vertices, float), faces.astype(np.int64)
            )[0]
        )
    )


def is_mirrored(vertices: np.ndarray, axis: int) -> bool:
    image = vertices.copy()
    image[:, axis] *= -1
    return {tuple(point) for point in (image + 0.0).tolist()} == {tuple(point) for point in (vertices + 0.0).tolist()}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("shape", FIELDS)
def test_a_closed_manifold_shape_stays_one_within_the_budget(surfaces, shape, settings):
    vertices, faces = surfaces[shape]
    made = finish(vertices, faces, settings)
    assert made.vertices.dtype == np.float32 and made.faces.dtype == np.int32 and np.isfinite(made.vertices).all()
    assert not open_edges(made.faces) and not len(bad_vertices(made.faces))
    assert signed_volume(made.vertices, made.faces) > 0
    assert len(np.unique(made.faces)) == len(made.vertices)
    if settings.budget:
        assert len(made.faces) <= max(settings.budget, 100) * 1.02
    if settings.symmetry != "off":
        assert is_mirrored(made.vertices, "xyz".index(settings.symmetry))


@pytest.mark.parametrize("shape", FIELDS)
def test_a_fifth_of_the_triangles_lies_within_a_fifth_of_a_cell(surfaces, shape):
    made = finish(*surfaces[shape], Finish(faces=len(surfaces[shape][1]) // 5))
    assert distances(*surfaces[shape], made.vertices).max() < 0.2 * CELL
    assert distances(made.vertices, made.faces, surfaces[shape][0]).max() < 0.2 * CELL


def test_as_extracted_nothing_changes(surfaces):
    vertices, faces = surfaces["table"]
    made = finish(vertices, faces, AS_EXTRACTED)
    assert np.array_equal(made.vertices, vertices) and np.array_equal(made.faces, faces) and made.timings == {}


def test_the_same_settings_give_the_same_mesh(surfaces):
    first, again = (finish(*surfaces["table"], SETTINGS["everything"]) for _ in range(2))
    assert np.array_equal(first.vertices, again.vertices) and np.array_equal(first.faces, again.faces)


def test_symmetry_keeps_the_larger_half(surfaces):
    vertices, faces = field_to_mesh(
        np.minimum(sphere_field(0.5, resolution=RESOLUTION), box_field((0.3, -0.1, -0.1), (0.9, 0.1, 0.1), RESOLUTION))
    )
    made = finish(vertices, faces, Finish(symmetry="x"))
    assert made.vertices[:, 0].min() == -made.vertices[:, 0].max() and made.vertices[:, 0].max() > 0.85
    turned = finish(vertices * [-1, 1, 1], faces[:, ::-1], Finish(symmetry="x"))
    assert turned.vertices[:, 0].max() > 0.85


def test_a_flat_base_is_level_and_wide(surfaces):
    vertices, faces = surfaces["ball"]
    made = finish(vertices, faces, Finish(flat_base=True))
    low = made.vertices[:, 1].min()
    normals, areas = face_normals(made.vertices, made.faces)
    on_base = (made.vertices[made.faces][:, :, 1] == low).all(axis=1)
    assert normals[on_base & (areas > 0)][:, 1].max() < -0.999
    # A cap of height h of a ball of radius r stands on a circle of π (2 r h − h²).
    height = low + 0.7
    assert areas[on_base].sum() == pytest.approx(np.pi * (1.4 * height - height**2), rel=0.2)


def test_a_hollow_ball_has_its_wall(surfaces):
    vertices, faces = surfaces["ball"]
    made = finish(vertices, faces, Finish(hollow=0.1))
    inside = 0.7 - 0.18
    assert signed_volume(made.vertices, made.faces) == pytest.approx(4 / 3 * np.pi * (0.7**3 - inside**3), rel=0.02)
    radii = np.linalg.norm(made.vertices - [0.1, 0, 0], axis=1)
    inner = radii[radii < 0.6]
    assert inner.size and np.abs(inner - inside).max() < CELL


def test_a_plate_is_too_thin_to_be_hollow_and_stays_as_it_is(surfaces):
    made = finish(*surfaces["thin plate"], Finish(hollow=0.1))
    assert "too thin" in made.notes[0] and not open_edges(made.faces)


def test_smoothing_keeps_the_volume_and_calms_the_surface():
    vertices, faces = field_to_mesh(sphere_field(0.6, resolution=RESOLUTION))
    rough = vertices + np.random.default_rng(0).normal(0, 0.2 * CELL, vertices.shape).astype(np.float32)
    made = finish(rough, faces, Finish("full", smoothing=10))
    assert signed_volume(made.vertices, faces) == pytest.approx(signed_volume(vertices, faces), rel=0.01)
    spread = [np.linalg.norm(points, axis=1).std() for points in (rough, made.vertices)]
    assert spread[1] < spread[0] / 2


def test_crisp_makes_a_wavy_box_a_box():
    vertices, faces = field_to_mesh(wavy_box())
    before, _ = face_normals(vertices, faces)
    made = finish(vertices, faces, Finish(crisp=1.0))
    after, areas = face_normals(made.vertices, made.faces)

    def off_axis(normals: np.ndarray) -> np.ndarray:
        return np.degrees(np.arccos(np.clip(np.abs(normals).max(axis=1), 0, 1)))

    assert np.median(off_axis(before)) > 2
    assert np.sum(areas[off_axis(after) < 1]) > 0.9 * areas.sum()
    assert is_manifold(made.faces) and signed_volume(made.vertices, made.faces) == pytest.approx(
        signed_volume(vertices, faces), rel=0.05
    )


def test_a_ball_has_nothing_to_make_crisp(surfaces):
    vertices, faces = surfaces["ball"]
    moved, count = snap_planes(vertices, faces.astype(np.int64))
    assert count == 0 and np.array_equal(moved, vertices)
    assert "No flat area" in finish(vertices, faces, Finish(crisp=1.0)).notes[0]


def test_quads_are_four_sided_closed_and_symmetric(surfaces):
    pytest.importorskip(quads.PACKAGE)
    for settings in (Finish("quads", faces=2000), Finish("quads", faces=2000, symmetry="x")):
        made = finish(*surfaces["table"], settings)
        assert made.faces.shape[1] == 4 and 1000 < len(made.faces) < 4000
        assert is_manifold(made.faces) and distances(*surfaces["table"], made.vertices).max() < 3 * CELL
    assert is_mirrored(made.vertices, 0)


def test_the_library_of_quads_prints_nothing(surfaces, capfd):
    pytest.importorskip(quads.PACKAGE)
    finish(*surfaces["ball"], Finish("quads", faces=500))
    assert capfd.readouterr() == ("", "")


def test_uvs_lie_beside_each_other_in_the_unit_square(surfaces):
    pytest.importorskip(uv.PACKAGE)
    made = finish(*surfaces["table"], Finish(faces=2000, uv=True))
    assert made.uvs.shape == (*made.faces.shape, 2) and made.uvs.min() >= 0 and made.uvs.max() <= 1
    a, b, c = made.uvs.transpose(1, 0, 2)
    doubled = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert (doubled != 0).mean() > 0.99 and 0.3 < np.abs(doubled).sum() / 2 < 1


@pytest.mark.parametrize(
    ("module", "settings", "words"),
    [
        (quads, Finish("quads"), "pip install pynanoinstantmeshes"),
        (uv, Finish(uv=True), "Smart UV Project"),
        (None, Finish("quads", uv=True), "choose triangles"),
    ],
)
def test_what_this_python_cannot_do_is_said_before_anything_is_computed(monkeypatch, module, settings, words):
    if module is not None:
        monkeypatch.setitem(sys.modules, module.PACKAGE, None)
        monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError) as error:
        finish(np.zeros((3, 3)), np.array([[0, 1, 2]]), settings)
    assert words in str(error.value)


def test_an_open_mesh_is_decimated_with_a_remark():
    vertices, faces = box(without=3)
    made = finish(vertices, faces, Finish(symmetry="x", hollow=0.1))
    assert "isn't a closed manifold surface" in made.notes[0] and len(made.faces) == len(faces)


def test_bad_edges_send_the_whole_mesh_to_the_slower_method(monkeypatch, surfaces):
    vertices, faces = surfaces["table"]
    monkeypatch.setattr(
        finishing.decimate.__globals__["fast_simplification"],
        "simplify",
        lambda points, triangles, **_: (points, triangles[1:]),
    )
    made = finish(vertices, faces, Finish(faces=2000))
    assert is_manifold(made.faces) and len(made.faces) <= 2000


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"topology": "hexagons"}, "topology"),
        ({"faces": 0}, "from 100 to"),
        ({"faces": 2.5}, "whole number"),
        ({"faces": True}, "whole number"),
        ({"topology": "full", "faces": 500}, "contradicts"),
        ({"topology": "low-poly", "faces": 20_000}, "low-poly"),
        ({"crisp": 2}, "crisp"),
        ({"crisp": float("nan")}, "crisp"),
        ({"smoothing": -1}, "smoothing"),
        ({"symmetry": "w"}, "symmetry"),
        ({"hollow": 0.9}, "hollow"),
        ({"flat_base": 1}, "flat_base"),
        ({"uv": "yes"}, "uv"),
        ({"smooth_angle": 400}, "smooth_angle"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_settings_are_refused_with_what_was_expected(wrong, words):
    with pytest.raises(InputError) as error:
        Finish.from_plain(wrong)
    assert words in str(error.value)


def test_settings_survive_a_request():
    settings = SETTINGS["everything"]
    assert Finish.from_plain(settings.to_plain()) == settings and Finish.from_plain({}) == Finish()


def test_cancelling_stops_between_two_steps(surfaces):
    def stop(stage, step, steps):
        assert stage == "finish"
        if step == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finish(*surfaces["ball"], SETTINGS["everything"], stop)


def test_the_record_says_what_was_done(surfaces):
    made = finish(*surfaces["thin plate"], Finish("low-poly", hollow=0.1))
    record = finished_record({"note": "Before", "timings": {"surface": 1.0}}, Finish("low-poly", hollow=0.1), made)
    assert (
        record["finish"]["topology"] == "low-poly"
        and record["smooth_angle"] == 0
        and record["note"].startswith("Before. The shape is too thin")
    )
    assert record["timings"]["surface"] == 1.0 and record["timings"]["finish"] == sum(record["finish_timings"].values())


def test_two_boxes_that_touch_at_an_edge_are_not_manifold():
    first, second = box((0, 0, 0), (1, 1, 1)), box((1, 1, 0), (2, 2, 1))
    vertices, faces = joined(first, second)
    assert is_manifold(faces)
    _, numbers = np.unique(vertices, axis=0, return_inverse=True)
    assert not is_manifold(numbers.reshape(-1)[faces])
