"""Best of n: of several latents, the one whose shape agrees with the input is kept."""

import pytest
import torch

from runtime import request
from wala_blender.candidates import agreement, candidate_seeds, silhouette_overlap
from wala_blender.conditions.evidence import Evidence
from wala_blender.conditions.shape_constraints import of_points
from wala_blender.conditions.sketch import drawing_camera
from wala_blender.conditions.types import Prepared
from wala_blender.errors import InputError
from wala_blender.geometry.renderer import trace
from wala_blender.pipeline import QUALITIES, Pipeline, Settings

from .test_detail import sphere_field


def drawing_of(field: torch.Tensor) -> Evidence:
    camera = drawing_camera(field, 20.0)
    solid = torch.isfinite(trace(field, camera, 128)[0]).float()
    return Evidence(sketch=torch.stack([solid, solid]), camera=camera)


def test_the_first_candidate_is_the_seeds_own():
    seeds = candidate_seeds(2**63 - 1, 4)
    assert seeds[0] == 2**63 - 1 and len(set(seeds)) == 4 and all(0 <= seed < 2**63 for seed in seeds)


def test_a_field_that_passes_the_points_agrees_best():
    directions = torch.nn.functional.normalize(torch.randn(100, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    prepared = Prepared((), observation=of_points(0.5 * directions))
    scores = [agreement(prepared, sphere_field(radius)) for radius in (0.3, 0.5, 0.6)]
    assert max(scores) == scores[1]


def test_a_drawing_agrees_with_the_shape_it_shows():
    cube = torch.stack(torch.meshgrid(*[torch.linspace(-1, 127 / 128, 128).abs() - 0.5] * 3, indexing="ij")).amax(0)
    ball, drawn = sphere_field(0.5), drawing_of(sphere_field(0.5))
    assert silhouette_overlap(drawn, ball) > 0.95 > 0.85 > silhouette_overlap(drawn, cube)


def test_words_say_nothing_of_where_a_shape_is():
    assert agreement(Prepared(()), sphere_field(0.5)) is None


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline.load("starter", "cpu")


def test_the_best_of_several_agrees_at_least_as_well_as_the_first(pipeline):
    inputs = {
        "points": 0.5
        * torch.nn.functional.normalize(torch.randn(500, 3, generator=torch.Generator().manual_seed(1)), dim=1).numpy()
    }
    scores = []
    for quality in ("normal", "best"):
        latent, prepared = pipeline.generate_latent("points", inputs, Settings(steps=2, quality=quality))
        scores.append(agreement(prepared, pipeline.latent_to_field(latent)[::2, ::2, ::2]))
    assert scores[1] >= scores[0]


def test_words_choose_too_and_the_record_says_which(pipeline):
    record = pipeline.generate("text", {"prompt": "a chair"}, Settings(steps=2, quality="best")).record
    assert (
        record["quality"] == "best"
        and record["chosen_seed"] in candidate_seeds(0, 4)
        and record["timings"]["choose"] > 0
    )


def test_a_draft_takes_half_the_steps(pipeline):
    record = pipeline.generate("text", {"prompt": "a chair"}, Settings(quality="draft")).record
    assert record["steps"] == pipeline.row.conditions["text"].steps // 2 and record["resolution"] == 128


def test_an_unknown_quality_is_named(pipeline):
    with pytest.raises(InputError, match="finest"):
        pipeline.generate("text", {"prompt": "a chair"}, Settings(quality="finest"))


def test_jobs_know_the_same_qualities():
    assert tuple(QUALITIES) == request.QUALITIES
