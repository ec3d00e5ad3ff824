"""Families of hand-held objects: weapons, tools, vessels, instruments, toys."""

import numpy as np

from ..builder import Builder, rotation


def sword(b: Builder) -> list[str]:
    l, w, t = b.uniform(0.8, 1.4), b.uniform(0.06, 0.12), b.uniform(0.025, 0.04)
    kind = b.choose("sword", "longsword", "broadsword", "dagger", "scimitar")
    l, w = (0.45 if kind == "dagger" else l), w * (1.6 if kind == "broadsword" else 1)
    if kind == "scimitar":
        outer = [(np.sin(a) * l - 0.0, 0.9 * l - np.cos(a) * 0.9 * l) for a in np.linspace(0, 1.0, 7)]
        blade = [(y * 0.35 - w / 2, x) for x, y in outer] + [
            (y * 0.35 + w / 2 * s, x) for (x, y), s in zip(outer[::-1], (0.0, 1.2, 1.4, 1.3, 1.2, 1.0, 1.0))
        ]
        b.prism(blade[::-1], (0, 0, 0), t)
    else:
        tip = b.uniform(0.6, 2) * w
        b.prism([(-w / 2, 0), (w / 2, 0), (w * 0.42, l - tip), (0, l), (-w * 0.42, l - tip)], (0, 0, 0), t)
        b.box((0, l * 0.4, 0), (w * 0.3, l * 0.8, t * 1.7)) if b.chance(0.4) else None
    guard = b.uniform(0.2, 0.34)
    shape = b.choose("bar", "bar", "round", "curved")
    if shape == "round":
        b.cylinder((0, 0, 0), guard * 0.45, 0.035)
    else:
        b.box((0, 0, 0), (guard, 0.05, 0.06), b.choose(0, 0.02))
        if shape == "curved":
            since = b.count
            b.limb((guard / 2, 0, 0), (guard / 2 + 0.02, 0.08, 0), 0.028)
            b.mirror(since, "x")
    grip = b.uniform(0.16, 0.3) * (0.7 if kind == "dagger" else 1)
    b.cylinder((0, -grip / 2, 0), 0.024, grip, sides=b.choose(None, 6, 8))
    b.ball((0, -grip, 0), b.uniform(0.035, 0.055)) if b.chance(0.7) else b.box((0, -grip, 0), (0.08, 0.05, 0.06))
    return [kind, "knife" if kind == "dagger" else "sword", *(["blade"] if kind != "dagger" else [])]


def axe(b: Builder) -> list[str]:
    l, r = b.uniform(0.7, 1.1), b.uniform(0.022, 0.035)
    b.cylinder((0, l / 2, 0), r, l, sides=b.choose(None, 4, 8))
    high, wide, y, t = b.uniform(0.14, 0.3), b.uniform(0.18, 0.3), l * 0.86, b.uniform(0.035, 0.06)
    since = b.count
    b.prism(
        [
            (0, -0.07),
            (wide * 0.6, -high * 0.6),
            (wide, -high),
            (wide * 1.08, 0),
            (wide, high),
            (wide * 0.6, high * 0.5),
            (0, 0.07),
        ],
        (0, y, 0),
        t,
    )
    b.box((0, y, 0), (0.09, 0.15, t * 1.6))
    if b.chance(0.35):
        b.mirror(since, "x")
        return ["double-headed axe", "battle axe", "axe with two blades", "axe"]
    if b.chance(0.3):
        b.prism([(0, -0.05), (0, 0.05), (-0.16, 0.0)], (0, y, 0), t)
    return ["axe", "hatchet" if l < 0.8 else "battle axe", "axe with one blade"]


def hammer(b: Builder) -> list[str]:
    l, kind = b.uniform(0.6, 1), b.choose("hammer", "war hammer", "mallet", "sledgehammer", "claw hammer")
    b.cylinder((0, l / 2, 0), b.uniform(0.025, 0.04), l, sides=b.choose(None, 8, 4))
    if kind == "claw hammer":
        b.cylinder((0.08, l, 0), 0.05, 0.14, "x")
        b.box((0, l, 0), (0.12, 0.08, 0.07))
        since = b.count
        b.limb((-0.05, l + 0.01, 0.015), (-0.22, l - 0.05, 0.035), 0.03, 0.012)
        b.mirror(since, "z")
    else:
        w, h = b.uniform(0.28, 0.45), b.uniform(0.14, 0.24)
        if b.chance(0.5):
            b.box((0, l, 0), (w, h, h), b.choose(0, 0.02))
        else:
            b.cylinder((0, l, 0), h / 2, w, "x", b.choose(None, 6, 8))
        if kind == "war hammer":
            b.lathe([(0.04, 0), (0, 0.16)], (0, l + h / 2 - 0.01, 0))
            since = b.count
            b.box((w / 2, l, 0), (0.05, h * 1.2, h * 1.2))
            b.mirror(since, "x")
    return [kind, "hammer"]


