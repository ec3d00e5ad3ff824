"""Placement of a result: position, rotation and size from the "placement" of a request. Arrays only, no bpy.

A placement is a dict with "kind" (a key of SOLVERS) and what that kind needs. Every solver takes the vertices in
Blender's axes at the model's size and returns a :class:`Placed`.
"""

from dataclasses import dataclass
from math import radians

import numpy as np

from .camera_pose import View, bounds

CURSOR_SIZE = 2.0  # metres: as large as Blender's own primitives
STRETCH = 1.5  # between the axes, at most, to fill a blockout's box
ITERATIONS = 40
NEAREST_SHARE = 0.05  # smallest distance of the mesh to the eye, as a share of the sketch's depth


@dataclass(frozen=True)
class Placed:
    """``vertices`` (V, 3) float64 about the object's own origin, at their final size; ``location`` (3,); ``rotation``
    about Z, radians."""

    vertices: np.ndarray
    location: np.ndarray
    rotation: float = 0.0


def place(vertices: np.ndarray, placement: dict, frame: dict | None) -> Placed:
    """Vertices, location and rotation of a result, from its placement.

    vertices: (V, 3), Blender's axes, the model's size. frame: "center" and "scale" of a result whose input the worker
    normalised, already in Blender's axes (model = (input - center) * scale); None for the others. Raises KeyError for
    an unknown kind.
    """
    placed = SOLVERS[placement["kind"]](np.asarray(vertices, dtype=np.float64), placement, frame)
    return with_origin(placed, placement["origin"]) if "origin" in placement else placed


def with_origin(placed: Placed, origin: str) -> Placed:
    """The same shape in the same place, with its object's origin in the middle of its base ("BASE"), or of all of it
    ("MIDDLE")."""
    low, high = bounds(placed.vertices)
    point = (low + high) / 2
    if origin == "BASE":
        point[2] = low[2]
    cosine, sine = np.cos(placed.rotation), np.sin(placed.rotation)
    turned = np.array([cosine * point[0] - sine * point[1], sine * point[0] + cosine * point[1], point[2]])
    return Placed(placed.vertices - point, placed.location + turned, placed.rotation)


def at_point(vertices: np.ndarray, placement: dict, frame: dict | None) -> Placed:
    """Place on placement["location"], with the longest side placement["size"]; the origin is at that point."""
    low, high = bounds(vertices)
    foot = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    return Placed(
        (vertices - foot) * (placement.get("size", CURSOR_SIZE) / _longest(high - low)),
        np.asarray(placement["location"], float),
    )


def at_input(vertices: np.ndarray, placement: dict, frame: dict | None) -> Placed:
    """Place where the input was, by the inverse of the worker's normalisation."""
    world = vertices / frame["scale"] + np.asarray(frame["center"], float)
    centre = bounds(world).mean(axis=0)
    return Placed(world - centre, centre)


def in_box(vertices: np.ndarray, placement: dict, frame: dict | None) -> Placed:
    """Filling placement["box"] ((2, 3) corners), the centres of both boxes together.

    A shape of nearly the box's proportions is stretched to it exactly; another one keeps its own and is as large as
    fits.
    """
    low, high = np.asarray(placement["box"], dtype=np.float64)
    own_low, own_high = bounds(vertices)
    ratios = (high - low) / np.maximum(own_high - own_low, 1e-12)
    scale = ratios if ratios.max() <= STRETCH * ratios.min() else ratios.min()
    return Placed((vertices - (own_low + own_high) / 2) * scale, (low + high) / 2)


