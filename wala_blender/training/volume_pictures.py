"""Training pictures of colour volumes: a set of coloured objects of some nouns, seen from cameras all around."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..files import write_whole
from ..geometry.colour_volume import rays_of, spread_cameras
from ..geometry.point_sets import unit_sphere_frame
from .data.coloured_pictures import coloured_pictures, colourful_selection
from .data.face_colours import coloured, load_face_colours
from .data.mesh_datasets import Record, load_mesh, read_records

log = logging.getLogger(__name__)

NOUNS = (
    "bed boat book bottle burger bush cactus car chair chest dinosaur fish house mech mushroom potion pumpkin rock sofa "
    "spaceship table tank tent tree"
).split()
FILL = 0.95  # radius of an object in the volume
PICTURES = "pictures.npz"
_GLANCE = (6, 32)  # cameras and pixels by which an object's main colour is told
_LICENCE = "CC0"


@dataclass(frozen=True)
class PictureSettings:
    """Objects: ``each`` of every noun, of as many main colours as there are. ``views`` of ``size``² pixels, every
    ``held_out_every``-th of which is not trained on."""

    nouns: tuple[str, ...] = field(default_factory=lambda: tuple(NOUNS))
    each: int = 5
    views: int = 24
    size: int = 64
    held_out_every: int = 6


@dataclass(frozen=True)
class VolumePictures:
    """``colours`` uint8 (N, V, S², 3), ``masks`` bool (N, V, S²); ``near`` (N, V, S²): pixels in the mask or beside it.
    ``eyes`` and ``directions`` (V, S², 3) of the rays. ``ids``, ``captions`` ("red mushroom"), ``nouns`` and main
    ``main_colours`` of the objects."""

    ids: list[str]
    captions: list[str]
    nouns: list[str]
    main_colours: list[str]
    colours: Tensor
    masks: Tensor
    near: Tensor
    eyes: Tensor
    directions: Tensor
    held_out_every: int

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def held_out(self) -> Tensor:
        """Numbers of the views that are not trained on."""
        return torch.arange(self.held_out_every // 2, self.masks.shape[1], self.held_out_every)

    @property
    def trained(self) -> Tensor:
        """Numbers of the views that are trained on."""
        every = torch.arange(self.masks.shape[1])
        return every[~torch.isin(every, self.held_out)]


def fitted(record: Record) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) in the volume's ball, and faces (F, 3), of a record. Raises InputError."""
    vertices, faces = load_mesh(record)
    return unit_sphere_frame(vertices[np.unique(faces)]).to_model(vertices) * FILL, faces


def caption_of(caption: str, colour: str) -> str:
    """A caption with the main colour's name before it, unless it has it."""
    return caption if colour in caption.split() else f"{colour} {caption}"


def volume_pictures(file: Path, data: Path, colours: Path, settings: PictureSettings) -> VolumePictures:
    """The pictures of a selection of the training split's coloured objects, made once and kept in a file; half a second
    an object. data: folder of collections; colours: of their face colours. Raises InputError."""
    if not file.is_file():
        _write(file, data, colours, settings)
    with np.load(file, allow_pickle=False) as content:
        ids, captions, nouns, main = (
            [str(item) for item in content[name]] for name in ("ids", "captions", "nouns", "main_colours")
        )
        pictures, masks = torch.from_numpy(content["colours"]), torch.from_numpy(content["masks"])
    views, size = masks.shape[1:3]
    wide = torch.nn.functional.max_pool2d(masks.flatten(0, 1)[:, None].float(), 5, 1, 2) > 0
    eyes, directions = rays_of(spread_cameras(views), size)
    return VolumePictures(
        ids,
        captions,
        nouns,
        main,
        pictures.flatten(2, 3),
        masks.flatten(2),
        wide[:, 0].view(len(ids), views, -1),
        torch.from_numpy(eyes),
        torch.from_numpy(directions),
        settings.held_out_every,
    )


def candidates(data: Path, colours: Path, nouns: Iterable[str]) -> list[Record]:
    """The training split's free coloured objects of these nouns. Raises InputError."""
    found = [record for record in coloured(read_records(data, "train"), colours) if record.licence.startswith(_LICENCE)]
    wanted = set(nouns)
    found = [record for record in found if record.head in wanted]
    if not found:
        raise InputError(f"{data} has no coloured objects of these nouns", "Give other nouns, or another folder.")
    return found


def _with_colours(records: list[Record], colours: Path) -> Iterator[tuple[Record, str]]:
    views, size = _GLANCE
    cameras = spread_cameras(views)
    for record in records:
        of_faces = load_face_colours(record, colours)
        if len(np.unique(of_faces, axis=0)) < 2:
            continue
        try:
            yield record, coloured_pictures(*fitted(record), of_faces, cameras, size).main_colour()
        except InputError as error:
            log.warning("%s is left out: %s", record.id, error.message)


def _write(file: Path, data: Path, colours: Path, settings: PictureSettings) -> None:
    found = candidates(data, colours, settings.nouns)
    chosen = colourful_selection(_with_colours(found, colours), settings.nouns, settings.each)
    log.info("%d objects of %d", len(chosen), len(found))
    cameras = spread_cameras(settings.views)
    sets = [
        coloured_pictures(*fitted(record), load_face_colours(record, colours), cameras, settings.size)
        for record, _ in chosen
    ]
    arrays = {
        "colours": np.stack([pictures.colours for pictures in sets]),
        "masks": np.stack([pictures.mask for pictures in sets]),
        "ids": np.array([record.id for record, _ in chosen]),
        "nouns": np.array([record.head for record, _ in chosen]),
        "main_colours": np.array([colour for _, colour in chosen]),
        "captions": np.array([caption_of(record.caption, colour) for record, colour in chosen]),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, lambda stream: np.savez_compressed(stream, **arrays))
