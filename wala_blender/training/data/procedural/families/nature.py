"""Families of plants, animals and figures."""

import numpy as np

from ..builder import Builder, rotation


def tree(b: Builder) -> list[str]:
    kind = b.choose("tree", "tree", "pine tree", "palm tree", "bare tree")
    h, r, sides = b.uniform(0.5, 0.9), b.uniform(0.06, 0.1), b.choose(None, 5, 6, 8)
    if kind == "pine tree":
        b.cylinder((0, h * 0.3, 0), r, h * 0.6, sides=sides)
        n, y, wide = b.integer(2, 5), h * 0.4, b.uniform(0.4, 0.55)
        for i in range(n):
            high = b.uniform(0.45, 0.6)
            b.lathe([(wide, y), (0, y + high)] if i == n - 1 else [(wide, y), (wide * 0.3, y + high)], sides=sides)
            y, wide = y + high * 0.6, wide * 0.78
        return ["pine tree", "fir tree", "christmas tree", "conifer"]
    if kind == "palm tree":
        lean = b.uniform(-0.25, 0.25)
        points = [(lean * t * t, 1.5 * h * t, 0) for t in np.linspace(0, 1, 6)]
        b.path(points, r, r * 0.6)
        n, length = b.integer(5, 8), b.uniform(0.45, 0.65)
        for i in range(n):
            since = b.count
            b.prism(
                [(0, -0.03), (length * 0.5, 0.1), (length, 0.02), (length * 0.5, -0.1)],
                (0, 0, 0),
                0.035,
                turn=rotation("z", 12) @ rotation("x", 90),
            )
            b.prism(
                [(0, -0.07), (length * 0.6, 0), (0, 0.07)],
                (length * 0.85, length * 0.17, 0),
                0.035,
                turn=rotation("z", -45) @ rotation("x", 90),
            )
            b.move(since, points[-1], rotation("y", 360 * i / n))
        b.ball(points[-1], r * 1.3)
        return ["palm tree", "palm", "tree"]
    if kind == "bare tree":
        b.limb((0, 0, 0), (0, h, 0), r * 1.2, r * 0.8)
        for _ in range(b.integer(3, 6)):
            a, up, length, y = b.uniform(0, 2 * np.pi), b.uniform(0.3, 0.6), b.uniform(0.3, 0.5), b.uniform(0.6, 1) * h
            end = np.array([length * np.cos(a), y + up, length * np.sin(a)])
            b.limb((0, y, 0), end, r * 0.6, r * 0.35)
            for turn in (0.6, -0.6):
                b.limb(end, end + (0.22 * np.cos(a + turn), 0.2, 0.22 * np.sin(a + turn)), r * 0.35, r * 0.2)
        return ["bare tree", "dead tree", "leafless tree"]
    b.lathe([(r * 1.4, 0), (r, 0.12), (r * 0.8, h)], sides=sides)
    style = b.choose("ball", "balls", "cone", "box", "low poly")
    crown = b.uniform(0.35, 0.5)
    if style == "ball":
        b.ball((0, h + crown * 0.7, 0), (crown, crown * b.uniform(0.8, 1.3), crown))
    elif style == "balls":
        for _ in range(b.integer(3, 5)):
            b.ball(
                (b.uniform(-0.25, 0.25), h + b.uniform(0.1, 0.5), b.uniform(-0.25, 0.25)), crown * b.uniform(0.55, 0.85)
            )
    elif style == "box":
        b.box((0, h + crown * 0.7, 0), (1.7 * crown, 1.8 * crown, 1.7 * crown), b.choose(0, 0.08))
    elif style == "cone":
        b.lathe([(crown * 0.3, h * 0.7), (crown, h), (crown * 0.4, h + 0.7), (0, h + 0.9)], sides=sides)
    else:
        b.lathe(
            [(crown * 0.4, h * 0.8), (crown, h + 0.15), (crown * 0.9, h + 0.5), (crown * 0.35, h + 0.8)],
            sides=b.choose(5, 6, 7),
        )
    return ["tree", "leafy tree", "tree with a round crown" if style == "ball" else "tree"]