def pickaxe(b: Builder) -> list[str]:
    l, w = b.uniform(0.8, 1), b.uniform(0.3, 0.42)
    b.cylinder((0, l / 2, 0), 0.03, l, sides=b.choose(None, 6))
    since = b.count
    b.limb((0, l * 0.94, 0), (w * 0.6, l * 0.9, 0), 0.045, 0.035)
    b.limb((w * 0.6, l * 0.9, 0), (w, l * 0.76, 0), 0.035, 0.008)
    b.mirror(since, "x")
    b.box((0, l * 0.94, 0), (0.12, 0.1, 0.1))
    return ["pickaxe", "pick"]


def shovel(b: Builder) -> list[str]:
    l, w, h = b.uniform(0.7, 1), b.uniform(0.2, 0.28), b.uniform(0.26, 0.34)
    b.cylinder((0, h + l / 2 - 0.05, 0), 0.026, l)
    if b.chance(0.7):
        b.prism([(-w / 2, h), (-w / 2, h * 0.4), (0, 0), (w / 2, h * 0.4), (w / 2, h)], (0, 0, 0), 0.035)
        names = ["shovel", "spade", "pointed shovel"]
    else:
        b.span((-w / 2, 0, -0.017), (w / 2, h, 0.017))
        names = ["spade", "shovel", "square shovel"]
    b.box((0, h + l - 0.05, 0), (0.2, 0.045, 0.045))
    return names


def spear(b: Builder) -> list[str]:
    l, kind = b.uniform(1.2, 1.7), b.choose("spear", "trident", "halberd")
    b.cylinder((0, l / 2, 0), b.uniform(0.026, 0.036), l, sides=b.choose(None, 6))
    if kind == "trident":
        b.box((0, l, 0), (0.32, 0.04, 0.04))
        for x in (-0.15, 0, 0.15):
            b.lathe([(0.022, 0), (0.022, 0.2), (0.045, 0.2), (0, 0.34)], (x, l, 0))
    else:
        b.prism([(0, -0.05), (0.06, 0.06), (0, 0.34), (-0.06, 0.06)], (0, l, 0), 0.035)
        if kind == "halberd":
            b.prism([(0, -0.1), (0.2, -0.18), (0.24, 0), (0.2, 0.16), (0, 0.08)], (0, l * 0.92, 0), 0.035)
    return [kind, {"trident": "fork with three prongs", "halberd": "polearm", "spear": "lance"}[kind]]


def shield(b: Builder) -> list[str]:
    t, kind = b.uniform(0.05, 0.09), b.choose("round", "kite", "heater", "tower")
    if kind == "round":
        r = 0.5
        b.cylinder((0, 0, 0), r, t, "z", b.choose(None, None, 12))
        b.lathe(
            [(r - 0.07, -t * 0.8), (r, -t * 0.8), (r, t * 0.8), (r - 0.07, t * 0.8), (r - 0.07, -t * 0.8)], axis="z"
        )
        b.ball((0, 0, t / 2), (0.15, 0.15, 0.1))
    else:
        w, h = b.uniform(0.32, 0.4), b.uniform(0.45, 0.6)
        outline = {
            "kite": [
                (-w, h * 0.5),
                (-w * 0.6, -h * 0.3),
                (0, -h),
                (w * 0.6, -h * 0.3),
                (w, h * 0.5),
                (w * 0.5, h * 0.85),
                (0, h),
                (-w * 0.5, h * 0.85),
            ],
            "heater": [
                (-w, h * 0.8),
                (-w, 0),
                (-w * 0.6, -h * 0.55),
                (0, -h),
                (w * 0.6, -h * 0.55),
                (w, 0),
                (w, h * 0.8),
            ],
            "tower": [(-w, -h), (w, -h), (w, h), (-w, h)],
        }[kind]
        b.prism(outline, (0, 0, 0), t)
        b.prism([(x * 0.8, y * 0.83) for x, y in outline], (0, 0, t * 0.85), t, cut=True)
        if b.chance(0.6):
            b.box((0, 0, t * 0.2), (0.07, h * 1.5, t * 0.9))
            b.box((0, h * 0.2, t * 0.2), (w * 1.3, 0.07, t * 0.9))
    return [f"{kind} shield", "shield"]


