"""Training of the detail stage: decoded trees and grid-aligned evidence → the shapes' own trees."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ..conditions.detail_features import detail_features
from ..configuration import write_settings
from ..geometry.metrics import iou
from ..models.registry import MODELS, STARTER
from ..networks.autoencoder import Autoencoder
from ..networks.configs import MIDDLE
from ..networks.detail_unet import DetailConfig, DetailNetwork
from ..wavelet import tree_to_field
from ..wavelet.tree import channel_scales
from .condition_batches import Batches, word_pieces
from .data.captions import clean
from .data.dataset import Entry, load_tree, read_index
from .detail_evidence import EVIDENCE, EvidenceSource
from .detail_latents import KINDS, SAMPLED_FOR, SampledLatents, sampled_latents
from .latents import Latents, encode_store, normalised_latents
from .loop import Loop, LoopSettings
from .runs import SETTINGS, load_detail, load_stage_one, load_stage_two, write_detail
from .sample_grids import render, validation_entries, write_sample_grid
from .tree_losses import surface_loss

log = logging.getLogger(__name__)

VALIDATION_SHAPES = 8


@dataclass(frozen=True)
class DetailTraining:
    """evidence_probabilities: of each kind of evidence. encoded_latent_fraction: share of steps on the shape's own
    encoded latent; the others are on the denoiser's sample for the same condition: voxels for a blockout, text without
    evidence. detail_weight: final weight of the details' terms, from 1 at the start."""

    model: DetailConfig = DetailConfig()
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(learning_rate=1e-3, average_samples=400.0, validations=8)
    )
    encoded_latent_fraction: float = 0.15
    evidence_probabilities: dict[str, float] = field(
        default_factory=lambda: {
            "points": 0.3,
            "voxels": 0.12,
            "blockout": 0.18,
            "depths": 0.15,
            "depth": 0.08,
            "sketch": 0.07,
            "none": 0.1,
        }
    )
    detail_weight: float = 5.0

    def __post_init__(self):
        unknown = sorted(set(self.evidence_probabilities) - set(EVIDENCE))
        if unknown:
            raise ValueError(f"evidence_probabilities has {unknown[0]!r}, expected some of {', '.join(EVIDENCE)}")


