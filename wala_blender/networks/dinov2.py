"""DINOv2, the published encoder of images, depth maps and sketches: pictures → patch tokens.

The network is transformers'. That package is imported when a model is built, as the import takes seconds and most runs
need none.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .key_mapping import Rename

IMAGE = 224  # pixels along a side
PATCH = 14
PATCHES_PER_SIDE = IMAGE // PATCH  # patches along a side


@dataclass(frozen=True)
class DinoV2Config:
    """``swiglu``: gated feed-forward layers of 2/3 the size. All published ones have ``registers`` 4."""

    width: int
    depth: int
    heads: int
    swiglu: bool = False
    registers: int = 4

    @staticmethod
    def named(name: str) -> "DinoV2Config":
        """The row of a published name (``clip_model_type``). Raises KeyError."""
        return IMAGE_ENCODERS[name]


_LARGE = DinoV2Config(width=1024, depth=24, heads=16)
# "dino-l-14" has registers too, despite its name
IMAGE_ENCODERS = {
    "dino-l-14": _LARGE,
    "dino-l-14_reg": _LARGE,
    "dino-g-14": DinoV2Config(width=1536, depth=40, heads=24, swiglu=True),
}


def resized_positions(table: Tensor) -> tuple[Tensor]:
    """Position embeddings (1, 1 + n², C), the class token's first → (1, 1 + PATCHES_PER_SIDE², C).

    Plain bicubic with the scale (PATCHES_PER_SIDE + 0.1)/n that the published encoder uses: not transformers' own,
    which smooths first."""
    n = math.isqrt(table.shape[1] - 1)
    if n * n != table.shape[1] - 1:
        return (table,)  # the strict loader reports its shape
    grid = table[:, 1:].float().reshape(1, n, n, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, scale_factor=(PATCHES_PER_SIDE + 0.1) / n, mode="bicubic", antialias=False)
    return (torch.cat([table[:, :1], grid.flatten(2).transpose(1, 2).to(table.dtype)], dim=1),)


_BLOCK, _LAYER = r"dinov2\.blocks\.(\d+)\.", r"dinov2.encoder.layer.\1."
_ENDS = r"\.(weight|bias)"
LAYOUT = (
    Rename(r"dinov2\.(cls_token|mask_token|register_tokens)", (r"dinov2.embeddings.\1",)),
    Rename(r"dinov2\.pos_embed", ("dinov2.embeddings.position_embeddings",), resized_positions),
    Rename(r"dinov2\.patch_embed\.proj" + _ENDS, (r"dinov2.embeddings.patch_embeddings.projection.\1",)),
    Rename(_BLOCK + r"(norm[12]|mlp\.fc[12])" + _ENDS, (_LAYER + r"\2.\3",)),
    Rename(_BLOCK + r"attn\.qkv" + _ENDS, tuple(_LAYER + rf"attention.{part}_proj.\2" for part in "qkv")),
    Rename(_BLOCK + r"attn\.proj" + _ENDS, (_LAYER + r"attention.o_proj.\2",)),
    Rename(_BLOCK + r"mlp\.w12" + _ENDS, (_LAYER + r"mlp.gate_proj.\2", _LAYER + r"mlp.up_proj.\2")),
    Rename(_BLOCK + r"mlp\.w3" + _ENDS, (_LAYER + r"mlp.down_proj.\2",)),
    Rename(_BLOCK + r"ls([12])\.gamma", (_LAYER + r"layer_scale\2.lambda1",)),
    Rename(r"dinov2\.norm" + _ENDS, (r"dinov2.layernorm.\1",)),
)


class DinoV2(nn.Module):
    """Images (B, 3, 224, 224) in −1 … 1 → patch tokens (B, 256, width) after the last norm, row by row from the top
    left."""

    published_layout = LAYOUT

    def __init__(self, config: DinoV2Config):
        from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersModel

        super().__init__()
        self.config = config
        self.dinov2 = Dinov2WithRegistersModel(
            Dinov2WithRegistersConfig(
                hidden_size=config.width,
                num_hidden_layers=config.depth,
                num_attention_heads=config.heads,
                image_size=IMAGE,
                patch_size=PATCH,
                use_swiglu_ffn=config.swiglu,
                num_register_tokens=config.registers,
            )
        )

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images → the class token (B, width) and the patch tokens (B, 256, width)."""
        if images.shape[1:] != (3, IMAGE, IMAGE):
            raise ValueError(f"images are {tuple(images.shape)}, expected (B, 3, {IMAGE}, {IMAGE})")
        tokens = self.dinov2(images).last_hidden_state
        return tokens[:, 0], tokens[:, 1 + self.config.registers :]

    def forward(self, images: Tensor) -> Tensor:
        return self.features(images)[1]
