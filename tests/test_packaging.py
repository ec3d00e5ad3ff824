"""What the package promises: the same requirements everywhere, pinned lists that satisfy them."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

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


def test_what_set_up_worker_installs_is_what_the_tests_run_with():
    pinned = {name(line): line.partition("==")[2] for line in lines(ROOT / "requirements" / "main.txt")}
    locked = [Requirement(line) for line in lines(ROOT / "runtime" / "constraints.txt")]
    for platform in ("linux", "darwin", "win32"):
        for python in ("3.11", "3.12", "3.13"):
            there = {
                "sys_platform": platform,
                "python_full_version": f"{python}.0",
                "python_version": python,
                "platform_machine": "x86_64",
            }
            versions = {
                line.name: str(line.specifier) for line in locked if line.marker is None or line.marker.evaluate(there)
            }
            required = [
                line
                for line in map(Requirement, lines(ROOT / "runtime" / "requirements.txt"))
                if line.marker is None or line.marker.evaluate(there)
            ]
            assert {name(line.name) for line in required} <= set(versions)
            for package in set(versions) & set(pinned) - ({"numpy"} if python == "3.13" else set()):
                assert versions[package] == f"=={pinned[package]}", (package, platform, python)
            for line in required:
                assert line.specifier.contains(versions[name(line.name)].removeprefix("==")), line


def test_package_and_extension_agree():
    assert f"\nversion: {wala_blender.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert wala_blender.__version__ == MANIFEST["version"] and PROJECT["name"] == MANIFEST["id"]
    assert MANIFEST["license"] == [f"SPDX:{PROJECT['license']}"]
