"""Families of vehicles, on wheels, on rails, in water and in the air, facing +Z."""

from ..builder import Builder, rotation


def _wheels(b: Builder, x: float, r: float, thick: float, *positions: float) -> None:
    since, sides = b.count, b.choose(None, None, 10)
    for z in positions:
        b.cylinder((x, r, z), r, thick, "x", sides)
        b.cylinder((x + thick / 2, r, z), r * 0.6, thick * 0.4, "x", cut=True)
        b.cylinder((x, r, z), r * 0.25, thick, "x")
    b.mirror(since, "x")
    for z in positions:
        b.rod((-x, r, z), (x, r, z), r * 0.2)


def car(b: Builder) -> list[str]:
    kind = b.choose("sedan", "hatchback", "van", "pickup truck", "sports car", "off-road car")
    l, w, r = (
        {"sports car": 1.9, "van": 1.9}.get(kind, 1.8) * b.uniform(0.93, 1.07),
        b.uniform(0.72, 0.82),
        b.uniform(0.15, 0.19),
    )
    r = r * 1.3 if kind == "off-road car" else r
    floor, belt = r * 0.9, {"sports car": 0.42, "off-road car": 0.66}.get(kind, 0.52)
    roof = {"sports car": 0.66, "van": 0.95, "off-road car": 0.98}.get(kind, 0.82)
    soft = b.choose(0, 0.03, 0.06)
    b.span((-w / 2, floor, -l / 2), (w / 2, belt, l / 2), soft)
    low, high = {
        "sedan": (-0.32, 0.22),
        "hatchback": (-0.47, 0.2),
        "van": (-0.49, 0.32),
        "pickup truck": (-0.05, 0.25),
        "sports car": (-0.35, 0.15),
        "off-road car": (-0.46, 0.2),
    }[kind]
    front, rear = b.uniform(0.1, 0.2) * l, (0.03 if kind in ("van", "hatchback", "off-road car") else 0.12) * l
    b.prism(
        [(-high * l, belt - 0.02), (-low * l, belt - 0.02), (-low * l - rear, roof), (-high * l + front, roof)],
        (0, 0, 0),
        w * 0.9,
        "x",
    )
    middle, tall = (low + high) / 2 * l + (rear - front) / 2, roof - belt
    b.box((0, belt + tall * 0.5, middle), (w * 0.97, tall * 0.55, (high - low) * l * 0.5), cut=True)
    b.box((0, belt + tall * 0.5, middle), (w * 0.8, tall, (high - low) * l * 0.5))
    if kind == "pickup truck":
        b.span((-w / 2 + 0.05, floor + 0.12, -l / 2 + 0.05), (w / 2 - 0.05, 1, low * l - 0.04), cut=True)
    since = b.count
    for z in (0.31 * l, -0.31 * l):
        b.cylinder((w / 2, r, z), r * 1.18, 0.28, "x", cut=True)
    b.mirror(since, "x")
    _wheels(b, w / 2 - 0.06, r, 0.14, 0.31 * l, -0.31 * l)
    since = b.count
    b.cylinder((w * 0.36, belt - 0.12, l / 2), 0.05, 0.05, "z")
    b.mirror(since, "x")
    if kind == "sports car":
        b.box((0, belt + 0.12, -l / 2 + 0.1), (w * 0.9, 0.03, 0.14))
        b.box((0, belt + 0.05, -l / 2 + 0.1), (w * 0.5, 0.16, 0.04))
    return {"pickup truck": ["pickup truck", "pickup", "car"], "van": ["van", "minivan", "car"]}.get(
        kind, [kind, "car", "automobile"]
    )


