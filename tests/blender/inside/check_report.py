"""Report: a text block with what a bug report needs, and without the home folder."""

from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest


def test_a_failed_job_is_in_the_report(extension):
    extension.settings.condition, extension.settings.prompt, extension.settings.seed = "TEXT", "fail", 77
    extension.start()
    extension.poll_until(lambda: extension.panel.problem)
    assert bpy.ops.wala.report() == {"FINISHED"}
    text = bpy.data.texts["WaLa Report"].as_string()
    for words in (bpy.app.version_string, '"seed": 77', "No known word", "* Device: auto", "## Failed job"):
        assert words in text
    assert '"placement"' not in text and str(Path.home()) not in text
    extension.session.current.queue.failed.clear()
    bpy.ops.wala.report()
    assert [item.name for item in bpy.data.texts] == ["WaLa Report"]
    assert "## Failed job" not in bpy.data.texts[0].as_string()


def test_without_a_worker_the_report_says_so(extension):
    extension.preferences.worker_python = "/nowhere/python"
    bpy.ops.wala.report()
    assert "does not exist" in bpy.data.texts["WaLa Report"].as_string()


@pytest.mark.parametrize("build", ["cu128", "cpu", ""])
def test_what_a_set_up_takes_is_said_before(extension, monkeypatch, tmp_path, build):
    environment = extension.module("runtime.environment")
    monkeypatch.setattr(environment, "torch_build", lambda gpu: build)
    needed = environment.demand(tmp_path / "not" / "there")
    assert 0 < needed.download < needed.disk and needed.free > 0
    assert extension.module("operators.environment.worker_operators").BUILDS[needed.build]
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda path: SimpleNamespace(free=5))
    assert not environment.demand(tmp_path).fits
