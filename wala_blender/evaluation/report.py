"""Aggregation of per-shape scores into a report's numbers and tables."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..training.data.captions import carries
from .training_set import TrainingShapes

ALSO = ("own_nearest_iou", "mse")  # what only some scores have
COLUMNS = (
    ("IoU", "iou", 3),
    ("median", "iou_median", 3),
    ("chamfer", "chamfer", 4),
    ("median", "chamfer_median", 4),
    ("F-score", "f_score", 3),
    ("normals °", "normal_angle", 1),
    ("median", "normal_angle_median", 1),
    ("one piece", "one_piece", 2),
    ("silhouette", "silhouette_iou", 3),
    ("LFD", "light_field_distance", 0),
)
THIRDS = ("thin", "middle", "bulky")
SMALL = "{:.2e}".format


def summary(scores: Sequence[dict], volumes: Sequence[float]) -> dict:
    """Means and medians of scores as evaluation.score gives them, and the mean IoU of the thin, middle and bulky
    third."""
    ious = np.array([one["iou"] for one in scores])
    thirds = zip(THIRDS, np.array_split(np.argsort(volumes, kind="stable"), 3))
    means = {
        "iou": float(ious.mean()),
        "iou_median": float(np.median(ious)),
        "chamfer_shapes": sum(one["chamfer"] is not None for one in scores),
        "pieces": float(np.mean([one["pieces"] for one in scores])),
        "one_piece": float(np.mean([one["pieces"] == 1 for one in scores])),
        "thirds": {name: float(ious[part].mean()) for name, part in thirds if len(part)},
    }
    for key in ("chamfer", "normal_angle", "f_score", "silhouette_iou", "light_field_distance"):
        known = [one[key] for one in scores if one.get(key) is not None]
        means[key] = float(np.mean(known)) if known else None
        means |= (
            {f"{key}_median": float(np.median(known)) if known else None} if key in ("chamfer", "normal_angle") else {}
        )
    return means


def by_collection(rows: Sequence[dict], name: str) -> dict:
    """{"collections": {collection: {"iou", "mse", "count"}}, "d_iou", "d_mse": the means of the collections' means} of
    one codec's scores."""
    groups = defaultdict(list)
    for row in rows:
        groups[row["id"].split("/")[0]].append(row[name])
    means = {
        group: {key: float(np.mean([one[key] for one in scores])) for key in ("iou", "mse")} | {"count": len(scores)}
        for group, scores in sorted(groups.items())
    }
    return {"collections": means} | {
        f"d_{key}": float(np.mean([one[key] for one in means.values()])) for key in ("iou", "mse")
    }


def summarise(rows: Sequence[dict], names: Sequence[str], train: TrainingShapes | None) -> dict:
    """By those of the names that were measured: the summary of their scores, with baselines' and collections' where
    there are any."""
    volumes = [row["volume"] for row in rows]
    report = {"reference_one_piece": float(np.mean([row["pieces"] == 1 for row in rows]))}
    for name in names:
        if name not in rows[0]:
            continue
        scores = [row[name] for row in rows]
        report[name] = summary(scores, volumes)
        for also in ALSO:
            values = [one[also] for one in scores if also in one]
            if values:
                report[name][also] = float(np.mean(values))
        lines = scores[0].get("baselines", ())
        report[name] |= (
            {"baselines": {line: summary([one["baselines"][line] for one in scores], volumes) for line in lines}}
            if lines
            else {}
        )
        report[name] |= by_collection(rows, name) if "mse" in scores[0] else {}
    with_nouns = [row for row in rows if "noun" in row.get("text", {})]
    if with_nouns:
        chance = [np.mean([carries(entry.caption, row["head"]) for entry in train.entries]) for row in with_nouns]
        report["text"]["noun"] = {
            "nearest": float(np.mean([row["text"]["noun"] for row in with_nouns])),
            "chance": float(np.mean(chance)),
        }
    return report


@dataclass(frozen=True)
class Table:
    """heads of the columns, and lines: a name, set in where it is a baseline's, and its cells."""

    heads: list[str]
    lines: list[tuple[str, list[str]]]


def measured(report: dict) -> list[tuple[str, dict]]:
    """(name, summary) of everything in a report that has one, in order."""
    return [(name, one) for name, one in report.items() if isinstance(one, dict) and "iou_median" in one]


def tables_of(report: dict) -> list[Table]:
    """Everything that was measured; then stage 1's ablation: the codecs' errors, over all shapes and by collection."""
    lines = []
    for name, one in measured(report):
        lines += [
            (name, _cells(one)),
            *((f"  {line}", _cells(other)) for line, other in one.get("baselines", {}).items()),
        ]
    tables = [Table([head for head, _, _ in COLUMNS] + list(THIRDS), lines)]
    codecs = [(name, one) for name, one in measured(report) if "collections" in one]
    if codecs:
        groups = list(codecs[0][1]["collections"])
        cells = [
            (
                name,
                [
                    f"{one['iou']:.3f}",
                    SMALL(one["mse"]),
                    f"{one['d_iou']:.3f}",
                    SMALL(one["d_mse"]),
                    *(f"{one['collections'][group]['iou']:.3f}" for group in groups),
                ],
            )
            for name, one in codecs
        ]
        tables.append(Table(["IoU", "MSE", "D-IoU", "D-MSE", *groups], cells))
    return tables


def _cells(one: dict) -> list[str]:
    numbers = [(one[key], digits) for _, key, digits in COLUMNS] + [(one["thirds"].get(third), 3) for third in THIRDS]
    return ["-" if number is None else f"{number:.{digits}f}" for number, digits in numbers]


def remarks_of(report: dict) -> list[str]:
    """What the tables have no column for, a sentence each."""
    remarks = []
    for name, one in [*measured(report), ("random training shapes", report.get("random_training_shapes", {}))]:
        if "own_nearest_iou" in one:
            remarks.append(f"{name}: results overlap the training shape most like them by {one['own_nearest_iou']:.3f}")
        if "noun" in one:
            remarks.append(
                f"{name}: {one['noun']['nearest']:.0%} of the training shapes most like a result carry the prompt's noun "
                f"(by chance {one['noun']['chance']:.0%})"
            )
        if "coverage" in one:
            remarks.append(
                f"{name}: coverage {one['coverage']:.3f}, minimum matching distance {one['minimum_matching_distance']:.4f}"
            )
    return remarks


def text_of(report: dict) -> list[str]:
    """The report's numbers as lines of text."""
    lines = []
    for table in tables_of(report):
        width = max(26, *(len(name) + 1 for name, _ in table.lines))
        wide = [max(11, len(head) + 1) for head in table.heads]
        lines += [" " * width + "".join(f"{head:>{n}}" for head, n in zip(table.heads, wide))]
        lines += [
            f"{name:{width}}" + "".join(f"{cell:>{n}}" for cell, n in zip(cells, wide)) for name, cells in table.lines
        ] + [""]
    return lines[:-1] + remarks_of(report)