def mushroom(b: Builder) -> list[str]:
    n, names = b.choose(1, 1, 3), ["mushroom", "toadstool"]
    for i in range(n):
        since, r = b.count, b.uniform(0.32, 0.5) * (0.6 if i else 1)
        h = b.uniform(0.4, 0.7) * (0.6 if i else 1)
        b.lathe([(0.14, 0), (0.11, h * 0.5), (0.1, h)])
        if b.chance(0.6):
            b.lathe(
                [(r * 0.8, h - 0.04)]
                + [(r * np.cos(a), h + r * 0.75 * np.sin(a)) for a in np.linspace(0, np.pi / 2, 7)],
                sides=b.choose(None, 8),
            )
        else:
            b.lathe([(r, h - 0.03), (r * 0.5, h + 0.25), (0.02, h + 0.45)], sides=b.choose(None, 6, 8))
        if i:
            b.move(since, (0.34 * np.cos(i * 2.4), 0, 0.34 * np.sin(i * 2.4)))
    return ["mushrooms", "group of mushrooms", "three mushrooms"] if n > 1 else names


def flower(b: Builder) -> list[str]:
    h, n = b.uniform(0.7, 1), b.integer(5, 8)
    b.cylinder((0, h / 2, 0), 0.025, h)
    since = b.count
    b.prism([(0, 0), (0.16, 0.08), (0.32, 0.22), (0.12, 0.2)], (0, h * 0.3, 0), 0.03)
    b.ring(since, 2)
    since, tilt = b.count, b.uniform(0, 60)
    b.cylinder((0, 0, 0), 0.11, 0.07, "z")
    petal = b.count
    b.ball((0, 0.2, 0), (0.09, 0.14, 0.03))
    b.ring(petal, n, "z")
    b.move(since, (0, h, 0.03), rotation("x", -tilt))
    if b.chance(0.35):
        b.lathe([(0.16, -0.25), (0.22, 0.06)], sides=b.choose(None, 8))
        return ["flower in a pot", "potted flower", "flower"]
    return ["flower", "daisy", f"flower with {['five', 'six', 'seven', 'eight'][n - 5]} petals"]


def cactus(b: Builder) -> list[str]:
    h, r = b.uniform(0.9, 1.3), b.uniform(0.12, 0.17)
    b.limb((0, 0, 0), (0, h, 0), r)
    for side in (-1, 1) if b.chance(0.8) else (1,):
        y, out, up = b.uniform(0.35, 0.6) * h, b.uniform(0.28, 0.38), b.uniform(0.25, 0.45)
        b.path([(0, y, 0), (side * out, y, 0), (side * out, y + up, 0)], r * 0.7)
    if b.chance(0.4):
        b.lathe([(0.2, -0.3), (0.28, 0.05)], sides=b.choose(None, 8))
        return ["potted cactus", "cactus in a pot", "cactus"]
    return ["cactus", "desert cactus"]


def potted_plant(b: Builder) -> list[str]:
    b.lathe([(0.2, 0), (0.28, 0.38), (0.31, 0.38), (0.31, 0.46)], sides=b.choose(None, 4, 8))
    for i in range(b.integer(6, 10)):
        a, length, up = i * 2.4, b.uniform(0.3, 0.5), b.uniform(45, 75)
        since = b.count
        b.prism(
            [(0, -0.04), (length * 0.5, -0.1), (length, 0), (length * 0.5, 0.1), (0, 0.04)],
            (0, 0, 0),
            0.035,
            turn=rotation("z", up) @ rotation("x", 90),
        )
        b.move(since, (0, 0.44, 0), rotation("y", np.degrees(a)))
    return ["potted plant", "houseplant", "plant in a pot", "plant"]


