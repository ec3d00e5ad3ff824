"""Random composites of primitives without a name, in the style of low-poly kits, furniture and architecture.

Every kind builds in units of about one; ``composite`` picks a kind by the seed, and often adds bumps, cuts and a
mirrored or repeated copy.
"""

import itertools
from collections.abc import Callable

import numpy as np

from .builder import Builder, rotation
from .shape import Shape

_ATTEMPTS = 8  # at a shape in one piece
SIDES = (None, None, 4, 5, 6, 8, 8, 10, 12)  # of cylinders: round, or as low-poly kits have them


def composite(seed: int) -> Shape:
    """The nameless shape of a seed ≥ 0, the same on every machine."""
    for attempt in range(_ATTEMPTS):
        rng = np.random.default_rng([seed, attempt])
        builder = Builder(rng)
        KINDS[int(rng.choice(len(KINDS), p=_SHARES))][0](builder)
        if attempt < _ATTEMPTS - 2 and builder.chance(0.35):
            _decorate(builder)
        shape = Shape(tuple(builder.parts))
        if shape.in_one_piece():
            break
    return shape.turned(builder.uniform(0, 360)) if builder.chance(0.4) else shape


def _solid(b: Builder, position, size, upright: bool = True) -> None:
    """A random primitive that fills a box of ``size``."""
    x, y, z = size
    kind = b.choose(
        "box",
        "box",
        "box",
        "round box",
        "cylinder",
        "cylinder",
        "frustum",
        "prism",
        "cone",
        "ball",
        "lying",
        "wedge",
        "lathe",
    )
    if kind == "box":
        b.box(position, size)
    elif kind == "round box":
        b.box(position, size, min(size) * b.uniform(0.1, 0.45))
    elif kind == "cylinder":
        b.cylinder(position, min(x, z) / 2, y, sides=b.choose(*SIDES))
    elif kind == "lying":
        axis = b.choose("x", "z")
        b.cylinder(position, min(y, z if axis == "x" else x) / 2, x if axis == "x" else z, axis, b.choose(*SIDES))
    elif kind == "frustum":
        b.frustum(position, size, (b.uniform(0.2, 1), b.uniform(0.2, 1)))
    elif kind == "prism":
        b.prism(_polygon(b, x / 2, y / 2), position, z)
    elif kind == "cone":
        r = min(x, z) / 2
        b.lathe([(r, -y / 2), (r * b.choose(0, 0.3, 0.6), y / 2)], position, sides=b.choose(*SIDES))
    elif kind == "ball":
        b.ball(position, (x / 2, y / 2, z / 2))
    elif kind == "wedge":
        b.prism([(-x / 2, -y / 2), (x / 2, -y / 2), (b.uniform(-0.5, 0.5) * x, y / 2)], position, z, b.choose("z", "x"))
    else:
        b.lathe(_profile(b, min(x, z) / 2, y), (position[0], position[1] - y / 2, position[2]), sides=b.choose(*SIDES))


def _polygon(b: Builder, x: float, y: float) -> list[tuple[float, float]]:
    """A simple polygon within ±x, ±y: regular, a star, a gear, an L, a T, a cross, an arrow or a random star-shaped
    one."""
    kind = b.choose("regular", "star", "gear", "L", "T", "cross", "house", "arrow", "random", "U")
    if kind in ("regular", "star", "gear", "random"):
        n = {
            "regular": b.integer(3, 8),
            "star": 2 * b.integer(4, 8),
            "gear": 4 * b.integer(5, 9),
            "random": b.integer(5, 9),
        }[kind]
        inner = b.uniform(0.45, 0.85)
        r = {
            "regular": np.ones(n),
            "star": np.tile([1, inner], n),
            "gear": np.tile([1, 1, 0.8, 0.8], n),
            "random": b.rng.uniform(0.5, 1, n),
        }[kind][:n]
        angles = (np.arange(n) + 0.5) * 2 * np.pi / n
        return [(float(x * c), float(y * s)) for c, s in zip(r * np.cos(angles), r * np.sin(angles))]
    u, v = x * b.uniform(-0.5, 0.3), y * b.uniform(-0.5, 0.3)
    w = x * b.uniform(0.25, 0.7)
    return {
        "L": [(-x, -y), (x, -y), (x, v), (u, v), (u, y), (-x, y)],
        "T": [(-w, -y), (w, -y), (w, -v), (x, -v), (x, y), (-x, y), (-x, -v), (-w, -v)],
        "cross": [
            (-w, -y),
            (w, -y),
            (w, v - y * 0.3),
            (x, v - y * 0.3),
            (x, v + y * 0.4),
            (w, v + y * 0.4),
            (w, y),
            (-w, y),
            (-w, v + y * 0.4),
            (-x, v + y * 0.4),
            (-x, v - y * 0.3),
            (-w, v - y * 0.3),
        ],
        "house": [(-x, -y), (x, -y), (x, -v), (0, y), (-x, -v)],
        "arrow": [(-w, -y), (w, -y), (w, 0), (x, 0), (0, y), (-x, 0), (-w, 0)],
        "U": [(-x, -y), (x, -y), (x, y), (w, y), (w, v), (-w, v), (-w, y), (-x, y)],
    }[kind]


