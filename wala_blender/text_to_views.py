"""Text to pictures from the published cameras, stage by stage: tokens, denoised latents, pixels."""

import logging
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .diffusion.guidance import guided
from .diffusion.samplers import ddim
from .diffusion.schedule import Schedule, ScheduleConfig
from .errors import CheckpointError, InputError, ModelError
from .geometry.cameras import PUBLISHED, looking_at_origin
from .models.checkpoint import load_components
from .models.construction import without_weights
from .models.published_args import RANGES, read_args
from .models.ranges import ListOf, Whole, check_range
from .networks.clip_text_encoder import TextEncoder, TextEncoderConfig, Tokeniser
from .networks.condition import Condition
from .networks.image_decoder import ImageDecoder, ImageDecoderConfig
from .networks.layers import repeated_rows
from .networks.multiview_unet import MultiViewUNet, MultiViewUNetConfig
from .offload import on_device

log = logging.getLogger(__name__)

SCHEDULE = ScheduleConfig(curve="scaled linear", prediction="epsilon")
SUFFIX = ", 3d asset"
MENTIONS_3D = re.compile(r"\b3[ -]?d\b", re.IGNORECASE)
# model axes (+Y up) → the axes of the cameras these models know (+Z up)
TO_Z_UP = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])

# args.json → fields of MultiViewUNetConfig; then what every published model has one value of, and what changes nothing
UNET_SETTINGS = {
    "model_channels": "channels",
    "channel_mult": "multipliers",
    "num_res_blocks": "res_blocks",
    "context_dim": "context_width",
    "attention_resolutions": "attention",
    "num_head_channels": "head_width",
}
UNET_RANGES = {
    "channels": Whole(1, 4096),
    "multipliers": ListOf(Whole(1, 64), 1, 8),
    "res_blocks": Whole(1, 16),
    "context_width": Whole(1, 8192),
    "attention": ListOf(Whole(1, 1024), 0, 8),
    "head_width": Whole(1, 1024),
}
FIXED = {
    "in_channels": 4,
    "out_channels": 4,
    "camera_dim": 16,
    "transformer_depth": 1,
    "use_spatial_transformer": True,
    "use_linear_in_transformer": True,
}
WITHOUT_EFFECT = frozenset({"image_size", "use_checkpoint", "legacy"})


@dataclass(frozen=True)
class TextToViewsConfig:
    """``views``: indices of the published cameras, in the order the pictures come; ``size`` of a picture in pixels."""

    views: tuple[int, ...] = (3, 6, 10, 26, 49, 50)
    size: int = 256
    unet: MultiViewUNetConfig = field(default_factory=MultiViewUNetConfig)
    text: TextEncoderConfig = field(default_factory=TextEncoderConfig)
    decoder: ImageDecoderConfig = field(default_factory=ImageDecoderConfig)


@dataclass(frozen=True)
class Views:
    """``images`` (V, size, size, 3) uint8 and the view index of each."""

    images: np.ndarray
    indices: tuple[int, ...]