def _quadruped(
    b: Builder,
    body: tuple[float, float, float],
    leg: float,
    thick: float,
    neck: tuple[float, float],
    head: tuple[float, float, float],
    tail: tuple[float, float],
    blocky: bool,
) -> np.ndarray:
    """body: width, height, length; neck: how far up and forward the head's middle is from the body's front; returns the
    head's middle."""
    w, h, l = body
    y = leg + h / 2
    if blocky:
        b.box((0, y, 0), (w, h, l), 0.02)
    else:
        b.ball((0, y, 0), (w * 0.55, h * 0.56, l * 0.58))
    since = b.count
    for z in (l * 0.36, -l * 0.36):
        x = w * 0.32
        if blocky:
            b.span((x - thick, 0, z - thick), (x + thick, y, z + thick))
        else:
            b.limb((x, thick * 0.6, z), (x, y, z * 0.95), thick * 0.6, thick * 1.15)
    b.mirror(since, "x")
    front, at = np.array([0, y + h * 0.15, l * 0.4]), np.array([0, y + h * 0.2 + neck[0], l * 0.45 + neck[1]])
    b.limb(front, at, w * 0.3, w * 0.22)
    if blocky:
        b.box(at, head, 0.02)
    else:
        b.ball(at, np.array(head) * 0.58)
    b.limb((0, y + h * 0.25, -l * 0.48), (0, y + h * 0.25 + tail[0], -l * 0.5 - tail[1]), 0.045, 0.025)
    return at


def _ears(b: Builder, at: np.ndarray, head: tuple[float, float, float], high: float, spread: float = 0.35) -> None:
    since = b.count
    b.limb(
        at + (head[0] * spread, head[1] * 0.3, -head[2] * 0.1),
        at + (head[0] * spread * 1.3, head[1] * 0.5 + high, -head[2] * 0.1),
        0.05,
        0.02,
    )
    b.mirror(since, "x")


def dog(b: Builder) -> list[str]:
    head, blocky = (0.3, 0.28, 0.3), b.chance(0.5)
    at = _quadruped(
        b,
        (0.32, 0.3, b.uniform(0.65, 0.9)),
        b.uniform(0.22, 0.42),
        0.06,
        (0.25, 0.12),
        head,
        (b.uniform(0.1, 0.3), 0.2),
        blocky,
    )
    b.box(at + (0, -0.04, 0.2), (0.14, 0.12, 0.18), 0.03)
    if b.chance(0.5):
        _ears(b, at, head, 0.08)
    else:
        since = b.count
        b.box(at + (0.15, 0.02, 0), (0.05, 0.2, 0.12), 0.02)
        b.mirror(since, "x")
    return ["dog", "puppy", "standing dog"]


def cat(b: Builder) -> list[str]:
    head, blocky = (0.28, 0.24, 0.24), b.chance(0.5)
    at = _quadruped(
        b,
        (0.24, 0.24, b.uniform(0.6, 0.75)),
        b.uniform(0.2, 0.28),
        0.045,
        (0.2, 0.1),
        head,
        (b.uniform(0.35, 0.5), b.uniform(0.05, 0.2)),
        blocky,
    )
    since = b.count
    b.lathe([(0.075, 0), (0, 0.13)], at + (0.085, 0.09, 0), sides=4)
    b.mirror(since, "x")
    b.ball(at + (0, -0.03, 0.13), (0.07, 0.05, 0.05))
    return ["cat", "kitten", "standing cat"]


def horse(b: Builder) -> list[str]:
    head, blocky = (0.18, 0.2, 0.42), b.chance(0.5)
    at = _quadruped(
        b, (0.36, 0.38, b.uniform(0.95, 1.1)), b.uniform(0.55, 0.7), 0.065, (0.5, 0.25), head, (-0.35, 0.12), blocky
    )
    _ears(b, at, head, 0.07)
    b.limb(at + (0, 0.1, -0.08), at + (0, -0.4, -0.32), 0.04, 0.05)
    names = ["horse", "standing horse", "pony"]
    if b.chance(0.3):
        b.lathe([(0.035, 0), (0, 0.3)], at + (0, 0.08, 0.1), turn=rotation("x", 30))
        names = ["unicorn", "horse with a horn"]
    return names