def truck(b: Builder) -> list[str]:
    w, r, cab, l = b.uniform(0.8, 0.95), b.uniform(0.17, 0.22), b.uniform(0.5, 0.7), b.uniform(1.2, 2)
    floor, high = r * 1.6, b.uniform(0.85, 1.1)
    b.span((-w * 0.4, floor - 0.12, -l), (w * 0.4, floor + 0.02, cab))
    b.prism(
        [
            (-cab, floor - 0.15),
            (-0.02, floor - 0.15),
            (-0.02, floor + high),
            (-cab * 0.85, floor + high),
            (-cab, floor + high * 0.5),
        ],
        (0, 0, 0),
        w,
        "x",
    )
    b.box((0, floor + high * 0.72, cab * 0.95), (w * 0.84, high * 0.32, 0.2), turn=rotation("x", -15), cut=True)
    since = b.count
    b.box((w / 2, floor + high * 0.7, cab * 0.45), (0.08, high * 0.32, cab * 0.5), cut=True)
    b.mirror(since, "x")
    kind = b.choose("box", "box", "dump", "tank", "flatbed")
    if kind == "box":
        b.span((-w * 0.54, floor, -l), (w * 0.54, floor + high * 1.25, -0.08))
    elif kind == "tank":
        b.cylinder((0, floor + w * 0.45, -l / 2 - 0.04), w * 0.48, l - 0.08, "z")
    else:
        b.span((-w * 0.54, floor, -l), (w * 0.54, floor + (0.45 if kind == "dump" else 0.12), -0.06))
        if kind == "dump":
            b.span((-w * 0.54 + 0.05, floor + 0.06, -l + 0.05), (w * 0.54 - 0.05, 3, -0.11), cut=True)
    _wheels(b, w / 2 - 0.06, r, 0.16, cab * 0.5, -l * 0.55, -l * 0.55 - 2.15 * r)
    return {
        "box": ["truck", "delivery truck", "lorry"],
        "dump": ["dump truck", "truck"],
        "tank": ["tanker truck", "truck"],
        "flatbed": ["flatbed truck", "truck"],
    }[kind]


def bus(b: Builder) -> list[str]:
    l, w, h, r, n = b.uniform(2, 2.6), 0.72, b.choose(0.8, 0.8, 1.3), 0.17, b.integer(5, 8)
    b.span((-w / 2, r * 0.9, -l / 2), (w / 2, r + h, l / 2), b.choose(0.02, 0.06))
    for level in range(2 if h > 1 else 1):
        y = r + (h if h < 1 else h / 2 * (level + 1)) - 0.25
        for i in range(n):
            b.box((0, y, l * ((i + 0.5) / n - 0.5) * 0.92), (w * 1.1, 0.22, l / n * 0.7), cut=True)
        b.box((0, y, l / 2), (w * 0.84, 0.26, 0.08), cut=True)
        b.span((-w / 2 + 0.05, y - 0.14, -l / 2 + 0.05), (w / 2 - 0.05, y + 0.14, l / 2 - 0.05))
    _wheels(b, w / 2 - 0.06, r, 0.14, l * 0.32, -l * 0.3)
    return ["double-decker bus", "bus"] if h > 1 else ["bus", "city bus", "coach"]


def train(b: Builder) -> list[str]:
    l, w, r = b.uniform(1.4, 1.9), 0.6, 0.15
    b.span((-w / 2, r * 1.3, -l / 2), (w / 2, r * 1.3 + 0.12, l / 2))
    b.span((-w * 0.3, r * 0.8, -l * 0.45), (w * 0.3, r * 1.4, l * 0.45))
    boiler, back = b.uniform(0.2, 0.26), -l / 2 + b.uniform(0.4, 0.55)
    y = r * 1.3 + 0.1 + boiler
    b.cylinder((0, y, (l / 2 + back) / 2 - 0.04), boiler, l / 2 - back - 0.02, "z", b.choose(None, 8))
    b.span((-w / 2, r * 1.3, -l / 2), (w / 2, y + 0.55, back))
    b.box((0, y + 0.57, (back - l / 2) / 2), (w + 0.12, 0.08, back + l / 2 + 0.14))
    b.box((0, y + 0.3, (back - l / 2) / 2), (w * 1.5, 0.26, (back + l / 2) * 0.5), cut=True)
    b.lathe([(0.07, 0), (0.07, 0.25), (0.12, 0.42)], (0, y + boiler - 0.04, l / 2 - 0.2))
    b.cylinder((0, y + boiler, 0.05), 0.08, 0.16)
    b.prism([(-w / 2, r * 0.6), (w / 2, r * 0.6), (w * 0.3, r * 1.8), (-w * 0.3, r * 1.8)], (0, 0, l / 2), 0.16)
    _wheels(b, w / 2 - 0.03, r, 0.08, l * 0.36, l * 0.12, -l * 0.12, -l * 0.36)
    return ["steam locomotive", "locomotive", "train", "steam train"]


