"""Stage 2: trains the starter's denoiser and its condition encoders on latents. Knows the mix of conditions and the loss; the loop is elsewhere."""

import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..conditions.condition import Condition
from ..conditions.text import WordPieces
from ..configuration import write_settings
from ..diffusion.schedule import Schedule
from ..models.starter import DRAFT_TIME, KINDS, Starter, StarterConfig
from .adapters import low_rank
from .captions import clean
from .condition_batches import Batches, word_pieces
from .denoiser_sheets import SHEET_SHAPES, sheet_rows
from .latents import encode_store, normalise_latents, normalised_latents
from .loop import Loop, LoopSettings, this_process
from .runs import SETTINGS, load_stage_one, load_stage_two, read_scale, write_stage_two
from .samples import Entry, read_index
from .sheets import looked_at, write_sheet

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DenoiserTraining:
    """mix: how often each of KINDS is drawn. several: share of batches with a second condition beside. drop: share of conditions made empty.
    noisy: share of timesteps drawn from the noisiest 30 %, on which sampling in few steps lives. drafts: share of the rows that learn the
    condition's draft instead of a denoising step. points: of how many points a cloud has in training one is drawn. lacking: share
    of batches of points seen from one side only, and of voxels some of which are missing. low_rank: rank of the
    additions that are trained instead of the weights themselves, None for these."""

    model: StarterConfig = StarterConfig()
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(learning_rate=1e-3, average_samples=6000.0, weight_decay=0.02, looks=4))
    batch: int = 16
    mix: dict[str, float] = field(default_factory=lambda: {"text": 0.35, "sketch": 0.35, "voxels": 0.15, "points": 0.15})
    several: float = 0.0
    drop: float = 0.1
    noisy: float = 0.5
    drafts: float = 0.375
    points: tuple[int, ...] = (512, 1024, 2048, 4096)
    lacking: float = 0.0
    low_rank: int | None = None

    def __post_init__(self):
        unknown = sorted(set(self.mix) - set(KINDS))
        if unknown:
            raise ValueError(f"mix has {unknown[0]!r}, expected some of {', '.join(KINDS)}")
        if not any(share > 0 for share in self.mix.values()) or any(share < 0 for share in self.mix.values()):
            raise ValueError(f"mix is {self.mix}, expected shares above 0")


def timesteps(count: int, noisy: float, generator: torch.Generator) -> Tensor:
    """Timesteps (count,) int64: uniform, but a share ``noisy`` of them from 700 … 999."""
    uniform = torch.rand(2, count, generator=generator, device=generator.device)
    low = torch.where(uniform[0] < noisy, 700.0, 0.0)
    return (low + uniform[1] * (1000 - low)).long()


class Rows(NamedTuple):
    """What a step trains on, B rows: inputs of the encoders by condition, latents x0 and noisy ones x (B, 4, 12, 12, 12), timesteps t (B,),
    which conditions are dropped, (B,) bool, and the numbers of the rows that learn a draft, and of the others, which see one."""

    inputs: Mapping[str, tuple[Tensor, ...]]
    x0: Tensor
    x: Tensor
    t: Tensor
    drop: Tensor
    drafts: Tensor
    others: Tensor


def draw_rows(loop: Loop, batches: Batches, schedule: Schedule, settings: DenoiserTraining) -> tuple[str, Rows]:
    """This process's rows of a step, and what to call them in the log. Choices and noise are drawn for the whole batch, so that it does not
    matter how many processes share it."""
    B, share, device = settings.batch, loop.share(settings.batch), loop.device
    kinds, mix = list(settings.mix), torch.tensor(list(settings.mix.values()))
    chosen = [kinds[i] for i in torch.multinomial(mix, min(2, int((mix > 0).sum())), generator=loop.generator)]
    if torch.rand(1, generator=loop.generator) >= settings.several:
        chosen = chosen[:1]
    picks = batches.rows(chosen, B, loop.generator)[share]
    t = timesteps(B, settings.noisy, loop.common)[share]
    x0 = batches.latents.latent[picks]
    noise = torch.randn(B, *x0.shape[1:], generator=loop.common, device=device)[share]
    drop = (torch.rand(B, generator=loop.common, device=device) < settings.drop)[share]
    learns_draft = (torch.arange(1, B + 1) * settings.drafts).floor().diff(prepend=torch.zeros(1))[share] > 0  # evenly spread
    drafts, others = (rows.nonzero()[:, 0].to(device) for rows in (learns_draft, ~learns_draft))
    x, t = schedule.add_noise(x0, noise, t), t.float()
    x[drafts], t[drafts], drop[drafts] = 0.0, DRAFT_TIME, False
    return "+".join(sorted(chosen)), Rows(batches.inputs(chosen, picks, loop.own), x0, x, t, drop, drafts, others)