def cow(b: Builder) -> list[str]:
    kind, blocky = b.choose("cow", "bull", "goat", "sheep"), b.chance(0.6)
    small = kind in ("goat", "sheep")
    body = (0.36, 0.36, 0.7) if small else (0.46, 0.46, b.uniform(0.95, 1.1))
    head = (0.2, 0.2, 0.26) if small else (0.28, 0.28, 0.34)
    at = _quadruped(b, body, b.uniform(0.26, 0.36), 0.05 if small else 0.075, (0.15, 0.14), head, (-0.2, 0.06), blocky)
    since = b.count
    b.box(at + (head[0] * 0.65, 0.02, -0.06), (0.14, 0.08, 0.04), 0.015)
    if kind != "sheep":
        b.limb(
            at + (head[0] * 0.3, head[1] * 0.4, -0.02),
            at + (head[0] * (0.9 if not small else 0.4), head[1] * 0.5 + 0.14, -0.05 if not small else -0.2),
            0.035,
            0.012,
        )
    b.mirror(since, "x")
    if kind == "sheep":
        y = 0.31 + 0.18
        for i in range(8):
            b.ball((0.15 * np.cos(i * 2.4), y + 0.1 * np.sin(i * 2.4), 0.5 * (i / 7 - 0.5)), 0.16)
    return {"cow": ["cow", "cow with horns"], "bull": ["bull", "ox"], "goat": ["goat"], "sheep": ["sheep", "lamb"]}[
        kind
    ]


def pig(b: Builder) -> list[str]:
    head, blocky = (0.32, 0.3, 0.28), b.chance(0.5)
    at = _quadruped(b, (0.42, 0.42, b.uniform(0.75, 0.85)), 0.2, 0.07, (0.05, 0.16), head, (0.08, 0.06), blocky)
    b.cylinder(at + (0, -0.03, 0.17), 0.08, 0.12, "z")
    _ears(b, at, head, 0.06)
    return ["pig", "piglet"]


def elephant(b: Builder) -> list[str]:
    head, blocky = (0.46, 0.5, 0.44), b.chance(0.4)
    at = _quadruped(b, (0.62, 0.62, b.uniform(0.95, 1.1)), 0.42, 0.12, (0.14, 0.2), head, (-0.3, 0.06), blocky)
    b.path([at + (0, -0.08, 0.2), at + (0, -0.35, 0.34), at + (0, -0.7, 0.34), at + (0, -0.8, 0.44)], 0.1, 0.05)
    since = b.count
    b.ball(at + (0.34, 0.02, -0.08), (0.2, 0.26, 0.05), rotation("y", 25))
    b.limb(at + (0.14, -0.18, 0.18), at + (0.17, -0.32, 0.42), 0.04, 0.015)
    b.mirror(since, "x")
    return ["elephant", "elephant with tusks"]


def fish(b: Builder) -> list[str]:
    l, h, w = b.uniform(0.5, 0.7), b.uniform(0.2, 0.32), b.uniform(0.1, 0.16)
    b.ball((0, 0, 0), (w, h, l))
    b.prism([(l * 0.75, 0), (l * 1.35, h), (l * 1.25, 0), (l * 1.35, -h)][::-1], (0, 0, 0), 0.05, "x")
    if b.chance(0.6):
        b.prism([(-l * 0.35, h * 0.8), (l * 0.4, h * 0.75), (l * 0.35, h * 1.4), (0, h * 1.5)], (0, 0, 0), 0.045, "x")
        names = ["fish", "fish with fins"]
    else:
        b.prism([(0, h * 0.85), (l * 0.35, h * 0.7), (l * 0.35, h * 1.9)], (0, 0, 0), 0.05, "x")
        names = ["shark", "fish"]
    since = b.count
    b.prism(
        [(0, 0.05), (0, -0.09), (h, -0.16), (h, -0.1)],
        (w * 0.6, -h * 0.3, l * 0.25),
        0.04,
        turn=rotation("z", -30) @ rotation("x", 90),
    )
    b.ball((w * 0.75, h * 0.2, l * 0.65), 0.045)
    b.mirror(since, "x")
    return names


