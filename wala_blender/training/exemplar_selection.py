"""Selection of a model's exemplars: of every noun a few training shapes that the model's autoencoder holds well."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from tqdm import tqdm

from ..conditions.prompts import content_words
from ..conditions.word_vectors import WordVectors
from ..errors import InputError
from ..exemplars import write_exemplars
from ..files import write_whole
from ..geometry.distance import RESOLUTION, TRUNCATION, upsample
from ..geometry.metrics import iou
from ..latent_optimization import half_field
from ..models.registry import EXEMPLARS
from .data.captions import UNNAMED, clean, is_noun
from .data.mesh_datasets import Record, read_records
from .data.orientation import to_front
from .data.shape_filter import Limits, Unfit, fit_field, read_fit
from .data.word_table import folder_words

if TYPE_CHECKING:
    from ..pipeline import Pipeline

log = logging.getLogger(__name__)

LEAST_IOU = 0.8  # of a shape and what its latent decodes to
FIT = 8  # steps of latent optimisation
MOST = 5  # exemplars of a noun
SEVERAL = 5  # shapes
_TRIES = 3  # candidates for each exemplar that is wanted


def wanted(count: int) -> int:
    """Exemplars of a noun that ``count`` shapes have."""
    return 1 if count < 8 else 2 if count < 16 else 3 if count < 30 else MOST


def candidates(records: Sequence[Record], licence: str, vectors: WordVectors) -> dict[str, list[Record]]:
    """Shapes of that licence by nouns: first those that several shapes have, the most common words first. Of each noun
    one of every kind comes before a second of any, the plainest names first."""
    by_noun, turn = defaultdict(list), {}
    alike: Counter[tuple[str, ...]] = Counter()
    for record in sorted(records, key=lambda record: (len(record.caption.split()), record.id)):
        words = content_words(clean(record.caption))
        if record.named and record.licence == licence and words and words != [UNNAMED] and is_noun(words[-1]):
            kind = tuple(filter(is_noun, words))
            alike[kind] += 1
            turn[record.id] = alike[kind]
            by_noun[words[-1]].append(record)
    for some in by_noun.values():
        some.sort(key=lambda record: turn[record.id])
    return dict(sorted(by_noun.items(), key=lambda pair: (len(pair[1]) < SEVERAL, vectors.rank(pair[0]))))


def encode(pipeline: "Pipeline", record: Record) -> torch.Tensor | None:
    """Latent (C, 12, 12, 12) of a shape, fitted to it; None where the decoded shape is another. Raises Unfit."""
    vertices, faces = read_fit(record, Limits())
    vertices = to_front(vertices, faces, record.head)
    half = fit_field(vertices, faces, Limits(), TRUNCATION, RESOLUTION // 2)
    latent = pipeline.field_to_latent(upsample(half.numpy()), FIT)
    return latent if iou(half_field(pipeline.decode(latent)) < 0, half < 0) >= LEAST_IOU else None


def select(
    pipeline: "Pipeline", records: Sequence[Record], licence: str, vectors: WordVectors, folder: Path
) -> Iterator[tuple[Record, np.ndarray]]:
    """Exemplars: the records and latents (C, 12, 12, 12) float32. The latents are kept in a folder, from which a
    stopped selection goes on."""
    folder.mkdir(parents=True, exist_ok=True)
    nouns = candidates(records, licence, vectors)
    waiting = {noun: iter(some[: wanted(len(some)) * _TRIES]) for noun, some in nouns.items()}
    for turn in range(MOST):  # one of every noun before a second of any
        for noun, left in tqdm(waiting.items(), desc=f"exemplar {turn + 1} of every noun", unit=""):
            if turn < wanted(len(nouns[noun])):
                yield from islice(_encoded(pipeline, left, folder), 1)


def build(pipeline: "Pipeline", data: Path, licence: str, vectors: Path, folder: Path) -> int:
    """Writes exemplars.npz, of the training shapes of ``data`` that have that licence, into a folder, and words.npz, of
    a source of word vectors (see make_word_table), where that is not there yet. A stopped build goes on. Returns how
    many exemplars."""
    records = read_records(data, "train")
    captions = [clean(name) for record in records for name in (record.caption, *record.synonyms)]
    folder.mkdir(parents=True, exist_ok=True)
    table = folder_words(vectors, folder, captions)
    ids, names, latents = [], [], []
    for record, latent in select(pipeline, records, licence, table, folder / "latents"):
        ids.append(record.id)
        names.append((clean(record.caption), *record.synonyms))
        latents.append(latent)
    if not ids:
        raise InputError(f"no shape of {data} can be an exemplar", f"Named shapes with the licence {licence} can.")
    write_exemplars(folder / EXEMPLARS, ids, names, latents)
    return len(ids)


def _encoded(pipeline: "Pipeline", records: Iterator[Record], folder: Path) -> Iterator[tuple[Record, np.ndarray]]:
    """Those that the autoencoder holds well, with their latents."""
    for record in records:
        file = folder / (record.id.replace("/", "--") + ".npy")
        if not file.exists():
            try:
                latent = encode(pipeline, record)
            except Unfit as unfit:
                log.debug("%s: %s", record.id, unfit)
                latent = None
            kept = np.zeros(0) if latent is None else latent.cpu().numpy()
            write_whole(file, partial(np.save, arr=kept))
        latent = np.load(file)
        if latent.size:
            yield record, latent