def key(b: Builder) -> list[str]:
    l, r, t = b.uniform(0.6, 0.8), b.uniform(0.14, 0.2), b.uniform(0.03, 0.045)
    if b.chance(0.7):
        b.arc((0, l + r, 0), r, t)
    else:
        b.cylinder((0, l + r, 0), r * 1.2, 1.6 * t, "z", b.choose(None, 6))
        b.cylinder((0, l + r * 1.2, 0), r * 0.55, 1, "z", cut=True)
    b.cylinder((0, l / 2 + t, 0), t * 0.85, l + 2 * t)
    n = b.integer(1, 3)
    for i in range(n):
        wide = b.uniform(0.12, 0.2)
        b.span((0, 0.02 + 0.1 * i, -t * 0.6), (wide, 0.075 + 0.1 * i, t * 0.6))
    return ["key", "old key", "door key"]


def mug(b: Builder) -> list[str]:
    r, h, wall = b.uniform(0.3, 0.4), b.uniform(0.6, 0.9), b.uniform(0.035, 0.06)
    kind = b.choose("mug", "mug", "cup", "tankard")
    sides = b.choose(None, None, 8, 12) if kind != "cup" else None
    low = r * (b.uniform(0.55, 0.75) if kind == "cup" else 1)
    h = h * 0.7 if kind == "cup" else h
    ring, tube = h * b.uniform(0.24, 0.32), b.uniform(0.035, 0.055)
    at = (r + low) / 2 if kind == "cup" else r
    if kind == "tankard":
        b.box((at + ring * 0.9, h * 0.5, 0), (0.07, h * 0.6, 0.08))
        for y in (0.22, 0.78):
            b.box((at + ring * 0.4, h * y, 0), (ring * 1.2, 0.07, 0.08))
    else:
        b.arc((at - 0.01, h * 0.5, 0), ring, tube, 100, rotation("z", -90))
    b.lathe([(low, 0), (r, h)], sides=sides)
    b.lathe([(low - wall, wall), (r - wall, h), (r - wall, h + 0.2)], sides=sides, cut=True)
    if kind == "cup" and b.chance(0.4):
        b.lathe([(0.3, -0.02), (0.55, 0.03), (0.55, 0.07), (0.3, 0.02), (0, 0.02)])
        return ["cup and saucer", "teacup", "cup"]
    return [kind, "cup" if kind != "cup" else "teacup", "mug with a handle" if kind != "cup" else "cup with a handle"]


def bowl(b: Builder) -> list[str]:
    r, h, n = b.uniform(0.4, 0.55), b.uniform(0.2, 0.4), 8
    foot = r * b.uniform(0.3, 0.5)
    profile = [(foot + (r - foot) * np.sin(a), h * (1 - np.cos(a))) for a in np.linspace(0, np.pi / 2, n)]
    b.vessel(profile, b.uniform(0.03, 0.05), sides=b.choose(None, None, 8, 10))
    if b.chance(0.6):
        b.cylinder((0, -0.02, 0), foot, 0.08)
    return ["bowl", "round bowl", "deep bowl" if h > 0.32 else "shallow bowl"]


