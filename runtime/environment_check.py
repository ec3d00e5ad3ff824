"""Check of a Python for the worker: which packages can be imported, in which versions, on which devices.

The worker's requirements are imported by the Python that is checked, never here.
"""

import json
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from .events import CancelledEvent, Event
from .messages import SET_UP_HINT
from .subprocess_task import SubprocessTask

REQUIREMENTS, CONSTRAINTS = Path(__file__).with_name("requirements.txt"), Path(__file__).with_name("constraints.txt")
IMPORT_NAMES = {"pywavelets": "pywt", "scikit-image": "skimage", "pillow": "PIL", "openexr": "OpenEXR", "libigl": "igl"}
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
CHECK_SECONDS = 180.0

_MARK = "WALA-CHECK "
_PROBE = f"""
import importlib, importlib.metadata, json, platform, sys
report = {{"python": sys.executable, "version": platform.python_version(), "versions": {{}}, "missing": {{}}, "cuda": False, "devices": []}}
for pair in sys.argv[1:]:
    distribution, module = pair.split("=")
    try:
        importlib.import_module(module)
        report["versions"][distribution] = importlib.metadata.version(distribution)
    except BaseException as error:
        report["missing"][distribution] = type(error).__name__ + ": " + str(error)
try:
    importlib.import_module("runtime.worker")
except Exception as error:
    report["missing"]["the worker's own code"] = type(error).__name__ + ": " + str(error)
torch = sys.modules.get("torch")
if torch is not None and "torch" in report["versions"]:
    try:
        report["cuda"] = bool(torch.cuda.is_available())
        report["devices"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if report["cuda"] else []
    except Exception as error:
        # A driver that does not fit: the processor still works.
        report["cuda"] = False
        print(type(error).__name__ + ": " + str(error))
print({_MARK!r} + json.dumps(report))
"""


@dataclass(frozen=True)
class CheckResult(Event):
    """Last event of a check. ok: the worker can run there. versions: package → version. devices: names of the GPUs that
    torch finds. message, hint: "" when ok."""

    name: ClassVar[str] = "done"
    ok: bool
    python: str
    version: str = ""
    versions: dict[str, str] | None = None
    cuda: bool = False
    devices: tuple[str, ...] = ()
    message: str = ""
    hint: str = ""


def requirements() -> dict[str, str]:
    """Package -> requirement line, in the file's order."""
    return {re.split(r"[<>=!~ ]", line)[0]: line for line in _lines(REQUIREMENTS)}


def locked(package: str) -> str:
    """The line of constraints.txt for a package that has one version everywhere, "torch==2.13.0"."""
    return next(line for line in _lines(CONSTRAINTS) if line.startswith(f"{package}=="))


def write_constraints(path: Path, without: str) -> None:
    """Write constraints.txt to ``path``, leaving one package's version open."""
    path.write_text(
        "".join(f"{line}\n" for line in _lines(CONSTRAINTS) if not line.startswith(f"{without}==")), "utf-8"
    )


def _lines(path: Path) -> list[str]:
    return [line for text in path.read_text("utf-8").splitlines() if (line := text.split("#")[0].strip())]


def oldest(requirement: str) -> tuple[int, ...]:
    """The lower bound of a requirement line, (2, 6) for "torch>=2.6,<3"."""
    match = re.search(r">=([\d.]+)", requirement)
    return numbers(match[1]) if match else ()


def numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: (2, 13, 0) for "2.13.0+cpu"."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def base_pythons(chosen: str = "") -> list[list[str]]:
    """Commands that may start a Python to build from, best first: the chosen one alone, or the system's, then Blender's
    own.

    Blender's own comes last as an environment built on it ends with that Blender.
    """
    if chosen:
        return [[chosen]]
    minors = [11, 12, 13]
    found = [[path] for minor in minors if (path := shutil.which(f"python3.{minor}"))]
    if sys.platform == "win32" and (launcher := shutil.which("py")):
        found += [[launcher, f"-3.{minor}"] for minor in minors]
    found += [[path] for name in ("python3", "python") if (path := shutil.which(name))]
    if Path(sys.executable).name.lower().startswith("python"):
        found.append([sys.executable])
    return found