class DetailObjective(nn.Module):
    """Decoded trees, features and true trees, (B, 64, 34, 34, 34) in units of channel_scales → the loss and numbers to
    log."""

    def __init__(self, model: DetailNetwork):
        super().__init__()
        self.model = model

    def forward(
        self, decoded: Tensor, features: Tensor, tree: Tensor, detail_weight: float, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        predicted = decoded + self.model(decoded, features)
        return surface_loss(predicted, tree, detail_weight, generator)


class Examples:
    """Latents with the kind of evidence they go with. A step's generator alone decides which."""

    def __init__(self, latents: Latents, sampled: SampledLatents, settings: DetailTraining):
        self.latents, self.sampled, self.settings = latents, sampled, settings
        self._of_kind = {kind: (sampled.kind == number).nonzero()[:, 0] for number, kind in enumerate(KINDS)}

    def draw(self, generator: torch.Generator) -> tuple[int, Tensor, str]:
        """Row, latent (4, 12, 12, 12) and kind of evidence."""
        probabilities = self.settings.evidence_probabilities
        drawn = torch.multinomial(torch.tensor(list(probabilities.values())), 1, generator=generator)
        kind = list(probabilities)[int(drawn)]
        numbers = self._of_kind[SAMPLED_FOR.get(kind, kind)]
        if not len(numbers) or float(torch.rand(1, generator=generator)) < self.settings.encoded_latent_fraction:
            row = int(torch.randint(len(self.latents.latent), (1,), generator=generator))
            return row, self.latents.latent[row], kind
        number = numbers[torch.randint(len(numbers), (1,), generator=generator)]
        return int(self.sampled.row[number]), self.sampled.latent[number][0], kind


def train(store: Path, base: Path, folder: Path, settings: DetailTraining, start: Path | None = None) -> None:
    """Train (or resume training) a detail stage for the model ``base``; writes FOLDER/detail.pt, the averaged weights.

    start: a run or a model whose detail stage a new run starts with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    decoder, second = load_stage_one(base), load_stage_two(base)
    entries, latents = normalised_latents(folder, read_index(store, "train"), base, 1.0)
    pieces = word_pieces(folder, second, [clean(entry.caption) for entry in entries])
    batches = Batches(entries, latents, pieces, (2048,))
    sampled = sampled_latents(folder, second.denoiser, batches, MODELS[STARTER].conditions)
    log.info("%d shapes, %d latents, %d sampled ones", len(entries), len(latents.latent), len(sampled.row))
    model = load_detail(start).train() if start else DetailNetwork(settings.model)
    model.to(memory_format=torch.channels_last_3d)
    loop = Loop(DetailObjective(model), folder, settings.loop)
    decoder.to(loop.device, memory_format=torch.channels_last_3d)
    if loop.writes:
        write_settings(settings, folder / SETTINGS)
    scales = channel_scales().to(loop.device)
    examples, first = Examples(latents, sampled, settings), _first_rows(latents)
    source = EvidenceSource(latents)

    def step(progress: float):
        row, latent, kind = examples.draw(loop.generator)
        owner = int(latents.owner[row])
        tree = load_tree(entries[owner], row - first[owner])
        decoded = _decoded(decoder, latent.to(loop.device))
        features = detail_features(source.evidence(kind, row, tree, decoded, loop.generator))
        decoded, tree = (t.to(loop.device)[..., MIDDLE, MIDDLE, MIDDLE] / scales for t in (decoded, tree[None]))
        with loop.autocast():
            loss, numbers = loop.objective(
                decoded, features[None].to(loop.device), tree, 1 + (settings.detail_weight - 1) * progress, loop.own
            )
        return loss, 1, numbers | {f"{kind}_overlap": numbers["overlap"], f"{kind}_normals": numbers["normals"]}

    loop.run(step, _validation(loop, store, entries, decoder, settings) if loop.writes else None)
    if loop.writes:
        write_detail(folder, model.config, loop.average)


def _first_rows(latents: Latents) -> dict[int, int]:
    """The first row of each entry: that of its variant 0."""
    first: dict[int, int] = {}
    for row, owner in enumerate(latents.owner.tolist()):
        first.setdefault(owner, row)
    return first


@torch.no_grad()
def _decoded(decoder: Autoencoder, latent: Tensor) -> Tensor:
    """Latent (4, 12, 12, 12) → tree (1, 64, 46, 46, 46) float32."""
    with torch.autocast(latent.device.type, torch.bfloat16):
        return decoder.decode(latent[None]).float()


def _validation(
    loop: Loop, store: Path, entries: list[Entry], decoder: Autoencoder, settings: DetailTraining
) -> Callable[[float], dict[str, float]]:
    """Validation callback of the loop: IoU of validation shapes through the encoder, decoded and refined by each kind
    of evidence."""
    shapes = validation_entries(store, entries)[:VALIDATION_SHAPES]
    latents = encode_store(shapes, decoder, loop.device)
    source = EvidenceSource(latents)
    rows = latents.canonical.nonzero()[:, 0].tolist()

    def validate(_: float) -> dict[str, float]:
        sums: dict[str, list[float]] = {}
        pictures = []
        with loop.averaged() as averaged:
            for row in rows:
                tree = load_tree(shapes[int(latents.owner[row])], 0)
                solid = tree_to_field(tree[None])[0]
                decoded = _decoded(decoder, latents.latent[row].to(loop.device))
                line = [solid, tree_to_field(decoded)[0]]
                sums.setdefault("decoded_iou", []).append(iou(line[1] < 0, solid < 0))
                for kind in (kind for kind, share in settings.evidence_probabilities.items() if share > 0):
                    evidence = source.evidence(kind, row, tree, decoded, torch.Generator().manual_seed(row))
                    with loop.autocast():
                        refined = averaged.refine(decoded, detail_features(evidence)[None].to(loop.device))
                    line.append(tree_to_field(refined)[0])
                    sums.setdefault(f"{kind}_iou", []).append(iou(line[-1] < 0, solid < 0))
                pictures.append([render(distance) for distance in line])
        loop.show("refined", write_sample_grid(loop.folder, loop.samples, pictures))
        return {name: sum(values) / len(values) for name, values in sums.items()}

    return validate
