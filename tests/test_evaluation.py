"""The evaluation's own arithmetic, on solids and a pipeline whose answers are known. The model itself is not under test
here."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from shapes import box, box_field, joined, sphere, sphere_field, write_collection

from wala_blender.conditions.voxels import upsampled
from wala_blender.errors import InputError
from wala_blender.evaluation import evaluate, prompt_sheet
from wala_blender.evaluation.autoencoders import compare
from wala_blender.evaluation.html_report import Gallery, page
from wala_blender.evaluation.inputs import EVALUATIONS, trials_of
from wala_blender.evaluation.report import by_collection, summary, tables_of, text_of
from wala_blender.evaluation.shapes import named, read_ids
from wala_blender.evaluation.training_set import TrainingShapes
from wala_blender.geometry import reconstruction
from wala_blender.geometry.distance import Frame, mesh_to_distance
from wala_blender.geometry.metrics import iou, sample_surface, silhouettes
from wala_blender.geometry.reconstruction import estimated_normals, screened_poisson
from wala_blender.pipeline import FitPlan
from wala_blender.training.conditions.image import image_input
from wala_blender.training.conditions.voxels import half_filled
from wala_blender.training.data import shape_filter
from wala_blender.training.data.blockouts import KINDS
from wala_blender.training.data.build import build
from wala_blender.training.data.mesh_datasets import Record, read_records
from wala_blender.training.input_pictures import PICTURE_SIZE

R = 64
PLATE = box((-0.5, -0.1, -0.5), (0.5, 0.1, 0.5))
POLE = box((-0.1, -0.5, -0.1), (0.1, 0.5, 0.1))


@dataclass(frozen=True)
class Settings:
    model: str = "none"
    seed: int = 3


def coarse(vertices, faces, resolution, truncation):
    """Distance field (R, R, R) in place of one at the resolution asked for."""
    return mesh_to_distance(vertices, faces, R, truncation)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Fields of 64³: a hundredth of the time."""
    monkeypatch.setattr(shape_filter, "mesh_to_distance", coarse)
    monkeypatch.setattr(reconstruction, "_OCTREE", 5)


