"""Pictures of coloured meshes from all sides without light, and sets of objects that have many colours."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import igl
import numpy as np

from ...geometry.colour_spaces import NAMES, main_name
from ...geometry.colour_volume import rays_of
from ...geometry.distance import check_faces
from .mesh_datasets import Record


@dataclass(frozen=True)
class Pictures:
    """Of V cameras: ``colours`` uint8 (V, S, S, 3), sRGB, black where nothing is; ``mask`` bool (V, S, S); ``distance``
    float32 (V, S, S) from the eye along the ray, inf where nothing is."""

    colours: np.ndarray
    mask: np.ndarray
    distance: np.ndarray

    def main_colour(self) -> str:
        """The basic colour word of most of what is seen."""
        return NAMES[main_name(self.colours[self.mask])[0]] if self.mask.any() else NAMES[0]


def coloured_pictures(
    vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray, cameras: Sequence[np.ndarray], size: int
) -> Pictures:
    """Pictures of a mesh in the unit sphere with face colours (F, 3) uint8; one ray through a pixel's middle. Raises
    InputError for a damaged mesh."""
    vertices, faces = check_faces(vertices, faces)
    tree = igl.AABB()
    tree.init(vertices, faces)
    eyes, directions = (rays.reshape(-1, 3).astype(np.float64) for rays in rays_of(cameras, size))
    face, distance, _ = tree.intersect_ray_first(vertices, faces, eyes, directions)
    mask = face >= 0
    shape = (len(cameras), size, size)
    return Pictures(
        np.where(mask[:, None], colours[np.maximum(face, 0)], 0).astype(np.uint8).reshape(*shape, 3),
        mask.reshape(shape),
        np.where(mask, distance, np.inf).astype(np.float32).reshape(shape),
    )


def colourful_selection(
    candidates: Iterable[tuple[Record, str]], nouns: Sequence[str], each: int
) -> list[tuple[Record, str]]:
    """Of records with their main colours, ``each`` of every noun, in the nouns' order: of the colours that the noun
    comes in, in turns, those that are rarest so far first."""
    of_noun: dict[str, dict[str, list[Record]]] = {noun: {} for noun in nouns}
    for record, colour in candidates:
        if record.head in of_noun:
            of_noun[record.head].setdefault(colour, []).append(record)
    taken = dict.fromkeys(NAMES, 0)
    chosen: list[tuple[Record, str]] = []
    for colours in of_noun.values():
        used = dict.fromkeys(colours, 0)
        for _ in range(each):
            left = [colour for colour in colours if colours[colour]]
            if not left:
                break
            colour = min(left, key=lambda name: (used[name], taken[name], NAMES.index(name)))
            chosen.append((colours[colour].pop(0), colour))
            used[colour] += 1
            taken[colour] += 1
    return chosen
