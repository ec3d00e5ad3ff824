"""Published ``args.json`` settings → our configurations. Every setting has a type and a range, checked before a network is built."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..autoencoder import AutoencoderConfig
from ..conditions.dinov2 import IMAGE_ENCODERS, DinoV2Config
from ..conditions.points import PointNetConfig
from ..conditions.processing import ProcessingConfig
from ..conditions.voxels import VoxelEncoderConfig
from ..denoiser import UViTConfig
from ..diffusion.schedule import ScheduleConfig
from ..errors import CheckpointError, first_line
from ..files import read_small
from ..geometry.cameras import PUBLISHED
from .ranges import FLAG, WORD, ListOf, Real, Whole, check_range

log = logging.getLogger(__name__)

# Settings that change nothing about what a loaded model computes (training only, fixed by the format, implied by others), then
# those of conditions, which only some kinds of model read.
WITHOUT_EFFECT = frozenset("""
    encoder_type decoder_type dropout use_sample_training no_rebalance_loss diffusion_loss_type diffusion_sampler with_fix_pos
    dp_cond dp_cond_type use_multiple_views_grids network_type use_image_conditions use_depth_conditions

    clip_model_type cond_grid_size cond_grid_emb_size cond_num_mapping_layers max_images_num training_views use_camera_index
    pc_encoder_type pc_dims pc_output_dim num_inds voxel_dim voxel_context_dim
