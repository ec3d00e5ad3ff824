"""Primitive solids with signed distances: boxes, prisms, frustums, cylinders, lathes, capsules, arcs, ellipsoids.

Every solid is centred on its own origin. ``distance(x, y, z)`` takes float arrays that broadcast against one another (a
solid whose axes are the grid's thus costs little more than one sum) and gives the signed distance in the same unit,
positive outside. ``reach(direction)`` is the support function: how far the solid extends along a unit vector (3,),
which gives its bounding box under any rotation.

Exact: Box, Prism, Lathe and Cylinder (round), Capsule, Arc. Too small beyond edges, exact on faces: Frustum, polygonal
Lathe and Cylinder. To first order at the surface: Ellipsoid.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy import ndarray as Array

_TABLE = 400  # radii of a lathe's table: at most a thousandth of the model's box apart


class Solid(Protocol):
    """A solid: its signed distance at points, and how far it reaches along a direction."""

    def distance(self, x: Array, y: Array, z: Array) -> Array: ...
    def reach(self, direction: Array) -> float: ...


def _crossed(flat: Array, along: Array) -> Array:
    """Distance of the solid in which a region of distance ``flat`` and a slab of distance ``along`` at right angles
    meet."""
    outside = np.sqrt(np.maximum(flat, 0) ** 2 + np.maximum(along, 0) ** 2)
    return outside + np.minimum(np.maximum(flat, along), 0)


def polygon_distance(u: Array, v: Array, polygon: Array, mirrored: bool = False) -> Array:
    """Signed distance of points (u, v), arrays that broadcast, to a simple polygon (n, 2), negative inside.

    mirrored: the polygon is half of a region that goes on, mirrored, at u < 0; edges on the line u = 0 are none of the
    region's.
    """
    nearest, inside = None, None
    polygon = np.asarray(polygon, dtype=np.result_type(u))
    for (au, av), (bu, bv) in zip(polygon, np.roll(polygon, -1, axis=0)):
        eu, ev, wu, wv = bu - au, bv - av, u - au, v - av
        length = eu * eu + ev * ev
        if length == 0:
            continue
        if not (mirrored and au == bu == 0):
            share = np.clip((wu * eu + wv * ev) * (1 / length), 0, 1)
            squared = (wu - eu * share) ** 2 + (wv - ev * share) ** 2
            nearest = squared if nearest is None else np.minimum(nearest, squared)
        if ev != 0:  # a ray along +u crosses the edge
            crosses = ((wv >= 0) != (v >= bv)) & ((eu * wv - ev * wu > 0) == (ev > 0))
            inside = crosses if inside is None else inside ^ crosses
    distance = np.sqrt(nearest)
    return np.where(inside, -distance, distance)


@dataclass(frozen=True)
class Box:
    """half: half of each side's length. round: radius of its edges."""

    half: tuple[float, float, float]
    round: float = 0.0

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        q = [np.abs(a) - (h - self.round) for a, h in zip((x, y, z), self.half)]
        outside = np.sqrt(sum(np.maximum(a, 0) ** 2 for a in q))
        return outside + np.minimum(np.maximum(np.maximum(q[0], q[2]), q[1]), 0) - self.round

    def reach(self, direction: Array) -> float:
        return float(np.abs(direction) @ (np.array(self.half) - self.round)) + self.round


@dataclass(frozen=True)
class Prism:
    """A simple polygon, points (x, y), extruded along z by ``half`` to both sides."""

    polygon: tuple[tuple[float, float], ...]
    half: float

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        return _crossed(polygon_distance(x, y, np.array(self.polygon)), np.abs(z) - self.half)

    def reach(self, direction: Array) -> float:
        return float((np.array(self.polygon) @ direction[:2]).max() + abs(direction[2]) * self.half)


@dataclass(frozen=True)
class Frustum:
    """A box whose half sides (x, z) go from ``bottom`` at y = −half to ``top`` at y = half, both above 0 or, at the
    top, 0."""

    bottom: tuple[float, float]
    top: tuple[float, float]
    half: float

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        inside = np.abs(y) - self.half
        for a, low, high in zip((x, z), self.bottom, self.top):
            rise, run = 2 * self.half, low - high
            inside = np.maximum(inside, ((np.abs(a) - low) * rise + (y + self.half) * run) / np.hypot(rise, run))
        return inside

    def reach(self, direction: Array) -> float:
        flat = np.abs(direction[[0, 2]])
        return float(max(flat @ self.bottom - direction[1] * self.half, flat @ self.top + direction[1] * self.half))