class Ideal:
    """Keeps whatever field it gets; makes a ball for every condition."""

    denoiser, row = SimpleNamespace(views=()), SimpleNamespace(name="ideal", prompted=("sketch",))
    ball = torch.from_numpy(sphere_field(0.9, resolution=R).clip(-0.1, 0.1))

    def __init__(self):
        self.seen = []

    def field_to_latent(self, field, fit=0):
        return field

    def latent_to_field(self, latent, plan=None):
        return latent

    def generate_latent(self, condition, inputs, settings):
        self.seen.append((condition, inputs, settings.seed))
        return self.ball, SimpleNamespace(frame=None, observation=None)

    def fit_latent(self, latent, observation, steps):
        return latent

    def fit_plan(self, condition, prepared, settings):
        return FitPlan(prepared)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Training shapes: a plate, a pole, a ball."""
    folder = tmp_path_factory.mktemp("kits")
    write_collection(
        folder, "kit", [PLATE, POLE, sphere(0.5, rings=20)], caption=["serving plate", "wooden pole", "round ball"]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shape_filter, "mesh_to_distance", coarse)
        build(folder, folder / "store", jobs=1)
    return folder / "store"


def test_a_ball_is_measured(tmp_path):
    write_collection(tmp_path, "kit", [sphere(0.5, rings=32)])
    pipeline = Ideal()
    report = evaluate.evaluate(pipeline, read_records(tmp_path), ["voxels", "points"], None, Settings())
    assert (report["count"], report["skipped"], report["seed"]) == (1, {}, 3)
    for name in ("autoencoder", "voxels", "points"):
        one = report[name]
        assert one["iou"] > 0.98 and one["chamfer"] < 0.02 and one["f_score"] > 0.99 and one["silhouette_iou"] > 0.98, (
            name
        )
        assert one["normal_angle"] < 5 and (one["pieces"], one["one_piece"]) == (1, 1), name
    assert report["reference_one_piece"] == 1
    # What 16 cells a side make of a ball of radius 7.2 cells: a cell touched at all is filled, so that it grows.
    lines = report["voxels"]["baselines"]
    assert 0.65 < lines["nearest"]["iou"] < lines["trilinear_half_filled"]["iou"] < 0.98
    assert (
        lines["nearest"]["normal_angle"]
        > lines["trilinear_half_filled"]["normal_angle"]
        > report["voxels"]["normal_angle"]
    )
    assert lines["nearest"]["chamfer"] > 1.5 * lines["trilinear_half_filled"]["chamfer"] > 0.02
    assert report["points"]["baselines"]["screened_poisson"]["iou"] > 0.93
    assert report["points"]["baselines"]["screened_poisson_without_normals"]["iou"] > 0.9
    assert lines["nearest"]["light_field_distance"] > report["voxels"]["light_field_distance"] >= 0
    assert len(text_of(report)) == (1 + 2 + 4 + 3) + 1 + 3
    assert [seen[0] for seen in pipeline.seen] == ["voxels", "points"] and pipeline.seen[1][1]["points"].shape == (
        4096,
        3,
    )


def test_a_fast_evaluation_compares_with_nothing(tmp_path, caplog):
    write_collection(tmp_path, "kit", [sphere(0.5, rings=16), PLATE, POLE] * 3)
    caplog.set_level("INFO")
    report = evaluate.evaluate(Ideal(), read_records(tmp_path), ["points"], None, Settings(), fast=True)
    assert (
        report["count"] == evaluate.FAST and "baselines" not in report["points"] and "autoencoder_fitted" not in report
    )
    assert (
        report["points"]["silhouette_iou"] is None and report["points"]["normal_angle"] > 0 and len(text_of(report)) > 3
    )
    lines = [record.message for record in caplog.records if "left" in record.message]
    assert (
        len(lines) == 2 * evaluate.FAST
        and lines[0].startswith("shape 1 of 8, kit/")
        and lines[-1].endswith("about 0 min 00 s left")
    )


def test_a_blockout_is_measured_beside_its_remesh(tmp_path, monkeypatch):
    monkeypatch.setattr(reconstruction, "_VOXELS", 32)
    write_collection(tmp_path, "kit", [sphere(0.5, rings=16)])
    pipeline, gallery = Ideal(), Gallery()
    report = evaluate.evaluate(pipeline, read_records(tmp_path), ["blockout"], None, Settings(), on_result=gallery)
    assert report["trials"] == [f"blockout_{kind}" for kind in KINDS] and {seen[0] for seen in pipeline.seen} == {
        "voxels"
    }
    for name in report["trials"]:
        lines = report[name]["baselines"]
        assert lines["blocks"]["iou"] > 0.7 and lines["remesh_and_smooth"]["iou"] > 0.65
    lines = report["blockout_cells"]["baselines"]
    assert lines["remesh_and_smooth"]["normal_angle"] < lines["blocks"]["normal_angle"]
    assert page({"data": "d", "split": "all"} | report, gallery).count("data:image/png") == 3 * 3


def test_normals_are_estimated_from_points():
    points = sample_surface(*box((-0.9, -0.5, -0.6), (0.9, 0.5, 0.6)), 3000, np.random.default_rng(0))
    towards = (estimated_normals(points) * points / (0.9, 0.5, 0.6)).sum(axis=1)
    assert (towards > 0).mean() > 0.99
    ball = sample_surface(*sphere(0.8), 2000, np.random.default_rng(0))
    pair = np.concatenate([ball * 0.4 - (0.5, 0, 0), ball * 0.4 + (0.5, 0, 0)])
    assert ((estimated_normals(pair) * np.concatenate([ball, ball])).sum(axis=1) > 0.75).all()


class Fitting(Ideal):
    """A smaller ball at first."""

    def generate_latent(self, condition, inputs, settings):
        return torch.from_numpy(sphere_field(0.6, resolution=R)), SimpleNamespace(
            frame=None, observation="what is known"
        )

    def fit_plan(self, condition, prepared, settings):
        return FitPlan(prepared, latent_steps=1)

    def fit_latent(self, latent, observation, steps):
        assert (observation, steps) == ("what is known", 1)
        return self.ball


def test_what_is_fitted_is_measured_before_and_after(tmp_path):
    write_collection(tmp_path, "kit", [sphere(0.5, rings=32)])
    report = evaluate.evaluate(Fitting(), read_records(tmp_path), ["points"], None, Settings())
    assert report["points"]["iou"] > 0.98 and report["points"]["baselines"]["not_fitted"]["iou"] == pytest.approx(
        (6 / 9) ** 3, rel=0.05
    )


def test_shapes_that_do_not_qualify_are_counted(tmp_path):
    vertices, faces = sphere(0.5, rings=8)
    write_collection(tmp_path, "kit", [(vertices * (1, 1, 0.002), faces)])
    with pytest.raises(InputError, match="none of the 1 shapes"):
        evaluate.evaluate(Ideal(), read_records(tmp_path), [], None, Settings())
    with pytest.raises(InputError, match="unknown condition 'smell'"):
        evaluate.evaluate(Ideal(), [], ["smell"], None, Settings())
    with pytest.raises(InputError, match="the model ideal reads no caption beside it"):
        evaluate.evaluate(Ideal(), [], ["text+text"], None, Settings())


def test_shapes_are_named(tmp_path):
    write_collection(tmp_path, "kit", [PLATE, POLE, sphere(0.5, rings=8)])
    (tmp_path / "some.txt").write_text("# two of three\nkit/2\n\nkit/0\n")
    records = read_records(tmp_path / "kit.npz")
    assert [record.id for record in named(records, read_ids(tmp_path / "some.txt"))] == ["kit/2", "kit/0"]
    with pytest.raises(InputError, match="1 of 2 shapes are not in that split of the data, such as kit/3"):
        named(records, ["kit/0", "kit/3"])
    with pytest.raises(InputError, match="no such file, and no list of that name"):
        read_ids("nowhere")


def test_the_lists_of_shapes_hold_validation_shapes_only():
    version_4, newer = read_ids("validation-version-4"), read_ids("validation-newer")
    assert len(set(version_4)) == len(set(newer)) == 24 and not set(version_4) & set(newer)
    assert {Record(one, Path(), 0, "", (), "", "", (), "").split for one in version_4 + newer} == {"validation"}


def test_training_shapes_are_looked_up(store):
    train = TrainingShapes(store)
    names = [entry.caption for entry in train.entries]
    plate = torch.from_numpy(box_field((-0.9, -0.2, -0.8), (0.9, 0.2, 0.8), R))
    assert names[train.nearest(plate)[0]] == "serving plate" and len(train.nearest(plate, 2)) == 2
    assert iou(train.field(train.nearest(plate)[0]) < 0, plate < 0) > 0.75
    assert (
        train.carry("plate", range(3)) == pytest.approx(1 / 3)
        and train.carry("pole", [names.index("wooden pole")]) == 1
    )
    assert train.has(np.array(train.entries[0].geometry) + 1e-4) and not train.has(
        np.array(train.entries[0].geometry) + 0.1
    )
    overlaps = [iou(train.mean_field < 0, train.field(i) < 0) for i in range(3)]
    assert min(overlaps) > 0 and np.mean(overlaps) > 0.3


@pytest.mark.parametrize(
    ("condition", "baseline"),
    [("sketch", "retrieved_by_drawing"), ("image", "retrieved_by_picture"), ("depth", "retrieved_by_depth")],
)
def test_a_view_is_looked_up(store, condition, baseline):
    train, rng = TrainingShapes(store), np.random.default_rng(0)
    for mesh, name in ((PLATE, "serving plate"), (POLE, "wooden pole"), (sphere(0.5, rings=20), "round ball")):
        vertices = mesh[0] * 1.8
        field = torch.from_numpy(mesh_to_distance(vertices, mesh[1], R))
        _, evaluation = EVALUATIONS[condition]
        inputs = evaluation.make(SimpleNamespace(field=field, surface=(vertices, mesh[1])), rng)
        found = evaluation.baselines(field, inputs, train)[baseline]
        assert torch.equal(found, train.field([entry.caption for entry in train.entries].index(name)))


def test_a_picture_is_lit_and_cut_out():
    field = torch.from_numpy(sphere_field(0.9, resolution=R))
    image = image_input(SimpleNamespace(field=field, surface=sphere(0.9)), np.random.default_rng(0))["image"]
    grey, alpha = image[..., 0].astype(int), image[..., 3]
    assert image.shape == (256, 256, 4) and (image[..., 1] == grey).all() and set(np.unique(alpha)) == {0, 255}
    assert (alpha > 0).mean() == pytest.approx(
        np.pi / 4 * 0.9**2, rel=0.02
    )  # a disc of nine tenths of the picture's side
    assert (
        grey[60, 90] > 230 and grey[128, 128] > grey[200, 180] == 64
    )  # lit from above left; a quarter of white in the shadow


def test_several_maps_are_measured_as_the_model_wants_them():
    assert list(trials_of(["voxels", "depths"], ())) == ["voxels", "depths_4", "depths_6"]
    fixed = trials_of(["depths"], (3, 6, 10, 26))
    assert list(fixed) == ["depths_4"] and fixed["depths_4"].condition == "depths"
    assert fixed["depths_4"].make(SimpleNamespace(surface=PLATE), np.random.default_rng(0))["views"] == [3, 6, 10, 26]


def test_captions_are_measured_beside_other_inputs():
    trials = trials_of(["depths+text", "depth"], ())
    assert list(trials) == ["depths_4+text", "depths_6+text", "depth"]
    given = trials["depths_6+text"].make(
        SimpleNamespace(surface=PLATE, record=SimpleNamespace(caption="plate")), np.random.default_rng(0)
    )
    assert trials["depths_6+text"].condition == "depths" and given["prompt"] == "plate" and len(given["views"]) == 6
    with pytest.raises(InputError, match=r"unknown condition 'text\+sketch'"):
        trials_of(["text+sketch"], ())


def test_a_report_with_training_shapes(tmp_path, store):
    data = tmp_path / "data"
    data.mkdir()
    unlike = joined(box((-0.5, -0.4, -0.5), (0.5, 0.4, 0.3)), box((-0.1, -0.4, 0.2), (0.1, 0.4, 0.5)))
    write_collection(data, "other", [PLATE, unlike, sphere(0.5, rings=9)], caption=["plate", "box", "red ball"])
    pipeline, gallery = Ideal(), Gallery()
    named = ["text", "sketch", "none", "image", "depth", "sketch+text", "depths"]
    report = evaluate.evaluate(
        pipeline, read_records(data), named, None, Settings(), train=TrainingShapes(store), on_result=gallery
    )
    assert report["count"] == 2 and report["skipped"] == {"duplicate": 1}
    # Every result is a ball: the training ball, whose caption says one of the two nouns.
    assert report["text"]["own_nearest_iou"] > 0.95 and report["text"]["noun"] == {
        "nearest": pytest.approx(1 / 6),
        "chance": pytest.approx(1 / 6),
    }
    assert report["text"]["coverage"] == 0.5 and 0 < report["text"]["minimum_matching_distance"] < 0.2
    assert report["nearest_training_shape"]["iou"] > report["sketch"]["baselines"]["mean_shape"]["iou"] > 0
    assert {"mean_shape", "retrieved_by_drawing"} == report["sketch"]["baselines"].keys() and 0 < report[
        "random_training_shapes"
    ]["coverage"] <= 1
    assert len({seed for condition, inputs, seed in pipeline.seen if condition == "none"}) == 2

    assert report["trials"] == [*named[:-1], "depths_4", "depths_6"]
    assert report["depths_6"]["baselines"]["tsdf_fusion"]["iou"] > max(
        0.9, report["depths_4"]["baselines"]["tsdf_fusion"]["iou"]
    )

    made = page({"data": "some <data>", "split": "all"} | report, gallery)
    assert "red ball" in made and "some &lt;data&gt;" in made and "<data>" not in made
    assert (
        made.count("<h3>best</h3>") == made.count("<h3>worst</h3>") == len(named) + 1
        and "http" not in made
        and "<script" not in made
    )
    # Words and nothing are no pictures.
    assert made.count("</div><img") == 2  # the words beside a sketch
    assert (
        made.count("<figure>") == 3 * 2 * (len(named) + 1)
        and made.count("data:image/png;base64,") == 3 * 2 * (len(named) + 1) - 2 * 2
    )
    assert all(
        f"<td>{name}</td>" in made
        for name in ("autoencoder", "nearest_training_shape", "mean_shape", "tsdf_fusion", *report["trials"])
    )


def test_upsampled_cells_lie_where_they_were():
    field = torch.ones(R, R, R)
    field[16:40, 24:48, 36:56] = -1
    field[:2, :4, :4], field[4:5, 4:8, 4:8] = -1, -1  # a half and less than a half of a cell
    occupancy = half_filled(field)
    assert occupancy.sum() == 6 * 6 * 5 + 1 and occupancy[0, 0, 0]
    field[:4, :4, :4], field[4:8, 4:8, 4:8] = -1, 1
    assert iou(upsampled(occupancy, "nearest", R) < 0, field < 0) == 1
    assert iou(upsampled(occupancy, "trilinear", R) < 0, field < 0) > 0.9


def test_a_poisson_surface_passes_through_its_points():
    field = torch.from_numpy(box_field((-0.9, -0.5, -0.6), (0.9, 0.5, 0.6), R))
    points = shape_filter.surface_points(
        *box((-0.9, -0.5, -0.6), (0.9, 0.5, 0.6)), field.numpy(), 2000, np.random.default_rng(0)
    )
    assert iou(screened_poisson(points, field) < 0, field < 0) > 0.85


def test_a_field_comes_back_from_its_frame():
    frame = Frame(np.array([0.1, -0.05, 0.2]), 1.25)
    in_model = torch.from_numpy(sphere_field(0.5, frame.to_model([0.15, 0.0, 0.1])))
    back = evaluate.from_frame(in_model, frame).numpy()
    expected = sphere_field(0.4, (0.15, 0.0, 0.1))
    assert np.abs(back - expected)[np.abs(expected) < 0.15].max() < 5e-3
    assert evaluate.from_frame(in_model, None) is in_model


def test_a_summary():
    scores = [
        {
            "iou": 0.2,
            "chamfer": None,
            "f_score": 0.0,
            "silhouette_iou": 0.0,
            "normal_angle": None,
            "pieces": 0,
            "light_field_distance": None,
        },
        {
            "iou": 0.6,
            "chamfer": 0.1,
            "f_score": 0.3,
            "silhouette_iou": 0.4,
            "normal_angle": 20.0,
            "pieces": 1,
            "light_field_distance": 100,
        },
        {
            "iou": 1.0,
            "chamfer": 0.4,
            "f_score": 0.9,
            "silhouette_iou": 0.8,
            "normal_angle": 30.0,
            "pieces": 2,
            "light_field_distance": 200,
        },
    ]
    assert summary(scores, volumes=[0.5, 0.1, 0.2]) == {
        "iou": pytest.approx(0.6),
        "iou_median": 0.6,
        "chamfer": pytest.approx(0.25),
        "chamfer_median": pytest.approx(0.25),
        "chamfer_shapes": 2,
        "f_score": pytest.approx(0.4),
        "silhouette_iou": pytest.approx(0.4),
        "normal_angle": 25.0,
        "normal_angle_median": 25.0,
        "light_field_distance": pytest.approx(150),
        "pieces": 1.0,
        "one_piece": pytest.approx(1 / 3),
        "thirds": {"thin": 0.6, "middle": 1.0, "bulky": 0.2},
    }


def test_a_result_without_a_surface_scores_nothing():
    field = torch.from_numpy(sphere_field(0.5))
    shape = SimpleNamespace(field=field, surface=sphere(0.5), silhouettes=silhouettes((field < 0).numpy()))
    assert evaluate.score(torch.ones(64, 64, 64), shape) == {
        "iou": 0.0,
        "chamfer": None,
        "f_score": 0.0,
        "silhouette_iou": 0.0,
        "normal_angle": None,
        "pieces": 0,
        "light_field_distance": None,
    }


class Smaller(Ideal):
    """A codec that loses a layer of the shape."""

    def latent_to_field(self, latent, plan=None):
        return latent + 0.05


def test_codecs_are_compared(tmp_path):
    for name, meshes in (("kit", [sphere(0.5, rings=20), POLE]), ("other", [PLATE])):
        write_collection(tmp_path, name, meshes)
    report = compare({"autoencoder a": Ideal(), "autoencoder b": Smaller()}, read_records(tmp_path), None)
    one, other = report["autoencoder a"], report["autoencoder b"]
    assert (one["iou"], one["mse"], one["d_iou"], one["d_mse"]) == (1, 0, 1, 0) and report["count"] == 3
    assert other["mse"] == pytest.approx(0.05**2, rel=1e-3) and 0 < other["iou"] < 1
    assert {name: part["count"] for name, part in other["collections"].items()} == {"kit": 2, "other": 1}
    table = tables_of(report)[1]
    assert table.heads == ["IoU", "MSE", "D-IoU", "D-MSE", "kit", "other"] and [name for name, _ in table.lines] == [
        "autoencoder a",
        "autoencoder b",
    ]
    assert table.lines[0][1] == ["1.000", "0.00e+00", "1.000", "0.00e+00", "1.000", "1.000"]


def test_collections_count_alike():
    rows = [
        {"id": name, "a": {"iou": iou, "mse": iou / 10}} for name, iou in (("x/1", 0.2), ("x/2", 0.4), ("y/1", 0.9))
    ]
    assert by_collection(rows, "a") == {
        "collections": {
            "x": {"iou": pytest.approx(0.3), "mse": pytest.approx(0.03), "count": 2},
            "y": {"iou": 0.9, "mse": 0.09, "count": 1},
        },
        "d_iou": pytest.approx(0.6),
        "d_mse": pytest.approx(0.06),
    }


class Boxes:
    """Makes a box of every prompt, and nothing of a cloud."""

    def generate(self, condition, inputs, settings):
        if "cloud" in inputs["prompt"]:
            raise InputError("no surface")
        return SimpleNamespace(vertices=PLATE[0], faces=PLATE[1])


def test_a_sheet_shows_every_prompt(monkeypatch):
    monkeypatch.setattr(prompt_sheet, "mesh_to_distance", partial(mesh_to_distance, resolution=R))
    prompts = read_ids("fifty-prompts")
    heads = {prompt.split()[-1] for prompt in prompts}
    assert len(set(prompts)) == 50 and {"chair", "table", "house", "sword", "lamp", "tree", "car", "ship"} <= heads
    sheet = np.asarray(prompt_sheet.prompt_sheet(Boxes(), ["a plate", "a cloud"] + ["a plate"] * 10, Settings()))
    assert sheet.shape[1] == 10 * PICTURE_SIZE
    cells = [
        sheet[y : y + PICTURE_SIZE, x : x + PICTURE_SIZE]
        for y in (0, sheet.shape[0] // 2)
        for x in range(0, 10 * PICTURE_SIZE, PICTURE_SIZE)
    ]
    assert np.array_equal(cells[0], cells[11]) and len(np.unique(cells[0])) > 3 and len(np.unique(cells[1])) == 1
    assert (sheet[PICTURE_SIZE : sheet.shape[0] // 2, :PICTURE_SIZE] < 128).any()  # its words