""".split())
PREDICTIONS = {"START_X": "x0", "EPSILON": "epsilon"}
VARIANCES = {"FIXED_SMALL": "small", "FIXED_LARGE": "large"}
LATENT_NORMS = {None: False, "l2_norm": True}
BLOCK_TYPES = {"cross_dit": True, "dit": False}
POINT_ENCODERS = {"PointNet_Simple": False, "PointNet_Large": True}
PADDINGS = {"zero": "zero", "constant": "constant"}
# settings of which this code, and every published model, has one value only
FIXED = {"resolution": 256, "max_depth": 3, "max_training_level": 2, "wavelet": "bior6.8", "grid_size": 12, "diffusion_scale_ratio": 1.0}
# at most one group may be switched on
EXCLUSIVE = (("use_pointcloud_conditions",), ("use_voxel_conditions",), ("use_image_conditions", "use_depth_conditions"))
REQUIRED = object()
MAX_BYTES = 2**20
_WIDTH, _LAYERS = Whole(1, 8192), Whole(0, 256)
_CAMERA = Whole(0, len(PUBLISHED.views) - 1)
# setting → what it may be; each is far above every published model, and far below what a computer cannot build
RANGES = {
    "e_dim": Whole(1, 64), "n_e": Whole(1, 2**20), "encoder_num_tran": _LAYERS, "decoder_num_tran": _LAYERS, "beta": Real(0, 1000),
    "normalize_latent": WORD, "grid_size": Whole(1, 64), "resolution": Whole(1, 4096), "max_depth": Whole(1, 16),
    "max_training_level": Whole(0, 16), "wavelet": WORD, "diffusion_scale_ratio": Real(0, 1000), "padding_mode": WORD,
    "dit_block_type": WORD, "use_pointcloud_conditions": FLAG, "use_voxel_conditions": FLAG, "use_image_conditions": FLAG,
    "use_depth_conditions": FLAG, "use_multiple_views_grids": FLAG, "use_camera_index": FLAG,
    "training_views": ListOf(_CAMERA, 0, len(PUBLISHED.views), distinct=True), "max_images_num": Whole(1, 1024),
    "pc_encoder_type": WORD, "pc_dims": _WIDTH, "num_inds": Whole(1, 8192), "pc_output_dim": _WIDTH,
    "voxel_dim": Whole(1, 64), "voxel_context_dim": _WIDTH, "clip_model_type": WORD, "cond_grid_size": Whole(1, 65536),
    "cond_grid_emb_size": _WIDTH, "cond_num_mapping_layers": _LAYERS,
    "att_hidden_size": _WIDTH, "transformer_num_blocks": _LAYERS, "transformer_num_heads": Whole(1, 256), "unet_model_channels": Whole(1, 4096),
    "unet_num_res_blocks": ListOf(_LAYERS, 1, 16), "att_patch_size": Whole(1, 64), "add_condition_time_ch": Whole(0, 8192),
    "add_condition_res_ch": Whole(0, 8192), "transformer_add_num_register": Whole(0, 1024), "learnable_skip_r": Whole(1, 1024),
    "diffusion_beta_schedule": WORD, "diffusion_model_mean_type": WORD, "diffusion_model_var_type": WORD,
    "diffusion_step": Whole(2, 10_000), "diffusion_rescale_timestep": Whole(2, 1000),
}


@dataclass(frozen=True)
class PublishedSettings:
    """Everything ``args.json`` says; None where the model has no such part.

    ``steps``: the default of sampling. ``padding``: of the wavelets.
    """

    autoencoder: AutoencoderConfig
    denoiser: UViTConfig | None
    processing: ProcessingConfig | None
    points: PointNetConfig | None
    voxels: VoxelEncoderConfig | None
    image: DinoV2Config | None
    schedule: ScheduleConfig
    steps: int | None
    padding: str


class _Args:
    """The settings with a record of which were looked at; null counts as absent."""

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
        raise CheckpointError(f"{path} cannot be opened ({error.strerror or error})",
                              "The settings belong beside the checkpoint: download both") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} is not valid JSON ({first_line(error)})", "Download it again") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path.name} holds a {type(values).__name__}, expected an object of settings")
    return values


def _check_consistency(args: _Args) -> None:
    """Raises CheckpointError for values that no published model has, and for settings that exclude each other."""
    for name, value in FIXED.items():
        if args(name, value) != value:
            raise CheckpointError(f"args.json: {name} is {args(name)!r}, expected {value!r}", "The model is of a kind not known here")
    chosen = [name for group in EXCLUSIVE for name in group if args(name, False)]
    if len([group for group in EXCLUSIVE if set(group) & set(chosen)]) > 1:
        raise CheckpointError(f"args.json: {' and '.join(chosen)} contradict each other", "A model takes one kind of condition")


def condition_of(values: dict[str, Any]) -> str:
    """The condition that a model with these settings takes; a sketch is an image to them. Raises CheckpointError for an autoencoder alone."""
    args = _Args(values)
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


def _autoencoder(args: _Args) -> AutoencoderConfig:
    return AutoencoderConfig(
        latent_channels=args("e_dim", 4), codebook_size=args("n_e", 1024), grid=args("grid_size", 12),
        encoder_blocks=args("encoder_num_tran", 0), decoder_blocks=args("decoder_num_tran", 0),
        l2_norm=args.choice("normalize_latent", LATENT_NORMS, None), beta=args("beta", 0.25))


def _points(args: _Args) -> PointNetConfig | None:
    if not args("use_pointcloud_conditions", False):
        return None
    return PointNetConfig(large=args.choice("pc_encoder_type", POINT_ENCODERS, "PointNet_Simple"), width=args("pc_dims", 1024),
                          tokens=args("num_inds"), out_width=args("pc_output_dim"))


def _voxels(args: _Args) -> VoxelEncoderConfig | None:
    if not args("use_voxel_conditions", False):
        return None
    if args("voxel_dim", 8) != 8:
        raise CheckpointError(f"args.json: voxel_dim is {args('voxel_dim')}, expected 8")
    return VoxelEncoderConfig(args("voxel_context_dim"))


def _image(args: _Args) -> DinoV2Config | None:
    """The encoder of pictures; None where the settings name none, as in files without one."""
    config = args.choice("clip_model_type", {None: None} | IMAGE_ENCODERS, None)
    if config is not None and config.width != args("cond_grid_emb_size"):
        raise CheckpointError(f"args.json: {args('clip_model_type')} gives tokens of width {config.width}, but cond_grid_emb_size is "
                              f"{args('cond_grid_emb_size')}", "The settings contradict each other")
    return config


def _processing(args: _Args, points: PointNetConfig | None, voxels: VoxelEncoderConfig | None) -> ProcessingConfig:
    if points is not None:
        tokens, width = points.tokens, points.out_width
    elif voxels is not None:
        tokens, width = 8**3, voxels.out_width
    else:
        tokens, width = args("cond_grid_size"), args("cond_grid_emb_size")
    views, rows = args("training_views", None), 0
    if args("use_camera_index", False):
        rows = len(views) if views else args("max_images_num")
    return ProcessingConfig(tokens, width, args("cond_num_mapping_layers", 0), rows, tuple(views) if views else None)


def _denoiser(args: _Args, context_width: int | None) -> UViTConfig:
    with_context = context_width is not None
    context_to_time, res_context = args("add_condition_time_ch", None), args("add_condition_res_ch", None)
    return UViTConfig(
        width=args("att_hidden_size"), blocks=args("transformer_num_blocks"), heads=args("transformer_num_heads"),
        channels=args("unet_model_channels"), res_blocks=args("unet_num_res_blocks")[0], patch=args("att_patch_size"),
        context_width=context_width, context_to_time=bool(context_to_time) and with_context,
        registers=args("transformer_add_num_register", 0), res_context=res_context if with_context else None,
        learnable_skip=args("learnable_skip_r", None), latent_channels=args("e_dim", 4), grid=args("grid_size", 12))


def _schedule(args: _Args) -> ScheduleConfig:
    return ScheduleConfig(
        curve=args("diffusion_beta_schedule", "cosine"), prediction=args.choice("diffusion_model_mean_type", PREDICTIONS, "START_X"),
        variance=args.choice("diffusion_model_var_type", VARIANCES, "FIXED_SMALL"), length=args("diffusion_step", 1000))


def published_settings(values: dict[str, Any]) -> PublishedSettings:
    """Configurations for the settings of a published model; a file without ``dit_block_type`` is an autoencoder alone.

    Unknown settings are warned about; impossible or missing ones raise CheckpointError. Sizes are checked again by the strict loader.
    """
    for name in RANGES.keys() & values.keys():
        if values[name] is not None:
            check_range(name, values[name], RANGES[name])
    args = _Args(values)
    _check_consistency(args)
    denoiser = processing = points = voxels = image = None
    try:
        if values.get("dit_block_type") is not None:
            points, voxels = _points(args), _voxels(args)
            if args.choice("dit_block_type", BLOCK_TYPES):
                processing = _processing(args, points, voxels)
                image = _image(args) if points is None and voxels is None else None
            denoiser = _denoiser(args, processing and processing.token_width)
        made = PublishedSettings(_autoencoder(args), denoiser, processing, points, voxels, image, _schedule(args),
                                 args("diffusion_rescale_timestep", None), args.choice("padding_mode", PADDINGS, "zero"))
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise CheckpointError(f"args.json: {first_line(error)}", "The settings contradict each other or have the wrong type") from error
    if args.unknown():
        log.warning("args.json has settings not known here: %.500s", ", ".join(args.unknown()))
    return made
