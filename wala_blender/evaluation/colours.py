"""Evaluation of colouring on the true meshes of unseen shapes: the colours' error beside that of the shape's own mean
colour, and whether an asked colour becomes the main one."""

from collections.abc import Callable, Sequence
from pathlib import Path

import igl
import numpy as np

from ..colour.colouring import Asked, Colouring
from ..colour.picture import shown_colours
from ..colour.surface import ColourPoints
from ..conditions.sketch import DEFAULT_ELEVATION
from ..errors import InputError
from ..geometry.cameras import looking_at_origin
from ..geometry.colour_spaces import NAMES, main_name
from ..training.data.face_colours import load_face_colours
from ..training.data.mesh_datasets import Record, load_mesh

ASKED = 24  # shapes that a colour is asked for
PICTURE = 192  # pixels of a side
_MARGIN = 1.1


def flat_picture(vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray, elevation: float) -> np.ndarray:
    """Picture (PICTURE, PICTURE, 4) uint8 of a mesh with face colours (F, 3), without light, from the front."""
    camera = looking_at_origin(0.0, elevation, 1.0)[:3, :3]
    seen = vertices @ camera
    low, high = seen.min(axis=0), seen.max(axis=0)
    steps = ((np.arange(PICTURE) + 0.5) / PICTURE - 0.5) * float((high - low)[:2].max()) * _MARGIN
    middle = (low + high) / 2
    eyes = np.empty((PICTURE, PICTURE, 3))
    eyes[..., 0], eyes[..., 1], eyes[..., 2] = middle[0] + steps, middle[1] - steps[:, None], high[2] + 1.0
    tree = igl.AABB()
    tree.init(vertices, faces)
    directions = np.broadcast_to(-camera[:, 2], (PICTURE**2, 3)).copy()
    face, _, _ = tree.intersect_ray_first(vertices, faces, eyes.reshape(-1, 3) @ camera.T, directions)
    face = np.asarray(face).reshape(PICTURE, PICTURE)
    picture = np.zeros((PICTURE, PICTURE, 4), np.uint8)
    picture[face >= 0, :3], picture[face >= 0, 3] = colours[face[face >= 0]], 255
    return picture


def evaluate_colours(
    colouring: Colouring,
    records: Sequence[Record],
    colours: Path,
    limit: int | None = None,
    on_progress: Callable[[int, str], object] = lambda done, name: None,
) -> dict:
    """Scores of shapes in the records' order: mean absolute errors (of 1, sRGB) at surface points by the shape's words,
    by words and a picture, and of the shape's own mean colour; the share of ASKED shapes of which a colour that was
    asked for is the main one, and of the same shapes when it was not."""
    some = [
        records[number]
        for number in np.linspace(0, len(records) - 1, min(limit or len(records), len(records))).astype(int)
    ]
    errors: dict[str, list[float]] = {"words": [], "picture": [], "mean": []}
    obeyed: list[bool] = []
    by_chance: list[bool] = []
    skipped = 0
    for number, record in enumerate(some):
        on_progress(number, record.id)
        try:
            vertices, faces = load_mesh(record)
            surface, of_faces = ColourPoints.of(vertices, faces), load_face_colours(record, colours)
            picture = shown_colours(flat_picture(vertices, faces, of_faces, DEFAULT_ELEVATION))
        except InputError:
            skipped += 1
            continue
        true = of_faces[surface.owners] / 255
        for kind, asked in (
            ("words", Asked(record.caption, None)),
            ("picture", Asked(record.caption, None, picture, DEFAULT_ELEVATION)),
        ):
            errors[kind].append(float(np.abs(_chosen(colouring, surface, asked) / 255 - true).mean()))
        errors["mean"].append(float(np.abs(true.mean(axis=0) - true).mean()))
        if len(obeyed) < ASKED:
            name = NAMES[len(obeyed) % len(NAMES)]
            asked = Asked(f"a {name} {record.caption}", number)
            obeyed.append(NAMES[main_name(_chosen(colouring, surface, asked))[0]] == name)
            without = Asked(record.caption, number)
            by_chance.append(NAMES[main_name(_chosen(colouring, surface, without))[0]] == name)
    if not errors["mean"]:
        raise InputError("no coloured shape could be read", "Give other meshes.")
    means = {kind: float(np.mean(values)) for kind, values in errors.items()}
    return {
        "count": len(errors["mean"]),
        "skipped": skipped,
        "errors": means,
        "medians": {kind: float(np.median(values)) for kind, values in errors.items()},
        "share_of_mean_colour": {kind: means[kind] / max(means["mean"], 1e-9) for kind in ("words", "picture")},
        "asked": float(np.mean(obeyed)),
        "asked_by_chance": float(np.mean(by_chance)),
        "asked_shapes": len(obeyed),
    }


def _chosen(colouring: Colouring, surface: ColourPoints, asked: Asked) -> np.ndarray:
    """sRGB bytes (N, 3) at the surface's points."""
    palette, values = colouring.chosen(surface, asked)
    return palette[values.argmax(axis=1)]


def lines_of(report: dict) -> list[str]:
    """The report as text."""
    shares = report["share_of_mean_colour"]
    return [
        f"colour error of {report['count']} shapes, of 1: by words {report['errors']['words']:.3f}, "
        f"with a picture {report['errors']['picture']:.3f}, the shape's own mean colour {report['errors']['mean']:.3f}",
        f"as a share of the mean colour's: by words {shares['words']:.2f}, with a picture {shares['picture']:.2f}",
        f"asked colour is the main one: {report['asked']:.0%} of {report['asked_shapes']}, by chance "
        f"{report['asked_by_chance']:.0%}",
    ]