def _profile(b: Builder, radius: float, height: float) -> list[tuple[float, float]]:
    """A turned profile with steps and slopes, from 0 to height."""
    n = b.integer(2, 5)
    heights = np.concatenate([[0], np.sort(b.rng.uniform(0.08, 0.92, n - 1)), [1]]) * height
    profile, r = [], radius * b.uniform(0.3, 1)
    for low, high in itertools.pairwise(heights):
        top = r if b.chance(0.45) else radius * b.uniform(0.15, 1)
        profile += [(r, low), (top, high)]
        r = radius * b.uniform(0.2, 1) if b.chance(0.5) else top
    return profile


def _openings(b: Builder, width: float, height: float, depth: float, z: float) -> None:
    """Rows of windows cut into a wall at z: rectangles, or arches."""
    columns, rows = b.integer(1, 5), b.integer(1, 3)
    w, h = width / columns * b.uniform(0.3, 0.7), height / rows * b.uniform(0.4, 0.75)
    arched = b.chance(0.35)
    for i in range(columns):
        for j in range(rows):
            x, y = width * ((i + 0.5) / columns - 0.5), height * (j + 0.5) / rows
            if arched:
                h = min(h, height / rows * 0.85 - w / 2)
                if h <= 0:
                    continue
                b.cylinder((x, y + h / 2, z), w / 2, depth, "z", cut=True)
            b.box((x, y, z), (w, h, depth), cut=True)


def stacked(b: Builder) -> None:
    """Primitives on top of each other, getting smaller."""
    y, w, d = 0.0, b.uniform(0.5, 1), b.uniform(0.4, 1)
    for _ in range(b.integer(2, 6)):
        h = b.uniform(0.08, 0.8)
        _solid(b, (0, y + h / 2, 0), (w, h * 1.02, d))
        y, w, d = y + h, w * b.uniform(0.5, 1.15), d * b.uniform(0.5, 1.15)


def attached(b: Builder) -> None:
    """A body with things on its sides, in mirrored pairs or rows."""
    size = b.rng.uniform(0.25, 1, 3)
    b.box((0, 0, 0), size, b.choose(0, 0, 0.05)) if b.chance(0.7) else _solid(b, (0, 0, 0), size)
    for _ in range(b.integer(2, 6)):
        axis, side = b.integer(0, 2), b.choose(-1, 1)
        small = size * b.rng.uniform(0.08, 0.7, 3)
        position = b.rng.uniform(-0.5, 0.5, 3) * (size - small * 0.5)
        position[axis] = side * (size[axis] / 2 + small[axis] * b.uniform(-0.3, 0.45))
        since = b.count
        _solid(b, position, small)
        if b.chance(0.5):
            b.mirror(since, b.choose("x", "x", "z"))
        elif b.chance(0.3):
            along = b.choose(*[a for a in range(3) if a != axis])
            step = np.zeros(3)
            step[along] = -np.sign(position[along]) * max(small[along] * 1.3, size[along] * 0.2)
            b.repeat(since, step, 1 + int(size[along] * 0.9 / abs(step[along])) if step[along] else 1)


