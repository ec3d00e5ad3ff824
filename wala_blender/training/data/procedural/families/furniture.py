"""Families of furniture: tables, seats, beds, shelves, cabinets, lamps."""

import numpy as np

from ..builder import Builder, rotation


def _legs(b: Builder, x: float, z: float, height: float, thick: float, lean: float = 0.0) -> str:
    """Four legs whose tops are at (±x, height, ±z); how they look."""
    kind = b.choose("square", "square", "round", "tapered")
    since = b.count
    foot = np.array([x * (1 + lean), 0, z * (1 + lean)])
    if kind == "tapered":
        b.limb(foot + (0, thick * 0.3, 0), (x, height, z), thick * 0.3, thick * 0.55)
    else:
        b.rod(foot, (x, height, z), thick / 2, 4 if kind == "square" else None)
    b.mirror(since, "x")
    b.mirror(since, "z")
    return kind


def table(b: Builder) -> list[str]:
    kind = b.choose("dining", "dining", "coffee", "side", "long", "bar")
    h = {
        "dining": b.uniform(0.68, 0.78),
        "coffee": b.uniform(0.35, 0.45),
        "side": b.uniform(0.5, 0.6),
        "long": 0.75,
        "bar": 1.05,
    }[kind]
    w = {
        "dining": b.uniform(0.9, 1.4),
        "coffee": b.uniform(0.8, 1.2),
        "side": b.uniform(0.4, 0.55),
        "long": b.uniform(1.7, 2.4),
        "bar": 0.65,
    }[kind]
    d, t, leg = (w if kind in ("side", "bar") else b.uniform(0.6, 0.9)), b.uniform(0.03, 0.08), b.uniform(0.05, 0.12)
    top = b.choose("square", "square", "round") if kind != "long" else "square"
    names = [f"{kind} table", "table"]
    if top == "round":
        w = d = min(w, 1.2)
        b.cylinder((0, h, 0), w / 2, t, sides=b.choose(None, None, 8, 12))
        names = ["round table", "table with a round top", f"round {kind} table", *names]
    else:
        b.box((0, h, 0), (w, t, d), b.choose(0, 0, t * 0.4))
        if abs(w - d) < 0.08:
            names.append("square table")
    base = b.choose(
        "legs",
        "legs",
        "pedestal",
        "trestle" if top == "square" and kind != "bar" else "pedestal",
        "three" if top == "round" else "legs",
    )
    if base == "pedestal":
        b.cylinder((0, h / 2, 0), b.uniform(0.035, 0.07), h, sides=b.choose(None, 8))
        if b.chance(0.5):
            b.lathe([(w * b.uniform(0.25, 0.38), 0), (w * 0.25, 0.04), (0.06, 0.1)])
        else:
            since = b.count
            b.rod((0, 0.1, 0), (w * 0.35, 0.03, 0), 0.04, 4)
            b.ring(since, b.choose(3, 4))
        names = ["pedestal table", "table with one leg", "table on one leg", *names]
    elif base == "trestle":
        since = b.count
        b.rod((w * 0.36, 0, d * 0.42), (w * 0.36, h, -d * 0.3), leg * 0.45, 4)
        b.rod((w * 0.36, 0, -d * 0.42), (w * 0.36, h, d * 0.3), leg * 0.45, 4)
        b.mirror(since, "x")
        b.box((0, h * 0.5, 0), (w * 0.74, leg * 0.7, leg * 0.7))
        names = ["trestle table", *names]
    elif base == "three":
        since = b.count
        b.rod((w * 0.42, 0, 0), (w * 0.32, h, 0), leg * 0.4, b.choose(None, 4))
        b.ring(since, 3)
        names = ["table with three legs", "three-legged table", *names]
    else:
        r = 0.34 * w if top == "round" else w / 2 - leg * 0.6
        _legs(b, r, r if top == "round" else d / 2 - leg * 0.6, h, leg, b.choose(0, 0, 0.08))
        names = ["table with four legs", *names]
        if top == "square" and b.chance(0.35):
            b.box((0, h - 0.07, 0), (w * 0.88, 0.12, d * 0.86))
            if b.chance(0.6):
                n = b.choose(1, 2, 3)
                for i in range(n):
                    x, wide = w * 0.88 * ((i + 0.5) / n - 0.5), w * 0.88 / n * 0.85
                    b.box((x, h - 0.075, d * 0.43 + 0.01), (wide, 0.09, 0.03))
                    b.box((x, h - 0.075, d * 0.43 + 0.03), (wide * 0.2, 0.02, 0.03))
                names = [f"table with {'a drawer' if n == 1 else 'drawers'}", *names]
        elif top == "square" and b.chance(0.2):
            b.box((0, h * 0.3, 0), (w * 0.92, 0.04, d * 0.9))
            names = ["table with a shelf", *names]
    return names


