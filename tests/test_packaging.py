"""What the package promises: the same requirements everywhere, pinned lists that satisfy them."""

import re
import tomllib
from pathlib import Path

import wala_blender

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MANIFEST = tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))


def lines(path: Path) -> list[str]:
    stripped = (line.split("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in stripped if line]


def name(requirement: str) -> str:
    return re.split(r"[<>=!~\[; ]", requirement)[0].lower().replace("_", "-")


def test_set_up_worker_installs_what_the_worker_extra_says():
    assert sorted(PROJECT["optional-dependencies"]["worker"]) == sorted(lines(ROOT / "runtime" / "requirements.txt"))


def test_the_pinned_list_holds_everything_required():
    pinned = {name(line): line for line in lines(ROOT / "requirements" / "main.txt")}
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in pinned.values())
    wanted = PROJECT["dependencies"] + [line for extra in PROJECT["optional-dependencies"].values() for line in extra]
    assert {name(line) for line in wanted if not line.startswith("wala[")} <= set(pinned)
    for line in wanted:
        low = re.search(r">=([\d.]+)", line)
        if low:
            have = tuple(int(part) for part in re.search(r"==([\d.]+)", pinned[name(line)])[1].split("."))
            assert have >= tuple(int(part) for part in low[1].split(".")), line


def test_package_and_extension_agree():
    assert wala_blender.__version__ == MANIFEST["version"] and PROJECT["name"] == MANIFEST["id"]
    assert MANIFEST["license"] == [f"SPDX:{PROJECT['license']}"]
