"""Folder of the worker's environment: completeness, the lock for changes, recovery of an interrupted change.

A marker file, written last, marks an environment as complete. While a new one is built, the older one is kept beside it
with the ending ".old"; the remains of an interrupted build are moved to ".half", as removing some ten thousand files
takes longer than Blender may wait. Independent of pip, the packages and Blender.
"""

import logging
import os
import secrets
import subprocess
import sys
from pathlib import Path

from .locks import lock
from .messages import JobFailed
from .process import clean_environment, detached

log = logging.getLogger(__name__)

MARKER = "wala-environment.json"
_REMOVE = "import shutil, sys; shutil.rmtree(sys.argv[1])"


def environment_python(folder: Path | str) -> Path | None:
    """The Python of a completely built environment in ``folder``, else None."""
    python = venv_python(Path(folder))
    return python if (Path(folder) / MARKER).is_file() and python.exists() else None


def venv_python(folder: Path) -> Path:
    """Path of an environment's Python, whether it exists or not."""
    return folder / "Scripts" / "python.exe" if sys.platform == "win32" else folder / "bin" / "python"


def sibling(folder: Path, ending: str) -> Path:
    """The folder with the same name and that ending, beside it."""
    return folder.with_name(folder.name + ending)


def remove_command(python: str, folder: Path) -> list[str]:
    """Command that removes a folder."""
    return [python, "-c", _REMOVE, str(folder)]


class EnvironmentLock:
    """Exclusive lock for changing an environment's folder. The system releases it when its holder dies.

    ``folder``'s parent exists. Raises JobFailed "in-use" if another process holds it, or OSError.
    """

    def __init__(self, folder: Path):
        # On Windows a folder cannot be locked, but a file can that ends with its last holder; elsewhere it is the other
        # way round.
        if sys.platform == "win32":
            self._number = os.open(sibling(folder, ".lock"), os.O_RDWR | os.O_CREAT | os.O_TEMPORARY)
        else:
            self._number = os.open(folder.parent, os.O_RDONLY)
        if not lock(self._number):
            os.close(self._number)
            raise JobFailed(
                "in-use", f"another Blender is setting up the worker in {folder}", "Wait until it has finished."
            )

    def release(self) -> None:
        """Release the lock."""
        os.close(self._number)


def restore(folder: Path | str) -> bool:
    """Put back the environment that was moved aside for a build which then died; True if there was one. Cheap where
    there is none.

    A running build, here or in another Blender, is left untouched. Raises OSError.
    """
    folder = Path(folder).resolve()
    if (folder / MARKER).is_file() or environment_python(sibling(folder, ".old")) is None:
        return False
    try:
        claim = EnvironmentLock(folder)
    except JobFailed as error:
        log.info("%s", error)
        return False
    try:
        return put_back(folder)
    finally:
        claim.release()


def put_back(folder: Path) -> bool:
    """``restore`` for the holder of the lock. The remains of the build are removed by a detached subprocess."""
    old, half = sibling(folder, ".old"), sibling(folder, ".half")
    if (folder / MARKER).is_file() or environment_python(old) is None:
        return False
    if folder.exists():
        half.mkdir(exist_ok=True)
        os.replace(folder, half / secrets.token_hex(8))
    os.replace(old, folder)
    log.info("put the former environment back to %s", folder)
    if half.exists():
        _remove_unwatched(folder, half)
    return True


def _remove_unwatched(folder: Path, half: Path) -> None:
    try:
        subprocess.Popen(
            remove_command(str(environment_python(folder)), half),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder.parent,
            env=clean_environment(),
            **detached(),
        )
    except OSError as error:
        log.info("%s stays until the next set-up: %s", half, error)