def bottle(b: Builder) -> list[str]:
    r, h, neck, kind = (
        b.uniform(0.18, 0.28),
        b.uniform(0.45, 0.7),
        b.uniform(0.05, 0.08),
        b.choose("bottle", "wine bottle", "potion bottle", "jug"),
    )
    if kind == "potion bottle":
        n = b.choose(0, 6)
        if n:
            b.lathe(
                [(r * 0.8, 0), (r * 1.3, 0.25), (neck, 0.5), (neck, 0.7), (neck + 0.04, 0.7), (neck + 0.04, 0.76)],
                sides=n,
            )
        else:
            b.ball((0, 0.3, 0), 0.32)
            b.cylinder((0, 0.68, 0), neck * 1.2, 0.25)
            b.cylinder((0, 0.78, 0), neck * 1.7, 0.05)
        b.cylinder((0, 0.8, 0), neck * 0.8, 0.16)
        return ["potion bottle", "flask", "potion", "round flask" if not n else "bottle"]
    sides = b.choose(None, None, 8)
    top = h + b.uniform(0.12, 0.22)
    b.lathe(
        [(r, 0), (r, h), (neck, top), (neck, top + 0.25), (neck + 0.02, top + 0.25), (neck + 0.02, top + 0.31)],
        sides=sides,
    )
    if kind == "jug":
        b.arc((r * 0.75, h * 0.95, 0), 0.2, 0.035, 110, rotation("z", -70))
        return ["jug", "bottle with a handle", "pitcher"]
    return [kind, "bottle", "glass bottle"]


def vase(b: Builder) -> list[str]:
    h, n, wall = b.uniform(0.8, 1.2), 8, 0.045
    r, belly, neck, lip = b.uniform(0.12, 0.24), b.uniform(0.28, 0.42), b.uniform(0.12, 0.2), b.uniform(0.18, 0.3)
    heights = np.linspace(0, h, n)
    radii = np.interp(heights, [0, h * 0.4, h * 0.8, h], [r, belly, neck, lip])
    radii[1:-1] = (radii[:-2] + 2 * radii[1:-1] + radii[2:]) / 4
    since = b.count
    if b.chance(0.35):
        b.arc((neck + 0.06, h * 0.66, 0), h * 0.14, 0.03, 120, rotation("z", -75))
        b.mirror(since, "x")
        names = ["vase with two handles", "amphora", "urn", "vase"]
    else:
        names = ["vase", "flower vase"]
    sides = b.choose(None, None, 6, 8)
    profile = list(zip(radii.tolist(), heights.tolist()))
    b.lathe(profile, sides=sides)
    b.lathe([(max(x - wall, 0.03), max(y, wall)) for x, y in profile] + [(lip - wall, h + 0.2)], sides=sides, cut=True)
    return names


def bucket(b: Builder) -> list[str]:
    low, top, h, sides = b.uniform(0.24, 0.3), b.uniform(0.32, 0.4), b.uniform(0.5, 0.65), b.choose(None, 8, 12)
    b.vessel([(low, 0), (top, h)], 0.045, sides=sides)
    b.lathe(
        [(top - 0.03, h - 0.06), (top + 0.03, h - 0.06), (top + 0.03, h), (top - 0.03, h), (top - 0.03, h - 0.06)],
        sides=sides,
    )
    b.arc((0, h - 0.03, 0), top, 0.018, 90, rotation("x", b.choose(0, 0, 60)))
    return ["bucket", "pail", "bucket with a handle"]


def pot(b: Builder) -> list[str]:
    r, h = b.uniform(0.36, 0.48), b.uniform(0.3, 0.5)
    b.vessel([(r * 0.95, 0), (r, h)], 0.045)
    if b.chance(0.35):
        b.limb((r * 0.95, h * 0.8, 0), (r + 0.6, h * 0.9, 0), 0.04)
        return ["pan", "saucepan", "pot with a long handle"]
    since = b.count
    b.arc((r, h * 0.75, 0), 0.12, 0.03, 90, rotation("z", -90) @ rotation("y", 90))
    b.mirror(since, "x")
    if b.chance(0.6):
        b.lathe([(r + 0.02, h - 0.02), (r + 0.02, h + 0.03), (r * 0.4, h + 0.12)])
        b.ball((0, h + 0.16, 0), 0.06)
        return ["pot with a lid", "cooking pot", "pot"]
    return ["pot", "cooking pot"]


def teapot(b: Builder) -> list[str]:
    r = b.uniform(0.34, 0.42)
    b.ball((0, r * 0.85, 0), (r, r * 0.85, r))
    b.cylinder((0, 0.03, 0), r * 0.6, 0.08)
    b.lathe([(r * 0.5, r * 1.5), (r * 0.45, r * 1.65), (0.05, r * 1.78)])
    b.ball((0, r * 1.86, 0), 0.055)
    b.limb((r * 0.8, r * 0.6, 0), (r * 1.6, r * 1.5, 0), 0.1, 0.045)
    b.arc((-r * 0.9, r * 0.9, 0), r * 0.5, 0.04, 110, rotation("z", 90))
    return ["teapot", "tea kettle"]


