"""Installs the real zip into an empty Blender, and gives each check a fresh scene. Runs in Blender's Python."""

import importlib
import os
import sys
import time
from pathlib import Path

import bpy
import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = "bl_ext.user_default.wala"


def pytest_sessionstart(session):
    bpy.ops.extensions.package_install_files(
        filepath=os.environ["WALA_PACKAGE"], repo="user_default", enable_on_install=True
    )
    assert PACKAGE in bpy.context.preferences.addons


def pytest_sessionfinish(session, exitstatus):
    bpy.ops.preferences.addon_disable(module=PACKAGE)


class Extension:
    """The installed extension's modules, and short ways to use them."""

    package = PACKAGE

    def module(self, name: str):
        return importlib.import_module(f"{PACKAGE}.{name}")

    @property
    def session(self):
        return self.module("operators.jobs.session")

    @property
    def settings(self):
        return bpy.context.scene.wala

    @property
    def panel(self):
        return bpy.context.window_manager.wala

    @property
    def preferences(self):
        return bpy.context.preferences.addons[PACKAGE].preferences

    def use_shaping_engine(self):
        self.preferences.worker_python = sys.executable
        self.session.ENGINE = "tests.blender.shaping_engine:ShapingEngine"
        self.module("operators.preferences").SOURCE_ROOT = ROOT

    def poll_until(self, condition, seconds=30.0):
        """What the timer does in a window."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"still {self.panel.message!r} {self.panel.problem!r}"
            self.session.tick()
            time.sleep(0.02)

    def start(self):
        """What pressing Generate in a window does."""
        return self.module("operators.jobs.submit").start(bpy.context, self.settings)


@pytest.fixture
def extension():
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    if PACKAGE not in bpy.context.preferences.addons:
        bpy.ops.preferences.addon_enable(module=PACKAGE)
    extension = Extension()
    extension.use_shaping_engine()
    yield extension
    if PACKAGE in bpy.context.preferences.addons:
        for ticket in extension.session.current.queue.unfinished:
            extension.session.current.queue.cancel(ticket.job)
        extension.poll_until(lambda: not extension.session.current.queue.unfinished)
        extension.session.current.queue.failed.clear()


@pytest.fixture
def new_objects(extension):
    """A function: the names of the objects there were not before."""
    before = set(bpy.data.objects.keys())
    return lambda: sorted(set(bpy.data.objects.keys()) - before)
