"""Training of stage 2: the starter's denoiser and its condition encoders on latents."""

import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..conditions.specs import SPECS
from ..conditions.text import WordPieces
from ..configuration import write_settings
from ..diffusion.schedule import Schedule
from ..models.starter_config import StarterConfig
from ..models.starter_model import Starter
from .adapters import low_rank
from .condition_batches import Batches, word_pieces
from .conditions import BATCHES
from .data.captions import clean
from .data.dataset import Entry, read_index
from .denoiser_sample_grids import GRID_SHAPES, sample_grid_rows
from .latents import encode_store, normalise_latents, normalised_latents
from .loop import Loop, LoopSettings, this_process
from .runs import SETTINGS, load_stage_one, load_stage_two, read_scale, write_stage_two
from .sample_grids import validation_entries, write_sample_grid

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DenoiserTraining:
    """condition_probabilities: of the conditions of BATCHES. second_condition_probability: of a batch with two.

    high_noise_fraction: share of timesteps drawn from the noisiest 30 %, which matter most when sampling in few steps.
    encoder_pretrain_fraction: share of the training that trains only the encoders' drafts, in batches of
    encoder_pretrain_batch: ten times as fast as with the denoiser, which then has useful drafts from its first step on.
    points: sizes of point clouds, of which training draws one. partial_input_probability: of points seen from one side
    and voxels with some missing. low_rank: rank of trained low-rank adapters, None to train all weights. by_head:
    shapes are sampled by their head nouns (see sampling)."""

    model: StarterConfig = StarterConfig()
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(
            learning_rate=1e-3, average_samples=6000.0, weight_decay=0.02, validations=4
        )
    )
    batch: int = 16
    condition_probabilities: dict[str, float] = field(
        default_factory=lambda: {
            "text": 0.3,
            "sketch": 0.38,
            "voxels": 0.11,
            "points": 0.11,
            "depth": 0.06,
            "depths": 0.04,
        }
    )
    second_condition_probability: float = 0.1
    condition_dropout: float = 0.1
    high_noise_fraction: float = 0.5
    encoder_pretrain_fraction: float = 0.2
    encoder_pretrain_batch: int = 48
    points: tuple[int, ...] = (512, 1024, 2048, 4096)
    partial_input_probability: float = 0.0
    low_rank: int | None = None
    by_head: bool = False

    def __post_init__(self):
        probabilities = self.condition_probabilities
        unknown = sorted(set(probabilities) - set(BATCHES))
        if unknown:
            raise ValueError(f"condition_probabilities has {unknown[0]!r}, expected some of {', '.join(BATCHES)}")
        if not any(share > 0 for share in probabilities.values()) or any(share < 0 for share in probabilities.values()):
            raise ValueError(f"condition_probabilities is {probabilities}, expected shares above 0")
        missing = [
            name for name, share in probabilities.items() if share and SPECS[name].encoder not in self.model.encoders
        ]
        if missing:
            raise ValueError(
                f"condition_probabilities has {missing[0]!r}, and the model no encoder of it: name it in model.encoders"
            )


def timesteps(count: int, high_noise_fraction: float, generator: torch.Generator) -> Tensor:
    """Timesteps (count,) int64: uniform, but a share ``high_noise_fraction`` of them from 700 … 999."""
    uniform = torch.rand(2, count, generator=generator, device=generator.device)
    low = torch.where(uniform[0] < high_noise_fraction, 700.0, 0.0)
    return (low + uniform[1] * (1000 - low)).long()


class Rows(NamedTuple):
    """What a step trains on, B rows: inputs of the encoders by condition, latents x0 (B, 4, 12, 12, 12), and, where the
    denoiser is trained too, noisy ones x, timesteps t (B,), and which conditions are dropped, (B,) bool."""

    inputs: Mapping[str, tuple[Tensor, ...]]
    x0: Tensor
    x: Tensor | None = None
    t: Tensor | None = None
    drop: Tensor | None = None


def draw_rows(
    loop: Loop, batches: Batches, schedule: Schedule, settings: DenoiserTraining, drafting: bool
) -> tuple[str, Rows]:
    """This process's rows of a step, and their names in the log. Choices and noise are drawn for the whole batch, so
    that the number of processes does not matter."""
    B, device = settings.encoder_pretrain_batch if drafting else settings.batch, loop.device
    share = loop.share(B)
    kinds = list(settings.condition_probabilities)
    probabilities = torch.tensor(list(settings.condition_probabilities.values()))
    chosen = [
        kinds[i]
        for i in torch.multinomial(probabilities, min(2, int((probabilities > 0).sum())), generator=loop.generator)
    ]
    if torch.rand(1, generator=loop.generator) >= settings.second_condition_probability:
        chosen = chosen[:1]
    picks = batches.rows(chosen, B, loop.generator)[share]
    name, x0, inputs = "+".join(sorted(chosen)), batches.latents.latent[picks], batches.inputs(chosen, picks, loop.own)
    if drafting:
        return name, Rows(inputs, x0)
    t = timesteps(B, settings.high_noise_fraction, loop.common)[share]
    noise = torch.randn(B, *x0.shape[1:], generator=loop.common, device=device)[share]
    drop = (torch.rand(B, generator=loop.common, device=device) < settings.condition_dropout)[share]
    return name, Rows(inputs, x0, schedule.add_noise(x0, noise, t), t.float(), drop)