def slabs_on_legs(b: Builder) -> None:
    """Plates on legs: tables, shelves, stools, stands, with rails, backs and drawers."""
    w, d = b.uniform(0.5, 1.6), b.uniform(0.4, 1)
    tiers, h, t = b.integer(1, 4), b.uniform(0.3, 0.8), b.uniform(0.03, 0.1)
    sides = b.choose(None, 4, 4, 4, 8)
    round_top = b.chance(0.3)
    leg = b.uniform(0.025, 0.08)
    for tier in range(tiers):
        y = h * (tier + 1)
        if round_top:
            b.cylinder((0, y, 0), w / 2, t, sides=b.choose(None, 6, 8, 12))
        else:
            b.box((0, y, 0), (w, t, d), b.choose(0, 0, t * 0.4))
    since, lean = b.count, b.choose(0, 0, 0, b.uniform(0, 0.15))
    x, z = (w * 0.3, w * 0.3) if round_top else (w / 2 - leg, d / 2 - leg)
    b.rod((x + lean, 0, z + lean), (x, h * tiers, z), leg, sides)
    b.mirror(since, "x")
    if not b.chance(0.1):
        b.mirror(since, "z")
    if b.chance(0.4):
        y = b.uniform(0.15, 0.8) * h
        since = b.count
        b.box((0, y, z), (2 * x, leg * 1.4, leg * 1.2))
        b.mirror(since, "z")
        if b.chance(0.5):
            b.box((0, y, 0), (leg, leg * 1.4, 2 * z))
    if b.chance(0.35) and not round_top:
        b.box((0, h * tiers + 0.3, -d / 2 + t / 2), (w, 0.6, t))
        if b.chance(0.5):
            for _ in range(b.integer(2, 6)):
                b.box((w * (b.rng.random() - 0.5) * 0.8, h * tiers + 0.3, 0), (0.05, 0.5, d * 2), cut=True)
    if b.chance(0.3) and not round_top:
        b.box((0, h * tiers - 0.12, 0), (w * 0.9, 0.2, d * 0.85))


def building(b: Builder) -> None:
    """Walls with openings, roofs, steps, columns, chimneys."""
    w, h, d = b.uniform(0.6, 1.6), b.uniform(0.5, 2), b.uniform(0.5, 1.2)
    b.span((-w / 2, 0, -d / 2), (w / 2, h, d / 2))
    hollow = b.chance(0.4)
    if hollow:
        t = b.uniform(0.04, 0.09)
        b.span((-w / 2 + t, t, -d / 2 + t), (w / 2 - t, h + (0.1 if b.chance(0.4) else -t), d / 2 - t), cut=True)
    depth = 2.5 * d if hollow and b.chance(0.5) else b.uniform(0.06, 0.2)
    _openings(b, w * 0.94, h * 0.94, depth, d / 2 if depth < d else 0)
    if b.chance(0.4):
        since = b.count
        _openings(b, d * 0.94, h * 0.94, 0.12, w / 2)
        b.move(since, (0, 0, 0), rotation("y", 90))
        b.mirror(since, "x")
    roof = b.choose("gable", "gable", "hip", "flat", "shed", "battlements", "dome", "none")
    o, rise = b.uniform(0, 0.15), b.uniform(0.2, 0.8)
    if roof == "gable":
        b.prism([(-w / 2 - o, h - 0.01), (w / 2 + o, h - 0.01), (0, h + rise)], (0, 0, 0), d + 2 * o)
    elif roof == "hip":
        b.frustum((0, h + rise / 2, 0), (w + 2 * o, rise, d + 2 * o), (b.uniform(0, 0.6), b.uniform(0, 0.3)))
    elif roof == "flat":
        b.box((0, h + 0.03, 0), (w + 2 * o, 0.1, d + 2 * o))
    elif roof == "shed":
        b.prism([(-w / 2 - o, h - 0.01), (w / 2 + o, h - 0.01), (w / 2 + o, h + rise)], (0, 0, 0), d + 2 * o)
    elif roof == "battlements":
        b.box((0, h + 0.1, 0), (w + 0.1, 0.25, d + 0.1))
        n, t = b.integer(3, 7), 0.06
        if b.chance(0.7):
            b.box((0, h + 0.2, 0), (w + 0.1 - 2 * t, 0.3, d + 0.1 - 2 * t), cut=True)
        for i in range(n - 1):
            b.box(((w + 0.1) * ((i + 1) / n - 0.5), h + 0.2, 0), ((w + 0.1) / n / 2, 0.2, d * 2), cut=True)
            b.box((0, h + 0.2, (d + 0.1) * ((i + 1) / n - 0.5)), (w * 2, 0.2, (d + 0.1) / n / 2), cut=True)
    elif roof == "dome":
        b.ball((0, h, 0), (min(w, d) / 2, rise, min(w, d) / 2))
    if b.chance(0.4):
        n, step = b.integer(2, 6), b.uniform(0.04, 0.08)
        for i in range(n):
            b.span((-w * 0.2, 0, d / 2 - 0.02), (w * 0.2, step * (n - i), d / 2 + step * 1.3 * (i + 1)))
    if b.chance(0.35):
        n, r, z = b.integer(2, 6), b.uniform(0.03, 0.07), d / 2 + b.uniform(0.15, 0.3)
        for i in range(n):
            b.cylinder((w * (i / (n - 1) - 0.5) * 0.85, h * 0.4, z), r, h * 0.8, sides=b.choose(*SIDES))
        b.span((-w / 2, h * 0.78, d / 2 - 0.02), (w / 2, h * 0.85, z + r))
        b.span((-w / 2, 0, d / 2 - 0.02), (w / 2, 0.05, z + r))
    if b.chance(0.3):
        b.box((w * b.uniform(-0.35, 0.35), h + rise * 0.5, d * b.uniform(-0.3, 0.3)), (0.14, rise + 0.5, 0.14))


