"""Small models in the published format, drawn by the reference vectors' rule. For tests."""

import json
from functools import cache
from pathlib import Path

import torch

from wala_blender.evaluation.reference_weights import reference_checkpoint
from wala_blender.networks.dinov2 import DinoV2Config

PARITY = Path(__file__).parent / "parity"
# kind → denoiser's entry, encoder's file and entry, and what the settings leave out for files without an encoder
KINDS = {
    "voxels": ("voxel_uvit", "condition_encoders", "voxel_down2", {}),
    "points": ("pointcloud_uvit", "condition_encoders", "pointnet_simple", {"pc_dims": 64}),
    "image": ("image_uvit", "dinov2", "dinov2_mlp", {"clip_model_type": "small"}),
    "depths": ("depth6_uvit", "dinov2", "dinov2_mlp", {"clip_model_type": "small"}),
    "none": ("uncond_uvit", None, None, {}),
}
SMALL_DINO = {"small": DinoV2Config(width=64, depth=2, heads=4)}  # of dinov2_mlp; to be put among IMAGE_ENCODERS
# The decoder's last layer by the rule makes a solid of noise, of 27 million triangles: let it have no details and
# little inside.
HEAD = "autoencoder.decoder.out_conv.2"
INSIDE_IS_RARE = 1.0


def _entry(file: str, name: str) -> dict:
    return json.loads((PARITY / f"{file}.json").read_text())[name]


@cache
def published_files(kind: str) -> dict[str, bytes]:
    """The two files of a repository: a model of that kind with the published autoencoder."""
    denoiser, file, encoder, more = KINDS[kind]
    entry, autoencoder = _entry("denoiser", denoiser), _entry("autoencoder", "autoencoder_plain")
    keys = entry["keys"] | {f"autoencoder.{key}": shape for key, shape in autoencoder["keys"].items()}
    if file is not None:
        keys |= _entry(file, encoder)["keys"]
    with reference_checkpoint({"keys": keys, "args": autoencoder["args"] | entry["args"] | more}) as folder:
        content = torch.load(folder / "checkpoint.ckpt", weights_only=True)
        for part in ("weight", "bias"):
            content["state_dict"][f"{HEAD}.{part}"][1:] = 0
        content["state_dict"][f"{HEAD}.bias"][0] = INSIDE_IS_RARE
        torch.save(content, folder / "checkpoint.ckpt")
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def write_published(kind: str, folder: Path) -> Path:
    """The same as a folder."""
    folder.mkdir(parents=True)
    for name, content in published_files(kind).items():
        (folder / name).write_bytes(content)
    return folder