def _radius(x: Array, z: Array, sides: int | None) -> Array:
    """Distance from the y axis; with ``sides``, to the polygon of that many sides through a point, a side's middle
    towards +z."""
    if sides is None:
        return np.sqrt(x * x + z * z)
    angles = np.arange(sides) * (2 * np.pi / sides)
    if sides % 2 == 0:
        return np.maximum.reduce(
            [np.abs(x * np.float32(np.sin(a)) + z * np.float32(np.cos(a))) for a in angles[: sides // 2]]
        )
    return np.maximum.reduce([x * np.float32(np.sin(a)) + z * np.float32(np.cos(a)) for a in angles])


def _farthest(direction: Array, sides: int | None) -> float:
    """How far a circle of radius 1 around the y axis, or the polygon around it, extends along a direction."""
    if sides is None:
        return float(np.hypot(direction[0], direction[2]))
    angles = (np.arange(sides) + 0.5) * (2 * np.pi / sides)
    return float((np.sin(angles) * direction[0] + np.cos(angles) * direction[2]).max() / np.cos(np.pi / sides))


@dataclass(frozen=True)
class Cylinder:
    """Along y, by ``half`` to both sides; with ``sides`` the prism around it."""

    radius: float
    half: float
    sides: int | None = None

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        return _crossed(_radius(x, z, self.sides) - self.radius, np.abs(y) - self.half)

    def reach(self, direction: Array) -> float:
        return self.radius * _farthest(direction, self.sides) + abs(direction[1]) * self.half


@dataclass(frozen=True)
class Lathe:
    """A profile, points (radius ≥ 0, y) from the axis round to the axis, or a closed ring off it, turned round y; with
    ``sides`` a pyramid."""

    profile: tuple[tuple[float, float], ...]
    sides: int | None = None

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        radius, profile = _radius(x, z, self.sides), np.array(self.profile)
        if radius.size * y.size <= 8 * _TABLE * y.size or np.broadcast(radius, y).size != radius.size * y.size:
            return polygon_distance(radius, y, profile, mirrored=True)
        # Radii and heights lie along axes of their own: a table over both, linear between its radii, is all there is to
        # compute.
        step = float(radius.max()) / (_TABLE - 2)
        heights = y.reshape(-1)
        table = polygon_distance(
            np.arange(_TABLE, dtype=y.dtype)[:, None] * y.dtype.type(step), heights[None], profile, mirrored=True
        ).astype(y.dtype)
        at = radius * y.dtype.type(1 / step)
        row = at.astype(np.int32)
        share, row = (at - row).reshape(-1, 1), row.reshape(-1)
        found = table[row]
        found += (table[row + 1] - found) * share
        axis = int(np.argmax(y.shape))
        return np.moveaxis(found.reshape(*(n for a, n in enumerate(radius.shape) if a != axis), -1), -1, axis)

    def reach(self, direction: Array) -> float:
        profile = np.array(self.profile)
        return float((profile[:, 0] * _farthest(direction, self.sides) + profile[:, 1] * direction[1]).max())


@dataclass(frozen=True)
class Capsule:
    """A ball of radius ``bottom`` at y = −half, one of radius ``top`` at y = half, and all between; half > |bottom −
    top| / 2."""

    bottom: float
    top: float
    half: float

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        r, y = np.sqrt(x * x + z * z), y + self.half
        slope = (self.bottom - self.top) / (2 * self.half)
        across = np.sqrt(1 - slope * slope)
        share = y * across - r * slope  # along the cone's side
        length = 2 * self.half * across
        low, high = np.sqrt(r * r + y * y) - self.bottom, np.sqrt(r * r + (y - 2 * self.half) ** 2) - self.top
        return np.where(share < 0, low, np.where(share > length, high, r * across + y * slope - self.bottom))

    def reach(self, direction: Array) -> float:
        return float(max(self.bottom - direction[1] * self.half, self.top + direction[1] * self.half))


@dataclass(frozen=True)
class Arc:
    """A round tube of radius ``tube`` along an arc of ``radius`` round z, ``half_angle`` to both sides of +y; π: a
    whole torus."""

    radius: float
    tube: float
    half_angle: float = np.pi

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        x = np.abs(x)
        flat = np.sqrt(x * x + y * y)
        if self.half_angle < np.pi:
            sine, cosine = np.float32(np.sin(self.half_angle)), np.float32(np.cos(self.half_angle))
            flat_along = np.where(y * sine < x * cosine, x * sine + y * cosine, flat)
        else:
            flat_along = flat
        squared = flat * flat + z * z + (self.radius**2 - 2 * self.radius * flat_along)
        return np.sqrt(np.maximum(squared, 0)) - self.tube

    def reach(self, direction: Array) -> float:
        angle = min(abs(float(np.arctan2(direction[0], direction[1]))), np.pi)
        beyond = max(0.0, angle - self.half_angle)
        return float(np.hypot(*direction[:2]) * self.radius * np.cos(beyond)) + self.tube


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid around the origin; its distance is a first-order estimate."""

    radii: tuple[float, float, float]

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        (a, b, c) = self.radii
        near = np.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2)
        slope = np.sqrt((x / (a * a)) ** 2 + (y / (b * b)) ** 2 + (z / (c * c)) ** 2)
        # At the centre both are 0; there the distance is the shortest radius.
        return np.maximum(near * (near - 1) / np.maximum(slope, 1e-9), -min(self.radii)) - np.where(
            near < 1e-6, min(self.radii), 0
        )

    def reach(self, direction: Array) -> float:
        return float(np.linalg.norm(direction * np.array(self.radii)))
