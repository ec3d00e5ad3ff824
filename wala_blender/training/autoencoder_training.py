"""Training of stage 1: the starter's autoencoder on wavelet trees."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from ..configuration import write_settings
from ..geometry.metrics import iou
from ..networks.autoencoder import Autoencoder, AutoencoderConfig
from ..networks.quantizer import CodebookAverage
from ..wavelet import tree_to_field
from .data.dataset import Entry, load_tree, read_index
from .data.sampling import draw_shares
from .loop import Loop, LoopSettings
from .runs import SETTINGS, load_stage_one, write_stage_one
from .sample_grids import render, validation_entries, write_sample_grid
from .tree_batches import TreeBatches
from .tree_losses import LOSSES, channel_scales, fold_scales

log = logging.getLogger(__name__)

_MIDDLE = slice(6, 40)  # of 46: model coordinates -1.03 … 1.02; 34 cells pool to 17 and 9 and come back
CODEBOOK_SHAPES = 60  # for the initialisation of the codebook
MEASURED_SHAPES = 8


@dataclass(frozen=True)
class AutoencoderTraining:
    """loss: one of LOSSES. detail_weight: final weight of the details' terms, from 1 at the start.
    center_crop_fraction: share of the training on the trees' centre crop, where the shapes are: 2.5 times as fast, and
    the convolutional networks take the whole tree afterwards.

    quantization_start: share of the training after which the codebook is initialised and used; the latents are first
    normalised by ``normalisation`` (one of NORMALISATIONS). freeze_encoder: from then on the encoder is frozen (stage 2
    may start on its latents) and the codebook follows by moving averages; else all are trained together, with the
    codebook and commitment losses. freeze_decoder: codebook and decoder are frozen and the encoder adapts to them, so
    that stage 2 stays valid. balanced: every collection contributes the same number of shapes. by_head: shapes are
    sampled by their head nouns, thin ones twice as often (see sampling).
    """

    model: AutoencoderConfig = AutoencoderConfig(widths=(16, 48, 112), norm_groups=8)
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(learning_rate=1e-3, average_samples=300.0))
    batch: int = 1
    loss: str = "huber"
    detail_weight: float = 8.0
    center_crop_fraction: float = 0.45
    quantization_start: float = 0.555
    normalisation: str = "none"
    freeze_encoder: bool = True
    freeze_decoder: bool = False
    balanced: bool = False
    by_head: bool = False

    def __post_init__(self):
        for name, known in (("loss", LOSSES), ("normalisation", NORMALISATIONS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}, expected one of {', '.join(known)}")
        if self.balanced and self.by_head:
            raise ValueError("balanced and by_head are two ways to draw shapes: choose one")
        if self.freeze_decoder and (self.freeze_encoder or self.quantization_start > 0):
            raise ValueError(
                "freeze_decoder trains the encoder: freeze_encoder must be false, and quantization_start 0"
            )


def deviation(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation, each (C,), of rows (M, C)."""
    return rows.mean(0), rows.std(0)


NORMALISATIONS: dict[str, Callable[[Tensor], tuple[Tensor, Tensor]]] = {
    "none": lambda rows: (torch.zeros_like(rows[0]), torch.ones_like(rows[0])),
    "deviation": deviation,
}


@torch.no_grad()
def normalise_channels(model: Autoencoder, shift: Tensor, spread: Tensor) -> None:
    """Normalises the latent to (latent − shift) / spread, by channel. Exact for the encoder; the decoder inverts it
    except for the shift at the grid's border, where padding is zero: to be applied before the codebook is initialised,
    with training afterwards."""
    last, first = model.encoder.out_conv[2], model.decoder.in_conv
    last.weight /= spread.view(-1, 1, 1, 1, 1)
    last.bias.copy_((last.bias - shift) / spread)
    first.bias += (first.weight * shift.view(1, -1, 1, 1, 1)).sum((1, 2, 3, 4))
    first.weight *= spread.view(1, -1, 1, 1, 1)


