"""Mesh records for training and evaluation: collections (NAME.npz with NAME.jsonl) and folders of mesh files, with
their splits.

A collection: ``vertices`` uint16 (n, 3) (value / 65535 − 0.5, +Y up, longest side 1), ``faces`` (m, 3) local to the
object, ``vertex_offsets`` and ``face_offsets`` with one entry more than there are objects; the records in the same
order, field "index".
"""

import hashlib
import json
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...geometry.distance import EXTENT, frame_of
from ...geometry.meshes import READABLE, read_mesh
from ...geometry.surface import field_to_mesh
from .blend_files import BLEND, read_blend
from .captions import UNNAMED, clean, head_of, name_words
from .procedural.composites import composite
from .procedural.families import family_of, named
from .procedural.shape import Shape

SCANS = ("gso", "ycb", "household_scans")  # scans of real objects: the unseen domain, never trained on
PROCEDURAL = "procedural"  # "procedural:COUNT" is a source of generated shapes
VALIDATION_PERCENT = 8
_MESH_RESOLUTION = 128  # of a generated shape's mesh
SPLITS = ("train", "validation", "scans", "all")


@dataclass(frozen=True)
class Record:
    """One object: its file and its captions. file: a collection's .npz, with number ``index`` in it, or a mesh file of
    its own with the up axis ``up``, or PROCEDURAL. synonyms: other captions. solid: share of its bounding box that is
    inside, if known. named: false for tiles and nameless shapes, without meaningful captions."""

    id: str
    file: Path
    index: int
    caption: str
    words: tuple[str, ...]
    head: str
    category: str
    tags: tuple[str, ...]
    licence: str
    up: str = "y"
    synonyms: tuple[str, ...] = ()
    solid: float | None = None
    named: bool = True

    @property
    def split(self) -> str:
        """scans, validation or train: fixed for ever by a hash of the id."""
        if self.id.split("/")[0] in SCANS:
            return "scans"
        return (
            "validation" if int(hashlib.sha1(self.id.encode()).hexdigest(), 16) % 100 < VALIDATION_PERCENT else "train"
        )


def read_records(source: Path | str, split: str = "all", up: str = "y", unnamed: bool = False) -> list[Record]:
    """Records of a collection, or of every collection and every mesh file in a folder, or, of "procedural:COUNT", of
    shapes that are generated.

    unnamed: tiles and unnamed objects of collections as well, and every other generated shape a random composite.

    "all" is train and validation together, without the scans. up: "y" or "z", for mesh files that do not say which axis
    is up. Raises InputError when there is nothing to read or the split is unknown.
    """
    if split not in SPLITS:
        raise InputError(f"unknown split {split!r}", f"Choose one of {', '.join(SPLITS)}.")
    if str(source).startswith(PROCEDURAL + ":"):
        records = _procedural(str(source).removeprefix(PROCEDURAL + ":"), unnamed)
        return [record for record in records if split in ("all", record.split)]
    source = Path(source)
    if source.suffix in (".npz", ".jsonl") and source.with_suffix(".npz").is_file():
        records = _read_collection(source.with_suffix(".jsonl"))
    else:
        files = sorted(file for file in source.glob("*.jsonl") if file.with_suffix(".npz").is_file())
        records = [record for file in files for record in _read_collection(file)] + _read_folder(source, up)
    records = [record for record in records if record.named or unnamed]
    if not records:
        raise InputError(
            f"no collection (NAME.npz with NAME.jsonl) and no mesh in {source}", "Point at a folder that holds some."
        )
    if split == "all":
        return [record for record in records if record.split != "scans"]
    return [record for record in records if record.split == split]


def _read_collection(file: Path) -> list[Record]:
    records = []
    if not file.is_file():
        raise InputError(f"{file} is missing", "A collection is NAME.npz with NAME.jsonl beside it.")
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            raw = json.loads(line)
            tags = tuple(raw.get("tags") or ())
            caption = clean(raw.get("caption") or " ".join(raw.get("words") or ()))
            records.append(
                Record(
                    raw["id"],
                    file.with_suffix(".npz"),
                    int(raw["index"]),
                    caption,
                    tuple(caption.split()),
                    head_of(caption),
                    raw.get("category") or "other",
                    tags,
                    raw.get("licence") or "",
                    synonyms=tuple(map(clean, raw.get("synonyms") or ())),
                    solid=raw.get("solid"),
                    named="tile" not in tags and "unnamed" not in tags,
                )
            )
        except (ValueError, KeyError) as error:
            raise InputError(
                f"{file.name}, line {number}: not a record ({error!r})", "Repair or remove that line."
            ) from error
    return records


