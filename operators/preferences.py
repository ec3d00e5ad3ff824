"""Preferences and folders of this installation."""

from pathlib import Path

import bpy

from ..runtime import environment
from ..runtime.messages import JobFailed
from ..runtime.storage import write_failure

PACKAGE = __package__.rpartition(".")[0]
SOURCE_ROOT = Path(__file__).resolve().parent.parent


def preferences():
    """The add-on's preferences, which `ui` declares."""
    return bpy.context.preferences.addons[PACKAGE].preferences


def folder(name: str) -> Path:
    """A folder of the extension in Blender's user files, created if missing: "jobs", "worker", "logs". Raises
    JobFailed: disk full, no permission."""
    try:
        return Path(bpy.utils.extension_path_user(PACKAGE, path=name, create=True))
    except OSError as error:
        raise write_failure(error, Path(error.filename or name)) from error


def environment_folder() -> Path:
    """Folder in which Set Up Worker builds the environment."""
    return folder("worker") / "environment"


def log_folder() -> Path:
    """Folder of the worker's log: the chosen one, else the extension's."""
    chosen = preferences().log_folder.strip()
    return Path(bpy.path.abspath(chosen)) if chosen else folder("logs")


def models_folder() -> str:
    """The chosen folder for models; "" = the library's default."""
    chosen = preferences().models_folder.strip()
    return bpy.path.abspath(chosen) if chosen else ""


def worker_python() -> str:
    """Python of the worker: the chosen one, else that of the built environment. Raises JobFailed("no-worker") if there
    is neither."""
    chosen = preferences().worker_python.strip()
    if chosen:
        path = Path(bpy.path.abspath(chosen))
        if not path.is_file():
            raise JobFailed(
                "no-worker",
                f"The worker's Python “{path}” does not exist",
                "Choose another one in the add-on's preferences",
            )
        return str(path)
    built = environment.environment_python(environment_folder())
    if built is None:
        raise JobFailed(
            "no-worker", "The worker is not set up yet", "Press Set Up Worker, or choose a Python that has PyTorch"
        )
    return str(built)
