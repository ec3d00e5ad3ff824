"""Families of buildings and outdoor structures: houses, towers, castles, bridges, fences, stairs."""

import numpy as np

from ..builder import Builder, rotation


def _roof(b: Builder, kind: str, w: float, d: float, y: float, rise: float, over: float) -> None:
    if kind == "gable":
        b.prism(
            [(-w / 2 - over, y), (w / 2 + over, y), (0, y + rise)],
            (0, 0, 0),
            d + 2 * over,
            b.choose("z", "x") if abs(w - d) < 0.3 else "z",
        )
    elif kind == "hip":
        b.frustum(
            (0, y + rise / 2, 0), (w + 2 * over, rise, d + 2 * over), (b.uniform(0.0, 0.25), b.uniform(0.15, 0.45))
        )
    elif kind == "pyramid":
        b.frustum((0, y + rise / 2, 0), (w + 2 * over, rise, d + 2 * over), (0.02, 0.02))
    elif kind == "flat":
        b.box((0, y + 0.04, 0), (w + 2 * over, 0.12, d + 2 * over))
    else:
        b.prism(
            [(-w / 2 - over, y - 0.01), (w / 2 + over, y - 0.01), (w / 2 + over, y + rise * 0.7)],
            (0, 0, 0),
            d + 2 * over,
        )


def _window(b: Builder, x: float, y: float, z: float, w: float, h: float, turn: np.ndarray | None = None) -> None:
    """A recess with a sill and often a cross, in the wall at +z of the frame that ``turn`` turns."""
    since = b.count
    b.box((x, y, z), (w, h, 0.14), cut=True)
    b.box((x, y - h / 2, z), (w * 1.25, 0.035, 0.1))
    if b.chance(0.5):
        b.box((x, y, z - 0.03), (0.03, h, 0.04))
        b.box((x, y, z - 0.03), (w, 0.03, 0.04))
    if turn is not None:
        b.move(since, (0, 0, 0), turn)


def house(b: Builder) -> list[str]:
    w, d, floors = b.uniform(1.1, 2), b.uniform(1.1, 1.8), b.choose(1, 1, 2)
    h, over, kind = (
        0.85 * floors + b.uniform(0, 0.2),
        b.uniform(0.05, 0.18),
        b.choose("gable", "gable", "gable", "hip", "pyramid", "flat", "shed"),
    )
    b.span((-w / 2, 0, -d / 2), (w / 2, h, d / 2))
    door, at = b.uniform(0.24, 0.32), b.choose(0.0, -0.25, 0.25) * w
    b.box((at, 0.28, d / 2), (door, 0.56, 0.1), cut=True)
    for floor in range(floors):
        y = 0.5 + 0.85 * floor
        for x in (-0.3 * w, 0.3 * w) if abs(at) < 0.01 else (0.25 * w if at < 0 else -0.25 * w,):
            _window(b, x, y, d / 2, 0.26, 0.28)
        if b.chance(0.8):
            for degrees in (90, 270):
                _window(b, b.uniform(-0.2, 0.2) * d, y, w / 2, 0.26, 0.28, rotation("y", degrees))
    rise = b.uniform(0.4, 0.85)
    _roof(b, kind, w, d, h - 0.01, rise, over)
    roof = {
        "gable": "gable roof",
        "hip": "hip roof",
        "pyramid": "pointed roof",
        "flat": "flat roof",
        "shed": "sloping roof",
    }[kind]
    names = ["house", "house", f"house with a {roof}", "small house" if floors == 1 else "house with two floors"]
    if kind != "flat" and b.chance(0.6):
        b.span((w * 0.22, h - 0.1, -d * 0.28), (w * 0.22 + 0.18, h + rise + 0.1, -d * 0.28 + 0.18))
        names.append("house with a chimney")
    if b.chance(0.3):
        z = d / 2 + b.uniform(0.3, 0.5)
        b.span((-w * 0.4, 0, d / 2 - 0.02), (w * 0.4, 0.07, z))
        b.span((-w * 0.42, 0.66, d / 2 - 0.02), (w * 0.42, 0.72, z + 0.04))
        for x in np.linspace(-0.37, 0.37, b.integer(2, 4)):
            b.span((x * w - 0.03, 0.02, z - 0.08), (x * w + 0.03, 0.7, z - 0.02))
        names.append("house with a porch")
    if b.chance(0.25):
        b.span((-w / 2 - 0.7, 0, -d * 0.4), (-w / 2 + 0.02, h * 0.7 / floors, d * 0.3))
        b.prism(
            [(-d * 0.43, h * 0.7 / floors), (d * 0.33, h * 0.7 / floors), (-0.05 * d, h * 0.7 / floors + 0.3)],
            (-w / 2 - 0.33, 0, 0),
            0.85,
            "x",
        )
        names.append("house with a garage")
    return [names[-1], *names]