def _procedural(count: str, unnamed: bool) -> list[Record]:
    if not count.isdecimal() or int(count) == 0:
        raise InputError(
            f"{PROCEDURAL}:{count} gives no number of shapes", f"Say how many, for example {PROCEDURAL}:2000."
        )
    return [_generated(number, bool(unnamed and number % 2)) for number in range(int(count))]


def _generated(number: int, nameless: bool) -> Record:
    if nameless:
        return Record(
            f"generated/composite-{number}",
            Path(PROCEDURAL),
            number,
            UNNAMED,
            (UNNAMED,),
            UNNAMED,
            "other",
            ("procedural",),
            "CC0-1.0",
            named=False,
        )
    family = family_of(number // 2)
    shape = named(family, number)
    return Record(
        f"generated/{family}-{number}",
        Path(PROCEDURAL),
        number,
        shape.caption,
        tuple(shape.caption.split()),
        shape.head,
        shape.category,
        ("procedural",),
        "CC0-1.0",
        synonyms=shape.synonyms,
    )


def shape_of(record: Record) -> Shape | None:
    """The shape of a generated record, None for the others."""
    if record.file != Path(PROCEDURAL):
        return None
    return named(family_of(record.index // 2), record.index) if record.named else composite(record.index)


def _read_folder(folder: Path, up: str) -> list[Record]:
    """A record for every mesh file in a folder and its folders, in order of their paths; up: "y" or "z", the axis that
    is up in the files.

    glTF and .blend files say themselves which axis is up. The id is the folder's name and the path within it: renaming
    either makes it another shape.
    """
    files = (file for file in folder.rglob("*") if file.suffix.lower() in (*READABLE, BLEND) and file.is_file())
    return [
        _record(folder, file, up)
        for file in sorted(files)
        if not any(part.startswith(".") for part in file.relative_to(folder).parts)
    ]


def _record(folder: Path, file: Path, up: str) -> Record:
    inside = file.relative_to(folder)
    caption, category = _caption_of(file.stem), "other"
    for parent in inside.parent.parts[::-1]:
        parent_caption = _caption_of(parent)
        if parent_caption == UNNAMED:
            continue
        if caption == UNNAMED:
            caption = parent_caption
        else:
            category = parent_caption
            break
    knows = file.suffix.lower() in (".glb", ".gltf", BLEND)
    identifier = "/".join((folder.resolve().name, *inside.parts))
    return Record(
        identifier, file, 0, caption, tuple(caption.split()), head_of(caption), category, (), "", "y" if knows else up
    )


def _caption_of(name: str) -> str:
    return clean(" ".join(name_words(name)))


@lru_cache(maxsize=32)
def _arrays(file: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(file) as archive:
            return {name: archive[name] for name in ("vertices", "faces", "vertex_offsets", "face_offsets")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{file} cannot be read ({error})", "Fetch the collection again.") from error


def load_mesh(record: Record) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (n, 3) float64 with longest side 1, centred, +Y up, and faces (m, 3) int64 of a record.

    Raises InputError when its file cannot be read, among them NoSurface and NoBlender.
    """
    if (shape := shape_of(record)) is not None:
        vertices, faces = field_to_mesh(shape.field(_MESH_RESOLUTION), remove_dust=False)
        return np.asarray(vertices, dtype=np.float64) / (2 * EXTENT), np.asarray(faces, dtype=np.int64)
    if record.file.suffix == ".npz":
        return _mesh_in_collection(record)
    vertices, faces = (read_blend if record.file.suffix.lower() == BLEND else read_mesh)(record.file)
    if record.up == "z":
        vertices = vertices[:, [0, 2, 1]] * (1, 1, -1)
    frame = frame_of(vertices[np.unique(faces)])
    return frame.to_model(vertices) / (2 * EXTENT), faces


def _mesh_in_collection(record: Record) -> tuple[np.ndarray, np.ndarray]:
    arrays = _arrays(record.file)
    v, f = arrays["vertex_offsets"], arrays["face_offsets"]
    i = record.index
    vertices = arrays["vertices"][v[i] : v[i + 1]].astype(np.float64) / 65535 - 0.5
    return vertices, arrays["faces"][f[i] : f[i + 1]].astype(np.int64)