def stairs(b: Builder) -> None:
    """Stairs, solid or of treads."""
    n, rise, run, w = b.integer(3, 12), b.uniform(0.06, 0.2), b.uniform(0.08, 0.25), b.uniform(0.3, 1.2)
    t, solid = b.uniform(0.03, 0.06), b.chance(0.5)
    for i in range(n):
        b.span(
            (-w / 2, 0 if solid else rise * (i + 1) - t, -run * (i + 1) - (0 if solid else 0.01)),
            (w / 2, rise * (i + 1), -run * i + 0.01),
        )
    if not solid:
        since = b.count
        b.prism([(0, -t), (0, rise), (run * n, rise * (n + 1)), (run * n, rise * n - 3 * t)], (w / 2, 0, 0), 0.04, "x")
        b.mirror(since, "x")
    if b.chance(0.5):
        since, high = b.count, b.uniform(0.3, 0.5)
        for i in range(n):
            b.rod(
                (w / 2 - 0.02, rise * (i + 1) - 0.02, -run * (i + 0.5)),
                (w / 2 - 0.02, rise * (i + 1) + high, -run * (i + 0.5)),
                0.018,
                4,
            )
        b.rod(
            (w / 2 - 0.02, rise + high, -run * 0.5),
            (w / 2 - 0.02, rise * n + high, -run * (n - 0.5)),
            0.03,
            b.choose(4, None),
        )
        if b.chance(0.6):
            b.mirror(since, "x")


def frame(b: Builder) -> None:
    """Wireframes with thickness: edges of boxes and pyramids, lattices, braces, a few filled faces."""
    x, y, z = b.rng.uniform(0.3, 1, 3)
    top = b.choose(1.0, 1.0, 1.0, b.uniform(0.1, 0.8))
    r, sides = b.uniform(0.02, 0.06), b.choose(None, 4, 4, 4)
    corners = {
        (i, j, k): np.array([i * x / 2 * (top if j else 1), j * y, k * z / 2 * (top if j else 1)])
        for i in (-1, 1)
        for j in (0, 1)
        for k in (-1, 1)
    }
    for p, a in corners.items():
        for q, c in corners.items():
            if p < q and sum(m != n for m, n in zip(p, q)) == 1:
                b.rod(a, c, r, sides)
    if sides is None:
        for a in corners.values():
            b.ball(a, r * b.choose(1, 1.6))
    else:
        for a in corners.values():
            b.box(a, (2 * r,) * 3)
    for _ in range(b.integer(0, 3)):
        kind = b.choose("bars", "brace", "plate", "lattice")
        if kind == "plate":
            j = b.uniform(0.05, 0.95)
            s = 1 + (top - 1) * j
            b.box((0, j * y, 0), (x * s, b.uniform(0.025, 0.06), z * s))
        elif kind == "brace":
            for k in (-1, 1):
                b.rod(corners[-1, 0, k], corners[1, 1, k], r * 0.7, sides)
                b.rod(corners[1, 0, k], corners[-1, 1, k], r * 0.7, sides)
        else:
            n = b.integer(2, 7)
            for i in range(1, n):
                f = i / n
                for k in (-1, 1):
                    b.rod(
                        corners[-1, 0, k] * (1 - f) + corners[1, 0, k] * f,
                        corners[-1, 1, k] * (1 - f) + corners[1, 1, k] * f,
                        r * 0.6,
                        sides,
                    )
                    if kind == "lattice":
                        b.rod(
                            corners[-1, 0, k] * (1 - f) + corners[-1, 1, k] * f,
                            corners[1, 0, k] * (1 - f) + corners[1, 1, k] * f,
                            r * 0.6,
                            sides,
                        )


