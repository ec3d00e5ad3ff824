"""Reference shapes of an evaluation, from records of meshes.

A reference is the mesh's own distance field at 256³ and its iso-surface. A shape is used only if the codec can
represent it, by the limits of the training store, and if it is not a training shape.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from ..errors import InputError
from ..geometry.distance import TRUNCATION
from ..geometry.light_field import descriptor
from ..geometry.metrics import Mesh, count_pieces, silhouettes
from ..geometry.surface import field_to_mesh, main_components
from ..training.data.duplicates import fingerprint
from ..training.data.mesh_datasets import Record
from ..training.data.shape_filter import Limits, Unfit, check_tree, fit_field, read_fit
from .training_set import TrainingShapes

EVALUATION_SETS = Path(__file__).parent / "sets"  # lists of shapes' ids, and of prompts
Progress = Callable[[int, str], None]


@dataclass(frozen=True)
class Shape:
    """A reference: field (R, R, R) float32, its surface, the mesh in model space, the solid's share of the grid."""

    record: Record
    field: torch.Tensor
    surface: Mesh
    mesh: Mesh
    volume: float

    @cached_property
    def silhouettes(self) -> np.ndarray:
        return silhouettes((self.field < 0).numpy())

    @cached_property
    def light_fields(self) -> np.ndarray:
        return descriptor((self.field < 0).numpy())

    @property
    def about(self) -> dict:
        """A report's data on the shape itself."""
        return {
            "id": self.record.id,
            "caption": self.record.caption,
            "head": self.record.head,
            "volume": self.volume,
            "pieces": count_pieces(*main_components(*self.surface)[:2]),
        }


def read_ids(name: Path | str) -> list[str]:
    """Ids in a file, a line each, without empty lines and those that begin with #; ``name``: the file, or a list in
    EVALUATION_SETS without its .txt. Raises InputError: missing, or empty."""
    file = Path(name)
    if not file.is_file():
        file = EVALUATION_SETS / f"{name}.txt"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in EVALUATION_SETS.glob("*.txt")))
        raise InputError(
            f"{name}: no such file, and no list of that name", f"Give a file with an id a line, or one of {known}."
        )
    ids = [
        line.strip()
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    if not ids:
        raise InputError(f"{name} names nothing", "Write an id a line into it.")
    return ids


def named(records: Iterable[Record], ids: Sequence[str]) -> list[Record]:
    """The records with these ids. Raises InputError for ids that none has."""
    by_id = {record.id: record for record in records}
    missing = [one for one in ids if one not in by_id]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(ids)} shapes are not in that split of the data, such as {missing[0]}",
            "Choose the split and the folder that they are in.",
        )
    return [by_id[one] for one in ids]


def read_shape(record: Record, train: TrainingShapes | None, limits: Limits = Limits()) -> Shape:
    """The reference of one record. Raises Unfit with the reason when the codec cannot hold the shape, or when it is a
    training shape."""
    vertices, faces = read_fit(record, limits)
    if train is not None and train.has(fingerprint(vertices, faces)):
        raise Unfit("duplicate", "of a training shape")
    field = fit_field(vertices, faces, limits, TRUNCATION)
    check_tree(field, None, limits)
    return Shape(
        record, field, field_to_mesh(field, remove_dust=False), (vertices, faces), float((field < 0).float().mean())
    )


def fit_shapes(
    records: Iterable[Record],
    limit: int | None,
    train: TrainingShapes | None,
    skipped: Counter,
    on_progress: Progress | None = None,
) -> Iterator[Shape]:
    """The usable shapes, ``limit`` at most, in the order of a hash of their ids, so that the first ones are a fair
    sample. The others are counted in ``skipped``, by reason. on_progress(count before, id) is called before each.
    Raises InputError if there is none."""
    count = 0
    for record in sorted(records, key=lambda record: hashlib.sha1(record.id.encode()).digest()):
        if count == limit:
            break
        if on_progress is not None:
            on_progress(count, record.id)
        try:
            shape = read_shape(record, train)
        except Unfit as unfit:
            skipped[unfit.reason] += 1
            continue
        count += 1
        yield shape
    if not count:
        why = ", ".join(f"{count} {reason}" for reason, count in skipped.items()) or "there is none"
        raise InputError(
            f"none of the {sum(skipped.values())} shapes can be used ({why})", "Choose another split or folder"
        )
