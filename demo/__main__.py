"""Runs the demo: builds and installs the extension's zip, makes three meshes through its own operators, renders them.

python -m demo [--out demo/out] [--pictures docs [--window SCREENSHOT]]
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from . import drawing, inputs, sheet
from .drawing import Eye
from .package import build_zip

DISTANCE, APART = 4.6, 5.0  # Blender units: of the eyes from what they look at, and between the three places
RENDER_SIZE, SAMPLES = 340, 32
SMALL = 232  # pixels of the prompts' pictures
STAGES = ("condition", "sample", "fit", "decode", "detail", "refine", "surface")
LARGEST = 290_000  # bytes of a picture in the repository


@dataclass(frozen=True)
class Example:
    """One row of the sheet: the input and the result. ``result`` is a stage.Made."""

    title: str
    result: object
    cells: Sequence[sheet.Cell]

    @property
    def heading(self) -> str:
        record = self.result.record
        return (
            f"{self.title}   ({record['model']} model, seed {record['seed']}, scale {record['scale']:g}, {record['steps']} steps, "
            f"{sum(record['timings'].values()):.1f} s)"
        )


class Camera:
    """Renders into a folder with numbered files."""

    def __init__(self, render: Callable, folder: Path):
        self._render, self._folder, self._count = render, folder, 0

    def __call__(self, eye: Eye, names: Sequence[str]) -> Image.Image:
        self._count += 1
        path = self._render(self._folder / f"{self._count:02}.png", eye, names)
        with Image.open(path) as picture:
            return sheet.on_paper(picture.convert("RGBA"))


def behind(eye: Eye) -> Eye:
    return replace(eye, azimuth=eye.azimuth + 155, elevation=28.0)


def place(number: int, height: float) -> Eye:
    """The eye of one of the three places, which looks at a point above its ground."""
    return Eye(inputs.AZIMUTH, inputs.ELEVATION, DISTANCE, (APART * number, 0.0, height))


def from_sketch(stage, camera: Camera) -> Example:
    eye = place(0, 1.0)
    strokes = drawing.sketch(inputs.chair(), eye)
    name = stage.add_sketch(strokes)
    stage.add_camera("Camera sketch", eye)
    result = stage.generate("sketch", [name], inputs.SEEDS["sketch"], inputs.SUBJECT)
    lines, front = [eye.project(stroke) for stroke in strokes], camera(eye, [result.name])
    return Example(
        "Sketch to mesh",
        result,
        (
            sheet.Cell(
                sheet.with_lines(sheet.blank(RENDER_SIZE), lines),
                f"Grease Pencil, {len(strokes)} strokes: “{inputs.SUBJECT}”",
            ),
            sheet.Cell(front, "mesh, from where it was drawn"),
            sheet.Cell(sheet.with_lines(front, lines, sheet.MARK, 1.6), "the strokes over the mesh"),
            sheet.Cell(camera(behind(eye), [result.name]), "from behind"),
        ),
    )


def from_blockout(stage, camera: Camera) -> Example:
    eye, offset = place(1, 0.5), np.array([APART, 0.0, 0.0])
    boxes = inputs.blockout()
    names = stage.add_blockout(boxes, offset)
    blockout = camera(eye, names)
    result = stage.generate("voxels", names, inputs.SEEDS["voxels"])
    front = camera(eye, [result.name])
    moved = [(np.asarray(low) + offset, np.asarray(high) + offset) for low, high in boxes]
    lines = [eye.project(line) for line in drawing.visible_lines(moved, eye)]
    return Example(
        "Blockout to mesh",
        result,
        (
            sheet.Cell(blockout, f"blockout, {len(boxes)} boxes"),
            sheet.Cell(front, "mesh, same camera"),
            sheet.Cell(sheet.with_lines(front, lines, sheet.MARK, 1.6), "the boxes' edges over the mesh"),
            sheet.Cell(camera(behind(eye), [result.name]), "from behind"),
        ),
    )


def from_text(stage, camera: Camera) -> Example:
    cursor = np.array([2 * APART, 0.0, 0.0])
    eye = place(2, 1.0)
    result = stage.generate("text", prompt=inputs.PROMPT, seed=inputs.SEEDS["text"], cursor=cursor)
    front = camera(eye, [result.name])
    return Example(
        "Text to mesh",
        result,
        (
            sheet.Cell(sheet.card(f"“{inputs.PROMPT}”", RENDER_SIZE), "prompt"),
            sheet.Cell(front, "mesh"),
            sheet.Cell(sheet.with_cursor(front, eye.project(cursor[None])[0]), "stands on the 3D cursor"),
            sheet.Cell(camera(behind(eye), [result.name]), "from behind"),
        ),
    )


def from_prompts(stage, camera: Camera) -> list[sheet.Cell]:
    """A picture for every prompt of the README's second sheet, each on its own floor."""
    eye, cells = place(0, 0.9), []
    for prompt in inputs.PROMPTS:
        result = stage.generate("text", prompt=prompt, seed=inputs.SEEDS["text"])
        cells.append(sheet.Cell(camera(eye, [result.name]).resize((SMALL, SMALL), Image.Resampling.LANCZOS), prompt))
    return cells


