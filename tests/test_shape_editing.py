"""Varying, regions and blends: what is kept of a shape, by law with known denoisers and fields,
and with the starter."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from shapes import box, joined, sphere, sphere_field

from wala_blender import Edit, NoInput, Region, TextInput
from wala_blender.diffusion.samplers import Start, ancestral, noises_of_seeds
from wala_blender.diffusion.schedule import Schedule
from wala_blender.errors import InputError, ModelError
from wala_blender.finishing.settings import AS_EXTRACTED
from wala_blender.geometry.distance import Frame, frame_of
from wala_blender.geometry.meshes import write_mesh
from wala_blender.geometry.metrics import iou
from wala_blender.mesh_to_mesh import MeshToMesh
from wala_blender.models.level_model import LevelModel
from wala_blender.models.registry import MODELS
from wala_blender.pipeline import Pipeline, Settings, refuse_edit
from wala_blender.shape_editing import Base, EditedShape, agreement, read_edit, without_loose

SHAPE = (4, 3, 3, 3)
LATENT, TARGET = torch.full((1, *SHAPE), 2.0), torch.full((2, *SHAPE), -1.0)
DRAFT = Settings(quality="draft", finish=AS_EXTRACTED)
TABLE = joined(
    box((-1, 0.6, -0.6), (1, 0.8, 0.6)),
    box((-0.9, -0.8, -0.2), (-0.5, 0.6, 0.2)),
    box((0.5, -0.8, -0.2), (0.9, 0.6, 0.2)),
)


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline.load("starter", "cpu")


@pytest.fixture(scope="module")
def table(pipeline) -> EditedShape:
    return pipeline.encoded(Edit(TABLE, 0.0))


def sampled(start: Start, denoiser, steps: int = 6) -> torch.Tensor:
    return ancestral(denoiser, Schedule(), steps, noises_of_seeds([1, 2], SHAPE), None, start)


def test_sampling_starts_at_the_strength_s_noise_level():
    schedule, seen = Schedule(), []

    def denoiser(x, t):
        seen.append((float(t[0]), float(x.mean())))
        return TARGET

    weak = Start(LATENT, 0.1)
    assert torch.allclose(sampled(weak, denoiser), TARGET, atol=1e-5)
    (timestep, mean), *_ = seen
    assert timestep == 99
    assert mean == pytest.approx(2 * float(schedule.alpha_bar[99]) ** 0.5, abs=0.1)


def test_the_steps_go_by_the_strength():
    schedule = Schedule()
    assert [Start(LATENT, strength).steps(16, schedule) for strength in (0.001, 0.5, 1.0)] == [2, 8, 16]


def test_what_is_not_masked_stays_to_the_bit():
    mask = torch.zeros(3, 3, 3, dtype=torch.bool)
    mask[0] = True
    made = sampled(Start(LATENT, 1.0, mask), lambda x, t: TARGET)
    assert torch.equal(made[:, :, 1:], LATENT.expand_as(made)[:, :, 1:])
    assert torch.allclose(made[:, :, 0], TARGET[:, :, 0], atol=1e-5)


def test_masked_sampling_visits_each_step_but_the_last_several_times():
    mask, seen, told = torch.ones(3, 3, 3, dtype=torch.bool), [], []

    def denoiser(x, t):
        seen.append(float(t[0]))
        return TARGET

    noises = noises_of_seeds([1, 2], SHAPE)
    ancestral(denoiser, Schedule(), 3, noises, lambda step, steps: told.append((step, steps)), Start(LATENT, 1.0, mask))
    assert seen == [999.0] * 3 + [500.0] * 3 + [0.0] and told == [(step, 7) for step in range(7)]


def test_noise_that_is_added_again_gives_the_later_timestep_s_spread():
    schedule, noise = Schedule(), torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    x = schedule.add_noise(torch.zeros(1, 100_000), noise[None], torch.tensor([300]))
    later = schedule.noised_further(x, noise.flip(0)[None], 300, 700)
    assert float(later.std()) == pytest.approx((1 - schedule.alpha_bar[700]) ** 0.5, rel=0.02)


def matrix(center, sides) -> np.ndarray:
    made = np.diag([*sides, 1.0])
    made[:3, 3] = center
    return made


@pytest.mark.parametrize(
    ("region", "inside", "outside"),
    [
        (Region("box", matrix((1, 2, 3), (1, 2, 3))), (1.5, 2, 3), (2.1, 2, 3)),
        (Region("sphere", matrix((1, 2, 3), (2, 2, 2))), (2.5, 2, 3), (2.5, 3.5, 3)),
        (Region("points", points=np.array([[1.0, 2, 3]]), radius=0.5), (1.4, 2, 3), (1.6, 2, 3)),
    ],
)
def test_a_region_s_depth_is_positive_inside(region, inside, outside):
    assert region.depth(np.array(inside)) > 0 > region.depth(np.array(outside))


def test_a_region_turned_by_its_matrix():
    turned = np.eye(4)
    turned[:2, :2] = np.array([[1, -1], [1, 1]]) / 2**0.5
    region = Region("box", turned)
    assert region.depth(np.array([1.3, 0, 0])) == pytest.approx(1 - 1.3 / 2**0.5)


def test_the_blend_is_0_outside_the_region_and_1_deep_inside():
    share = Region("box", matrix((0.5, 0, 0), (0.5, 2, 2))).blend(Frame(np.zeros(3), 1.0))
    assert share.shape == (256,) * 3
    assert float(share[:129].max()) == 0.0 and float(share[150:245, 50:200, 50:200].min()) == 1.0
    assert float((share[1:] - share[:-1]).abs().max()) < 0.25


@pytest.mark.parametrize(
    ("shape", "fields"),
    [("box", {}), ("box", {"matrix": np.zeros((4, 4))}), ("points", {"points": np.zeros((0, 3))}), ("cone", {})],
)
def test_a_region_without_a_size_is_refused(shape, fields):
    with pytest.raises(InputError):
        Region(shape, **fields)


def test_a_region_beside_the_shape_is_refused():
    far = Region("sphere", matrix((9, 0, 0), (1, 1, 1)))
    with pytest.raises(InputError, match="outside the shape"):
        far.cells(Frame(np.zeros(3), 1.0))


def ball(radius: float, center=(0, 0, 0), resolution: int = 128) -> torch.Tensor:
    return torch.from_numpy(sphere_field(radius, center, resolution).astype(np.float32)).clamp(-0.1, 0.1)


def test_fields_agree_where_their_surfaces_do():
    a, b = ball(0.5), torch.minimum(ball(0.5), ball(0.2, (0.6, 0, 0)))
    weight = agreement(a, b, 0.02)
    assert float(agreement(a, a, 0.02).min()) == 1.0
    assert float(weight[8, 16, 16]) > 0.99 and float(weight[27, 16, 16]) < 0.05


def base_of(radius: float, decoded: float) -> Base:
    return Base(ball(radius, resolution=256), torch.zeros(4, 12, 12, 12), ball(decoded))


def test_the_source_s_own_surface_stays_where_the_new_field_agrees_with_the_decoded_one():
    source = base_of(0.5, 0.48)
    edited = EditedShape(Edit(source.field.numpy(), 0.2), None, ((source, 1.0),))
    assert torch.allclose(edited.applied(ball(0.48, resolution=256), ball(0.48)), source.field, atol=1e-6)
    other = ball(0.2, resolution=256)
    assert torch.equal(edited.applied(other, ball(0.2)) < 0, other < 0)
    plain = dataclasses.replace(edited, edit=Edit(source.field.numpy(), 0.2, details=False))
    assert torch.equal(plain.applied(other, ball(0.2)), other)


def test_the_ends_of_a_blend_are_the_shapes():
    a, b = base_of(0.5, 0.48), base_of(0.3, 0.31)
    for mix, own in ((0.0, a), (1.0, b)):
        edit = Edit(a.field.numpy(), 0.0, b.field.numpy(), mix)
        made = EditedShape(edit, None, ((a, 1 - mix), (b, mix))).applied(own.field[:], own.half)
        assert torch.allclose(made, own.field, atol=1e-6)


def test_what_floats_in_the_region_alone_is_left_out():
    field = torch.minimum(ball(0.3, (-0.5, 0, 0)), ball(0.1, (0.5, 0, 0)))
    region = torch.zeros_like(field)
    region[64:] = 1
    assert torch.equal(without_loose(field, region) < 0, ball(0.3, (-0.5, 0, 0)) < 0)
    assert torch.equal(without_loose(field, torch.ones_like(field)), field)


def test_an_emptied_region_is_told():
    source = base_of(0.5, 0.5)
    region = Region("box", matrix((0.5, 0, 0), (0.4, 1, 1)))
    edited = EditedShape(Edit(source.field.numpy(), 1.0, region=region, details=False), None, ((source, 1.0),))
    kept, emptied = (edited.applied(field, source.half) for field in (source.field, ball(0.05, resolution=256)))
    assert edited.note_on(kept) == "" and "another seed" in edited.note_on(emptied)
    assert torch.equal(emptied[:130], source.field[:130])


def test_strength_0_gives_the_source(pipeline, table):
    made = pipeline.vary(table.bases[0][0].field.numpy(), 0.0, settings=dataclasses.replace(DRAFT, quality="normal"))
    again = pipeline.encoded(Edit((made.vertices, made.faces), frame=Frame(np.zeros(3), 1.0))).bases[0][0].field
    assert iou((again < 0).numpy(), (table.bases[0][0].field < 0).numpy()) >= 0.97
    assert made.record["edit"] == {"strength": 0.0, "region": None}


def test_a_mesh_comes_back_where_it_was_and_farther_off_with_strength(pipeline):
    vertices, faces = TABLE
    moved = vertices * 3 + [5, 6, 7]
    kept, changed = (pipeline.vary((moved, faces), s, TextInput("a table"), settings=DRAFT) for s in (0.1, 0.9))
    low, high = kept.placed_vertices.min(0), kept.placed_vertices.max(0)
    assert np.allclose([low, high], [moved.min(0), moved.max(0)], atol=0.15)
    assert kept.record["condition"] == "text" and kept.record["steps"] == changed.record["steps"]
    assert np.abs(changed.latent - kept.latent).mean() > 0.05


def test_variations_of_a_mesh_have_a_seed_each(pipeline, table):
    edit = Edit(table.bases[0][0].field.numpy(), 0.6)
    made = pipeline.variations(NoInput(), None, DRAFT, [1, 2], edit=edit)
    alone = pipeline.generate(NoInput(), settings=dataclasses.replace(DRAFT, seed=2), edit=edit)
    assert np.abs(made[0].latent - made[1].latent).mean() > 0.01
    assert np.abs(made[1].latent - alone.latent).mean() < 1e-3


def test_outside_the_region_the_surface_moves_less_than_half_a_cell(pipeline, table):
    import igl

    field = table.bases[0][0].field.numpy()
    region = Region("box", matrix((0, 0.9, 0), (2, 0.5, 2)))  # the table's top
    whole = dataclasses.replace(DRAFT, quality="normal", seed=4)
    made, source = (
        pipeline.generate(TextInput("a table"), settings=whole, edit=edit)
        for edit in (Edit(field, 1.0, region=region), Edit(field, 0.0))
    )
    for here, there in ((made, source), (source, made)):
        outside = here.vertices[region.depth(here.vertices) < 0].astype(float)
        squared, *_ = igl.point_mesh_squared_distance(
            outside, there.vertices.astype(float), there.faces.astype(np.int64)
        )
        assert len(outside) > 1000 and np.sqrt(squared.max()) < 0.5 * 2 / 256
    inside = made.vertices[region.depth(made.vertices) > 0].astype(float)
    squared, *_ = igl.point_mesh_squared_distance(inside, source.vertices.astype(float), source.faces.astype(np.int64))
    assert np.sqrt(squared.max()) > 2 * 2 / 256


def test_a_mesh_beside_its_input_is_refused(pipeline):
    vertices, faces = TABLE
    with pytest.raises(InputError, match="does not lie where the input is"):
        pipeline.generate("points", {"points": vertices + 50}, DRAFT, edit=Edit((vertices, faces)))


def test_models_without_an_encoder_refuse():
    with pytest.raises(ModelError, match="no encoder of shapes"):
        MeshToMesh(MODELS["lagem"], LevelModel(None), "", None, torch.device("cpu")).generate(
            "mesh", {}, Settings(), edit=Edit(TABLE)
        )
    assert refuse_edit("lagem", None) is None


@pytest.mark.parametrize("fields", [{"strength": 1.5}, {"mix": -0.1}, {"strength": float("nan")}])
def test_shares_beyond_their_range_are_refused(fields):
    with pytest.raises(InputError, match="expected 0 … 1"):
        Edit(TABLE, **fields)


def test_an_edit_is_read_from_plain_data(tmp_path):
    np.savez(tmp_path / "a.npz", vertices=TABLE[0], faces=TABLE[1])
    write_mesh(tmp_path / "b.obj", *sphere(), {})
    plain = {
        "mesh": "a.npz",
        "other": "b.obj",
        "strength": 0.25,
        "mix": 0.75,
        "region": "sphere",
        "region_matrix": matrix((1, 2, 3), (4, 4, 4)).flatten().tolist(),
        "frame": [1.0, 2.0, 3.0, 0.5],
        "details": 0,
    }
    edit = read_edit(json.loads(json.dumps(plain)), tmp_path)
    assert (edit.strength, edit.mix, edit.details, edit.frame.scale) == (0.25, 0.75, False, 0.5)
    assert np.array_equal(edit.mesh[0], TABLE[0]) and len(edit.other[1]) == len(sphere()[1])
    assert np.array_equal(edit.region.matrix, matrix((1, 2, 3), (4, 4, 4)))


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"mesh": "a.npz", "strange": 1},
        {"mesh": "a.npz", "strength": "much"},
        {"mesh": "a.npz", "region": "box", "region_matrix": [1.0]},
        {"mesh": "../a.npz"},
        {"mesh": "a.npz", "frame": [0, 0, 0, 0]},
    ],
)
def test_a_faulty_edit_is_refused(tmp_path, plain):
    np.savez(tmp_path / "a.npz", vertices=TABLE[0], faces=TABLE[1])
    with pytest.raises(InputError):
        read_edit(plain, tmp_path)


def test_the_frame_is_the_given_one(pipeline):
    own = frame_of(TABLE[0])
    frame = Frame(own.center, own.scale * 0.8)
    edited = pipeline.encoded(Edit(TABLE, frame=frame))
    inside = np.argwhere(edited.bases[0][0].field.numpy() < 0)
    assert np.ptp(inside, axis=0).max() == pytest.approx(0.8 * 0.9 * 256, abs=3)
