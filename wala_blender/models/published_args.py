"""Reader of published ``args.json`` settings: types and ranges, checked before a network is built."""

import json
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, first_line
from ..files import read_small
from ..geometry.cameras import PUBLISHED
from .ranges import FLAG, WORD, ListOf, Real, Whole, check_range

# Settings that change nothing about what a loaded model computes (training only, fixed by the format, implied by
# others), then those of conditions, which only some kinds of model read.
WITHOUT_EFFECT = frozenset(
    """
    encoder_type decoder_type dropout use_sample_training no_rebalance_loss diffusion_loss_type diffusion_sampler with_fix_pos
    dp_cond dp_cond_type use_multiple_views_grids network_type use_image_conditions use_depth_conditions

    clip_model_type cond_grid_size cond_grid_emb_size cond_num_mapping_layers max_images_num training_views use_camera_index
    pc_encoder_type pc_dims pc_output_dim num_inds voxel_dim voxel_context_dim
""".split()
)
BLOCK_TYPES = {"cross_dit": True, "dit": False}
# settings of which this code, and every published model, has one value only
FIXED = {
    "resolution": 256,
    "max_depth": 3,
    "max_training_level": 2,
    "wavelet": "bior6.8",
    "grid_size": 12,
    "diffusion_scale_ratio": 1.0,
}
# at most one group may be switched on
EXCLUSIVE = (
    ("use_pointcloud_conditions",),
    ("use_voxel_conditions",),
    ("use_image_conditions", "use_depth_conditions"),
)
REQUIRED = object()
MAX_BYTES = 2**20
_WIDTH, _LAYERS = Whole(1, 8192), Whole(0, 256)
_CAMERA = Whole(0, len(PUBLISHED.views) - 1)
# setting → what it may be; each is far above every published model, and far below what a computer cannot build
RANGES = {
    "e_dim": Whole(1, 64),
    "n_e": Whole(1, 2**20),
    "encoder_num_tran": _LAYERS,
    "decoder_num_tran": _LAYERS,
    "beta": Real(0, 1000),
    "normalize_latent": WORD,
    "grid_size": Whole(1, 64),
    "resolution": Whole(1, 4096),
    "max_depth": Whole(1, 16),
    "max_training_level": Whole(0, 16),
    "wavelet": WORD,
    "diffusion_scale_ratio": Real(0, 1000),
    "padding_mode": WORD,
    "dit_block_type": WORD,
    "use_pointcloud_conditions": FLAG,
    "use_voxel_conditions": FLAG,
    "use_image_conditions": FLAG,
    "use_depth_conditions": FLAG,
    "use_multiple_views_grids": FLAG,
    "use_camera_index": FLAG,
    "training_views": ListOf(_CAMERA, 0, len(PUBLISHED.views), distinct=True),
    "max_images_num": Whole(1, 1024),
    "pc_encoder_type": WORD,
    "pc_dims": _WIDTH,
    "num_inds": Whole(1, 8192),
    "pc_output_dim": _WIDTH,
    "voxel_dim": Whole(1, 64),
    "voxel_context_dim": _WIDTH,
    "clip_model_type": WORD,
    "cond_grid_size": Whole(1, 65536),
    "cond_grid_emb_size": _WIDTH,
    "cond_num_mapping_layers": _LAYERS,
    "att_hidden_size": _WIDTH,
    "transformer_num_blocks": _LAYERS,
    "transformer_num_heads": Whole(1, 256),
    "unet_model_channels": Whole(1, 4096),
    "unet_num_res_blocks": ListOf(_LAYERS, 1, 16),
    "att_patch_size": Whole(1, 64),
    "add_condition_time_ch": Whole(0, 8192),
    "add_condition_res_ch": Whole(0, 8192),
    "transformer_add_num_register": Whole(0, 1024),
    "learnable_skip_r": Whole(1, 1024),
    "diffusion_beta_schedule": WORD,
    "diffusion_model_mean_type": WORD,
    "diffusion_model_var_type": WORD,
    "diffusion_step": Whole(2, 10_000),
    "diffusion_rescale_timestep": Whole(2, 1000),
}


class Args:
    """The settings with a record of which were read; null counts as absent."""

    def __init__(self, values: dict[str, Any]):
        self.values = values
        self.seen: set[str] = set()

    def __call__(self, name: str, default: Any = REQUIRED) -> Any:
        self.seen.add(name)
        value = self.values.get(name)
        if value is not None:
            return check_range(name, value, RANGES[name])
        if default is REQUIRED:
            raise CheckpointError(f"args.json has no {name}", "The file is incomplete or of a kind not known here")
        return default

    def choice(self, name: str, table: dict, default: Any = REQUIRED) -> Any:
        value = self(name, default)
        if value not in table:
            raise CheckpointError(f"args.json: {name} is {value!r:.200}, expected one of {', '.join(map(repr, table))}")
        return table[value]

    def unknown(self) -> list[str]:
        return sorted(set(self.values) - self.seen - WITHOUT_EFFECT)


def read_args(path: Path | str) -> dict[str, Any]:
    """The dictionary in an ``args.json``. Raises CheckpointError."""
    path = Path(path)
    try:
        values = json.loads(read_small(path, MAX_BYTES))
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be opened ({error.strerror or error})",
            "The settings belong beside the checkpoint: download both",
        ) from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} is not valid JSON ({first_line(error)})", "Download it again") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path.name} holds a {type(values).__name__}, expected an object of settings")
    return values


def check_consistency(args: Args) -> None:
    """Raises CheckpointError for values that no published model has, and for settings that exclude each other."""
    for name, value in FIXED.items():
        if args(name, value) != value:
            raise CheckpointError(
                f"args.json: {name} is {args(name)!r}, expected {value!r}", "The model is of a kind not known here"
            )
    chosen = [name for group in EXCLUSIVE for name in group if args(name, False)]
    if len([group for group in EXCLUSIVE if set(group) & set(chosen)]) > 1:
        raise CheckpointError(
            f"args.json: {' and '.join(chosen)} contradict each other", "A model takes one kind of condition"
        )


def condition_of(values: dict[str, Any]) -> str:
    """The condition that a model with these settings takes; a sketch is an image to them. Raises CheckpointError for an
    autoencoder alone."""
    args = Args(values)
    if not args.choice("dit_block_type", BLOCK_TYPES):
        return "none"
    if args("use_pointcloud_conditions", False):
        return "points"
    if args("use_voxel_conditions", False):
        return "voxels"
    several = args("use_multiple_views_grids", False) or len(args("training_views", ())) > 1
    if args("use_depth_conditions", False):
        return "depths" if several else "depth"
    return "views" if several else "image"