def tractor(b: Builder) -> list[str]:
    big, small = b.uniform(0.42, 0.5), b.uniform(0.2, 0.26)
    b.span((-0.2, 0.3, -0.3), (0.2, 0.72, 0.95), b.choose(0, 0.04))
    b.span((-0.3, 0.35, -0.6), (0.3, 0.75, 0.0))
    since = b.count
    b.box((0.26, 1.05, -0.55), (0.05, 0.75, 0.05))
    b.box((0.26, 1.05, -0.02), (0.05, 0.75, 0.05))
    b.mirror(since, "x")
    b.box((0, 1.42, -0.28), (0.7, 0.07, 0.75))
    b.box((0, 0.82, -0.38), (0.3, 0.25, 0.25))
    b.cylinder((0.1, 0.9, 0.65), 0.035, 0.5)
    since = b.count
    b.cylinder((0.42, big, -0.35), big, 0.24, "x", b.choose(None, 12))
    b.cylinder((0.54, big, -0.35), big * 0.55, 0.12, "x", cut=True)
    b.cylinder((0.3, small, 0.75), small, 0.16, "x")
    b.mirror(since, "x")
    b.rod((-0.4, big, -0.35), (0.4, big, -0.35), 0.07)
    b.rod((-0.3, small, 0.75), (0.3, small, 0.75), 0.05)
    b.box((0, 0.3, 0.75), (0.1, 0.25, 0.1))
    return ["tractor", "farm tractor"]


def cart(b: Builder) -> list[str]:
    w, l, r = b.uniform(0.6, 0.8), b.uniform(0.9, 1.3), b.uniform(0.24, 0.34)
    b.span((-w / 2, r, -l / 2), (w / 2, r + 0.36, l / 2))
    b.span((-w / 2 + 0.05, r + 0.06, -l / 2 + 0.05), (w / 2 - 0.05, 2, l / 2 - 0.05), cut=True)
    wheels = b.choose((0.0,), (-0.32, 0.32))
    since = b.count
    for z in wheels:
        b.lathe(
            [(r * 0.78, -0.03), (r, -0.03), (r, 0.03), (r * 0.78, 0.03), (r * 0.78, -0.03)],
            (w / 2 + 0.07, r, z * l),
            "x",
        )
        for i in range(3):
            b.box((w / 2 + 0.07, r, z * l), (0.04, 1.7 * r, 0.045), turn=rotation("x", 60 * i))
        b.cylinder((w / 2 + 0.07, r, z * l), r * 0.2, 0.1, "x")
    b.rod((w * 0.36, r + 0.04, l / 2 - 0.05), (w * 0.3, r + 0.04, l / 2 + 0.6), 0.03, 4)
    b.mirror(since, "x")
    for z in wheels:
        b.rod((-w / 2 - 0.07, r, z * l), (w / 2 + 0.07, r, z * l), 0.035)
    return ["cart", "wooden cart", "cart with two wheels" if len(wheels) == 1 else "wagon"]