class DenoiserObjective(nn.Module):
    """Noisy latents and the inputs of their conditions → the loss and each row's errors."""

    def __init__(self, model: Starter):
        super().__init__()
        self.model = model

    def forward(
        self,
        inputs: Mapping[str, tuple[Tensor, ...]],
        x0: Tensor,
        x: Tensor | None,
        t: Tensor | None,
        drop: Tensor | None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Errors (B,) of the drafts, and of the denoiser if it is trained too, for the values of Rows."""

        def error(predicted: Tensor) -> Tensor:
            return (predicted.float() - x0).square().mean(dim=(1, 2, 3, 4))

        condition = self.model.encode_several(inputs)
        errors = {"_draft": error(self.model.draft(condition))}
        if x is not None:
            errors[""] = error(self.model.denoise(x, t, self.model.dropped(condition, drop)))
        return sum(values.mean() for values in errors.values()), {
            name: values.detach() for name, values in errors.items()
        }


def _validation(
    loop: Loop, store: Path, entries: list[Entry], autoencoder_run: Path, pieces: WordPieces, settings: DenoiserTraining
) -> Callable[[float], dict[str, float]]:
    """Validation callback of the loop: writes a grid of a few shapes and the samples for their conditions."""
    decoder = load_stage_one(autoencoder_run)
    normalise_latents(decoder, read_scale(loop.folder))
    # those with a name first: only they have every condition
    shapes = sorted(validation_entries(store, entries), key=lambda entry: not entry.named)[:GRID_SHAPES]
    batches = Batches(shapes, encode_store(shapes, decoder, loop.device), pieces, settings.points)
    kinds = [kind for kind, share in settings.condition_probabilities.items() if share > 0]

    def validate(_: float) -> dict[str, float]:
        with loop.averaged() as averaged:
            rows = sample_grid_rows(averaged, decoder, batches, kinds, loop.device)
        loop.show("results", write_sample_grid(loop.folder, loop.samples, rows))
        return {}

    return validate


def train(
    store: Path, autoencoder_run: Path, folder: Path, settings: DenoiserTraining, start: Path | None = None
) -> None:
    """Train (or resume training) on the latents of a frozen encoder; writes FOLDER/starter.pt, the averaged weights.

    start: a finished run or a model, whose weights, word pieces and latent scale a new run starts with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    begun = load_stage_two(start) if start else None
    if begun:
        settings = replace(settings, model=begun.denoiser.config)
    entries = read_index(store, "train")
    with this_process().main_process_first():  # the other processes find the files
        entries, latents = normalised_latents(folder, entries, autoencoder_run, begun.scale if begun else None)
        pieces = word_pieces(
            folder, begun, [clean(caption) for entry in entries for caption in (entry.caption, *entry.synonyms)]
        )
    log.info("%d shapes, %d latents", len(entries), len(latents.owner))

    torch.manual_seed(0)  # seeded here, so that existing files do not matter
    model = begun.denoiser.train() if begun else Starter(settings.model)
    if not begun:
        model.mean_latent.data = latents.latent.mean(dim=0, keepdim=True)
    adapters = low_rank(model, settings.low_rank) if settings.low_rank else None
    loop = Loop(DenoiserObjective(model), folder, settings.loop)
    if loop.writes:
        write_settings(settings, folder / SETTINGS)
    latents = latents.to(loop.device)
    batches = Batches(entries, latents, pieces, settings.points, settings.partial_input_probability, settings.by_head)

    def step(progress: float):
        drafting = progress < settings.encoder_pretrain_fraction
        name, rows = draw_rows(loop, batches, model.schedule, settings, drafting)
        with loop.autocast():
            loss, errors = loop.objective(*rows)
        return (
            loss,
            settings.encoder_pretrain_batch if drafting else settings.batch,
            {name + part: values for part, values in errors.items()},
        )

    validate = _validation(loop, store, entries, autoencoder_run, pieces, settings) if loop.writes else None
    # On a CPU, attention over so few tokens is faster as plain matrix products, above all in the backward pass.
    with sdpa_kernel(SDPBackend.MATH) if loop.device.type == "cpu" else nullcontext():
        loop.run(step, validate)
    if loop.writes:
        model.load_state_dict(loop.average)
        write_stage_two(folder, (adapters.merge_and_unload() if adapters else model).state_dict())
