"""Bars of a model of levels, from the numbers of its evaluation, and their lines of text."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

KEEPS = ("structure+major", "structure", "nothing")  # in this order less and less stays
VARIANTS = 4  # whose seconds are measured


@dataclass(frozen=True)
class Bar:
    """A measured number and its bar: at least that, or at most."""

    what: str
    value: float
    bar: float
    at_most: bool = False

    @property
    def passed(self) -> bool:
        return self.value <= self.bar if self.at_most else self.value >= self.bar

    def line(self) -> str:
        """As text."""
        sign = "≤" if self.at_most else "≥"
        return f"{self.what:72}{self.value:8.3f}  ({sign} {self.bar:g}){'' if self.passed else '  MISSED'}"


def bars_of(report: dict) -> list[Bar]:
    """Each number that has a bar, from a report's numbers."""
    rows, means, cascade = report["shapes"], report["means"], report["cascade"]
    ordered = sum(row["fine_noise"] > row["fine_major_noise"] for row in rows)
    controlled = [row["control"] for row in rows if "control" in row]
    pairs = {keep: float(np.mean([control[keep][0] for control in controlled])) for keep in KEEPS}
    kept = float(np.mean([control[KEEPS[0]][1] for control in controlled]))
    plain = float(np.mean([row["iou"] for row in rows if "control" in row]))
    bars = [
        Bar("2 reconstruction: mean IoU", means["iou"], 0.70),
        Bar("2 reconstruction: median IoU", report["iou_median"], 0.75),
        Bar(
            "3 levels: IoU with noise for Z1, less that with noise for Z1 and Z2",
            means["fine_noise"] - means["fine_major_noise"],
            0.0,
        ),
        Bar("3 levels: share of shapes on which that is so", ordered / len(rows), 20 / 24),
        Bar(
            "4 control: pairwise IoU, Z3 and Z2 kept, less Z3 alone",
            pairs["structure+major"] - pairs["structure"],
            0.05,
        ),
        Bar("4 control: pairwise IoU, Z3 kept, less nothing", pairs["structure"] - pairs["nothing"], 0.05),
        Bar("4 control: IoU with the original, Z3 and Z2 kept, of the plain one's", kept / plain, 0.8),
        Bar(
            "5 cascade: coverage, of that of training shapes",
            cascade["coverage"] / max(cascade["training_coverage"], 1e-6),
            0.8,
        ),
        Bar(
            "5 cascade: IoU with the nearest training shape, Z3 and Z2 encoded, less generated",
            cascade["nearest"]["encoded"] - cascade["nearest"]["generated"],
            0.05,
            at_most=True,
        ),
        Bar("5 cascade: samples without a surface", cascade["without_surface"], 0, at_most=True),
        Bar(f"6 seconds of {VARIANTS} variants", report["seconds"], 20, at_most=True),
        Bar("6 the same seed gives the same mesh", float(report["repeated"]), 1),
    ]
    if report["vectors"]:
        passed, count = report["vectors"]
        bars.insert(0, Bar("1 reference vectors: share within their bars", passed / count, 1))
    return bars


def lines_of(report: dict, write: Callable[[str], object] = print) -> None:
    """Write the bars, and the numbers beside them."""
    for bar in bars_of(report):
        write(bar.line())
    means, cascade = report["means"], report["cascade"]
    if means["starter"] is not None:
        write(f"the starter's autoencoder on the same shapes: IoU {means['starter']:.3f}")
    write(
        f"noise for Z1: IoU {means['fine_noise']:.3f}, for Z1 and Z2: {means['fine_major_noise']:.3f}; coverage "
        f"{cascade['coverage']:.3f}, of training shapes {cascade['training_coverage']:.3f}"
    )