def church(b: Builder) -> list[str]:
    w, l, h = b.uniform(0.8, 1.1), b.uniform(1.4, 2), b.uniform(0.8, 1.1)
    b.span((-w / 2, 0, -l / 2), (w / 2, h, l / 2))
    b.prism([(-w / 2 - 0.06, h - 0.01), (w / 2 + 0.06, h - 0.01), (0, h + b.uniform(0.5, 0.8))], (0, 0, 0), l + 0.1)
    t, high = b.uniform(0.4, 0.5), h + b.uniform(0.6, 1)
    b.span((-t / 2, 0, l / 2 - 0.1), (t / 2, high, l / 2 - 0.1 + t))
    b.lathe(
        [(t * 0.62, high - 0.01), (0, high + b.uniform(0.6, 1.1))], (0, 0, l / 2 - 0.1 + t / 2), sides=b.choose(4, 8)
    )
    top = b.parts[-1].bounds[1][1]
    b.box((0, top + 0.05, l / 2 - 0.1 + t / 2), (0.04, 0.3, 0.04))
    b.box((0, top + 0.1, l / 2 - 0.1 + t / 2), (0.16, 0.04, 0.04))
    front = l / 2 - 0.1 + t
    b.box((0, 0.2, front), (0.22, 0.4, 0.14), cut=True)
    b.cylinder((0, 0.4, front), 0.11, 0.14, "z", cut=True)
    b.cylinder((0, high - 0.25, front), 0.1, 0.14, "z", cut=True)
    since = b.count
    for z in np.linspace(-0.35, 0.2, 3) * l:
        b.box((w / 2, h * 0.5, z), (0.12, 0.35, 0.16), cut=True)
        b.cylinder((w / 2, h * 0.5 + 0.175, z), 0.08, 0.12, "x", cut=True)
    b.mirror(since, "x")
    return ["church", "chapel", "church with a steeple"]


def skyscraper(b: Builder) -> list[str]:
    w, d, floors, y = b.uniform(0.7, 1.1), b.uniform(0.6, 1), b.integer(6, 14), 0.0
    for step in range(b.integer(1, 3)):
        h = floors * 0.25 * (0.6 if step else 1)
        b.span((-w / 2, y, -d / 2), (w / 2, y + h, d / 2))
        for j in range(int(h / 0.25)):
            b.box((0, y + 0.25 * (j + 0.5) + 0.03, d / 2), (w * 0.86, 0.12, 0.08), cut=True)
            b.box((0, y + 0.25 * (j + 0.5) + 0.03, -d / 2), (w * 0.86, 0.12, 0.08), cut=True)
        y, w, d = y + h - 0.01, w * 0.75, d * 0.75
    if b.chance(0.5):
        b.cylinder((0, y + 0.4, 0), 0.035, 0.85)
    return ["skyscraper", "tall building", "office building", "high-rise"]


def _battlements(b: Builder, radius: float, y: float, sides: int | None, wall: float = 0.1) -> None:
    """A crown of merlons on a round or square tower."""
    b.cylinder((0, y + 0.12, 0), radius, 0.24, sides=sides)
    b.cylinder((0, y + 0.25, 0), radius - wall, 0.3, sides=sides, cut=True)
    for i in range(4):
        b.box((0, y + 0.22, 0), (radius * 0.28, 0.14, 3 * radius), turn=rotation("y", 45 * i + 22.5), cut=True)