def on_wheels(b: Builder) -> None:
    """A body on wheels, with a cabin, openings, axles, fins."""
    l, w, h = b.uniform(0.9, 1.8), b.uniform(0.4, 0.8), b.uniform(0.15, 0.5)
    r, t = b.uniform(0.1, 0.25), b.uniform(0.06, 0.16)
    floor = r * b.uniform(0.6, 1.2)
    b.box((0, floor + h / 2, 0), (w, h, l), b.choose(0, 0, 0.05, 0.1))
    if b.chance(0.25):
        b.box((0, floor + h * 0.7, -l * 0.15), (w - 0.1, h, l * 0.55), cut=True)
    cabin = b.uniform(0.25, 0.6) * l
    z, high = b.uniform(-0.4, 0.4) * (l - cabin), b.uniform(0.15, 0.5)
    b.frustum((0, floor + h + high / 2 - 0.01, z), (w * 0.95, high, cabin), (b.uniform(0.6, 1), b.uniform(0.5, 1)))
    if b.chance(0.6):
        b.box((0, floor + h + high * 0.5, z), (w * 2, high * 0.5, cabin * 0.4), cut=b.chance(0.6))
    wheels, sides = (
        b.choose((-0.32, 0.32), (-0.32, 0.32), (-0.36, -0.12, 0.34), (0.3,), (-0.35, 0, 0.35)),
        b.choose(None, None, 8, 12),
    )
    since = b.count
    for position in wheels:
        if b.chance(0.3):
            b.cylinder((w / 2, r, position * l), r * 1.2, t * 1.4, "x", cut=True)
        b.cylinder((w / 2, r, position * l), r, t, "x", sides)
        if b.chance(0.5):
            b.cylinder((w / 2 + t / 2, r, position * l), r * 0.55, t * 0.5, "x", cut=True)
    b.mirror(since, "x")
    for position in wheels:
        b.rod((-w / 2, r, position * l), (w / 2, r, position * l), r * 0.25)
        b.box((0, (r + floor) / 2, position * l), (w * 0.3, abs(floor - r) + 0.06, r * 0.4))


def turned(b: Builder) -> None:
    """Turned things: profiles, hollow or not, with handles and flutes."""
    r, h, sides = b.uniform(0.2, 0.6), b.uniform(0.3, 1.5), b.choose(*SIDES)
    if b.chance(0.5):
        n = b.integer(2, 4)
        profile = [(r * b.uniform(0.4, 1), y) for y in np.linspace(0, h, n)]
        b.vessel(profile, b.uniform(0.03, 0.06), sides=sides)
        if b.chance(0.5):
            radius = min(profile[0][0], profile[-1][0])
            size = h * b.uniform(0.2, 0.35)
            since = b.count
            b.arc((radius * 0.95, h * 0.5, 0), size, b.uniform(0.025, 0.05), 95, rotation("z", -90))
            if b.chance(0.3):
                b.mirror(since, "x")
            middle = np.interp(h * 0.5, [y for _, y in profile], [p for p, _ in profile])
            b.lathe(
                [(max(0.02, min(middle, radius) - 0.12), 0.06), (max(0.02, min(middle, radius) - 0.12), h * 1.1)],
                cut=True,
            )
    else:
        b.lathe(_profile(b, r, h), sides=sides)
        if b.chance(0.4):
            since = b.count
            b.cylinder((r * 0.9, h / 2, 0), r * 0.15, h * 2, cut=True)
            b.ring(since, b.integer(4, 10))