def unet_config(settings: Mapping[str, Any], config: MultiViewUNetConfig) -> MultiViewUNetConfig:
    """config with the published settings applied. Raises CheckpointError for unknown kinds of values."""
    for name, value in FIXED.items():
        if settings.get(name) not in (None, value):
            raise CheckpointError(
                f"args.json: {name} is {settings[name]!r}, expected {value!r}", "The model is of a kind not known here"
            )
    values = {ours: settings[name] for name, ours in UNET_SETTINGS.items() if settings.get(name) is not None}
    for name, value in values.items():
        check_range(f"the UNet's {name}", value, UNET_RANGES[name])
    try:
        return replace(
            config, **{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        )
    except ValueError as error:
        raise CheckpointError(f"args.json: {error}", "The settings contradict each other") from error


def read_config(folder: Path, config: TextToViewsConfig) -> TextToViewsConfig:
    """config with the folder's args.json applied. Unknown settings are warned about; impossible ones raise
    CheckpointError."""
    settings = read_args(folder / "args.json")
    unknown = set(settings) - UNET_SETTINGS.keys() - FIXED.keys() - WITHOUT_EFFECT - {"training_views"}
    if unknown:
        log.warning("args.json has settings not known here: %s", ", ".join(sorted(unknown)))
    views = settings.get("training_views") or config.views
    check_range("training_views", views, RANGES["training_views"])
    return replace(config, unet=unet_config(settings, config.unet), views=tuple(views))


def camera_matrices(views: tuple[int, ...]) -> Tensor:
    """(V, 16): camera-to-world matrices, row-major, columns right, up, towards the eye, eye at distance 1, +Z up.
    Raises InputError."""
    matrices = [TO_Z_UP @ looking_at_origin(*PUBLISHED.direction(index), distance=1.0) for index in views]
    return torch.from_numpy(np.stack(matrices).reshape(len(views), 16)).float()


def asset_prompt(prompt: str) -> str:
    """The prompt in the form of the training data: with SUFFIX unless it contains 3D. Raises InputError for an empty
    one."""
    if not prompt.strip():
        raise InputError("the prompt is empty", "Describe the object in a few words.")
    return prompt.strip() if MENTIONS_3D.search(prompt) else prompt.strip() + SUFFIX


class TextToViews:
    """A loaded model and its stages; created by ``load``."""

    def __init__(
        self,
        config: TextToViewsConfig,
        text_encoder: TextEncoder,
        unet: MultiViewUNet,
        decoder: ImageDecoder,
        tokeniser: Tokeniser,
        device: torch.device,
    ):
        self.config, self.tokeniser, self.device = config, tokeniser, device
        self.text_encoder, self.unet, self.decoder = text_encoder.eval(), unet.eval(), decoder.eval()
        self.schedule = Schedule(SCHEDULE)
        self.cameras = camera_matrices(config.views).to(device)

    @classmethod
    def load(
        cls,
        folder: Path | str,
        config: TextToViewsConfig = TextToViewsConfig(),
        device: torch.device | str = "cpu",
        precision: torch.dtype = torch.float32,
        sequential_offload: bool = False,
    ) -> "TextToViews":
        """The model of a folder with checkpoint.ckpt, args.json and the vocabulary's files.

        ``config``: what args.json leaves open. ``precision``: of the UNet and the text encoder. ``sequential_offload``:
        the networks stay in main memory and are on ``device`` one after the other. Raises CheckpointError and
        ModelError.
        """
        folder, device = Path(folder), torch.device(device)
        config = read_config(folder, config)
        tokeniser = Tokeniser(folder)
        with without_weights():
            text_encoder, unet, decoder = (
                TextEncoder(config.text),
                MultiViewUNet(config.unet),
                ImageDecoder(config.decoder),
            )
        load_components(
            folder / "checkpoint.ckpt",
            {"text_encoder": text_encoder, "multiview_unet": unet, "image_decoder": decoder},
            {"text_encoder": precision, "multiview_unet": precision},
            torch.device("cpu") if sequential_offload else device,
        )
        return cls(config, text_encoder, unet, decoder, tokeniser, device)

    @torch.no_grad()
    def encode(self, prompt: str) -> tuple[Condition, Condition]:
        """The prompt's condition, and the empty prompt's."""
        numbers = torch.cat([self.tokeniser(prompt), self.tokeniser("")])
        if numbers.max() >= self.config.text.vocabulary:
            raise ModelError(
                f"the vocabulary has more than the {self.config.text.vocabulary} tokens of the model",
                "Put the files of CLIP's own vocabulary beside the checkpoint.",
            )
        with on_device(self.device, self.text_encoder):
            tokens = self.text_encoder(numbers.to(self.device))
        return Condition(tokens[:1]), Condition(tokens[1:])

    @torch.no_grad()
    def sample(
        self,
        condition: Condition,
        empty: Condition,
        seed: int,
        steps: int,
        scale: float,
        on_step: Callable[[int, int], None] | None = None,
    ) -> Tensor:
        """Latents (V, latent_channels, size/8, size/8) of the views."""
        V, side = len(self.config.views), self.config.size // self.config.decoder.factor
        # Drawn on the CPU, so that a seed means the same pictures on every device.
        noise = torch.randn(
            (V, self.config.decoder.latent_channels, side, side), generator=torch.Generator().manual_seed(seed)
        )

        def denoise(x: Tensor, t: Tensor, condition: Condition) -> Tensor:
            return self.unet(x, t, repeated_rows(condition.tokens, len(x)), self.cameras)

        with on_device(self.device, self.unet):
            return ddim(
                guided(denoise, condition.stacked_with(empty), scale),
                self.schedule,
                steps,
                [noise.to(self.device)],
                on_step,
            )

    @torch.no_grad()
    def decode(self, latents: Tensor) -> np.ndarray:
        """Pictures (V, size, size, 3) uint8, decoded one after the other to spare memory."""
        with on_device(self.device, self.decoder):
            pictures = torch.cat([self.decoder(latent[None].float()).cpu() for latent in latents])
        return ((pictures.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()

    def views(
        self,
        prompt: str,
        seed: int = 0,
        steps: int = 50,
        scale: float = 10.0,
        on_step: Callable[[int, int], None] | None = None,
    ) -> Views:
        """Pictures for a prompt; the same prompt and settings give the same ones.

        ``on_step(step, steps)``: called before every denoising step, counted from 0; may raise to stop. Raises
        InputError.
        """
        if not 1 <= steps <= self.schedule.config.length:
            raise InputError(
                f"the number of steps is {steps}, expected 1 … {self.schedule.config.length}", "The default is 50."
            )
        if not (math.isfinite(scale) and 0 <= scale <= 100):
            raise InputError(f"the guidance scale is {scale}, expected 0 … 100", "The default is 10.")
        if not 0 <= seed < 2**63:
            raise InputError(f"the seed is {seed}, expected a whole number from 0 to 2^63 − 1")
        condition, empty = self.encode(asset_prompt(prompt))
        return Views(self.decode(self.sample(condition, empty, seed, steps, scale, on_step)), self.config.views)