def as_seen(vertices: np.ndarray, placement: dict, frame: dict | None) -> Placed:
    """Fit to the input's size seen from one side, and to its distance from the eye. The shape's depth is a guess, and
    is not used.

    placement: "axes" (3, 3), the rows right, up and back of the view; "bounds" (2, 3), along these, of what was seen.
    The longest sides of the two pictures become equal and their centres meet, and so do the sides towards the eye.
    """
    axes, target = np.asarray(placement["axes"], dtype=np.float64), np.asarray(placement["bounds"], dtype=np.float64)
    centred = vertices - bounds(vertices).mean(axis=0)
    own = bounds(centred @ axes.T)
    scale = _longest(np.ptp(target[:, :2], axis=0)) / _longest(np.ptp(own[:, :2], axis=0))
    across = (target[:, :2] - own[:, :2] * scale).mean(axis=0)
    return Placed(centred * scale, np.array([*across, target[1, 2] - own[1, 2] * scale]) @ axes)


def at_sketch(vertices: np.ndarray, placement: dict, frame: dict | None) -> Placed:
    """Turn to the view of the drawing, then scale and move the shape until it covers the sketch in that view's picture.

    placement: "view" (of :meth:`View.to_plain`), "azimuth" in degrees, "bounds" ((2, 2), the sketch's box on the view's
    image plane), "depth" (of the sketch along the view). The longest sides of the two boxes become equal and their
    centres meet; the middle of the mesh stands at the sketch's depth.
    """
    view, depth = View.from_plain(placement["view"]), float(placement["depth"])
    target = np.asarray(placement["bounds"], dtype=np.float64)
    rotation = radians(placement["azimuth"])
    centred = vertices - bounds(vertices).mean(axis=0)
    cosine, sine = np.cos(rotation), np.sin(rotation)
    turned = centred @ np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    local = (turned @ view.axes.T) * [1.0, 1.0, -1.0]
    local[:, 2] -= bounds(local[:, 2:]).mean()
    scale, offset = _cover(view, local, target, depth)
    shift = (bounds(turned @ view.axes[2:].T).mean()) * view.axes[2]
    location = view.world_space([*offset, depth]) - shift * scale
    return Placed(centred * scale, location, rotation)


def in_object(vertices: np.ndarray, placement: dict, frame: dict | None) -> Placed:
    """In the coordinates of the object that was edited, which has the matrix placement["matrix"] in the world: turned
    by placement["turn"] (3, 3) they are model space · placement["scale"] (3,) + placement["offset"] (3,)."""
    matrix = np.asarray(placement["matrix"], dtype=np.float64)
    rotation = float(np.arctan2(matrix[1, 0], matrix[0, 0]))
    turned = vertices * placement["scale"] + placement["offset"]
    return Placed(turned @ np.asarray(placement["turn"]), matrix[:3, 3], rotation)


def _cover(view: View, local: np.ndarray, target: np.ndarray, depth: float) -> tuple[float, np.ndarray]:
    """The scale and the (right, up) offset that make the picture of local points (V, 3: right, up, depth) cover the
    target box (2, 2)."""
    scale = (
        _longest(target[1] - target[0]) / _longest(np.ptp(local[:, :2], axis=0)) * (depth if view.perspective else 1.0)
    )
    largest = (1.0 - NEAREST_SHARE) * depth / max(-local[:, 2].min(), 1e-12) if view.perspective else np.inf
    scale, offset = min(scale, largest), np.zeros(2)
    for _ in range(ITERATIONS):
        now = bounds(view.flatten(local * scale + [*offset, depth]))
        move = (target - now).mean(axis=0) * (depth if view.perspective else 1.0)
        ratio = _longest(target[1] - target[0]) / _longest(now[1] - now[0])
        offset, scale = offset + move, min(scale * ratio, largest)
        if abs(ratio - 1.0) < 1e-6 and np.abs(move).max() < 1e-6 * scale:
            break
    return scale, offset


def _longest(sides: np.ndarray) -> float:
    return max(float(np.max(sides)), 1e-12)


SOLVERS = {
    "point": at_point,
    "input": at_input,
    "box": in_box,
    "seen": as_seen,
    "sketch": at_sketch,
    "object": in_object,
}