def tower(b: Builder) -> list[str]:
    kind, h, r = (
        b.choose("stone tower", "round tower", "watchtower", "wizard tower"),
        b.uniform(2, 3.4),
        b.uniform(0.42, 0.6),
    )
    if kind == "watchtower":
        w = b.uniform(0.4, 0.55)
        since = b.count
        b.rod((w * 1.3, 0, w * 1.3), (w, h, w), 0.05, 4)
        b.mirror(since, "x")
        b.mirror(since, "z")
        floor = h * 0.68
        b.box((0, floor, 0), (2.4 * w, 0.08, 2.4 * w))
        since = b.count
        b.box((0, floor + 0.28, 1.13 * w), (2.3 * w, 0.05, 0.05))
        b.rod((-1.2 * w, 0.3, 1.2 * w), (1.1 * w, floor * 0.9, 1.12 * w), 0.03, 4)
        b.ring(since, 4)
        b.frustum((0, h + 0.25, 0), (2.7 * w, 0.55, 2.7 * w), (0.02, 0.02))
        return ["watchtower", "wooden tower", "lookout tower", "tower"]
    sides = 4 if kind == "stone tower" else b.choose(None, 8, 12)
    b.lathe([(r * 1.15, 0), (r, 0.3), (r * 0.92, h), (r * 1.15, h + 0.12), (r * 1.15, h + 0.2)], sides=sides)
    b.box((0, 0.27, r), (0.26, 0.54, r), cut=True)
    b.box((0, 0.27, r * 0.6), (0.26, 0.54, r * 0.6))
    for y in np.arange(1.0, h - 0.2, 0.7):
        b.box((0, y, r), (0.12, 0.28, 0.3), cut=True)
    if kind == "wizard tower" or b.chance(0.4):
        b.lathe([(r * 1.35, h + 0.18), (0, h + b.uniform(0.9, 1.7))], sides=sides)
        return [kind, "tower", "tower with a pointed roof"]
    _battlements(b, r * 1.15, h + 0.15, sides)
    return [kind, "tower", "castle tower", "tower with battlements"]


def castle(b: Builder) -> list[str]:
    w, h, r, sides = b.uniform(1.1, 1.5), b.uniform(0.7, 1), b.uniform(0.24, 0.34), b.choose(None, None, 4, 8)
    pointed, t = b.chance(0.5), 0.16
    high = h + b.uniform(0.25, 0.6)
    for i in range(4):
        since = b.count
        b.span((-w, 0, w - t / 2), (w, h, w + t / 2))
        for x in np.linspace(-w, w, 9)[:-1:1] + w / 8:
            b.box((x, h, w), (w / 9, 0.2, 0.5), cut=True)
        if i == 0:
            b.box((0, 0.2, w), (0.42, 0.42, 0.6), cut=True)
            b.cylinder((0, 0.4, w), 0.21, 0.6, "z", cut=True)
        b.move(since, (0, 0, 0), rotation("y", 90 * i))
    for x in (-w, w):
        for z in (-w, w):
            since = b.count
            b.cylinder((0, high / 2, 0), r, high, sides=sides)
            if pointed:
                b.lathe([(r * 1.25, high - 0.01), (0, high + 0.7)], sides=sides)
            else:
                _battlements(b, r * 1.15, high - 0.02, sides, 0.07)
            b.move(since, (x, 0, z))
    k = w * b.uniform(0.35, 0.5)
    b.span((-k, 0, -k - 0.2), (k, h + 0.6, k - 0.2))
    b.span((-w, 0, -w), (w, 0.06, w))
    if b.chance(0.6):
        b.frustum((0, h + 0.95, -0.2), (2.3 * k, 0.75, 2.3 * k), (0.02, 0.02))
    return ["castle", "fortress", "castle with four towers"]


def lighthouse(b: Builder) -> list[str]:
    h, sides = b.uniform(2.2, 3.2), b.choose(None, None, 8)
    b.lathe([(0.65, 0), (0.6, 0.14), (0.5, 0.16), (0.32, h)], sides=sides)
    b.cylinder((0, h, 0), 0.5, 0.08, sides=sides)
    b.cylinder((0, h + 0.22, 0), 0.22, 0.45, sides=sides)
    b.lathe([(0.34, h + 0.42), (0.02, h + 0.78)], sides=sides)
    since = b.count
    b.rod((0, h, 0.47), (0, h + 0.2, 0.47), 0.016)
    b.ring(since, 8)
    b.arc((0, h + 0.2, 0), 0.47, 0.018, turn=rotation("x", 90))
    b.box((0, 0.35, 0.5), (0.24, 0.42, 0.2), cut=True)
    for y in (1.0, 1.6):
        b.box((0, y, 0.42), (0.12, 0.2, 0.2), cut=True)
    return ["lighthouse", "lighthouse tower"]


def windmill(b: Builder) -> list[str]:
    h, sides = b.uniform(1.5, 2.1), b.choose(None, 6, 8)
    b.lathe([(0.6, 0), (0.4, h), (0.44, h), (0.1, h + 0.4)], sides=sides)
    b.box((0, 0.25, 0.55), (0.26, 0.5, 0.3), cut=True)
    since, length = b.count, b.uniform(0.9, 1.2)
    b.box((0, length / 2, 0), (0.06, length, 0.05))
    b.box((0.12, length * 0.62, 0), (0.24, length * 0.7, 0.035))
    b.ring(since, 4, "z")
    b.cylinder((0, 0, -0.1), 0.07, 0.3, "z")
    b.move(since, (0, h, 0.6), rotation("z", b.uniform(0, 90)))
    return ["windmill", "mill", "windmill with four sails"]


