"""What all tests share. Puts the tests' own folder on the path, so that they find shapes.py; marks tests by where they
are."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
sys.path.append(str(TESTS))

# Folders, files and tests that are slow: they generate, train, evaluate or build an environment, a second or more each.
SLOW = (
    "blender/",
    "faults/",
    "runtime/test_environment.py::test_a_real_environment",
    "runtime/test_environment.py::test_newer_versions_than_the_locked_ones_are_not_taken",
    "runtime/test_environment.py::test_where_the_locked_torch_is_not_built_the_newest_of_the_range_is_taken",
    "test_candidates.py::test_the_best_of_several_agrees_at_least_as_well_as_the_first",
    "test_candidates.py::test_words_choose_too_and_the_record_says_which",
    "test_cli.py::test_a_blockout_of_two_parts",
    "test_cli.py::test_a_job_folder_and_generate_give_the_same_mesh",
    "test_cli.py::test_a_round_trip",
    "test_cli.py::test_evaluate",
    "test_cli.py::test_generate[blockout]",
    "test_cli.py::test_generate[points]",
    "test_cli.py::test_the_same_seed",
    "test_cli.py::test_the_starter_takes_pictures_depth_maps_and_nothing[--depth",
    "test_cli.py::test_the_starter_takes_pictures_depth_maps_and_nothing[--image",
    "test_cli.py::test_variations",
    "test_dinov2.py::test_full_size",
    "test_dinov2.py::test_the_library_behind",
    "test_docs.py::test_the_site_builds",
    "test_evaluation.py",
    "test_families.py::test_a_store_takes_generated_shapes_like_a_collection",
    "test_finishing.py::test_a_closed_manifold",
    "test_lagem.py::test_from_the_hub",
    "test_lagem.py::test_loading_takes_little_more_memory",
    "test_mesh_voxels.py::test_cells_of_a_solid",
    "test_models.py::test_from_the_hub_to_a_mesh",
    "test_multiview.py::test_words_become_views",
    "test_observation.py::test_a_fitted_latent_agrees_more",
    "test_parity.py::test_reference[autoencoder",
    "test_pipeline.py::test_one_piece",
    "test_pipeline.py::test_points_come_back_in_their_own_frame",
    "test_pipeline.py::test_the_same_seed",
    "test_pipeline.py::test_variations",
    "test_precision.py::test_a_shape_is_fitted",
    "test_precision.py::test_the_decoder_in_bfloat16",
    "test_start.py::test_a_fitted_shape",
    "test_start.py::test_a_shape_from_words",
    "test_store.py::test_a_blend_file",
    "test_surface_refinement.py",
    "test_text_to_shape.py::test_a_failure",
    "test_text_to_shape.py::test_cancelling",
    "test_text_to_shape.py::test_one",
    "test_text_to_shape.py::test_the_models_take_turns",
    "test_toy_condition.py",
    "test_training.py::test_the_overlap",
    "test_training_runs.py",
)


def pytest_configure(config):
    # here and not in pyproject.toml, as the tests inside Blender have no configuration file
    config.addinivalue_line("markers", "slow: left out by `make test-fast`; given by SLOW in tests/conftest.py")
    config.addinivalue_line("markers", "blender: needs Blender")


def pytest_collection_modifyitems(items):
    for item in items:
        place = item.path.relative_to(TESTS).as_posix()
        name = f"{place}::{item.name}"
        if place.startswith("blender/"):
            item.add_marker(pytest.mark.blender)
        if name.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
