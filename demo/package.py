"""Builds the extension's zip with the tool that comes inside Blender's module, without starting Blender. Knows files; not the demo.

    python -m demo.package dist
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def build_zip(folder: Path) -> Path:
    """The zip that an artist installs, in ``folder``. Raises RuntimeError with the tool's own words when it refuses."""
    found = find_spec("bpy")
    if found is None:
        raise RuntimeError("this Python has no bpy: run `make env`")
    tool = next(Path(found.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("wala-*.zip"):
        old.unlink()
    done = subprocess.run([sys.executable, str(tool), "build", "--source-dir", str(ROOT), "--output-dir", str(folder)],
                          capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the zip could not be built: {(done.stdout + done.stderr).strip()}")
    return next(folder.glob("wala-*.zip"))


if __name__ == "__main__":
    print(build_zip(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")))