def airplane(b: Builder) -> list[str]:
    l, r = b.uniform(1.8, 2.4), b.uniform(0.14, 0.2)
    kind = b.choose("airplane", "jet", "propeller plane", "biplane")
    b.limb((0, 0, -l * 0.5), (0, 0, l * 0.4), r * 0.45, r)
    if kind != "biplane":
        b.lathe([(r, 0), (r * 0.8, r), (r * 0.4, r * 1.7), (0, r * 1.9)], (0, 0, l * 0.42), "z")
    b.ball((0, r * 0.8, l * 0.25), (r * 0.6, r * 0.6, r * 1.4))
    span, chord, sweep = (
        l * b.uniform(0.42, 0.55),
        l * b.uniform(0.14, 0.2),
        {"jet": 0.35, "airplane": 0.2}.get(kind, 0.0),
    )
    since = b.count
    wing = [(0, chord / 2), (0, -chord / 2), (span, -chord * 0.35 - sweep * span), (span, chord * 0.15 - sweep * span)]
    for y in (-0.3 * r,) if kind != "biplane" else (-0.8 * r, 2.2 * r):
        b.prism(wing, (0, y, l * 0.08), 0.045, turn=rotation("x", 90))
    tail = [
        (0, chord * 0.3),
        (0, -chord * 0.3),
        (span * 0.4, -chord * 0.3 - sweep * span * 0.3),
        (span * 0.4, 0 - sweep * span * 0.3),
    ]
    b.prism(tail, (0, r * 0.1, -l * 0.45), 0.035, turn=rotation("x", 90))
    if kind == "airplane":
        b.cylinder((span * 0.45, -r * 0.9, l * 0.08), r * 0.4, chord, "z")
    if kind == "biplane":
        for x in (0.35, 0.8):
            b.rod((span * x, -0.8 * r, l * 0.08), (span * x, 2.2 * r, l * 0.08), 0.02)
        b.rod((r * 0.5, 0, l * 0.08), (r * 0.8, 2.2 * r, l * 0.08), 0.02)
    b.mirror(since, "x")
    b.prism([(l * 0.5, 0), (l * 0.33, 0), (l * 0.47, r * 2.4), (l * 0.54, r * 2.4)], (0, r * 0.2, 0), 0.04, "x")
    if kind in ("propeller plane", "biplane"):
        front = l * 0.42 + (r * 1.9 if kind != "biplane" else r)
        b.box((0, 0, front), (0.09, 3.2 * r, 0.03), turn=rotation("z", b.uniform(0, 90)))
        b.cylinder((0, 0, front - 0.03), 0.05, 0.15, "z")
        since = b.count
        b.rod((0.05, -r * 0.5, l * 0.2), (r * 1.2, -r * 2, l * 0.2), 0.022)
        b.cylinder((r * 1.25, -r * 2, l * 0.2), r * 0.5, 0.07, "x")
        b.mirror(since, "x")
    return [kind, "airplane", "plane", "aircraft"]


def helicopter(b: Builder) -> list[str]:
    b.ball((0, 0, 0.2), (0.3, 0.32, 0.5))
    b.limb((0, 0.08, -0.1), (0, 0.16, -1.1), 0.14, 0.05)
    b.cylinder((0, 0.38, 0.15), 0.05, 0.25)
    since, length = b.count, b.uniform(0.9, 1.2)
    b.box((0, 0.48, length / 2), (0.1, 0.03, length))
    b.ring(since, b.choose(2, 3, 4))
    b.move(since, (0, 0, 0.15))
    b.prism([(1.05, 0.1), (0.95, 0.1), (1.1, 0.42), (1.2, 0.42)], (0, 0, 0), 0.04, "x")
    b.box((0.07, 0.2, -1.1), (0.03, 0.4, 0.05), turn=rotation("x", 30))
    since = b.count
    b.rod((0.26, -0.42, -0.3), (0.26, -0.42, 0.7), 0.03)
    for z in (-0.02, 0.4):
        b.rod((0.26, -0.42, z), (0.12, -0.15, z), 0.022)
    b.mirror(since, "x")
    return ["helicopter", "chopper"]


