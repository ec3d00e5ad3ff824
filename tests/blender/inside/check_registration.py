"""The extension comes and goes without a trace, and every operator's poll works."""

import os
import shutil
import sys
from types import SimpleNamespace

import bpy
import pytest
import scenes

OPERATORS = (
    "generate",
    "regenerate",
    "cancel",
    "place",
    "discard",
    "update",
    "vary",
    "vary_details",
    "blend",
    "add_region",
    "add_preset",
    "remove_job",
    "move_job",
    "retry_job",
    "show_variation",
    "keep_variation",
    "keep_all_variations",
    "list_maps",
    "setup_worker",
    "check_worker",
    "unload",
    "open_log",
    "refresh_models",
    "fetch_model",
    "add_model",
    "verify_model",
    "remove_model",
    "cancel_models",
)
PANELS = (
    "WALA_PT_main",
    "WALA_PT_presets",
    "WALA_PT_variations",
    "WALA_PT_inputs",
    "WALA_PT_edit",
    "WALA_PT_details",
    "WALA_PT_settings",
    "WALA_PT_worker",
)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="utf-8") as status:
        return status.read().rsplit(")", 1)[1].split()[0] != "Z"


def test_everything_is_registered(extension):
    assert all(hasattr(bpy.types, f"WALA_OT_{name}") for name in OPERATORS)
    assert all(hasattr(bpy.types, name) for name in PANELS)
    assert extension.settings.condition == "SKETCH"


def test_register_and_unregister_twice(extension):
    root = sys.modules[extension.package]
    for _ in range(2):
        root.unregister()
        assert not hasattr(bpy.types, "WALA_OT_generate") and not hasattr(bpy.types.Scene, "wala")
        root.register()
        assert hasattr(bpy.types, "WALA_OT_generate") and hasattr(bpy.context.scene, "wala")


def test_switching_off_with_a_job_under_way_leaves_no_process_and_no_timer(extension):
    extension.settings.condition, extension.settings.prompt = "TEXT", "slow"
    extension.start()
    extension.poll_until(lambda: extension.session.current.queue.supervisor.state == "busy")
    pid, tick = extension.session.current.queue.supervisor.pid, extension.session.tick
    assert is_alive(pid)
    bpy.ops.preferences.addon_disable(module=extension.package)
    assert not is_alive(pid)
    assert not bpy.app.timers.is_registered(tick) and tick() is None
    bpy.ops.preferences.addon_enable(module=extension.package)
    extension.use_shaping_engine()
    extension.settings.condition, extension.settings.prompt = "TEXT", "a chair"
    assert bpy.ops.wala.generate() == {"FINISHED"}


def test_a_set_up_that_was_cut_short_leaves_the_environment_there_was(extension):
    """Blender ended in the middle of one, or the extension is switched off in its middle."""
    folder = extension.module("operators.preferences").environment_folder()
    old, half = folder.with_name("environment.old"), folder.with_name("environment.half")
    (old / "bin").mkdir(parents=True)
    folder.mkdir()
    (folder / "half").write_text("")
    os.symlink(sys.executable, old / "bin" / "python")
    (old / "wala-environment.json").write_text("{}")
    try:
        bpy.ops.preferences.addon_disable(module=extension.package)
        bpy.ops.preferences.addon_enable(module=extension.package)
        assert sorted(os.listdir(folder)) == ["bin", "wala-environment.json"]
        assert not old.exists()

        task = extension.module("runtime.environment").Build(folder, online_access=False)
        extension.session.current.environment.run(task)
        os.replace(folder, old)
        folder.mkdir()
        task._touched = True
        bpy.ops.preferences.addon_disable(module=extension.package)
        assert (folder / "wala-environment.json").is_file() and task.state == "cancelled"
    finally:
        for path in (folder, old, half):
            shutil.rmtree(path, ignore_errors=True)


def test_nothing_old_is_said_after_off_and_on(extension):
    panel = extension.panel
    panel.problem, panel.hint, panel.detail, panel.message, panel.models_message, panel.ready = ["old"] * 6
    panel.busy, panel.models_busy = True, True
    bpy.ops.preferences.addon_disable(module=extension.package)
    bpy.ops.preferences.addon_enable(module=extension.package)
    panel = extension.panel
    assert {
        panel.problem,
        panel.hint,
        panel.detail,
        panel.message,
        panel.models_message,
        panel.models_problem,
        panel.ready,
    } == {""}
    assert not panel.busy and not panel.models_busy


def things(kind: str):
    """One selected object of every kind there is, and some of the same kind that differ in what they are good for."""
    if kind == "nothing":
        return
    if kind in ("vertices", "empty mesh"):
        scenes.mesh([(0, 0, 0), (1, 0, 1), (0, 2, 0)] if kind == "vertices" else [], [])
    elif kind == "cube":
        scenes.cube()
    elif kind == "sketch":
        item = scenes.sketch()
        item.select_set(True)
        bpy.context.view_layer.objects.active = item
    elif kind == "instance":
        item = scenes.add("Instance", None)
        item.instance_type, item.instance_collection = "COLLECTION", bpy.data.collections.new("Parts")
        item.instance_collection.objects.link(bpy.data.objects.new("Part", bpy.data.meshes.new("Part")))
        item.select_set(True)
    else:
        bpy.ops.object.add(type=kind)