def desk(b: Builder) -> list[str]:
    h, w, d, both = b.uniform(0.7, 0.78), b.uniform(1.1, 1.6), b.uniform(0.55, 0.75), b.chance(0.3)
    b.box((0, h, 0), (w, 0.05, d))
    for side in (-1, 1) if both else (1,):
        x = side * (w / 2 - 0.21)
        b.box((x, h / 2, -0.01), (0.38, h, d * 0.92))
        n = b.integer(2, 4)
        for i in range(n):
            y = 0.06 + (h - 0.1) * (i + 0.5) / n
            b.box((x, y, d * 0.46), (0.33, (h - 0.1) / n * 0.82, 0.04))
            b.box((x, y, d * 0.46 + 0.03), (0.1, 0.025, 0.03))
    if not both:
        since = b.count
        b.box((-w / 2 + 0.04, h / 2, d / 2 - 0.05), (0.06, h, 0.06))
        b.mirror(since, "z")
    if b.chance(0.6):
        b.box((0, h * 0.65, -d / 2 + 0.03), (w * 0.95, h * 0.6, 0.04))
    return ["desk", "writing desk", "desk with drawers", "office desk"]


def _back(b: Builder, w: float, seat: float, high: float, z: float) -> None:
    kind = b.choose("solid", "slats", "bars", "panel", "open")
    tilt = rotation("x", -b.choose(0, 5, 8, 12))
    since, t = b.count, b.uniform(0.03, 0.06)
    if kind == "solid":
        b.box((0, high / 2, 0), (w, high, t), b.choose(0, t * 0.4))
    else:
        b.box((w / 2 - t / 2, high / 2, 0), (t, high, t))
        b.mirror(since, "x")
        if kind == "slats":
            for y in np.linspace(0.4, 0.95, b.integer(2, 4)):
                b.box((0, high * y, 0), (w - t, high * 0.13, t * 0.7))
        elif kind == "bars":
            b.box((0, high * 0.95, 0), (w, high * 0.14, t))
            for x in np.linspace(-w / 2, w / 2, b.integer(4, 7))[1:-1]:
                b.box((x, high / 2, 0), (0.03, high, 0.03))
        else:
            b.box((0, high * 0.72, 0), (w - t, high * b.uniform(0.4, 0.5), t * 0.7))
    b.move(since, (0, seat, z), tilt)


def chair(b: Builder) -> list[str]:
    kind = b.choose("", "", "dining", "arm", "bar", "office", "kitchen")
    seat = b.uniform(0.68, 0.78) if kind == "bar" else b.uniform(0.42, 0.48)
    w, d, t = b.uniform(0.4, 0.52), b.uniform(0.4, 0.5), b.uniform(0.035, 0.09)
    if kind == "arm":
        w, d = b.uniform(0.55, 0.7), b.uniform(0.5, 0.65)
    b.box((0, seat, 0), (w, t, d), b.choose(0, 0, t * 0.45))
    _back(b, w, seat, b.uniform(0.28, 0.36) if kind == "bar" else b.uniform(0.38, 0.6), -d / 2 + 0.025)
    if kind == "office":
        b.cylinder((0, seat / 2 + 0.03, 0), 0.03, seat)
        since = b.count
        b.rod((0, 0.1, 0), (0, 0.06, 0.28), 0.025, 4)
        b.ball((0, 0.04, 0.28), 0.04)
        b.ring(since, 5)
    else:
        leg = b.uniform(0.04, 0.07)
        _legs(b, w / 2 - leg * 0.6, d / 2 - leg * 0.6, seat, leg, b.choose(0, 0, 0.12))
        if b.chance(0.3) or kind == "bar":
            since = b.count
            b.box((0, seat * 0.35, d / 2 - leg * 0.6), (w - leg, 0.03, 0.03))
            b.mirror(since, "z")
    if kind == "arm" or (kind == "office" and b.chance(0.5)):
        since = b.count
        b.box((w / 2 - 0.03, seat + 0.22, 0), (0.06, 0.045, d * 0.95))
        b.box((w / 2 - 0.03, seat + 0.1, d / 2 - 0.06), (0.045, 0.24, 0.045))
        b.mirror(since, "x")
    names = {
        "arm": ["armchair", "chair with armrests"],
        "bar": ["bar chair", "high chair"],
        "office": ["office chair", "swivel chair", "desk chair"],
    }
    return [*names.get(kind, [f"{kind} chair".strip(), "chair with four legs"]), "chair"]