def plate(b: Builder) -> None:
    """Extruded outlines with holes: signs, gears, blades, brackets; upright or lying."""
    x, y, t = b.uniform(0.3, 1), b.uniform(0.3, 1), b.uniform(0.04, 0.3)
    b.prism(_polygon(b, x, y), (0, 0, 0), t)
    if b.chance(0.5):
        b.prism(_polygon(b, x * 0.6, y * 0.6), (0, 0, t * 0.55), t * b.uniform(0.4, 1.5), cut=b.chance(0.5))
    if b.chance(0.5):
        since = b.count
        b.cylinder(
            (x * b.uniform(0, 0.4), y * b.uniform(-0.2, 0.2), 0),
            min(x, y) * b.uniform(0.06, 0.18),
            4 * t,
            "z",
            b.choose(None, 4, 6),
            cut=True,
        )
        if b.chance(0.6):
            b.mirror(since, "x")
    if b.chance(0.4):
        b.rod((0, 0, 0), (0, -y * b.uniform(1.2, 2.5), 0), b.uniform(0.03, 0.1), b.choose(None, 4, 8))
    if b.chance(0.4):
        b.move(0, (0, 0, 0), rotation("x", 90))


def shell(b: Builder) -> None:
    """Boxes and drums with thin walls: open at a side, with shelves, lids, feet."""
    x, y, z = b.rng.uniform(0.4, 1.2, 3)
    t = b.uniform(0.03, 0.07)
    if b.chance(0.3):
        r, sides = min(x, z) / 2, b.choose(*SIDES)
        b.cylinder((0, y / 2, 0), r, y, sides=sides)
        b.cylinder((0, y / 2 + t, 0), r - t, y, sides=sides, cut=True)
    else:
        b.span((-x / 2, 0, -z / 2), (x / 2, y, z / 2))
        if b.chance(0.55):  # open to the front
            b.span((-x / 2 + t, t, -z / 2 + t), (x / 2 - t, y - t, z), cut=True)
            rows, columns = b.integer(1, 5), b.integer(1, 3)
            for i in range(1, rows):
                b.box((0, y * i / rows, 0), (x - t, t * 0.9, z - t))
            for i in range(1, columns):
                b.box((x * (i / columns - 0.5), y / 2, 0), (t * 0.9, y - t, z - t))
            if b.chance(0.3):
                b.box((x * 0.25, y / 2, z / 2), (x / 2, y, t))
        else:
            b.span((-x / 2 + t, t, -z / 2 + t), (x / 2 - t, 2 * y, z / 2 - t), cut=True)
            if b.chance(0.3):
                b.box((0, y + b.uniform(0.05, 0.3), -z / 2 + 0.02), (x, t, z), turn=rotation("x", -b.uniform(20, 80)))
    if b.chance(0.4):
        since = b.count
        b.box((x * 0.4, -0.05, z * 0.4), (0.08, 0.14, 0.08))
        b.mirror(since, "x")
        b.mirror(since, "z")


def arches(b: Builder) -> None:
    """Rows of arches, bridges, colonnades, gates."""
    n, span, t = b.integer(1, 4), b.uniform(0.4, 0.9), b.uniform(0.08, 0.2)
    r, h, d = span / 2, b.uniform(0.1, 0.9), b.uniform(0.2, 0.8)
    height, length = h + r + b.uniform(0.08, 0.3), n * span + (n + 1) * t
    b.span((-length / 2, 0, -d / 2), (length / 2, height, d / 2))
    for i in range(n):
        x = -length / 2 + t + r + i * (span + t)
        b.box((x, h / 2 - 0.1, 0), (span, h + 0.2, 2 * d), cut=True)
        if b.chance(0.9):
            b.cylinder((x, h, 0), r, 2 * d, "z", b.choose(None, None, 8), cut=True)
    if b.chance(0.5):
        b.box((0, height + 0.03, 0), (length + 0.1, 0.1, d + 0.1))
    if b.chance(0.3):
        since = b.count
        b.box((0, height + 0.15, d / 2 - 0.03), (length, 0.25, 0.06))
        b.mirror(since, "z")


