"""Published ``args.json`` settings → this library's configurations."""

import logging
from dataclasses import dataclass
from typing import Any

from ..conditions.processing import ProcessingConfig
from ..conditions.specs.points import PointNetConfig
from ..conditions.specs.voxels import VoxelEncoderConfig
from ..diffusion.schedule import ScheduleConfig
from ..errors import CheckpointError, first_line
from ..networks.configs import AutoencoderConfig, UViTConfig
from ..networks.dinov2 import IMAGE_ENCODERS, DinoV2Config
from .published_args import BLOCK_TYPES, RANGES, Args, check_consistency
from .ranges import check_range

log = logging.getLogger(__name__)

PREDICTIONS = {"START_X": "x0", "EPSILON": "epsilon"}
VARIANCES = {"FIXED_SMALL": "small", "FIXED_LARGE": "large"}
LATENT_NORMS = {None: False, "l2_norm": True}
POINT_ENCODERS = {"PointNet_Simple": False, "PointNet_Large": True}
PADDINGS = {"zero": "zero", "constant": "constant"}


@dataclass(frozen=True)
class PublishedSettings:
    """Content of ``args.json``; None where the model has no such part.

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


def _autoencoder(args: Args) -> AutoencoderConfig:
    return AutoencoderConfig(
        latent_channels=args("e_dim", 4),
        codebook_size=args("n_e", 1024),
        grid=args("grid_size", 12),
        encoder_blocks=args("encoder_num_tran", 0),
        decoder_blocks=args("decoder_num_tran", 0),
        l2_norm=args.choice("normalize_latent", LATENT_NORMS, None),
        beta=args("beta", 0.25),
    )


def _points(args: Args) -> PointNetConfig | None:
    if not args("use_pointcloud_conditions", False):
        return None
    return PointNetConfig(
        large=args.choice("pc_encoder_type", POINT_ENCODERS, "PointNet_Simple"),
        width=args("pc_dims", 1024),
        tokens=args("num_inds"),
        out_width=args("pc_output_dim"),
    )


def _voxels(args: Args) -> VoxelEncoderConfig | None:
    if not args("use_voxel_conditions", False):
        return None
    if args("voxel_dim", 8) != 8:
        raise CheckpointError(f"args.json: voxel_dim is {args('voxel_dim')}, expected 8")
    return VoxelEncoderConfig(args("voxel_context_dim"))


def _image(args: Args) -> DinoV2Config | None:
    """The encoder of pictures; None where the settings name none, as in files without one."""
    config = args.choice("clip_model_type", {None: None} | IMAGE_ENCODERS, None)
    if config is not None and config.width != args("cond_grid_emb_size"):
        raise CheckpointError(
            f"args.json: {args('clip_model_type')} gives tokens of width {config.width}, but cond_grid_emb_size is "
            f"{args('cond_grid_emb_size')}",
            "The settings contradict each other",
        )
    return config


def _processing(args: Args, points: PointNetConfig | None, voxels: VoxelEncoderConfig | None) -> ProcessingConfig:
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


def _denoiser(args: Args, context_width: int | None) -> UViTConfig:
    with_context = context_width is not None
    context_to_time, res_context = args("add_condition_time_ch", None), args("add_condition_res_ch", None)
    return UViTConfig(
        width=args("att_hidden_size"),
        blocks=args("transformer_num_blocks"),
        heads=args("transformer_num_heads"),
        channels=args("unet_model_channels"),
        res_blocks=args("unet_num_res_blocks")[0],
        patch=args("att_patch_size"),
        context_width=context_width,
        context_to_time=bool(context_to_time) and with_context,
        registers=args("transformer_add_num_register", 0),
        res_context=res_context if with_context else None,
        learnable_skip=args("learnable_skip_r", None),
        latent_channels=args("e_dim", 4),
        grid=args("grid_size", 12),
    )


def _schedule(args: Args) -> ScheduleConfig:
    return ScheduleConfig(
        curve=args("diffusion_beta_schedule", "cosine"),
        prediction=args.choice("diffusion_model_mean_type", PREDICTIONS, "START_X"),
        variance=args.choice("diffusion_model_var_type", VARIANCES, "FIXED_SMALL"),
        length=args("diffusion_step", 1000),
    )


def published_settings(values: dict[str, Any]) -> PublishedSettings:
    """Configurations for the settings of a published model; a file without ``dit_block_type`` is an autoencoder alone.

    Unknown settings are warned about; impossible or missing ones raise CheckpointError. Sizes are checked again by the
    strict loader.
    """
    for name in RANGES.keys() & values.keys():
        if values[name] is not None:
            check_range(name, values[name], RANGES[name])
    args = Args(values)
    check_consistency(args)
    denoiser = processing = points = voxels = image = None
    try:
        if values.get("dit_block_type") is not None:
            points, voxels = _points(args), _voxels(args)
            if args.choice("dit_block_type", BLOCK_TYPES):
                processing = _processing(args, points, voxels)
                image = _image(args) if points is None and voxels is None else None
            denoiser = _denoiser(args, processing and processing.token_width)
        published = PublishedSettings(
            _autoencoder(args),
            denoiser,
            processing,
            points,
            voxels,
            image,
            _schedule(args),
            args("diffusion_rescale_timestep", None),
            args.choice("padding_mode", PADDINGS, "zero"),
        )
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise CheckpointError(
            f"args.json: {first_line(error)}", "The settings contradict each other or have the wrong type"
        ) from error
    if args.unknown():
        log.warning("args.json has settings not known here: %.500s", ", ".join(args.unknown()))
    return published