def stool(b: Builder) -> list[str]:
    h, r, n = b.uniform(0.4, 0.8), b.uniform(0.15, 0.22), b.choose(3, 4, 4)
    b.cylinder((0, h, 0), r, b.uniform(0.04, 0.08), sides=b.choose(None, None, 4, 8))
    since, t = b.count, b.uniform(0.018, 0.03)
    b.rod((0, 0, r * b.uniform(0.8, 1.15)), (0, h, r * 0.65), t, b.choose(None, 4))
    b.ring(since, n)
    if b.chance(0.5):
        b.arc((0, h * 0.35, 0), r * 0.86, 0.015, turn=rotation("x", 90))
    return (["bar stool", "high stool", "stool"] if h > 0.62 else ["stool", "low stool"]) + [
        f"stool with {'three' if n == 3 else 'four'} legs"
    ]


def bench(b: Builder) -> list[str]:
    w, h, d, n = b.uniform(1.1, 1.9), b.uniform(0.4, 0.48), b.uniform(0.35, 0.5), b.integer(1, 4)
    for i in range(n):
        b.box((0, h, d * ((i + 0.5) / n - 0.5)), (w, 0.05, d / n * (0.8 if n > 1 else 1)))
    since = b.count
    b.box((w * 0.42, h / 2, 0), (b.uniform(0.06, 0.14), h, d * 0.95))
    b.mirror(since, "x")
    if not b.chance(0.6):
        return ["bench", "bench without a back", "wooden bench"]
    for y in np.linspace(h + 0.15, h + 0.4, b.integer(1, 3)):
        b.box((0, y, -d / 2 - 0.02), (w, 0.09, 0.04))
    since = b.count
    b.box((w * 0.42, h + 0.2, -d / 2), (0.06, 0.52, 0.06))
    b.mirror(since, "x")
    return ["park bench", "bench", "bench with a back"]


def sofa(b: Builder) -> list[str]:
    n = b.integer(1, 3)
    arm, cushion, d, seat, high = (
        b.uniform(0.12, 0.25),
        b.uniform(0.5, 0.7),
        b.uniform(0.75, 0.95),
        b.uniform(0.36, 0.44),
        b.uniform(0.3, 0.45),
    )
    w, soft = n * cushion + 2 * arm, b.choose(0, 0.03, 0.06)
    b.span((-w / 2, 0.08, -d / 2), (w / 2, seat - 0.04, d / 2 - 0.02), soft)
    b.span((-w / 2, 0.08, -d / 2), (w / 2, seat + high, -d / 2 + 0.22), soft)
    since = b.count
    b.span((w / 2 - arm, 0.08, -d / 2), (w / 2, seat + b.uniform(0.12, 0.25), d / 2), soft)
    b.mirror(since, "x")
    for i in range(n):
        x = -w / 2 + arm + cushion * (i + 0.5)
        b.box((x, seat, 0.1), (cushion * 0.96, 0.15, d - 0.26), 0.04)
        b.box((x, seat + high * 0.5, -d / 2 + 0.26), (cushion * 0.92, high * 0.8, 0.14), 0.05)
    since = b.count
    b.cylinder((w / 2 - 0.08, 0.05, d / 2 - 0.08), 0.035, 0.12)
    b.mirror(since, "x")
    b.mirror(since, "z")
    return [
        ["easy chair", "cushioned armchair", "armchair"],
        ["loveseat", "two-seat sofa", "sofa"],
        ["sofa", "couch", "three-seat sofa"],
    ][n - 1]