KINDS = (
    "nothing",
    "vertices",
    "empty mesh",
    "cube",
    "sketch",
    "instance",
    "EMPTY",
    "CURVE",
    "FONT",
    "META",
    "SURFACE",
    "LATTICE",
    "ARMATURE",
    "CAMERA",
    "LIGHT",
    "SPEAKER",
    "LIGHT_PROBE",
    "VOLUME",
)


@pytest.mark.parametrize("kind", KINDS)
def test_the_panels_sentence_and_the_button_agree(extension, kind):
    things(kind)
    bpy.context.view_layer.update()
    captures, generate = extension.module("operators.conditions").CAPTURES, extension.module("operators.jobs.generate")
    models = extension.module("operators.models.catalog")
    models.KNOWN["all"] = models.Model("all", "All", tuple(row.condition for row in captures.values()))
    extension.settings.model = "all"
    try:
        for condition, row in captures.items():
            extension.settings.condition = condition
            sentence, missing = (
                bpy.context.window_manager.wala_input,
                row.choose(bpy.context, extension.settings).missing,
            )
            assert sentence and bpy.ops.wala.generate.poll() == (not missing), (condition, sentence)
            assert (sentence == missing) == bool(missing) and missing == generate.what_is_missing(
                bpy.context, extension.settings
            )
    finally:
        del models.KNOWN["all"]
    usable = {"VOXELS": {"cube", "instance", "CURVE", "FONT", "META", "SURFACE"}, "SKETCH": {"sketch"}}
    usable["POINTS"] = usable["VOXELS"] | {"vertices"}
    for condition, kinds in usable.items():
        assert bool(captures[condition].choose(bpy.context, extension.settings).items) == (kind in kinds)


def test_progress_redraws_the_sidebar_alone(extension, monkeypatch):
    """The areas and regions are stand-ins: background mode draws none. The window script counts real ones."""
    panel, tagged = extension.module("operators.jobs.panel_state"), []

    class Region:
        def __init__(self, area, kind):
            self.type, self.tag_redraw = kind, lambda: tagged.append((area, kind))

    areas = [
        SimpleNamespace(
            type=area,
            regions=[Region(area, kind) for kind in ("HEADER", "WINDOW", "UI")],
            tag_redraw=lambda: tagged.append(area),
        )
        for area in ("VIEW_3D", "PREFERENCES", "PROPERTIES")
    ]
    windows = [SimpleNamespace(screen=SimpleNamespace(areas=areas))]
    monkeypatch.setattr(
        panel, "bpy", SimpleNamespace(context=SimpleNamespace(window_manager=SimpleNamespace(windows=windows)))
    )
    panel.redraw()
    assert tagged == [("VIEW_3D", "UI"), ("PREFERENCES", "WINDOW")]


def test_handlers_come_and_go(extension):
    def handlers():
        lists = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
        return {name: len(found) for name, found in lists.items() if isinstance(found, list)}

    on = handlers()
    bpy.ops.preferences.addon_disable(module=extension.package)
    off = handlers()
    bpy.ops.preferences.addon_enable(module=extension.package)
    assert (
        handlers() == on == off | {name: off[name] + 1 for name in ("render_init", "save_pre", "depsgraph_update_post")}
    )


@pytest.mark.parametrize("name", OPERATORS)
def test_every_poll_answers(extension, name):
    for condition in extension.module("operators.conditions").CAPTURES:
        extension.settings.condition = condition
        assert getattr(bpy.ops.wala, name).poll() in (True, False)


def test_polls_say_why_not(extension):
    extension.settings.condition, extension.settings.prompt = "TEXT", "  "
    with pytest.raises(RuntimeError, match="Type what to make"):
        bpy.ops.wala.generate()
    with pytest.raises(RuntimeError, match="Nothing is being made"):
        bpy.ops.wala.cancel()
    with pytest.raises(RuntimeError, match="Online Access"):
        bpy.ops.wala.setup_worker()
    with pytest.raises(RuntimeError, match="not running"):
        extension.session.unload()
        bpy.ops.wala.unload()
    extension.settings.prompt = "a chair"
    assert bpy.ops.wala.generate.poll()


def test_open_log_opens_the_log_of_this_blenders_worker(extension, tmp_path):
    extension.preferences.log_folder = str(tmp_path)
    said = []

    class Operator:
        report = staticmethod(lambda kind, words: said.append(words))

    opened = extension.module("operators.environment.worker_operators").WALA_OT_open_log.execute
    extension.session.unload()
    opened(Operator, bpy.context)
    extension.settings.condition, extension.settings.prompt = "TEXT", "a chair"
    try:
        assert bpy.ops.wala.generate() == {"FINISHED"}
        opened(Operator, bpy.context)
        extension.session.unload()
        opened(Operator, bpy.context)
    finally:
        extension.preferences.log_folder = ""
    log = str(tmp_path / f"worker-session-{os.getpid()}.log")
    assert said == [str(tmp_path), log, log] and os.path.isfile(log)


def test_one_denoising_step_is_skipped_on_the_way_up_and_down(extension):
    seen = []
    for steps in (1, 3, 2, 1, 1, 50, 1, 0):
        extension.settings.steps = steps
        seen.append(extension.settings.steps)
    assert seen == [2, 3, 2, 0, 2, 50, 0, 0]


def test_session_state_is_not_saved_with_the_file(extension, tmp_path):
    extension.panel.message, extension.settings.prompt = "Working", "a table"
    path = str(tmp_path / "saved ü.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    extension.panel.message = ""
    bpy.ops.wm.open_mainfile(filepath=path)
    assert extension.panel.message == "" and extension.settings.prompt == "a table"