def barrel(b: Builder) -> list[str]:
    r, h, sides = b.uniform(0.3, 0.36), b.uniform(0.8, 1), b.choose(None, 8, 12)
    bulge = b.uniform(1.1, 1.3)
    b.lathe(
        [(r, 0), (r * (1 + bulge) / 2, h * 0.2), (r * bulge, h * 0.5), (r * (1 + bulge) / 2, h * 0.8), (r, h)],
        sides=sides,
    )
    b.cylinder((0, h + 0.06, 0), r * 0.86, 0.2, sides=sides, cut=True)
    b.cylinder((0, -0.06, 0), r * 0.86, 0.2, sides=sides, cut=True)
    for y in (0.2, 0.8):
        b.cylinder((0, y * h, 0), r * (1 + bulge) / 2 + 0.025, 0.07, sides=sides)
    if b.chance(0.25):
        b.move(0, (0, 0, 0), rotation("z", 90))
        return ["lying barrel", "barrel", "cask"]
    return ["barrel", "wooden barrel", "keg"]


def crate(b: Builder) -> list[str]:
    x, y, z, t = *b.rng.uniform(0.7, 1.1, 3), b.uniform(0.06, 0.1)
    if b.chance(0.6):
        x = y = z = 1.0
    b.box((0, y / 2, 0), (x - t, y - t, z - t))
    for u in (-1, 1):
        for v in (-1, 1):
            b.box((u * (x - t) / 2, y / 2, v * (z - t) / 2), (t, y, t))
            b.box((u * (x - t) / 2, y / 2 + v * (y - t) / 2, 0), (t, t, z))
            b.box((0, y / 2 + u * (y - t) / 2, v * (z - t) / 2), (x, t, t))
    if b.chance(0.5):
        angle = np.degrees(np.arctan2(y, x))
        for v in (-1, 1):
            b.box((0, y / 2, v * (z / 2 - t * 0.6)), (np.hypot(x, y) * 0.9, t, t * 0.5), turn=rotation("z", angle))
    if b.chance(0.3):
        b.span((-x / 2 + t, t, -z / 2 + t), (x / 2 - t, 2 * y, z / 2 - t), cut=True)
        return ["open crate", "crate without a lid", "crate"]
    return ["crate", "wooden crate", "box"]


def chest(b: Builder) -> list[str]:
    w, h, d, t = b.uniform(0.8, 1.1), b.uniform(0.35, 0.45), b.uniform(0.5, 0.65), 0.06
    opened = b.chance(0.3)
    b.span((-w / 2, 0, -d / 2), (w / 2, h, d / 2))
    if opened:
        b.span((-w / 2 + t, t, -d / 2 + t), (w / 2 - t, 2, d / 2 - t), cut=True)
    if opened:
        since = b.count
        b.box((0, 0.03, d / 2), (w, 0.1, d))
        b.move(since, (0, h, -d / 2), rotation("x", -100))
    else:
        b.cylinder((0, h, 0), d / 2, w, "x", b.choose(None, 8, 12))
        for x in (-0.36, 0.36):
            b.cylinder((x * w, h, 0), d / 2 + 0.025, 0.09, "x", 12)
        b.span((-2, -3, -2), (2, 0, 2), cut=True)
    for x in (-0.36, 0.36):
        b.span((x * w - 0.045, 0, -d / 2 - 0.02), (x * w + 0.045, h, -d / 2 + 0.1))
        b.span((x * w - 0.045, 0, d / 2 - 0.05), (x * w + 0.045, h, d / 2 + 0.02))
    b.box((0, h - 0.04, d / 2 + 0.01), (0.13, 0.15, 0.07))
    return ["open chest", "open treasure chest", "chest"] if opened else ["chest", "treasure chest", "closed chest"]


def book(b: Builder) -> list[str]:
    w, h, t = b.uniform(0.6, 0.75), b.uniform(0.85, 1), b.uniform(0.12, 0.25)
    n = b.choose(1, 1, 3, 4)
    y = 0.0
    for _ in range(n):
        since, thick = b.count, t * b.uniform(0.7, 1.2)
        b.box((0, 0.02, 0), (w, 0.035, h))
        b.box((0, thick - 0.02, 0), (w, 0.035, h))
        b.box((-w / 2 + 0.02, thick / 2, 0), (0.035, thick, h))
        b.box((-0.02, thick / 2, 0), (w * 0.93, thick - 0.03, h * 0.93))
        b.move(since, (0, y, 0), rotation("y", b.uniform(-15, 15) if n > 1 else 0))
        y += thick
    if n > 1:
        return ["stack of books", "pile of books", "books"]
    if b.chance(0.4):
        b.move(0, (0, 0, 0), rotation("x", 90))
        return ["standing book", "book"]
    return ["book", "closed book"]