def jumble(b: Builder) -> None:
    """Primitives pushed into each other at any angle, some of them taken away."""
    size = b.rng.uniform(0.3, 0.9, 3)
    since = b.count
    _solid(b, (0, 0, 0), size)
    for number in range(b.integer(2, 7)):
        around, small = size / 2 * b.rng.uniform(-0.9, 0.9, 3), b.rng.uniform(0.15, 0.7, 3)
        before = b.count
        _solid(b, (0, 0, 0), small)
        turn = rotation("y", b.uniform(0, 360)) @ rotation(
            b.choose("x", "z"), b.choose(0, 0, 90, 45, b.uniform(0, 180))
        )
        b.move(before, around, turn)
        if number and b.chance(0.25):
            b.cut(before)
    if b.chance(0.4):
        b.mirror(since, "x")


def branching(b: Builder) -> None:
    """Rods from a trunk: masts, racks, trees, antlers, with ends."""
    h, r = b.uniform(0.8, 1.6), b.uniform(0.04, 0.1)
    sides = b.choose(None, 4, 6, 8)
    b.rod((0, 0, 0), (0, h, 0), r, sides)
    if b.chance(0.7):
        b.cylinder((0, 0.03, 0), b.uniform(0.2, 0.4), 0.06, sides=b.choose(None, 4, 8))
    end, size = b.choose("none", "ball", "box", "cone"), b.uniform(0.06, 0.2)
    for _ in range(b.integer(1, 4)):
        y, length, up = b.uniform(0.3, 0.98) * h, b.uniform(0.2, 0.6), b.uniform(-0.2, 0.4)
        since = b.count
        b.rod((0, y, 0), (length, y + up, 0), r * 0.6, sides)
        if end == "ball":
            b.ball((length, y + up, 0), size)
        elif end == "box":
            b.box((length, y + up, 0), (size, size * 1.5, size))
        elif end == "cone":
            b.lathe([(size, 0), (size * 0.4, size * 1.5)], (length, y + up - size * 0.3, 0), sides=sides)
        b.ring(since, b.integer(1, 6))


def _decorate(b: Builder) -> None:
    """Bumps, grooves or holes in a row over what is there."""
    shape = Shape(tuple(b.parts))
    half = 0.9 / shape.frame.scale
    center = shape.frame.center
    n, size = b.integer(2, 8), half * b.uniform(0.05, 0.16)
    lows, highs = zip(*(part.bounds for part in b.parts if not part.cut))
    low, high = np.min(lows, axis=0), np.max(highs, axis=0)
    along = int(np.argmax(high - low)) if b.chance(0.6) else b.integer(0, 2)
    kind = b.choose("grooves", "grooves", "holes", "slots", "half")
    if kind == "half":  # cut off by a plane
        axis = b.integer(0, 2)
        position, sizes = center.copy(), (high - low) * 2
        position[axis] = high[axis] + sizes[axis] / 2 - (high[axis] - low[axis]) * b.uniform(0.1, 0.4)
        b.box(position, sizes, cut=True)
        return
    across = b.choose(*[axis for axis in range(3) if axis != along])
    for i in range(n):
        position = center.copy()
        position[along] = low[along] + (high[along] - low[along]) * (i + 0.5) / n
        if kind == "holes":
            b.cylinder(position, size * 0.6, 4 * half, "xyz"[across], b.choose(None, 4, 6), cut=True)
        else:
            sizes = np.full(3, 4 * half)
            sizes[along] = min(size, (high[along] - low[along]) / n * 0.5)
            if kind == "grooves":
                position[across] = high[across]
                sizes[across] = size
            else:
                sizes[3 - along - across] = (high - low)[3 - along - across] * 0.4
            b.box(position, sizes, cut=True)


KINDS: tuple[tuple[Callable[[Builder], None], float], ...] = (
    (stacked, 1.0),
    (attached, 1.5),
    (slabs_on_legs, 1.5),
    (building, 1.5),
    (stairs, 0.6),
    (frame, 1.0),
    (on_wheels, 0.8),
    (turned, 1.2),
    (plate, 1.0),
    (shell, 1.0),
    (arches, 0.6),
    (jumble, 1.3),
    (branching, 0.8),
)
_SHARES = np.array([share for _, share in KINDS]) / sum(share for _, share in KINDS)