class DenoiserObjective(nn.Module):
    """Noisy latents and the inputs of their conditions → the loss and each row's error."""

    def __init__(self, model: Starter):
        super().__init__()
        self.model = model

    def forward(self, inputs: Mapping[str, tuple[Tensor, ...]], x0: Tensor, x: Tensor, t: Tensor, drop: Tensor, drafts: Tensor,
                others: Tensor) -> tuple[Tensor, Tensor]:
        """Takes what Rows holds."""
        condition = self.model.features(inputs)
        with torch.no_grad():
            seen = self.model.draft(Condition(condition.tokens[others], condition.grid[others])).to(x0.dtype)
        condition = self.model.with_draft(condition, torch.zeros_like(x0).index_copy(0, others, seen))
        predicted = self.model.denoise(x, t, self.model.dropped(condition, drop))
        errors = (predicted.float() - x0).square().mean(dim=(1, 2, 3, 4))
        return errors.mean(), errors.detach()


def sheet_maker(loop: Loop, store: Path, entries: list[Entry], autoencoder_run: Path, pieces: WordPieces,
                settings: DenoiserTraining) -> Callable[[float], dict[str, float]]:
    """What the loop calls to look at a run: writes a sheet of a few shapes and of what is made of their conditions."""
    decoder = load_stage_one(autoencoder_run)
    normalise_latents(decoder, read_scale(loop.folder))
    shown = looked_at(store, entries)[:SHEET_SHAPES]
    batches = Batches(shown, encode_store(shown, decoder, loop.device), pieces, settings.points, lacking=0.0)
    kinds = [kind for kind, share in settings.mix.items() if share > 0]

    def look(_: float) -> dict[str, float]:
        with loop.averaged() as averaged:
            rows = sheet_rows(averaged, decoder, batches, kinds, loop.device)
        loop.show("results", write_sheet(loop.folder, loop.samples, rows))
        return {}

    return look


def train(store: Path, autoencoder_run: Path, folder: Path, settings: DenoiserTraining, start: Path | None = None) -> None:
    """Train (or go on training) on a settled encoder's latents; writes FOLDER/starter.pt, the averaged weights.

    start: a run that was trained to its end, or a model, whose weights, word pieces and latents' unit a new run begins with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    begun = load_stage_two(start) if start else None
    if begun:
        settings = replace(settings, model=begun.denoiser.config)
    entries = read_index(store, "train")
    with this_process().main_process_first():  # the others find the files
        entries, latents = normalised_latents(folder, entries, autoencoder_run, begun.scale if begun else None)
        pieces = word_pieces(folder, begun, [clean(entry.caption) for entry in entries])
    log.info("%d shapes, %d latents", len(entries), len(latents.owner))

    torch.manual_seed(0)  # here, so that it does not matter what was there already
    model, schedule = begun.denoiser.train() if begun else Starter(settings.model), Schedule()
    adapters = low_rank(model, settings.low_rank) if settings.low_rank else None
    loop = Loop(DenoiserObjective(model), folder, settings.loop)
    if loop.writes:
        write_settings(settings, folder / SETTINGS)
    latents = latents.to(loop.device)
    batches = Batches(entries, latents, pieces, settings.points, settings.lacking)

    def step(_: float):
        name, rows = draw_rows(loop, batches, schedule, settings)
        with loop.autocast():
            loss, errors = loop.objective(*rows)
        return loss, settings.batch, {name: errors[rows.others], f"{name}_draft": errors[rows.drafts]}

    look = sheet_maker(loop, store, entries, autoencoder_run, pieces, settings) if loop.writes else None
    # On a CPU so few tokens attend faster by plain matrix products, most of all backwards.
    with sdpa_kernel(SDPBackend.MATH) if loop.device.type == "cpu" else nullcontext():
        loop.run(step, look)
    if loop.writes:
        model.load_state_dict(loop.average)
        write_stage_two(folder, (adapters.merge_and_unload() if adapters else model).state_dict())