def bird(b: Builder) -> list[str]:
    kind = b.choose("bird", "duck", "penguin", "flying bird")
    if kind == "penguin":
        b.ball((0, 0.45, 0), (0.3 * b.uniform(0.9, 1.1), 0.45, 0.27 * b.uniform(0.9, 1.1)))
        b.ball((0, 0.95, 0.02), 0.2)
        b.lathe([(0.06, 0), (0, 0.16)], (0, 0.95, 0.18), "z")
        since = b.count
        b.ball((0.32, 0.5, 0), (0.05, 0.3, 0.12), rotation("z", 14))
        b.ball((0.13, 0.03, 0.12), (0.11, 0.05, 0.18))
        b.mirror(since, "x")
        return ["penguin", "bird"]
    b.ball((0, 0, 0), (0.22, 0.22 * b.uniform(0.85, 1.15), 0.38 * b.uniform(0.9, 1.15)))
    at = np.array((0, 0.3 if kind != "flying bird" else 0.1, 0.32 if kind != "flying bird" else 0.42))
    b.limb((0, 0.08, 0.22), at, 0.13, 0.1)
    b.ball(at, 0.15)
    if kind == "duck":
        b.box(at + (0, -0.02, 0.19), (0.13, 0.045, 0.16), 0.02)
    else:
        b.lathe([(0.055, 0), (0, 0.17)], at + (0, -0.01, 0.12), "z")
    b.prism(
        [(-0.08, 0.3), (0.08, 0.3), (0.16, 0.62), (-0.16, 0.62)],
        (0, 0.08, 0),
        0.05,
        turn=rotation("x", -90 + (15 if kind == "duck" else 0)),
    )
    since = b.count
    if kind == "flying bird":
        b.prism(
            [(0.1, 0.18), (0.1, -0.15), (0.55, -0.15), (0.95, -0.3), (0.55, 0.15)],
            (0, 0.06, 0),
            0.05,
            turn=rotation("z", b.uniform(0, 20)) @ rotation("x", 90),
        )
    else:
        b.ball((0.2, 0.04, -0.06), (0.06, 0.15, 0.28))
    if kind == "bird":
        b.rod((0.09, -0.1, 0), (0.09, -0.4, 0.02), 0.024)
        b.box((0.09, -0.4, 0.07), (0.1, 0.04, 0.2))
    b.mirror(since, "x")
    return {
        "flying bird": ["flying bird", "bird with spread wings", "bird", "seagull"],
        "duck": ["duck", "bird"],
        "bird": ["bird", "standing bird"],
    }[kind]


def spider(b: Builder) -> list[str]:
    b.ball((0, 0.3, -0.28), (b.uniform(0.2, 0.28), 0.24, 0.32))
    knee, out_to, thick = b.uniform(0.45, 0.65), b.uniform(0.7, 0.95), b.uniform(0.035, 0.05)
    b.ball((0, 0.28, 0.14), (0.17, 0.14, 0.18))
    since = b.count
    for angle in (-45, -15, 15, 45):
        a = np.radians(angle)
        out = np.array([np.cos(a), 0, np.sin(a)])
        b.path(
            [(0.1 * out[0], 0.28, 0.12 + 0.1 * out[2]), out * 0.5 + (0, knee, 0.12), out * out_to + (0, 0.03, 0.12)],
            thick,
            0.022,
        )
    b.mirror(since, "x")
    return ["spider", "spider with eight legs"]


def robot(b: Builder) -> list[str]:
    soft, w, h = b.choose(0, 0.03, 0.06), b.uniform(0.5, 0.7), b.uniform(0.5, 0.7)
    legs = b.choose("legs", "legs", "wheels")
    leg = 0.5 if legs == "legs" else 0.22
    b.box((0, leg + h / 2, 0), (w, h, w * 0.65), soft)
    b.cylinder((0, leg + h + 0.04, 0), 0.09, 0.12)
    head = b.uniform(0.3, 0.42)
    y = leg + h + 0.08 + head * 0.4
    b.box((0, y, 0), (head * 1.2, head * 0.8, head), soft)
    since = b.count
    b.cylinder((head * 0.3, y + 0.03, head / 2), 0.06, 0.08, "z")
    b.cylinder((w / 2 + 0.06, leg + h * 0.82, 0), 0.09, 0.16, "x")
    b.box((w / 2 + 0.13, leg + h * 0.45, 0), (0.13, h * 0.75, 0.15), soft)
    b.box((w / 2 + 0.13, leg + h * 0.02, 0.0), (0.18, 0.14, 0.2), soft)
    if legs == "legs":
        b.box((w * 0.25, leg / 2, 0), (0.16, leg + 0.05, 0.18), soft)
        b.box((w * 0.25, 0.06, 0.06), (0.22, 0.12, 0.34), soft)
    else:
        b.cylinder((w * 0.45, 0.2, 0), 0.2, 0.14, "x")
        b.rod((0, 0.2, 0), (w * 0.45, 0.2, 0), 0.05)
    b.mirror(since, "x")
    b.box((0, leg + h * 0.55, w * 0.325), (w * 0.5, h * 0.35, 0.06), cut=b.chance(0.5))
    if b.chance(0.6):
        b.cylinder((0, y + head * 0.4 + 0.1, 0), 0.02, 0.22)
        b.ball((0, y + head * 0.4 + 0.22, 0), 0.05)
    return ["robot", "toy robot", "robot with wheels" if legs == "wheels" else "robot with legs"]


