"""Hands and eyes of the scripts that drive a windowed Blender: clicks, keys, pictures, notes."""

import os
import subprocess
import sys
import time

import bpy

OUT = os.environ.get("WALA_OUT", "/lab/out")
SOURCE = os.environ.get("WALA_SOURCE", "/lab/source")
PACKAGE = "bl_ext.user_default.wala"
WORKER = os.environ.get("WALA_WORKER", "")
failures = 0


def note(words: str, good: bool = True) -> None:
    """A line of the report."""
    global failures
    failures += not good
    with open(f"{OUT}/report.txt", "a", encoding="utf-8") as report:
        report.write(f"{'ok    ' if good else 'FAILED'} {words}\n")


def picture(name: str, region=None) -> None:
    """Of the screen, or of a region of Blender's first window."""
    cut = []
    if region is not None:
        top = bpy.context.window_manager.windows[0].height - region.y - region.height
        cut = ["-crop", f"{region.width}x{region.height}+{region.x}+{top}", "+repage"]
    subprocess.run(["import", "-window", "root", *cut, f"{OUT}/{name}.png"], check=True, timeout=20)


def do(*arguments: str) -> None:
    """xdotool, without waiting: Blender has to handle the events meanwhile."""
    subprocess.Popen(["xdotool", *map(str, arguments)])


def view() -> tuple:
    """(area, its main region, its sidebar)."""
    area = next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D")
    regions = {region.type: region for region in area.regions}
    return area, regions["WINDOW"], regions["UI"]


def click(x: float, y: float) -> None:
    """x, y: Blender's window coordinates, bottom-up."""
    do("mousemove", int(x), int(bpy.context.window_manager.windows[0].height - y), "sleep", "0.6", "click", "1")


def press(key: str) -> None:
    """A key, over the middle of the 3D view."""
    region = view()[1]
    height = bpy.context.window_manager.windows[0].height
    do("mousemove", region.x + region.width // 3, height - region.y - region.height // 2, "sleep", "0.5", "key", key)


def module(name: str):
    """One of the extension's."""
    return sys.modules[f"{PACKAGE}.{name}"]


def panel():
    """What the panel shows."""
    return bpy.context.window_manager.wala


def made() -> list:
    """The names of the results there are."""
    return [item.name for item in bpy.data.objects if item.name.startswith("WaLa ")]


def until(condition, seconds: float):
    """Yield until the condition holds or the time is over."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        yield 0.1


def in_sidebar(below_the_top: float, across: float = 0.3) -> tuple[float, float]:
    """A place in the sidebar with a sketch chosen and nothing made yet, in interface units below its top."""
    sidebar, scale = view()[2], bpy.context.preferences.system.ui_scale
    return sidebar.x + sidebar.width * across, sidebar.y + sidebar.height - below_the_top * scale