def candle(b: Builder) -> list[str]:
    h, r = b.uniform(0.4, 0.7), b.uniform(0.07, 0.11)
    b.cylinder((0, h / 2 + 0.1, 0), r, h)
    b.cylinder((0, h + 0.13, 0), 0.018, 0.09)
    b.lathe([(0.02, h + 0.12), (0.05, h + 0.19), (0, h + 0.32)])
    if b.chance(0.5):
        b.vessel([(0.22, 0.06), (0.27, 0.14)], 0.035)
        b.cylinder((0, 0.09, 0), 0.24, 0.06)
        b.arc((0.3, 0.1, 0), 0.08, 0.022, 180)
        return ["candle in a holder", "candle", "candlestick"]
    b.lathe([(0.2, 0), (0.2, 0.03), (0.06, 0.06), (0.05, 0.1)])
    b.cylinder((0, 0.11, 0), r * 1.5, 0.05)
    return ["candle", "candlestick", "burning candle"]


def umbrella(b: Builder) -> list[str]:
    n, r, h = b.choose(6, 8, None), b.uniform(0.6, 0.8), b.uniform(0.25, 0.4)
    b.lathe(
        [(0, h - 0.06), (r * 0.57, h * 0.72 - 0.05), (r - 0.03, -0.03), (r, 0), (r * 0.6, h * 0.75), (0, h)],
        (0, 0.8, 0),
        sides=n,
    )
    b.cylinder((0, 0.55, 0), 0.022, 1.25)
    if b.chance(0.6):
        b.arc((0.09, -0.06, 0), 0.09, 0.024, 90, rotation("z", 180))
        return ["umbrella", "open umbrella"]
    b.cylinder((0, -0.05, 0), 0.28, 0.08)
    return ["parasol", "beach umbrella", "umbrella"]


def clock(b: Builder) -> list[str]:
    if b.chance(0.4):
        h, w, d = b.uniform(1.6, 2), 0.42, 0.3
        b.span((-w / 2, 0, -d / 2), (w / 2, 0.35, d / 2))
        b.span((-w * 0.4, 0.3, -d * 0.42), (w * 0.4, h - 0.4, d * 0.42))
        b.span((-w / 2, h - 0.45, -d / 2), (w / 2, h, d / 2))
        b.prism([(-w * 0.55, h - 0.01), (w * 0.55, h - 0.01), (0, h + 0.2)], (0, 0, 0), d)
        b.cylinder((0, h - 0.22, d / 2), 0.15, 0.05, "z", cut=True)
        b.box((0, h - 0.18, d / 2 - 0.01), (0.025, 0.11, 0.03))
        b.box((0, 0.75, d * 0.42), (w * 0.5, 0.7, 0.1), cut=True)
        b.cylinder((0, 0.6, d * 0.36), 0.08, 0.03, "z")
        return ["grandfather clock", "standing clock", "clock"]
    r, t = 0.45, 0.1
    b.cylinder((0, 0, 0), r, t, "z", b.choose(None, None, 8))
    b.cylinder((0, 0, t * 0.7), r * 0.87, t, "z", cut=True)
    for angle in range(0, 360, 30):
        b.box(np.array((0, r * 0.74, 0.03)) @ rotation("z", angle).T, (0.03, 0.09, 0.05), turn=rotation("z", angle))
    for length, angle in ((0.28, b.uniform(0, 360)), (0.2, b.uniform(0, 360))):
        b.box(
            np.array((0, length / 2, 0.03)) @ rotation("z", angle).T, (0.035, length, 0.05), turn=rotation("z", angle)
        )
    if b.chance(0.4):
        since = b.count
        b.ball((0.24, 0.44, 0), (0.14, 0.1, 0.1), rotation("z", -35))
        b.limb((0.22, -0.38, 0), (0.32, -0.54, 0), 0.03)
        b.mirror(since, "x")
        return ["alarm clock", "clock with two bells", "clock"]
    return ["wall clock", "round clock", "clock"]