def tent(b: Builder) -> list[str]:
    if b.chance(0.4):
        n, h = b.integer(6, 9), b.uniform(1.2, 1.7)
        b.lathe([(0.8, 0), (0.05, h)], sides=n)
        b.prism([(-0.2, -0.05), (0.2, -0.05), (0, 0.7)], (0, 0, 0.7), 0.5, cut=True)
        since = b.count
        b.rod((0.03, h - 0.25, 0), (-0.12, h + 0.25, 0.1), 0.025)
        b.ring(since, 3)
        return ["teepee", "round tent", "tent"]
    w, l, h, t = b.uniform(1, 1.4), b.uniform(1.3, 1.8), b.uniform(0.8, 1.1), 0.05
    b.prism([(-w / 2, 0), (w / 2, 0), (0, h)], (0, 0, 0), l)
    b.prism(
        [(-w / 2 + 2 * t, -0.2), (w / 2 - 2 * t, -0.2), (w / 2 - 2 * t, 0.02), (0, h - 2 * t), (-w / 2 + 2 * t, 0.02)],
        (0, 0, 0.15),
        l,
        cut=True,
    )
    b.box((0, 0.015, 0), (w, 0.03, l))
    return ["tent", "camping tent", "open tent"]


def bridge(b: Builder) -> list[str]:
    l, d, n = b.uniform(2, 3), b.uniform(0.5, 0.8), b.integer(1, 3)
    high, r = b.uniform(0.55, 0.8), l / n * 0.38
    r = min(r, high - 0.08)
    b.span((-l / 2, 0, -d / 2), (l / 2, high, d / 2))
    for i in range(n):
        x = l * ((i + 0.5) / n - 0.5)
        b.cylinder((x, 0, 0), r, 3 * d, "z", cut=True)
    since = b.count
    if b.chance(0.5):
        b.box((0, high + 0.1, d / 2 - 0.03), (l, 0.24, 0.06))
        kind = "stone bridge"
    else:
        b.box((0, high + 0.24, d / 2 - 0.03), (l, 0.04, 0.05))
        for x in np.linspace(-l / 2 + 0.03, l / 2 - 0.03, 9):
            b.box((x, high + 0.12, d / 2 - 0.03), (0.04, 0.28, 0.04))
        kind = "bridge with railings"
    b.mirror(since, "z")
    return [kind, "bridge", "arched bridge", f"bridge with {['one arch', 'two arches', 'three arches'][n - 1]}"]


def fence(b: Builder) -> list[str]:
    n, w, h, thick = b.integer(4, 9), b.uniform(1.2, 2), b.uniform(0.6, 1), b.uniform(0.03, 0.05)
    pointed = b.chance(0.5)
    wide = w / n * b.uniform(0.4, 0.7)
    for i in range(n):
        x = w * ((i + 0.5) / n - 0.5)
        if pointed:
            b.prism(
                [
                    (x - wide / 2, 0),
                    (x + wide / 2, 0),
                    (x + wide / 2, h - wide / 2),
                    (x, h),
                    (x - wide / 2, h - wide / 2),
                ],
                (0, 0, 0.02),
                thick,
            )
        else:
            b.span((x - wide / 2, 0, 0.02 - thick / 2), (x + wide / 2, h, 0.02 + thick / 2))
    for y in (0.25, 0.7):
        b.box((0, y * h, -0.01), (w, 0.08, thick))
    return ["picket fence", "fence", "wooden fence"] if pointed else ["fence", "wooden fence", "garden fence"]


def gate(b: Builder) -> list[str]:
    w, h, t = b.uniform(0.8, 1.2), b.uniform(1.1, 1.6), b.uniform(0.15, 0.25)
    since = b.count
    b.box((w / 2 + t / 2, h / 2, 0), (t, h, t))
    b.box((w / 2 + t / 2, h, 0), (t * 1.3, 0.08, t * 1.3))
    b.mirror(since, "x")
    if b.chance(0.4):
        b.arc((0, h * 0.95, 0), w / 2 + t / 2, t * 0.35, 90)
    for x in np.linspace(-w / 2, w / 2, b.integer(6, 9)):
        b.rod((x, 0.06, 0), (x, h * 0.85, 0), 0.022, b.choose(None, 4))
    for y in (0.12, 0.75):
        b.box((0, y * h, 0), (w, 0.05, 0.05))
    return ["gate", "iron gate", "garden gate"]