def _deck(l: float, w: float) -> list[tuple[float, float]]:
    """Outline of a boat's deck, seen from above, its bow at −y."""
    return [
        (-w / 2, l / 2),
        (-w / 2, -l * 0.15),
        (-w * 0.3, -l * 0.38),
        (0, -l / 2),
        (w * 0.3, -l * 0.38),
        (w / 2, -l * 0.15),
        (w / 2, l / 2),
    ]


def _hull(b: Builder, l: float, w: float, h: float) -> None:
    """Pointed at +z, the deck at y = h."""
    bow = _deck(l, w)
    b.prism([(x, -y) for x, y in bow], (0, h * 0.75, 0), h * 0.5, turn=rotation("x", 90))
    b.prism([(x * 0.75, -y * 0.88) for x, y in bow], (0, h * 0.3, 0), h * 0.6, turn=rotation("x", 90))


def boat(b: Builder) -> list[str]:
    l, w, h = b.uniform(1.4, 2), b.uniform(0.5, 0.7), b.uniform(0.25, 0.35)
    _hull(b, l, w, h)
    inner = _deck(l, w)
    kind = b.choose("rowing boat", "sailboat", "motorboat")
    if kind != "motorboat":
        b.prism([(x * 0.82, -y * 0.88) for x, y in inner], (0, h * 0.9, 0), h * 1.2, turn=rotation("x", 90), cut=True)
        for z in (-0.25, 0.05):
            b.box((0, h * 0.75, z * l), (w * 0.9, 0.04, 0.16))
    if kind == "rowing boat":
        if b.chance(0.6):
            since = b.count
            b.rod((w * 0.3, h * 1.02, -0.05), (w * 1.3, h * 0.7, 0.1), 0.02)
            b.box((w * 1.4, h * 0.66, 0.115), (0.24, 0.09, 0.03))
            b.mirror(since, "x")
        return ["rowing boat", "rowboat", "boat"]
    if kind == "sailboat":
        high = b.uniform(1.2, 1.7)
        b.rod((0, 0.05, l * 0.1), (0, high + h, l * 0.1), 0.03)
        b.prism([(-l * 0.08, h + 0.18), (l * 0.42, h + 0.18), (-l * 0.08, high + h)], (0, 0, 0), 0.035, "x")
        b.prism([(-l * 0.12, h + 0.25), (-l * 0.12, high + h - 0.2), (-l * 0.44, h + 0.2)][::-1], (0, 0, 0), 0.03, "x")
        b.rod((0, h, l * 0.44), (0, high + h - 0.15, l * 0.11), 0.015)
        b.rod((0, h + 0.16, -l * 0.42), (0, h + 0.16, l * 0.1), 0.025)
        return ["sailboat", "sailing boat", "yacht", "boat"]
    b.span((-w * 0.38, h - 0.02, -l * 0.25), (w * 0.38, h + 0.25, l * 0.1))
    b.prism([(-l * 0.2, h), (-l * 0.1, h), (-l * 0.08, h + 0.25)], (0, 0, 0), w * 0.74, "x")
    return ["motorboat", "speedboat", "boat"]