def guitar(b: Builder) -> list[str]:
    t, electric = b.uniform(0.12, 0.2), b.chance(0.35)
    if electric:
        t = 0.08
        b.prism(
            [
                (-0.3, 0.1),
                (-0.2, -0.02),
                (0.2, -0.02),
                (0.32, 0.12),
                (0.24, 0.35),
                (0.34, 0.62),
                (0.26, 0.66),
                (0.12, 0.5),
                (-0.12, 0.5),
                (-0.26, 0.72),
                (-0.33, 0.66),
                (-0.24, 0.35),
            ],
            (0, 0, 0),
            t,
        )
    else:
        for y, r in ((0.28, 0.34), (0.52, 0.22), (0.72, 0.26)):
            b.cylinder((0, y, 0), r, t, "z")
        b.cylinder((0, 0.56, t / 2), 0.1, t, "z", cut=True)
    b.box((0, 1.0, t * 0.4), (0.08, 1.2, 0.05))
    b.box((0, 1.66, t * 0.35), (0.14, 0.2, 0.05))
    since = b.count
    for y in (1.6, 1.66, 1.72):
        b.rod((0.05, y, t * 0.35), (0.12, y, t * 0.35), 0.016)
    b.mirror(since, "x")
    b.box((0, 0.22, t / 2 + 0.01), (0.2, 0.04, 0.04))
    return ["electric guitar", "guitar"] if electric else ["guitar", "acoustic guitar"]


def drum(b: Builder) -> list[str]:
    r, h, sides = b.uniform(0.38, 0.5), b.uniform(0.35, 0.7), b.choose(None, None, 12)
    b.cylinder((0, h / 2, 0), r, h, sides=sides)
    for y in (0.03, h - 0.03):
        b.cylinder((0, y, 0), r + 0.035, 0.07, sides=sides)
    since = b.count
    b.rod((0, 0, r + 0.01), (0.16, h, r - 0.01), 0.016)
    b.rod((0, 0, r + 0.01), (-0.16, h, r - 0.01), 0.016)
    b.ring(since, 8)
    if b.chance(0.4):
        b.limb((-0.3, h + 0.03, 0.1), (0.35, h + 0.03, -0.1), 0.022)
        return ["drum with a drumstick", "drum"]
    return ["drum", "snare drum"]


def hat(b: Builder) -> list[str]:
    kind = b.choose("top hat", "wizard hat", "straw hat", "party hat")
    r = 0.3
    brim = {"top hat": 0.48, "wizard hat": 0.55, "straw hat": 0.65, "party hat": 0}[kind]
    if brim:
        b.cylinder((0, 0.02, 0), brim, 0.045)
    h = {"top hat": 0.5, "wizard hat": 0.85, "straw hat": 0.22, "party hat": 0.7}[kind] * b.uniform(0.85, 1.15)
    top = {"top hat": r * b.uniform(0.9, 1.15), "wizard hat": 0, "straw hat": r * 0.85, "party hat": 0}[kind]
    b.lathe([(r, 0), (top, h)])
    if kind in ("top hat", "straw hat", "wizard hat"):
        b.cylinder((0, 0.08, 0), r + 0.015, 0.07)
    if kind == "party hat":
        b.ball((0, h, 0), 0.06)
    b.lathe([(r - 0.05, -0.2), (r - 0.05, 0), (max(top - 0.05, 0.0), h - 0.07)], cut=True)
    return [kind, "hat"]


FAMILIES = {
    function.__name__: (function, category)
    for function, category in (
        (sword, "weapon"),
        (axe, "weapon"),
        (hammer, "tool"),
        (pickaxe, "tool"),
        (shovel, "tool"),
        (spear, "weapon"),
        (shield, "weapon"),
        (key, "prop"),
        (mug, "container"),
        (bowl, "container"),
        (bottle, "container"),
        (vase, "container"),
        (bucket, "container"),
        (pot, "container"),
        (teapot, "container"),
        (barrel, "container"),
        (crate, "container"),
        (chest, "container"),
        (book, "prop"),
        (candle, "prop"),
        (umbrella, "prop"),
        (clock, "prop"),
        (guitar, "instrument"),
        (drum, "instrument"),
        (hat, "clothing"),
    )
}