def person(b: Builder) -> list[str]:
    blocky, leg, torso, w = b.chance(0.5), b.uniform(0.7, 0.85), b.uniform(0.5, 0.6), b.uniform(0.36, 0.46)
    neck, spread = leg + torso, b.choose(8, 15, 75)
    head = b.uniform(0.13, 0.18)
    if blocky:
        b.box((0, leg + torso / 2, 0), (w, torso + 0.04, 0.22))
        b.box((0, neck + head + 0.03, 0), (head * 1.7, head * 2, head * 1.7), 0.02)
    else:
        b.limb((0, leg + 0.06, 0), (0, neck - 0.16, 0), w * 0.36, w * 0.42)
        b.ball((0, neck + head + 0.02, 0), (head * 0.85, head, head * 0.9))
    b.cylinder((0, neck + 0.02, 0), 0.06, 0.12)
    since = b.count
    a = np.radians(spread)
    shoulder = np.array([w / 2 - 0.02, neck - 0.08, 0])
    hand = shoulder + 0.58 * np.array([np.sin(a), -np.cos(a), 0])
    if blocky:
        b.rod(shoulder, hand, 0.065, 4)
        b.span((0.02, 0, -0.09), (w / 2, leg + 0.02, 0.09))
        b.span((0.02, 0, -0.09), (w / 2, 0.08, 0.17))
    else:
        b.limb(shoulder, hand, 0.07, 0.05)
        b.limb((w * 0.24, leg + 0.04, 0), (w * 0.26, 0.08, 0), 0.1, 0.06)
        b.ball((w * 0.26, 0.05, 0.06), (0.07, 0.05, 0.14))
    b.mirror(since, "x")
    return ["person", "human", "standing person", "figure"] + (["person with spread arms"] if spread > 60 else [])


def snowman(b: Builder) -> list[str]:
    y = 0.0
    for r in (b.uniform(0.38, 0.46), b.uniform(0.28, 0.33), 0.22):
        b.ball((0, y + r * 0.85, 0), r)
        y += r * 1.6
    head = y - 0.22 * 0.75
    b.lathe([(0.05, 0), (0, 0.25)], (0, head, 0.18), "z")
    since = b.count
    b.rod((0.2, 0.95, 0), (0.65, 1.15, 0.05), 0.024)
    b.ball((0.08, head + 0.07, 0.19), 0.035)
    b.mirror(since, "x")
    if b.chance(0.7):
        b.cylinder((0, head + 0.17, 0), 0.26, 0.04)
        b.cylinder((0, head + 0.3, 0), 0.17, 0.28)
        return ["snowman", "snowman with a hat"]
    return ["snowman"]


FAMILIES = {
    function.__name__: (function, category)
    for function, category in (
        (tree, "nature"),
        (mushroom, "nature"),
        (flower, "nature"),
        (cactus, "nature"),
        (potted_plant, "nature"),
        (dog, "animal"),
        (cat, "animal"),
        (horse, "animal"),
        (cow, "animal"),
        (pig, "animal"),
        (elephant, "animal"),
        (fish, "animal"),
        (bird, "animal"),
        (spider, "animal"),
        (robot, "character"),
        (person, "character"),
        (snowman, "character"),
    )
}
