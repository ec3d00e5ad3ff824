"""Many shapes' scores → the numbers of a report and its table. Knows scores; not shapes, not how they were measured."""

from collections.abc import Sequence

import numpy as np

from .baselines import TrainingShapes
from .captions import carries

ALSO = ("own_nearest_iou",)  # what a condition's scores have only with training shapes
COLUMNS = (("IoU", "iou", 3), ("median", "iou_median", 3), ("chamfer", "chamfer", 4), ("median", "chamfer_median", 4), ("F-score", "f_score", 3),
           ("silhouette", "silhouette_iou", 3))
THIRDS = ("thin", "middle", "bulky")


def summary(scores: Sequence[dict], volumes: Sequence[float]) -> dict:
    """Means and medians of scores as evaluation.score gives them, and the mean IoU of the thin, middle and bulky third."""
    ious = np.array([one["iou"] for one in scores])
    distances = [one["chamfer"] for one in scores if one["chamfer"] is not None]
    thirds = zip(THIRDS, np.array_split(np.argsort(volumes, kind="stable"), 3))
    return {"iou": float(ious.mean()), "iou_median": float(np.median(ious)),
            "chamfer": float(np.mean(distances)) if distances else None, "chamfer_median": float(np.median(distances)) if distances else None,
            "chamfer_shapes": len(distances), "f_score": float(np.mean([one["f_score"] for one in scores])),
            "silhouette_iou": float(np.mean([one["silhouette_iou"] for one in scores])),
            "thirds": {name: float(ious[part].mean()) for name, part in thirds if len(part)}}


def summarise(rows: Sequence[dict], conditions: Sequence[str], train: TrainingShapes | None) -> dict:
    """By name: the summary of the autoencoder, of each condition with its baselines', and of the nearest training shapes."""
    volumes = [row["volume"] for row in rows]
    report = {}
    for name in ("autoencoder", "nearest_training_shape", *conditions):
        if name not in rows[0]:
            continue
        scores = [row[name] for row in rows]
        report[name] = summary(scores, volumes)
        for also in ALSO:
            values = [one[also] for one in scores if also in one]
            if values:
                report[name][also] = float(np.mean(values))
        names = scores[0].get("baselines", ())
        report[name] |= {"baselines": {line: summary([one["baselines"][line] for one in scores], volumes) for line in names}} if names else {}
    told = [row for row in rows if "noun" in row.get("text", {})]
    if told:
        chance = [np.mean([carries(entry.caption, row["head"]) for entry in train.entries]) for row in told]
        report["text"]["noun"] = {"nearest": float(np.mean([row["text"]["noun"] for row in told])), "chance": float(np.mean(chance))}
    return report


def lines_of(report: dict, conditions: Sequence[str]) -> list[tuple[str, dict]]:
    """(name, summary) of every line of the table; a baseline's name is set in."""
    lines = [(name, report[name]) for name in ("autoencoder", "nearest_training_shape") if name in report]
    for name in conditions:
        lines += [(name, report[name]), *((f"  {line}", one) for line, one in report[name].get("baselines", {}).items())]
    return lines


def cells_of(one: dict) -> list[str]:
    """A line's numbers as texts, one for each of COLUMNS and THIRDS."""
    numbers = [(one[key], digits) for _, key, digits in COLUMNS] + [(one["thirds"].get(third), 3) for third in THIRDS]
    return ["-" if number is None else f"{number:.{digits}f}" for number, digits in numbers]


def remarks_of(report: dict, conditions: Sequence[str]) -> list[str]:
    """What the table has no column for, a sentence each."""
    said = []
    for name in conditions:
        one = report[name]
        if "own_nearest_iou" in one:
            said.append(f"{name}: results overlap the training shape most like them by {one['own_nearest_iou']:.3f}")
        if "noun" in one:
            said.append(f"{name}: {one['noun']['nearest']:.0%} of the training shapes most like a result carry the prompt's noun "
                        f"(by chance {one['noun']['chance']:.0%})")
        if "coverage" in one:
            said.append(f"{name}: coverage {one['coverage']:.3f}, minimum matching distance {one['minimum_matching_distance']:.4f}")
    if "random_training_shapes" in report:
        one = report["random_training_shapes"]
        said.append(f"random training shapes: coverage {one['coverage']:.3f}, minimum matching distance {one['minimum_matching_distance']:.4f}")
    return said


def table(report: dict, conditions: Sequence[str]) -> list[str]:
    """The report's numbers as lines of text."""
    heads = [head for head, _, _ in COLUMNS] + list(THIRDS)
    lines = [f"{'':26}" + "".join(f"{head:>11}" for head in heads)]
    lines += [f"{name:26}" + "".join(f"{cell:>11}" for cell in cells_of(one)) for name, one in lines_of(report, conditions)]
    return lines + remarks_of(report, conditions)
