"""Report for a bug: versions, device and driver, preferences, the last failed job's settings and log lines."""

import json
import platform
import sys
import tomllib
from pathlib import Path

import bpy

from ...runtime import jobs
from ...runtime.messages import JobFailed
from ...runtime.process import session_log
from ...runtime.storage import log_tail
from .. import preferences
from ..jobs import session
from ..jobs.job_queue import Ticket

TITLE = "WaLa Report"
LINES = 40  # of each log
CHOICES = ("device", "low_memory", "start_with_panel", "idle_minutes", "unload_before_render", "history_size")


class WALA_OT_report(bpy.types.Operator):
    """Write versions, device and driver, the preferences, the last failed job's settings and its log lines into a text
    block, and copy it. Nothing is sent"""

    bl_idname = "wala.report"
    bl_label = "Report"

    @classmethod
    def poll(cls, context):
        return session.current is not None

    def execute(self, context):
        text = bpy.data.texts.get(TITLE) or bpy.data.texts.new(TITLE)
        text.clear()
        text.write(write_report())
        context.window_manager.clipboard = text.as_string()
        page = manifest().get("website", "")
        if page and not bpy.app.background:
            bpy.ops.wm.url_open(url=page)
        self.report({"INFO"}, f"The text “{TITLE}” is in the Text Editor and copied")
        return {"FINISHED"}


def write_report() -> str:
    """The report as Markdown. The home folder's name is left out."""
    failed = session.current.queue.failed
    parts = [_versions(), _worker()]
    if failed:
        parts.append(_job(*failed[-1]))
    elif problem := bpy.context.window_manager.wala.problem:
        parts.append(f"## Problem\n{problem}")
    parts.append(_log("Worker's log", session_log(preferences.log_folder())))
    return "\n\n".join(filter(None, parts)).replace(str(Path.home()), "~") + "\n"


def manifest() -> dict:
    """The extension's manifest."""
    return tomllib.loads((preferences.SOURCE_ROOT / "blender_manifest.toml").read_text("utf-8"))


def _versions() -> str:
    rows = [
        ("WaLa", manifest()["version"]),
        ("Blender", f"{bpy.app.version_string}, {bpy.app.build_hash.decode(errors='replace')}"),
        ("Python", sys.version.split()[0]),
        ("System", f"{platform.platform()}, {platform.machine()}"),
        ("Graphics", _graphics()),
        ("Model", bpy.context.scene.wala.model),
    ]
    return "# WaLa report\n" + "\n".join(f"* {name}: {value}" for name, value in rows)


def _graphics() -> str:
    """The viewport's device and driver."""
    if bpy.app.background:
        return "none, in background mode"
    import gpu

    return f"{gpu.platform.renderer_get()}, {gpu.platform.vendor_get()}, {gpu.platform.version_get()}"


def _worker() -> str:
    chosen = preferences.preferences()
    try:
        python = preferences.worker_python()
    except JobFailed as error:
        python = f"none ({error.message})"
    checked = session.current.environment.outcome
    rows = [("Python", python), ("State", session.current.queue.supervisor.state)]
    rows += [("Last check", checked.message)] if checked else []
    rows += [(name.replace("_", " ").capitalize(), getattr(chosen, name)) for name in CHOICES]
    return "## Worker\n" + "\n".join(f"* {name}: {value}" for name, value in rows)


def _job(ticket: Ticket, message: str) -> str:
    """A failed job: what went wrong, its request without the place in the scene, its own log."""
    try:
        request = json.loads((ticket.folder / jobs.REQUEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        request = {"unreadable": str(error)}
    request.pop("placement", None)
    settings = json.dumps(request, indent=1, ensure_ascii=False)
    return f"## Failed job\n{message}\n\n```json\n{settings}\n```\n\n{_log('Its log', ticket.folder / jobs.LOG)}"


def _log(title: str, path: Path) -> str:
    lines = log_tail(path, LINES)
    return f"### {title}\n```\n{lines}\n```" if lines else ""


CLASSES = (WALA_OT_report,)
