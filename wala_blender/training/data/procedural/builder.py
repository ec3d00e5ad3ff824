"""Shape builder: primitives placed, mirrored and repeated, with a random generator."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from .shape import Part
from .solids import Arc, Box, Capsule, Cylinder, Ellipsoid, Frustum, Lathe, Prism, Solid

Vector = Sequence[float] | np.ndarray
_TO_AXIS = {
    "x": np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]),
    "y": np.eye(3),
    "z": np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]),
}  # y to it


def rotation(axis: str, degrees: float) -> np.ndarray:
    """(3, 3), counter-clockwise about an axis that points at the eye."""
    a, i = np.radians(degrees), "xyz".index(axis)
    j, k = (i + 1) % 3, (i + 2) % 3
    turn = np.eye(3)
    turn[j, j] = turn[k, k] = np.cos(a)
    turn[k, j], turn[j, k] = np.sin(a), -np.sin(a)
    return turn


def along(direction: Vector) -> np.ndarray:
    """A rotation (3, 3) that takes +y to a direction, its x axis level."""
    y = np.asarray(direction, dtype=np.float64)
    y = y / np.linalg.norm(y)
    x = np.cross(y, (0, 0, 1.0) if abs(y[2]) < 0.9 else (0, 1.0, 0))
    x /= np.linalg.norm(x)
    return np.stack([x, y, np.cross(x, y)], axis=1)


class Builder:
    """Collects parts. Positions are centres, sizes full lengths; ``turn`` (3, 3) rotates a part about its centre; cut:
    take it away."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.parts: list[Part] = []

    # random numbers
    def uniform(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def integer(self, low: int, high: int) -> int:
        """low … high, both possible."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def choose(self, *options):
        return options[int(self.rng.integers(len(options)))]

    # primitives
    def add(
        self, solid: Solid, position: Vector = (0, 0, 0), turn: np.ndarray | None = None, cut: bool = False
    ) -> None:
        self.parts.append(Part(solid, np.asarray(position, dtype=np.float64), np.eye(3) if turn is None else turn, cut))

    def box(
        self, position: Vector, size: Vector, round: float = 0.0, turn: np.ndarray | None = None, cut: bool = False
    ) -> None:
        half = tuple(float(side) / 2 for side in size)
        self.add(Box(half, min(round, 0.98 * min(half))), position, turn, cut)

    def span(self, low: Vector, high: Vector, round: float = 0.0, cut: bool = False) -> None:
        """A box from corner to corner."""
        low, high = np.minimum(low, high), np.maximum(low, high)
        self.box((low + high) / 2, high - low, round, cut=cut)

    def frustum(
        self,
        position: Vector,
        size: Vector,
        top: tuple[float, float],
        turn: np.ndarray | None = None,
        cut: bool = False,
    ) -> None:
        """A box of ``size`` whose top's sides are (x, z) ``top`` times the bottom's."""
        x, y, z = (float(side) / 2 for side in size)
        self.add(Frustum((x, z), (x * top[0], z * top[1]), y), position, turn, cut)

    def prism(
        self,
        polygon: Iterable[Vector],
        position: Vector,
        depth: float,
        facing: str = "z",
        turn: np.ndarray | None = None,
        cut: bool = False,
    ) -> None:
        """A polygon extruded. facing "z": its points are (x, y); "x": (−z, y), seen from +x; "y": (x, −z), seen from
        above."""
        to = {"z": np.eye(3), "x": rotation("y", 90), "y": rotation("x", -90)}[facing]
        self.add(
            Prism(tuple((float(u), float(v)) for u, v in polygon), depth / 2),
            position,
            to if turn is None else turn @ to,
            cut,
        )

    def cylinder(
        self,
        position: Vector,
        radius: float,
        length: float,
        axis: str = "y",
        sides: int | None = None,
        turn: np.ndarray | None = None,
        cut: bool = False,
    ) -> None:
        to = _TO_AXIS[axis]
        self.add(Cylinder(radius, length / 2, sides), position, to if turn is None else turn @ to, cut)

    def lathe(
        self,
        profile: Iterable[Vector],
        position: Vector = (0, 0, 0),
        axis: str = "y",
        sides: int | None = None,
        turn: np.ndarray | None = None,
        cut: bool = False,
    ) -> None:
        """profile: (radius, height) from bottom to top; its ends are joined to the axis, unless it is closed: its first
        point again at the end."""
        points = [(float(r), float(h)) for r, h in profile]
        if points[0] == points[-1]:
            points = points[:-1]
        else:
            points = [(0.0, points[0][1])] * (points[0][0] > 0) + points + [(0.0, points[-1][1])] * (points[-1][0] > 0)
        to = _TO_AXIS[axis]
        self.add(Lathe(tuple(points), sides), position, to if turn is None else turn @ to, cut)

    def vessel(
        self, profile: Sequence[Vector], wall: float, position: Vector = (0, 0, 0), sides: int | None = None
    ) -> None:
        """A hollow lathe, open at the top. profile: the outer (radius, height), bottom to top; the floor is as thick as
        the wall."""
        outer = [(float(r), float(h)) for r, h in profile]
        floor = outer[0][1] + wall
        inner = [(r - wall, max(h, floor)) for r, h in outer[::-1] if r > 1.5 * wall]
        if inner[-1][1] > floor:
            inner.append((inner[-1][0], floor))
        self.lathe([*outer, *inner, (0.0, floor)], position, sides=sides)

    def ball(self, position: Vector, radii: float | Vector, turn: np.ndarray | None = None, cut: bool = False) -> None:
        radii = tuple(float(r) for r in np.broadcast_to(radii, 3))
        self.add(Ellipsoid(radii), position, turn, cut)

    def arc(
        self, position: Vector, radius: float, tube: float, half_degrees: float = 180.0, turn: np.ndarray | None = None
    ) -> None:
        """A tube round z, to both sides of +y."""
        self.add(Arc(radius, tube, float(np.radians(half_degrees))), position, turn)

    def rod(self, start: Vector, end: Vector, radius: float, sides: int | None = None, cut: bool = False) -> None:
        """A cylinder, or with four sides a bar, from point to point."""
        start, end = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
        self.add(
            Cylinder(radius, float(np.linalg.norm(end - start)) / 2, sides), (start + end) / 2, along(end - start), cut
        )

    def limb(self, start: Vector, end: Vector, first: float, last: float | None = None) -> None:
        """A capsule from point to point, its radius from ``first`` to ``last``."""
        start, end = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
        last = first if last is None else last
        half = float(np.linalg.norm(end - start)) / 2
        if half <= abs(first - last) / 2 + 1e-6:
            self.ball(start if first >= last else end, max(first, last))
        else:
            self.add(Capsule(first, last, half), (start + end) / 2, along(end - start))

    def path(self, points: Iterable[Vector], radius: float, last: float | None = None) -> None:
        """Capsules from point to point, the radius going to ``last``."""
        points = [np.asarray(point, dtype=np.float64) for point in points]
        radii = np.linspace(radius, radius if last is None else last, len(points))
        for a, b, r, s in zip(points, points[1:], radii, radii[1:]):
            self.limb(a, b, float(r), float(s))

    # copies; ``since``: number of parts before those that are copied
    @property
    def count(self) -> int:
        return len(self.parts)

    def mirror(self, since: int, axis: str = "x") -> None:
        """The parts again, mirrored at 0."""
        linear = np.diag([-1.0 if name == axis else 1.0 for name in "xyz"])
        self.parts += [part.moved(linear, np.zeros(3)) for part in self.parts[since:]]

    def cut(self, since: int) -> None:
        """The parts are taken away from those before them instead of added."""
        self.parts[since:] = [replace(part, cut=True) for part in self.parts[since:]]

    def move(self, since: int, offset: Vector, turn: np.ndarray | None = None) -> None:
        """The parts turned about the origin and moved."""
        turn = np.eye(3) if turn is None else turn
        self.parts[since:] = [part.moved(turn, np.asarray(offset, dtype=np.float64)) for part in self.parts[since:]]

    def repeat(self, since: int, step: Vector, times: int) -> None:
        """The parts ``times`` in all, each a step farther."""
        parts = self.parts[since:]
        for number in range(1, times):
            self.parts += [part.moved(np.eye(3), np.asarray(step, dtype=np.float64) * number) for part in parts]

    def ring(self, since: int, times: int, axis: str = "y") -> None:
        """The parts ``times`` in all, around an axis through the origin."""
        parts = self.parts[since:]
        for number in range(1, times):
            self.parts += [part.moved(rotation(axis, 360 * number / times), np.zeros(3)) for part in parts]