def ship(b: Builder) -> list[str]:
    l, w, h = b.uniform(2, 2.6), b.uniform(0.55, 0.75), b.uniform(0.35, 0.5)
    _hull(b, l, w, h)
    kind = b.choose("sailing ship", "pirate ship", "cargo ship", "ship")
    if kind in ("sailing ship", "pirate ship"):
        b.span((-w / 2, h - 0.02, -l / 2), (w / 2, h + 0.25, -l * 0.28))
        n = b.integer(2, 3)
        for i in range(n):
            z, high = l * (0.28 - 0.5 * i / (n - 1)), b.uniform(1.2, 1.5) * (1.1 if i == n // 2 else 0.9)
            b.rod((0, h - 0.1, z), (0, h + high, z), 0.035)
            for low, top, wide in ((0.25, 0.6, 1.0), (0.66, 0.93, 0.75)):
                b.rod((-wide * w * 0.75, h + high * top, z), (wide * w * 0.75, h + high * top, z), 0.022)
                b.prism(
                    [
                        (-wide * w * 0.68, h + high * low),
                        (wide * w * 0.68, h + high * low),
                        (wide * w * 0.6, h + high * top),
                        (-wide * w * 0.6, h + high * top),
                    ],
                    (0, 0, z + 0.025),
                    0.04,
                )
        b.rod((0, h, l * 0.42), (0, h + 0.3, l * 0.66), 0.03)
        return [kind, "ship", "ship with sails", f"ship with {['two', 'three'][n - 2]} masts"]
    if kind == "cargo ship":
        for i in range(b.integer(2, 4)):
            for j in range(2):
                high = 0.16 * b.integer(1, 3)
                b.span(
                    (w * (j / 2 - 0.46), h - 0.01, l * (0.22 - 0.17 * i)),
                    (w * (j / 2 - 0.04), h + high, l * (0.22 - 0.17 * i) + l * 0.15),
                )
        b.span((-w * 0.42, h - 0.01, -l * 0.46), (w * 0.42, h + 0.6, -l * 0.34))
        b.cylinder((0, h + 0.7, -l * 0.4), 0.08, 0.3)
        return ["cargo ship", "container ship", "freighter", "ship"]
    y, size = h - 0.01, 0.62
    for _ in range(b.integer(2, 3)):
        b.span((-w * size * 0.6, y, -l * size * 0.55), (w * size * 0.6, y + 0.2, l * size * 0.35))
        y, size = y + 0.19, size * 0.85
    for z in ((-0.1,), (-0.15, 0.02))[b.integer(0, 1)]:
        b.cylinder((0, y + 0.15, z * l), 0.08, 0.35)
    return ["steamship", "passenger ship", "ship", "ship with funnels"]


def submarine(b: Builder) -> list[str]:
    l, r = b.uniform(1.6, 2.2), b.uniform(0.22, 0.3)
    b.limb((0, 0, -l * 0.4), (0, 0, l * 0.36), r * 0.75, r)
    b.prism([(-0.25, 0), (0.2, 0), (0.16, r + 0.3), (-0.16, r + 0.3)], (0, 0, l * 0.08), 0.2, "x")
    b.path([(0, r, l * 0.1), (0, r + 0.55, l * 0.1), (0, r + 0.55, l * 0.1 + 0.12)], 0.025)
    since = b.count
    b.box((0, r * 0.9, -l * 0.45), (0.04, r * 1.0, 0.2))
    b.ring(since, 4, "z")
    since = b.count
    b.box((0, 0.12, -l * 0.62), (0.1, 0.26, 0.03))
    b.ring(since, 4, "z")
    b.cylinder((0, 0, -l * 0.56), 0.05, 0.25, "z")
    return ["submarine"]


def rocket(b: Builder) -> list[str]:
    r, h, sides = b.uniform(0.2, 0.32), b.uniform(1, 1.6), b.choose(None, None, 8)
    b.lathe([(r * 0.75, 0), (r, h * 0.25), (r, h * 0.6), (r * 0.6, h * 0.85), (0, h * 1.05)], sides=sides)
    b.lathe([(r * 0.7, -0.16), (r * 0.4, 0.02)], sides=sides)
    since = b.count
    b.prism([(-r * 0.7, h * 0.3), (-r * 2, -0.02), (-r * 2, -0.2), (-r * 0.6, 0.05)], (0, 0, 0), 0.05, "x")
    b.ring(since, b.choose(3, 4))
    b.cylinder((0, h * 0.6, r), r * 0.4, 0.12, "z", cut=True)
    return ["rocket", "space rocket", "spaceship", "rocket with fins"]


FAMILIES = {
    function.__name__: (function, "vehicle")
    for function in (car, truck, bus, train, tractor, cart, airplane, helicopter, boat, ship, submarine, rocket)
}
