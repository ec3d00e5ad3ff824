"""Background task that sets up or checks the worker's Python environment."""

import logging

import bpy

from ...runtime import environment
from ...runtime.events import (
    BytesEvent,
    CancelledEvent,
    EnvironmentBuiltEvent,
    Event,
    FailedEvent,
    LineEvent,
    SetupStageEvent,
)
from ...runtime.messages import JobFailed
from .. import preferences
from ..background_task import BackgroundTask
from ..jobs import panel_state

log = logging.getLogger(__name__)


class EnvironmentTask(BackgroundTask):
    """Runs environment.Build or environment.Check, with progress in the panel."""

    busy_reason = "The worker's environment is being set up or checked"

    def build(self, online_access: bool) -> None:
        """Start building the worker's own environment. Nothing is fetched before the first poll, nor without online
        access."""
        self.run(environment.Build(preferences.environment_folder(), online_access))
        panel_state.start("Setting up the worker")

    def check(self) -> None:
        """Start a check of the worker's Python. Raises JobFailed if there is none."""
        self.run(environment.Check(preferences.worker_python(), preferences.SOURCE_ROOT))
        panel_state.start("Checking the worker")

    def handle(self, event: Event) -> None:
        if isinstance(event, SetupStageEvent):
            panel_state.show(message=event.title, progress=event.index / max(event.count, 1))
        elif isinstance(event, BytesEvent):
            panel_state.show(detail=f"{event.done / 1e6:.0f} of {event.total / 1e6:.0f} MB")
        elif isinstance(event, LineEvent):
            panel_state.show(detail=event.text[:200])
        elif isinstance(event, EnvironmentBuiltEvent):
            self.finish(True, use_built_environment())
        elif isinstance(event, environment.CheckResult):
            self._show_check(event)
        elif isinstance(event, CancelledEvent):
            self.finish(False, "Cancelled")
        elif isinstance(event, FailedEvent):
            self.finish(False, event.message)
            panel_state.fail(event.message, event.hint, event.log)

    def _show_check(self, result: environment.CheckResult) -> None:
        if result.ok:
            devices = ", ".join(result.devices) or "no graphics card that it can use"
            self.finish(True, f"Python {result.version}, PyTorch {result.versions.get('torch', '?')}, {devices}")
        else:
            self.finish(False, result.message)
            panel_state.fail(result.message, result.hint)

    def finish(self, ok: bool, message: str) -> None:
        super().finish(ok, message)
        panel_state.finish(message)
        panel_state.show(detail="")


def restore_environment() -> None:
    """Put back the environment that a set-up moved aside if Blender ended during it."""
    try:
        environment.restore(preferences.environment_folder())
    except (JobFailed, OSError) as error:
        log.warning("The worker's former environment could not be put back: %s", error)


def use_built_environment() -> str:
    """Clear the chosen Python, which would take precedence over the environment just built. Returns a message for the
    artist."""
    chosen = preferences.preferences().worker_python.strip()
    if not chosen:
        return "The worker is set up"
    preferences.preferences().worker_python = ""
    bpy.context.preferences.is_dirty = True
    return f"The worker is set up and used from now on; “{chosen}” is no longer chosen in the preferences"
