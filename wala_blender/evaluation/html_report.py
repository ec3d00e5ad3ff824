"""Report as one self-contained HTML page: the table, then each condition's best, median and worst result beside its
input and the reference."""

import base64
import io
from collections.abc import Sequence
from html import escape

import torch
from PIL import Image

from ..training.input_pictures import PICTURE_SIZE, InputPicture, rendered
from .report import Table, remarks_of, tables_of
from .shapes import Shape

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff; }
table { border-collapse: collapse; } th, td { padding: .2rem .7rem; text-align: right; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; } thead th { border-bottom: 1px solid #888; } .baseline { color: #777; }
figure { display: inline-block; margin: .3rem .6rem .3rem 0; vertical-align: top; width: 192px; } figcaption { font-size: 13px; color: #555; }
img { display: block; background: #f2f2f2; } .prompt { width: 172px; min-height: 172px; padding: 10px; background: #f2f2f2; }
dt { font-weight: 600; } dd { margin: 0 0 .3rem 1rem; }
"""


class Gallery:
    """Pictures of every result, its input and its reference, gathered while a model is measured."""

    def __init__(self):
        self._references: dict[str, str] = {}
        self._results: dict[tuple[str, str], tuple[str, str]] = {}

    def __call__(self, shape: Shape, trial: str, shown: Sequence[InputPicture], field: torch.Tensor) -> None:
        if shape.record.id not in self._references:
            self._references[shape.record.id] = _markup(rendered(shape.field))
        self._results[shape.record.id, trial] = ("".join(map(_markup, shown)), _markup(rendered(field)))

    def figures(self, row: dict, trial: str) -> str:
        """Markup of one shape's input, result and reference."""
        input_picture, result = self._results[row["id"], trial]
        one = row[trial]
        distance = "no surface" if one["chamfer"] is None else f"chamfer {one['chamfer']:.4f}"
        caption = f"IoU {one['iou']:.3f}, {distance}"
        return (
            _figure(input_picture, "input")
            + _figure(result, caption)
            + _figure(self._references[row["id"]], f"{row['caption']} ({row['id']})")
        )


def page(report: dict, gallery: Gallery) -> str:
    """The whole page."""
    title = f"{report['model']}: {report['count']} shapes of {report['split']}"
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>"
    ]
    left_out = ", ".join(f"{count} {reason}" for reason, count in report["skipped"].items()) or "none"
    seed = f" Seed {report['seed']}." if "seed" in report else ""
    parts.append(f"<p>Data: {escape(report['data'])}.{seed} Left out: {escape(left_out)}.</p>")
    parts += [_table(table) for table in tables_of(report)]
    parts += [f"<p>{escape(remark)}</p>" for remark in remarks_of(report)]
    for trial in report["trials"]:
        parts.append(f"<h2>{escape(trial)}</h2>")
        for name, row in _chosen(report["shapes"], trial):
            parts.append(f"<h3>{name}</h3>{gallery.figures(row, trial)}")
    parts.append("<h2>What is measured</h2><dl>")
    parts += [f"<dt>{escape(name)}</dt><dd>{escape(rule)}</dd>" for name, rule in report["rules"].items()]
    return "\n".join([*parts, "</dl></html>\n"])


def _table(table: Table) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in ("", *table.heads))
    rows = []
    for name, cells in table.lines:
        kind = ' class="baseline"' if name.startswith(" ") else ""
        rows.append(
            f"<tr{kind}><td>{escape(name.strip())}</td>"
            + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            + "</tr>"
        )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _chosen(rows: Sequence[dict], trial: str) -> list[tuple[str, dict]]:
    """The best, median and worst shape by IoU, none of them twice."""
    order = sorted(rows, key=lambda row: -row[trial]["iou"])
    names = {}
    for name, place in (("median", len(order) // 2), ("worst", len(order) - 1), ("best", 0)):
        names[place] = name
    return [(names[place], order[place]) for place in sorted(names)]


def _figure(picture: str, caption: str) -> str:
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def _markup(shown: InputPicture) -> str:
    return f'<div class="prompt">{escape(shown)}</div>' if isinstance(shown, str) else _inline(shown)


def _inline(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.convert("L").save(stream, "PNG", optimize=True)
    encoded = base64.b64encode(stream.getvalue()).decode()
    return f'<img width="{PICTURE_SIZE}" height="{PICTURE_SIZE}" alt="" src="data:image/png;base64,{encoded}">'