def timings(examples: Sequence[Example]) -> list[str]:
    """The table of seconds a stage."""
    lines = [f"{'seconds':18}" + "".join(f"{name:>11}" for name in (*STAGES, "all", "with Blender"))]
    for example in examples:
        spent = example.result.record["timings"]
        times = [*(spent.get(stage, 0.0) for stage in STAGES), sum(spent.values()), example.result.seconds]
        lines.append(f"{example.title:18}" + "".join(f"{seconds:11.2f}" for seconds in times))
    return lines


def run(out: Path, pictures: Path | None) -> list[str]:
    """The whole demo; returns the lines to print. Raises RuntimeError with one line if the extension refuses or a job
    fails."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BLENDER_USER_RESOURCES"] = folder
        from . import stage  # Blender starts here, and reads the variable

        say("Building and installing the extension")
        package, camera = build_zip(out), Camera(stage.render, Path(folder))
        stage.empty_scene(RENDER_SIZE, SAMPLES)
        stage.install(package)
        try:
            examples = []
            for make in (from_sketch, from_blockout, from_text):
                say(f"{make.__name__.replace('_', ' ').capitalize()}, then rendering")
                examples.append(make(stage, camera))
            stage.save(out / "demo.blend")
            footer = f"Weights {examples[0].result.record['weight_hash']}. The meshes are AI-generated."
            rows = [(row.heading, row.cells) for row in examples]
            picture = sheet.contact_sheet("WaLa: from a sketch, a blockout or a word to a mesh", rows, footer)
            picture.save(out / "demo.png")
            if pictures:
                say(f"{len(inputs.PROMPTS)} prompts")
                cells, half = from_prompts(stage, camera), (len(inputs.PROMPTS) + 1) // 2
                title = f"{len(cells)} prompts, seed {inputs.SEEDS['text']}"
                save_small(picture, pictures / "demo.jpg")
                save_small(
                    sheet.contact_sheet(title, [("", cells[:half]), ("", cells[half:])], footer),
                    pictures / "prompts.jpg",
                )
                say("Six blockouts")
                from . import blockouts

                save_small(blockouts.compare(camera), pictures / "blockouts.jpg")
        finally:
            stage.uninstall()
    return timings(examples)


def shrink(screenshot: Path, folder: Path) -> None:
    """The README's picture of a Blender window, from one that tests/blender/window.sh left."""
    with Image.open(screenshot) as picture:
        save_small(picture.convert("RGB"), folder / "window.jpg")


def save_small(picture: Image.Image, path: Path) -> None:
    """A JPEG, of the best quality that fits LARGEST bytes."""
    for quality in (90, 84, 78, 72, 64, 56):
        picture.save(path, quality=quality, optimize=True)
        if path.stat().st_size <= LARGEST:
            return


def say(words: str) -> None:
    print(words, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "out")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="also make the README's pictures there")
    parser.add_argument(
        "--window", type=Path, metavar="SCREENSHOT", help="with --pictures: of a Blender window, for the README too"
    )
    options = parser.parse_args()
    since = time.perf_counter()
    if options.pictures:
        options.pictures.mkdir(exist_ok=True)
        if options.window:
            shrink(options.window, options.pictures)
    try:
        lines = run(options.out.resolve(), options.pictures and options.pictures.resolve())
    except RuntimeError as error:
        print(f"demo: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    print(
        "\n".join(
            [
                "",
                *lines,
                "",
                f"{options.out}: demo.png, demo.blend and the zip, {time.perf_counter() - since:.0f} s in all",
            ]
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
