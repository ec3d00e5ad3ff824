"""Stage 2: trains the starter's denoiser and its condition encoders on latents. Knows the mix of conditions and the loss; the loop is elsewhere."""

import json
import logging
import random
import shutil
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch.nn.attention import SDPBackend, sdpa_kernel
from tqdm import tqdm

from ..autoencoder import Autoencoder, AutoencoderConfig
from ..conditions.sketch import with_enclosed
from ..conditions.text import TextEncoderConfig, WordPieces
from ..diffusion.schedule import Schedule
from ..errors import InputError
from ..files import write_whole
from ..models.starter import Starter, StarterConfig
from ..models.table import MODELS
from ..pipeline import Pipeline
from .captions import SYNONYMS, clean, vary
from .loop import Loop, LoopSettings
from .samples import Entry, load_tree, read_index
from .sketches import drawn, line_picture

log = logging.getLogger(__name__)

KINDS = ("text", "sketch", "voxels", "points")


@dataclass(frozen=True)
class DenoiserTraining:
    """mix: how often each of KINDS is drawn. drop: share of conditions made empty. noisy: share of timesteps drawn from the noisiest 30 %,
    on which sampling in few steps lives. draft_until: share of the time that trains the encoders' drafts only, in batches of draft_batch:
    ten times as fast as with the denoiser, which finds them useful from its first step on.
    points: of how many points a cloud has in training one is drawn."""

    model: StarterConfig = StarterConfig()
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(learning_rate=1e-3, average_samples=6000.0, weight_decay=0.02))
    batch: int = 16
    mix: tuple[float, ...] = (0.33, 0.43, 0.12, 0.12)
    drop: float = 0.1
    noisy: float = 0.5
    draft_until: float = 0.2
    draft_batch: int = 48
    points: tuple[int, ...] = (512, 1024, 2048, 4096)
    bfloat16: bool = True


@dataclass(frozen=True)
class Latents:
    """Everything stage 2 reads, in memory: row i belongs to entry owner[i]. latent float32, the rest as in the store; views two rows each."""

    owner: torch.Tensor
    canonical: torch.Tensor
    latent: torch.Tensor
    occupancy: torch.Tensor
    points: torch.Tensor
    depth: torch.Tensor
    normal: torch.Tensor
    elevation: torch.Tensor


    def joined(self, other: "Latents", owners: int) -> "Latents":
        """These, then the other's, whose entries come after ``owners`` entries of these."""
        columns = {field.name: torch.cat([getattr(self, field.name), getattr(other, field.name)]) for field in fields(self)}
        return Latents(**columns | {"owner": torch.cat([self.owner, other.owner + owners])})


def encode_store(entries: list[Entry], autoencoder: Autoencoder) -> Latents:
    """Latents of every variant of every entry, with what their conditions are made of."""
    columns: dict[str, list] = {name: [] for name in ("latent", "occupancy", "points", "depth", "normal", "elevation")}
    owner, canonical = [], []
    for number, entry in enumerate(tqdm(entries, desc="latents", unit="")):
        with np.load(entry.file) as archive:
            arrays = {name: archive[name] for name in columns if name != "latent"}
        for variant in range(entry.variants):
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                columns["latent"].append(autoencoder.encode(load_tree(entry, variant)[None])[0].float())
            owner.append(number)
            canonical.append(variant == 0)
            views = len(arrays["depth"]) // len(arrays["points"])
            part = slice(variant * views, (variant + 1) * views)
            columns["occupancy"].append(torch.from_numpy(np.unpackbits(arrays["occupancy"][variant]).reshape(1, 16, 16, 16).astype(np.float32)))
            columns["points"].append(torch.from_numpy(arrays["points"][variant]))
            for name in ("depth", "normal", "elevation"):
                columns[name].append(torch.from_numpy(arrays[name][part]))
    stacked = {name: torch.stack(values) for name, values in columns.items()}
    return Latents(torch.tensor(owner), torch.tensor(canonical), **stacked)