def check_command(python: str) -> list[str]:
    """Command with which ``python`` imports all of the worker's packages and prints the result."""
    return [python, "-c", _PROBE, *(f"{name}={IMPORT_NAMES.get(name, name)}" for name in requirements())]


def result_of(python: str, lines: list[str], exit_code: int) -> CheckResult:
    """Result of check_command() from its output and exit code."""
    reports = [line.removeprefix(_MARK) for line in lines if line.startswith(_MARK)]
    if not reports:
        return _failure(python, f"{python} is no Python that works: {lines[-1] if lines else f'exit code {exit_code}'}")
    report = json.loads(reports[-1])
    absent = [
        name
        for name, error in report["missing"].items()
        if error.startswith("ModuleNotFoundError") and name in requirements()
    ]
    problems = [f"it lacks {', '.join(absent)}"] * bool(absent)
    problems += [f"{name} does not load ({error})" for name, error in report["missing"].items() if name not in absent]
    for name, line in requirements().items():
        version = report["versions"].get(name)
        if version and numbers(version) < oldest(line):
            problems.append(f"{name} is {version}, needed is {line.removeprefix(name)}")
    if numbers(report["version"])[:2] < OLDEST_PYTHON:
        problems.insert(
            0, f"it is Python {report['version']}, needed is {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer"
        )
    message = f"{python}: {'; '.join(problems)}" if problems else ""
    return CheckResult(
        not problems,
        report["python"],
        report["version"],
        report["versions"],
        report["cuda"],
        tuple(report["devices"]),
        message,
        SET_UP_HINT if problems else "",
    )


def _failure(python: str, message: str) -> CheckResult:
    return CheckResult(False, python, message=message, hint=SET_UP_HINT)


class Check:
    """Run of check_command(), polled, as importing torch takes seconds. source_root: the folder with runtime and
    wala_blender."""

    def __init__(self, python: str | Path, source_root: str | Path):
        self._python = str(python)
        self._started = time.monotonic()
        self._folder = tempfile.TemporaryDirectory(prefix="wala-check-", ignore_cleanup_errors=True)
        self._lines: list[str] = []
        self._last: Event | None = None
        self._is_reported = False
        try:
            self._task = SubprocessTask(
                check_command(self._python), Path(self._folder.name) / "check.log", str(source_root)
            )
        except (OSError, ValueError) as error:
            self._finish(
                _failure(self._python, f"{self._python} cannot be started: {getattr(error, 'strerror', None) or error}")
            )

    def poll(self) -> list[Event]:
        """[] during and after the run, and once [CheckResult] or [CancelledEvent]."""
        if self._last is None:
            self._poll_task()
        if self._last is None or self._is_reported:
            return []
        self._is_reported = True
        return [self._last]

    def _poll_task(self) -> None:
        self._lines += self._task.poll()
        if self._task.exit_code is not None:
            self._finish(result_of(self._python, self._lines, self._task.exit_code))
        elif time.monotonic() - self._started > CHECK_SECONDS:
            self._task.kill()
            self._finish(_failure(self._python, f"{self._python} did not answer within {CHECK_SECONDS:.0f} s"))

    def cancel(self) -> None:
        """Kill the process; poll() then returns the CancelledEvent."""
        if self._last is None:
            self._task.kill()
            self._finish(CancelledEvent())

    abandon = cancel

    def _finish(self, last: Event) -> None:
        self._last = last
        self._folder.cleanup()


def check(python: str | Path, source_root: str | Path) -> CheckResult:
    """Blocking check: 2 to 20 s. For scripts, never for Blender's interface."""
    running = Check(python, source_root)
    while not (events := running.poll()):
        time.sleep(0.05)
    return events[-1]