def bed(b: Builder) -> list[str]:
    kind = b.choose("single", "double", "double", "bunk", "four-poster")
    w, l, h = (0.95 if kind in ("single", "bunk") else b.uniform(1.4, 1.7)), 2.0, b.uniform(0.3, 0.42)
    levels = (0.0, 0.95) if kind == "bunk" else (0.0,)
    for y in levels:
        b.box((0, y + h * 0.65, 0), (w, 0.16, l))
        b.box((0, y + h, 0.02), (w * 0.95, 0.2, l * 0.95), b.choose(0, 0.05))
        for x in (-0.24, 0.24) if w > 1 else (0,):
            b.box((x * w, y + h + 0.13, -l * 0.38), (w * (0.4 if w > 1 else 0.7), 0.12, 0.34), 0.05)
    post = 2.0 if kind == "four-poster" else 1.6 if kind == "bunk" else h
    since = b.count
    b.box((w / 2 - 0.03, post / 2, l / 2 - 0.03), (0.08, post, 0.08))
    b.mirror(since, "x")
    b.mirror(since, "z")
    if kind == "four-poster":
        for z in (-1, 1):
            b.box((0, post, z * (l / 2 - 0.03)), (w + 0.02, 0.07, 0.08))
        for x in (-1, 1):
            b.box((x * (w / 2 - 0.03), post, 0), (0.08, 0.07, l + 0.02))
    if kind == "bunk":
        since = b.count
        b.box((w / 2 + 0.02, 0.7, 0.55), (0.04, 1.4, 0.04))
        b.move(since, (0, 0, 0.0))
        b.box((w / 2 + 0.02, 0.7, 0.9), (0.04, 1.4, 0.04))
        for y in np.arange(0.2, 1.3, 0.22):
            b.box((w / 2 + 0.02, y, 0.725), (0.035, 0.04, 0.36))
    else:
        head = b.uniform(0.4, 0.7)
        b.box((0, (h + head) / 2, -l / 2 - 0.03), (w * 1.02, h + head, 0.07))
        if b.chance(0.6):
            foot = h * b.uniform(1.0, 1.6)
            b.box((0, foot / 2, l / 2 + 0.03), (w * 1.02, foot, 0.06))
    return {
        "bunk": ["bunk bed", "bed with two levels", "bed"],
        "four-poster": ["four-poster bed", "canopy bed", "bed"],
    }.get(kind, [f"{kind} bed", "bed"])


def bookshelf(b: Builder) -> list[str]:
    w, h, d, n, t = b.uniform(0.6, 1.2), b.uniform(0.9, 2.1), b.uniform(0.25, 0.4), b.integer(2, 6), 0.035
    since = b.count
    b.box((w / 2 - t / 2, h / 2, 0), (t, h, d))
    b.mirror(since, "x")
    levels = np.linspace(t / 2, h - t / 2, n + 1)
    for y in levels:
        b.box((0, y, 0), (w, t, d))
    if b.chance(0.75):
        b.box((0, h / 2, -d / 2 + 0.01), (w, h, 0.03))
    if not b.chance(0.5):
        return [
            "bookshelf",
            "empty bookshelf",
            f"shelf with {['two', 'three', 'four', 'five', 'six'][n - 2]} boards",
            "shelf",
        ]
    gap = levels[1] - levels[0]
    for y in levels[:-1]:
        x = -w / 2 + 0.05
        while x < w / 2 - 0.1:
            wide = b.uniform(0.03, 0.08)
            if b.chance(0.85):
                high = gap * b.uniform(0.55, 0.85)
                b.span((x, y, -d / 2 + 0.02), (x + wide * 0.94, y + high, d * 0.3))
            x += wide
    return ["bookcase with books", "bookshelf with books", "bookcase", "bookshelf"]


def cabinet(b: Builder) -> list[str]:
    kind = b.choose("cabinet", "wardrobe", "chest of drawers", "nightstand", "dresser", "sideboard")
    w, h, d = {
        "cabinet": (0.8, 1.1, 0.45),
        "wardrobe": (1.2, 2.0, 0.6),
        "chest of drawers": (0.8, 1.0, 0.45),
        "nightstand": (0.45, 0.55, 0.4),
        "dresser": (1.3, 0.8, 0.45),
        "sideboard": (1.6, 0.75, 0.45),
    }[kind]
    w, h, foot = w * b.uniform(0.85, 1.2), h * b.uniform(0.85, 1.15), b.uniform(0.03, 0.12)
    b.span((-w / 2, foot, -d / 2), (w / 2, h, d / 2))
    b.box((0, h, 0), (w * 1.04, 0.04, d * 1.06))
    since = b.count
    b.span((w / 2 - 0.09, 0, d / 2 - 0.09), (w / 2 - 0.02, foot + 0.02, d / 2 - 0.02))
    b.mirror(since, "x")
    b.mirror(since, "z")
    doors = kind in ("cabinet", "wardrobe", "sideboard")
    columns = {"sideboard": 3, "dresser": 2, "cabinet": 2, "wardrobe": b.choose(2, 3)}.get(kind, 1)
    rows = 1 if doors else b.integer(2, 4)
    cell = np.array([(w - 0.06) / columns, (h - foot - 0.08) / rows])
    for i in range(columns):
        for j in range(rows):
            x, y = cell[0] * (i + 0.5 - columns / 2), foot + 0.04 + cell[1] * (j + 0.5)
            b.box((x, y, d / 2 + 0.01), (cell[0] * 0.92, cell[1] * (0.96 if doors else 0.86), 0.03))
            if doors:
                b.box((x + cell[0] * (0.36 if i < columns / 2 - 0.4 else -0.36), y, d / 2 + 0.04), (0.025, 0.14, 0.04))
            else:
                b.ball((x, y, d / 2 + 0.04), 0.026)
    more = {
        "wardrobe": ["closet", "wardrobe with doors"],
        "cabinet": ["cupboard", "cabinet with two doors"],
        "nightstand": ["bedside table"],
    }
    return [kind, *more.get(kind, [f"{kind} with doors" if doors else "drawers"])]