def train_word_pieces(captions: list[str], file: Path) -> WordPieces:
    """A vocabulary of word pieces over captions and synonyms; every letter is in it, so that any word can be spelled."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=TextEncoderConfig().vocabulary, min_frequency=1, special_tokens=["[PAD]", "[UNK]"],
                                        show_progress=False)
    openings = ["a an the one of with and low poly simple model object"] * 20
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    spelling = [first + letters for first in letters]  # every letter inside a word, too
    tokenizer.train_from_iterator(captions + [" ".join(group) for group in SYNONYMS] + openings + spelling, trainer)
    tokenizer.save(str(file))
    return WordPieces(file)


class Batches:
    """Draws batches of one kind of condition: (latents, the encoder's inputs)."""

    def __init__(self, entries: list[Entry], latents: Latents, pieces: WordPieces, settings: DenoiserTraining, generator: torch.Generator):
        self.entries, self.latents, self.pieces, self.settings, self.generator = entries, latents, pieces, settings, generator
        self.all_rows = torch.arange(len(latents.owner))
        self.canonical_rows = latents.canonical.nonzero()[:, 0]

    def __call__(self, kind: str, count: int) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        rows = self.canonical_rows if kind == "text" else self.all_rows
        picks = rows[torch.randint(len(rows), (count,), generator=self.generator)]
        return self.latents.latent[picks], getattr(self, kind)(picks)

    def text(self, picks: torch.Tensor) -> tuple[torch.Tensor, ...]:
        rng = random.Random(int(torch.randint(2**31, (1,), generator=self.generator)))
        entries = [self.entries[self.latents.owner[i]] for i in picks]
        return (torch.stack([self.pieces(vary(entry.caption, entry.head, rng)) for entry in entries]),)

    def sketch(self, picks: torch.Tensor) -> tuple[torch.Tensor, ...]:
        views = torch.randint(self.latents.depth.shape[1], (len(picks),), generator=self.generator)
        step, crease = (torch.rand(2, generator=self.generator) * torch.tensor([0.06, 35.0]) + torch.tensor([0.03, 25.0])).tolist()
        lines = line_picture(self.latents.depth[picks, views], self.latents.normal[picks, views], step, crease)
        # Artists guess the elevation no better than to some degrees.
        elevation = self.latents.elevation[picks, views] + torch.randn(len(picks), generator=self.generator) * 3
        return with_enclosed(drawn(lines, self.generator)), elevation

    def voxels(self, picks: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self.latents.occupancy[picks],)

    def points(self, picks: torch.Tensor) -> tuple[torch.Tensor, ...]:
        cloud = self.latents.points[picks].float()
        count = self.settings.points[int(torch.randint(len(self.settings.points), (1,), generator=self.generator))]
        chosen = torch.randperm(cloud.shape[1], generator=self.generator)[:count]
        noise = torch.randn(len(picks), len(chosen), 3, generator=self.generator)
        return (cloud[:, chosen] + noise * torch.rand(len(picks), 1, 1, generator=self.generator) * 0.01,)


def timesteps(count: int, noisy: float, generator: torch.Generator) -> torch.Tensor:
    """Timesteps (count,) int64: uniform, but a share ``noisy`` of them from 700 … 999."""
    low = torch.where(torch.rand(count, generator=generator) < noisy, 700.0, 0.0)
    return (low + torch.rand(count, generator=generator) * (1000 - low)).long()


def normalise_latents(autoencoder: Autoencoder, scale: float) -> None:
    """Divides the latent by scale: exact, since the encoder's last and the decoder's first convolution are linear and one factor for all
    channels leaves every codebook row the nearest it was."""
    with torch.no_grad():
        last = autoencoder.encoder.out_conv[2]
        last.weight /= scale
        last.bias /= scale
        autoencoder.quantize.embedding.weight /= scale
        autoencoder.decoder.in_conv.weight *= scale


def load_stage_one(run: Path) -> Autoencoder:
    """The autoencoder of a stage-1 run's folder, or of a model that is there, by its name. Raises InputError."""
    if str(run) in MODELS:
        return Pipeline.load(str(run), "cpu").autoencoder
    if not (run / "autoencoder.pt").is_file():
        raise InputError(f"{run / 'autoencoder.pt'} is missing", f"Give the folder of a stage-1 run, or one of: {', '.join(MODELS)}.")
    saved = torch.load(run / "autoencoder.pt", weights_only=True)
    config = saved["config"] | {"widths": tuple(saved["config"]["widths"])}
    autoencoder = Autoencoder(AutoencoderConfig(**config)).eval()
    autoencoder.load_state_dict(saved["state"])
    return autoencoder


def read_latents(store: Path, autoencoder_run: Path, folder: Path) -> tuple[list[Entry], Latents]:
    """The store's training shapes and their latents, kept in FOLDER/latents.pt; shapes that the store has got since are added."""
    entries = {entry.id: entry for entry in read_index(store, "train")}
    file, ids, latents = folder / "latents.pt", [], None
    if file.exists():
        saved = torch.load(file, weights_only=True)
        ids = saved.pop("ids")
        latents = Latents(**saved)
    new = [identifier for identifier in entries if identifier not in set(ids)]
    if new:
        added = encode_store([entries[identifier] for identifier in new], load_stage_one(autoencoder_run))
        scales = folder / "latents.json"
        scale = json.loads(scales.read_text(encoding="utf-8"))["scale"] if latents else float(added.latent.std())
        added.latent.div_(scale)
        latents = latents.joined(added, len(ids)) if latents else added
        ids += new
        scales.write_text(json.dumps({"scale": scale, "shapes": len(ids), "latents": len(latents.owner)}), encoding="utf-8")
        content = {field.name: getattr(latents, field.name) for field in fields(latents)} | {"ids": ids}
        write_whole(file, lambda stream: torch.save(content, stream))
    return [entries[identifier] for identifier in ids], latents


def train(store: Path, autoencoder_run: Path, folder: Path, settings: DenoiserTraining, start: Path | None = None) -> None:
    """Train (or go on training) on a settled encoder's latents; writes FOLDER/starter.pt, the averaged weights.

    start: a run that was trained to its end, whose weights and word pieces a new run begins with, instead of random ones.
    """
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    entries, latents = read_latents(store, autoencoder_run, folder)
    # The trainer gives words other ids each time: a resumed run keeps the ones its embeddings were trained with.
    vocabulary = folder / "tokenizer.json"
    if start and not vocabulary.exists():
        shutil.copyfile(start / "tokenizer.json", vocabulary)
    pieces = WordPieces(vocabulary) if vocabulary.exists() else train_word_pieces([clean(entry.caption) for entry in entries], vocabulary)
    log.info("%d shapes, %d latents", len(entries), len(latents.owner))

    model, schedule = Starter(settings.model), Schedule()
    model.usual.data = latents.latent.mean(dim=0, keepdim=True)
    if start and not (folder / "state.pt").exists():
        model.load_state_dict(torch.load(start / "starter.pt", weights_only=True))
    loop = Loop(model, folder, settings.loop)
    (folder / "settings.json").write_text(json.dumps(asdict(settings), indent=1))
    batches = Batches(entries, latents, pieces, settings, loop.generator)
    mix = torch.tensor(settings.mix)

    def step(progress: float):
        kind = KINDS[int(torch.multinomial(mix, 1, generator=loop.generator))]
        drafting = progress < settings.draft_until
        x0, inputs = batches(kind, settings.draft_batch if drafting else settings.batch)
        # So few tokens attend faster by plain matrix products, most of all backwards.
        with sdpa_kernel(SDPBackend.MATH), torch.autocast("cpu", torch.bfloat16, enabled=settings.bfloat16):
            condition = model.encode(kind, *inputs)
            draft_error = (model.draft(condition).float() - x0).square().mean()
            loss, numbers = draft_error, {f"{kind}_draft": draft_error.item()}
            if not drafting:
                t = timesteps(len(x0), settings.noisy, loop.generator)
                noise = torch.randn(x0.shape, generator=loop.generator)
                drop = torch.rand(len(x0), generator=loop.generator) < settings.drop
                predicted = model.denoise(schedule.add_noise(x0, noise, t), t.float(), model.dropped(condition, drop))
                error = (predicted.float() - x0).square().mean()
                loss, numbers = loss + error, numbers | {kind: error.item()}
        return loss, len(x0), numbers

    loop.run(step)
    torch.save(loop.average, folder / "starter.pt")