class TreeObjective(nn.Module):
    """Scaled trees (B, 64, D, H, W) → the loss, numbers to log, and the latent for the codebook's moving averages."""

    def __init__(self, model: Autoencoder, settings: AutoencoderTraining):
        super().__init__()
        self.model, self.loss, self.freeze_encoder = model, LOSSES[settings.loss], settings.freeze_encoder

    def forward(
        self, tree: Tensor, quantize: bool, detail_weight: float, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        if not quantize:
            latent = self.model.encode(tree)
            predicted = self.model.decode_quantized(latent)
            pull = 1e-3 * latent.float().square().mean()  # keeps the latents' scale near one
        elif self.freeze_encoder:
            with torch.no_grad():
                latent = self.model.encode(tree)
            predicted, pull = self.model.decode(latent), 0.0
        else:
            reconstruction = self.model(tree)
            predicted, latent, pull = reconstruction.tree, reconstruction.latent, reconstruction.quantized.loss
        loss, numbers = self.loss(predicted, tree, detail_weight, generator)
        return loss + pull, numbers, latent.detach().float()


def _unscaled(config: AutoencoderConfig, state: dict[str, Tensor]) -> Autoencoder:
    """The autoencoder with these weights, for plain trees."""
    model = Autoencoder(config)
    model.load_state_dict(state)
    return fold_scales(model).eval()


@torch.no_grad()
def validate(
    model: Autoencoder, entries: list[Entry], quantize: bool, device: torch.device
) -> tuple[Tensor, list[list[Tensor]]]:
    """Validation: IoU at 256³ of each entry's reconstruction with the tree's own field, for the canonical variants; and
    pictures of both."""
    model.to(device)
    values, pictures = [], []
    for entry in entries:
        tree = load_tree(entry, 0)[None].to(device)
        with torch.autocast(device.type, torch.bfloat16):
            latent = model.encode(tree)
            back = model.decode(latent) if quantize else model.decode_quantized(latent)
        fields = tree_to_field(tree)[0], tree_to_field(back.float())[0]
        values.append(iou(fields[1] < 0, fields[0] < 0))
        pictures.append([render(field) for field in fields])
    return torch.tensor(values), pictures


def train(store: Path, folder: Path, settings: AutoencoderTraining, start: Path | None = None) -> None:
    """Train (or resume training); writes FOLDER/autoencoder.pt, the averaged weights with the scales folded in.

    start: a run's folder or a model whose autoencoder a new run starts with: its weights and sizes, while the settings
    state what is decoded. With quantization_start 0 its codebook is kept as well, and with
    ``freeze_encoder`` its encoder: latents made with it stay valid, and only the decoder is trained.
    """
    torch.manual_seed(0)
    if start:
        model = fold_scales(load_stage_one(start), back=True).train()
        model.config = replace(model.config, quantized=settings.model.quantized)
        settings = replace(settings, model=model.config)
    else:
        model = Autoencoder(settings.model)
    model.quantize.embedding.weight.requires_grad_(not settings.freeze_encoder)
    if settings.freeze_decoder:
        model.quantize.requires_grad_(False)
        model.decoder.requires_grad_(False)
    codebook = CodebookAverage(model.quantize)
    loop = Loop(TreeObjective(model, settings), folder, settings.loop, extra=codebook)
    entries = read_index(store, "train")
    batches = TreeBatches(
        entries,
        settings.batch,
        loop.share(settings.batch),
        settings.balanced,
        draw_shares(entries, thin=2.0) if settings.by_head else None,
    )
    shapes = validation_entries(store, entries)[:MEASURED_SHAPES]
    scales = channel_scales().to(loop.device)
    if loop.writes:
        write_settings(settings, folder / SETTINGS)
    # a state of version 0 lacks it; it was written after the encoder was frozen
    loop.facts.setdefault("quantized", loop.samples > 0 and loop.progress > settings.quantization_start)

    def start_codebook() -> None:
        """Initialises the codebook from the latents of the averaged, normalised weights; both are written, for stage 2
        if the encoder is frozen."""
        model.load_state_dict(loop.average)
        generator = torch.Generator().manual_seed(
            0
        )  # not the step's: a run that is stopped right after this takes the same step then
        drawn = [entries[i] for i in torch.randint(len(entries), (CODEBOOK_SHAPES,), generator=generator)]
        with torch.no_grad(), loop.autocast():
            latents = torch.cat(
                [model.encode(load_tree(entry, 0)[None].to(loop.device) / scales).float() for entry in drawn]
            )
        shift, spread = NORMALISATIONS[settings.normalisation](model.quantize.rows(latents))
        normalise_channels(model, shift, spread)
        latents = (latents - shift.view(1, -1, 1, 1, 1)) / spread.view(1, -1, 1, 1, 1)
        codebook.start(latents[..., 2:10, 2:10, 2:10], generator)  # where shapes are
        for module in (model, codebook):
            loop.agree(module)

    def begin_quantizing() -> None:
        log.info("starting the codebook%s", ", freezing the encoder" if settings.freeze_encoder else "")
        if not start or settings.quantization_start > 0:
            start_codebook()
        loop.average = {name: value.detach().clone() for name, value in model.state_dict().items()}
        loop.facts["quantized"] = True
        write()
        loop.save()  # stage 2 may start on this encoder: a run that is stopped now must not freeze another one

    def step(progress: float):
        quantize = progress >= settings.quantization_start
        if quantize and not loop.facts["quantized"]:
            begin_quantizing()
        tree = batches(loop.steps).to(loop.device).float()
        if progress < settings.center_crop_fraction:
            tree = tree[..., _MIDDLE, _MIDDLE, _MIDDLE]
        tree = (tree / scales).to(torch.bfloat16 if settings.loop.bfloat16 else torch.float32)
        with loop.autocast():
            loss, numbers, latent = loop.objective(
                tree, quantize, 1 + (settings.detail_weight - 1) * progress, loop.own
            )
        if quantize and settings.freeze_encoder:
            latent = loop.gathered(latent)
            codebook.update(latent)
            numbers["restarted"] = torch.tensor(float(codebook.restart(latent, loop.generator, 0.02)))
        return loss, settings.batch, numbers

    def write() -> None:
        if loop.writes:
            write_stage_one(folder, _unscaled(settings.model, loop.average).cpu())

    def on_validation(progress: float) -> dict[str, float]:
        averaged = _unscaled(settings.model, loop.average)
        values, pictures = validate(averaged, shapes, loop.facts["quantized"], loop.device)
        loop.show("reconstructions", write_sample_grid(folder, loop.samples, pictures))
        return {"validation_iou": float(values.mean()), "validation_iou_median": float(values.median())}

    loop.run(step, on_validation)
    if not loop.facts["quantized"]:  # a run of very few steps
        begin_quantizing()
    write()