def lamp(b: Builder) -> list[str]:
    kind = b.choose("floor lamp", "table lamp", "table lamp", "desk lamp", "street lamp", "lantern", "hanging lamp")
    sides = b.choose(None, None, 6, 8)
    if kind in ("floor lamp", "table lamp"):
        h, s = (b.uniform(1.2, 1.6), 1.0) if kind == "floor lamp" else (b.uniform(0.3, 0.5), 0.6)
        b.lathe([(0.17 * s, 0), (0.16 * s, 0.035), (0.04 * s, 0.07)], sides=sides)
        if kind == "table lamp" and b.chance(0.6):
            b.lathe([(0.05, 0.03), (b.uniform(0.08, 0.14), h * 0.35), (0.05, h * 0.7), (0.025, h)], sides=sides)
        elif kind == "floor lamp" and b.chance(0.3):
            b.parts.clear()
            since = b.count
            b.rod((0, 0, 0.3), (0, h, 0.03), 0.022)
            b.ring(since, 3)
        else:
            b.cylinder((0, h / 2, 0), 0.025 * s + 0.008, h)
        low, top, high = b.uniform(0.2, 0.28) * s, b.uniform(0.1, 0.2) * s, b.uniform(0.22, 0.35) * s
        b.lathe([(low, 0), (top, high)], (0, h - 0.03, 0), sides=sides)
        return [kind, "lamp", "lamp with a shade", "standing lamp" if kind == "floor lamp" else "bedside lamp"]
    if kind == "desk lamp":
        b.cylinder((0, 0.02, 0), 0.12, 0.04)
        back, up = b.uniform(0.1, 0.2), b.uniform(0.24, 0.32)
        b.path([(0, 0.02, 0), (0, up, -back), (0, up + 0.2, 0.1)], 0.016)
        b.lathe([(0.1, -0.08), (0.045, 0.05)], (0, up + 0.17, 0.13), turn=rotation("x", -b.uniform(20, 45)))
        return ["desk lamp", "reading lamp", "lamp"]
    if kind == "street lamp":
        h = b.uniform(2.6, 3.6)
        b.lathe([(0.18, 0), (0.15, 0.4), (0.07, 0.5), (0.055, h)], sides=sides)
        if b.chance(0.5):
            b.arc((0.35, h - 0.02, 0), 0.35, 0.05, 45, rotation("z", 45))
            b.box((0.55, h + 0.32, 0), (0.55, 0.1, 0.22))
        else:
            b.lathe([(0.1, 0), (0.22, 0.36), (0.27, 0.38), (0.04, 0.58)], (0, h - 0.01, 0), sides=6)
        return ["street lamp", "lamp post", "streetlight"]
    if kind == "lantern":
        n = b.choose(4, 6)
        b.cylinder((0, 0.03, 0), 0.16, 0.06, sides=n)
        since = b.count
        b.rod((0, 0.04, 0.13), (0, 0.34, 0.13), 0.016, 4)
        b.ring(since, n)
        b.lathe([(0.18, 0.33), (0.04, 0.46)], sides=n)
        b.cylinder((0, 0.14, 0), 0.05, 0.2)
        b.arc((0, 0.46, 0), 0.08, 0.014, 110)
        return ["lantern", "hand lantern"]
    b.cylinder((0, 0.5, 0), 0.015, 0.8)
    b.cylinder((0, 0.9, 0), 0.09, 0.04)
    b.lathe([(b.uniform(0.2, 0.35), 0), (0.08, b.uniform(0.15, 0.3)), (0.03, 0.32)], sides=sides)
    return ["hanging lamp", "ceiling lamp", "pendant lamp"]


FAMILIES = {
    function.__name__: (function, "furniture")
    for function in (table, desk, chair, stool, bench, sofa, bed, bookshelf, cabinet, lamp)
}
