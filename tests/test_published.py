"""args.json → configurations: defaults, choices, and settings that are missing, wrong or unknown."""

import json
import logging

import pytest

from wala_blender.errors import CheckpointError
from wala_blender.models.published_args import condition_of, read_args
from wala_blender.models.published_config import published_settings
from wala_blender.networks.autoencoder import AutoencoderConfig
from wala_blender.networks.dinov2 import DinoV2Config

NETWORK = {
    "dit_block_type": "cross_dit",
    "att_patch_size": 2,
    "att_hidden_size": 1152,
    "transformer_num_blocks": 32,
    "transformer_num_heads": 16,
    "unet_model_channels": 128,
    "unet_num_res_blocks": [2],
    "cond_grid_size": 256,
    "cond_grid_emb_size": 1024,
}


def test_no_settings_are_the_published_autoencoder():
    made = published_settings({})
    assert made.autoencoder == AutoencoderConfig() and made.denoiser is None and made.processing is None


def test_null_is_absent_and_unconditional_models_ignore_the_context():
    made = published_settings(
        NETWORK
        | {"dit_block_type": "dit", "add_condition_time_ch": 1, "add_condition_res_ch": 64, "learnable_skip_r": None}
    )
    assert made.processing is None and made.denoiser.context_width is None
    assert (
        not made.denoiser.context_to_time and made.denoiser.res_context is None and made.denoiser.learnable_skip is None
    )


def test_cameras():
    made = published_settings(NETWORK | {"use_camera_index": True, "max_images_num": 55}).processing
    assert (made.camera_rows, made.training_views) == (55, None)
    made = published_settings(
        NETWORK | {"use_camera_index": True, "max_images_num": 55, "training_views": [3, 6]}
    ).processing
    assert (made.camera_rows, made.training_views) == (2, (3, 6))


def test_points_and_voxels_set_the_token_width():
    points = published_settings(
        NETWORK
        | {
            "use_pointcloud_conditions": True,
            "pc_encoder_type": "PointNet_Large",
            "pc_dims": 1024,
            "pc_output_dim": 512,
            "num_inds": 64,
        }
    )
    assert points.points.large and (points.processing.tokens, points.denoiser.context_width) == (64, 512)
    voxels = published_settings(NETWORK | {"use_voxel_conditions": True, "voxel_context_dim": 48, "voxel_dim": 8})
    assert voxels.voxels.out_width == 48 and (voxels.processing.tokens, voxels.denoiser.context_width) == (512, 48)


def test_pictures_have_the_encoder_that_the_settings_name():
    assert published_settings(NETWORK).image is None
    assert published_settings(NETWORK | {"clip_model_type": "dino-l-14_reg"}).image == DinoV2Config(1024, 24, 16)
    giant = published_settings(NETWORK | {"clip_model_type": "dino-g-14", "cond_grid_emb_size": 1536}).image
    assert (giant.width, giant.depth, giant.swiglu) == (1536, 40, True)
    voxels = {"use_voxel_conditions": True, "voxel_context_dim": 48}
    assert published_settings(NETWORK | {"clip_model_type": "dino-l-14_reg"} | voxels).image is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"att_hidden_size": None}, "no att_hidden_size"),
        ({"diffusion_model_mean_type": "PREVIOUS_X"}, "'PREVIOUS_X', expected one of 'START_X'"),
        ({"dit_block_type": "other"}, "dit_block_type is 'other'"),
        ({"att_patch_size": 5}, "patch 5 does not divide"),
        ({"unet_num_res_blocks": 2}, "args.json"),
        ({"diffusion_beta_schedule": "cubic"}, "curve is 'cubic'"),
        ({"use_voxel_conditions": True, "voxel_dim": 4}, "voxel_dim is 4"),
        ({"clip_model_type": "ViT-B/32"}, "clip_model_type is 'ViT-B/32'"),
        ({"clip_model_type": "dino-g-14"}, "width 1536, but cond_grid_emb_size is 1024"),
    ],
)
def test_impossible_settings_are_named(change, words):
    with pytest.raises(CheckpointError, match=words):
        published_settings(NETWORK | change)


@pytest.mark.parametrize(
    ("settings", "condition"),
    [
        ({"dit_block_type": "dit"}, "none"),
        ({"use_pointcloud_conditions": True}, "points"),
        ({"use_voxel_conditions": True}, "voxels"),
        ({"use_image_conditions": True}, "image"),
        ({"use_image_conditions": True, "training_views": [3, 6, 10, 26]}, "views"),
        ({"use_depth_conditions": True}, "depth"),
        ({"use_depth_conditions": True, "use_multiple_views_grids": True}, "depths"),
    ],
)
def test_the_settings_say_what_a_model_takes(settings, condition):
    assert condition_of(NETWORK | settings) == condition


def test_unknown_settings_warn_by_name_and_known_ones_do_not(caplog):
    with caplog.at_level(logging.WARNING):
        published_settings(NETWORK | {"dropout": 0.1, "pc_dims": 3})
        assert caplog.records == []
        published_settings(NETWORK | {"new_trick": True})
    assert "new_trick" in caplog.text


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": '])
def test_damaged_settings(tmp_path, text):
    (tmp_path / "args.json").write_text(text)
    with pytest.raises(CheckpointError, match="args.json"):
        read_args(tmp_path / "args.json")


def test_settings_are_read_as_written(tmp_path):
    (tmp_path / "args.json").write_text(json.dumps(NETWORK))
    assert read_args(tmp_path / "args.json") == NETWORK
    with pytest.raises(CheckpointError, match="cannot be opened"):
        read_args(tmp_path / "nothing.json")