def well(b: Builder) -> list[str]:
    r, sides = b.uniform(0.45, 0.55), b.choose(None, 8)
    b.cylinder((0, 0.25, 0), r, 0.5, sides=sides)
    b.cylinder((0, 0.4, 0), r - 0.1, 0.7, sides=sides, cut=True)
    b.cylinder((0, 0.05, 0), r - 0.05, 0.1)
    since = b.count
    b.box((r - 0.06, 0.75, 0), (0.08, 1.4, 0.08))
    b.mirror(since, "x")
    b.cylinder((0, 1.05, 0), 0.05, 2 * r, "x")
    b.prism([(-0.5, 1.38), (0.5, 1.38), (0, 1.8)], (0, 0, 0), 2 * r + 0.3, "x")
    b.rod((0, 1.05, 0), (0, 0.75, 0), 0.016)
    b.vessel([(0.08, 0.6), (0.11, 0.78)], 0.025)
    b.arc((0, 0.76, 0), 0.1, 0.014, 90)
    return ["well", "stone well", "wishing well"]


def staircase(b: Builder) -> list[str]:
    n, rise, run, w = b.integer(4, 10), b.uniform(0.15, 0.2), b.uniform(0.2, 0.28), b.uniform(0.7, 1.2)
    for i in range(n):
        b.span((-w / 2, 0, -run * n), (w / 2, rise * (i + 1), -run * i))
    names = ["stairs", "staircase", "steps"]
    if b.chance(0.5):
        since = b.count
        for i in range(n):
            b.box((w / 2 - 0.04, rise * (i + 1) + 0.3, -run * (i + 0.5)), (0.04, 0.62, 0.04))
        b.rod((w / 2 - 0.04, rise + 0.6, -run * 0.3), (w / 2 - 0.04, rise * n + 0.6, -run * (n - 0.7)), 0.035, 4)
        b.mirror(since, "x")
        names.append("stairs with railings")
    return [names[-1], *names]


def ladder(b: Builder) -> list[str]:
    h, w, n = b.uniform(1.6, 2.6), b.uniform(0.4, 0.55), b.integer(5, 9)
    t, sides = b.uniform(0.03, 0.045), b.choose(None, 4)
    since = b.count
    b.rod((w / 2, 0, 0), (w / 2 * b.uniform(0.8, 1), h, 0), t, sides)
    b.mirror(since, "x")
    for y in (np.arange(n) + 0.6) * h / n:
        b.rod((-w * 0.48, y, 0), (w * 0.48, y, 0), t * 0.75, sides)
    if b.chance(0.3):
        b.move(0, (0, 0, 0.0), rotation("x", -15))
        b.box((0, h * 0.95, -h * 0.25), (w, 0.05, 0.16))
        since = b.count
        b.rod((w / 2, 0, -h * 0.52), (w / 2, h * 0.96, -h * 0.25), t, sides)
        b.mirror(since, "x")
        return ["stepladder", "folding ladder", "ladder"]
    return ["ladder", "wooden ladder"]


def gravestone(b: Builder) -> list[str]:
    w, h, t = b.uniform(0.5, 0.7), b.uniform(0.6, 0.9), b.uniform(0.12, 0.2)
    b.box((0, 0.06, 0), (w * 1.4, 0.12, t * 2.5))
    if b.chance(0.3):
        b.box((0, h / 2 + 0.1, 0), (t, h, t))
        b.box((0, h * 0.72, 0), (w, t, t))
        return ["cross gravestone", "gravestone", "stone cross"]
    b.box((0, h / 2, 0), (w, h, t))
    if b.chance(0.7):
        b.cylinder((0, h, 0), w / 2, t, "z")
    b.box((0, h * 0.7, t / 2), (w * 0.6, 0.05, 0.05), cut=True)
    b.box((0, h * 0.55, t / 2), (w * 0.45, 0.05, 0.05), cut=True)
    return ["gravestone", "tombstone", "grave"]


FAMILIES = {
    function.__name__: (function, category)
    for function, category in (
        (house, "building"),
        (church, "building"),
        (skyscraper, "building"),
        (tower, "building"),
        (castle, "building"),
        (lighthouse, "building"),
        (windmill, "building"),
        (tent, "building"),
        (bridge, "structure"),
        (fence, "structure"),
        (gate, "structure"),
        (well, "structure"),
        (staircase, "structure"),
        (ladder, "tool"),
        (gravestone, "prop"),
    )
}
