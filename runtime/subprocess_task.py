"""Subprocess whose output is read without blocking and without threads: it writes to a log, which is polled.

Independent of what the program does.
"""

import logging
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .process import clean_environment, detached, kill_group

log = logging.getLogger(__name__)

# User settings that would change pip's target folders or make it build packages.
_DROPPED = frozenset({"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_NO_BINARY", "PIP_REQUIRE_VIRTUALENV"})
MAX_BYTES_PER_POLL = 64 * 2**10


class SubprocessTask:
    """One running subprocess; its output is appended to ``log_path``. Raises OSError if it cannot be started.

    ``variables``: added to clean_environment().
    """

    def __init__(
        self, command: Sequence[str], log_path: Path, source_root: str = "", variables: Mapping[str, str] | None = None
    ):
        environment = {
            name: value for name, value in clean_environment(source_root).items() if name.upper() not in _DROPPED
        }
        environment |= {"PYTHONUNBUFFERED": "1", **(variables or {})}
        self._path = log_path
        self._rest = b""
        with open(log_path, "ab") as output:
            self._offset = output.seek(0, os.SEEK_END)
            self._process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=log_path.parent,
                env=environment,
                **detached(),
            )
        self.exit_code: int | None = None

    def poll(self) -> list[str]:
        """The new lines of output since the last call (a bounded number of bytes). ``exit_code`` is set once it has
        ended and everything was read."""
        code = self._process.poll()
        with open(self._path, "rb") as file:
            file.seek(self._offset)
            data = file.read(MAX_BYTES_PER_POLL)
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
        if code is not None and not data:
            lines.append(self._rest)
            self._rest = b""
            self.exit_code = code
        return [text for line in lines if (text := line.decode("utf-8", "replace").strip())]

    def kill(self) -> None:
        """Kill it and its subprocesses; poll() then sets ``exit_code``."""
        kill_group(self._process)

    def end(self, grace: float) -> None:
        """Kill it and wait up to ``grace`` seconds for its end."""
        self.kill()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            log.warning("program %d does not end", self._process.pid)
