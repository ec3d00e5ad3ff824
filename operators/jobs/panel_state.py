"""Panel state: the property group `window_manager.wala`, updated with progress and outcomes.

Written only on changes, so that an idle session redraws nothing.
"""

import bpy

from ...runtime import pace
from ...runtime.events import StageEvent, StepEvent, WorkerSilentEvent
from ..models.catalog import GIGABYTE

# stage → start and end on the progress bar
SHARES = {
    "load": (0.0, 0.1),
    "views": (0.1, 0.6),
    "condition": (0.1, 0.15),
    "encode": (0.15, 0.2),
    "query": (0.2, 0.9),
    "sample": (0.15, 0.5),
    "choose": (0.5, 0.55),
    "fit": (0.55, 0.65),
    "decode": (0.65, 0.7),
    "detail": (0.7, 0.75),
    "refine": (0.75, 0.9),
    "surface": (0.9, 0.93),
    "colour": (0.93, 0.95),
    "finish": (0.95, 1.0),
}
TITLES = {
    "load": "Loading the model",
    "views": "Drawing the views",
    "condition": "Reading the input",
    "encode": "Encoding",
    "query": "Decoding",
    "sample": "Shaping",
    "choose": "Choosing the best",
    "fit": "Fitting",
    "decode": "Decoding",
    "detail": "Adding details",
    "refine": "Refining the surface",
    "colour": "Colouring",
    "surface": "Meshing",
    "finish": "Finishing",
}
PANEL_REGIONS = {("VIEW_3D", "UI"), ("PREFERENCES", "WINDOW")}  # areas and regions
MODEL_FIELDS = (
    "name",
    "title",
    "conditions",
    "prompted",
    "offered",
    "installed",
    "can_fetch",
    "can_remove",
    "size",
    "memory",
    "licence",
    "problem",
)
HISTORY_FIELDS = ("name", "job", "words", "condition", "when", "icon", "is_waiting", "has_settings")


def show(**values) -> None:
    """Set properties of `window_manager.wala`, and redraw the panels if a value has changed."""
    group = getattr(bpy.context.window_manager, "wala", None)
    if group is None:
        return
    changed = {name: value for name, value in values.items() if getattr(group, name) != value}
    for name, value in changed.items():
        setattr(group, name, value)
    if changed:
        redraw()


def show_models(models) -> None:
    """Update the list of models in the panel."""
    _show_rows("models", MODEL_FIELDS, [_model_values(model) for model in models])


def show_queue(rows: list[tuple[str, str, str, str]]) -> None:
    """Update the list of jobs: (id, title, state, error)."""
    _show_rows("queue", ("name", "title", "state", "problem"), rows)


def show_thumbnails(icons: list[int]) -> None:
    """Update the icons of the active result's variations."""
    _show_rows("thumbnails", ("icon",), [(icon,) for icon in icons])


def show_unknown_words(rows: list[tuple[str, str, str]]) -> None:
    """Update the words that the model does not know: (word, setting that has it, known ones near it)."""
    _show_rows("unknown_words", ("name", "field", "nearest"), rows)


def show_history(rows: list[tuple]) -> None:
    """Update the list of finished jobs: the values of HISTORY_FIELDS."""
    _show_rows("history", HISTORY_FIELDS, rows)
    show(waiting=sum(row[HISTORY_FIELDS.index("is_waiting")] for row in rows))


def _show_rows(name: str, fields: tuple[str, ...], rows: list[tuple]) -> None:
    """Fill a collection of `window_manager.wala`, if its values have changed."""
    group = getattr(bpy.context.window_manager, "wala", None)
    if group is None:
        return
    collection = getattr(group, name)
    if [tuple(getattr(item, field) for field in fields) for item in collection] == rows:
        return
    collection.clear()
    for row in rows:
        item = collection.add()
        for field, value in zip(fields, row, strict=True):
            setattr(item, field, value)
    redraw()


def _model_values(model) -> tuple:
    """A model as a row of `window_manager.wala.models`."""
    licence = f"{model.licence}, non-commercial" if model.non_commercial else model.licence
    return (
        model.name,
        model.title,
        " ".join(model.conditions),
        " ".join(model.prompted),
        model.is_offered,
        model.is_installed,
        model.can_fetch,
        model.can_remove,
        f"{model.size / GIGABYTE:.1f} GB" if model.size else "",
        model.memory,
        licence,
        model.problem,
    )


def redraw() -> None:
    """Redraw the sidebars alone, not the 3D views beside them, which may take seconds."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas if window.screen else ():
            for region in area.regions:
                if (area.type, region.type) in PANEL_REGIONS:
                    region.tag_redraw()


def clear() -> None:
    """Reset to the initial state."""
    show(
        busy=False,
        progress=0.0,
        message="",
        problem="",
        hint="",
        detail="",
        ready="",
        outdated="",
        models_busy=False,
        models_progress=0.0,
        models_message="",
        models_problem="",
    )


def start(message: str) -> None:
    """Start of a task: its first message, an empty progress bar, no error."""
    show(busy=True, progress=0.0, message=message, problem="", hint="", detail="")


def finish(message: str = "") -> None:
    """End of a task, with its message."""
    show(busy=False, progress=0.0, message=message)


def fail(message: str, hint: str = "", detail: str = "") -> None:
    """End of a task with an error."""
    show(busy=False, progress=0.0, message="", problem=sentence(message), hint=hint, detail=detail)


def sentence(message: str) -> str:
    """A message with a capital letter, unless it begins with a file name."""
    begins_with_a_word = message.split(" ", 1)[0].isalpha()
    return message[:1].upper() + message[1:] if begins_with_a_word else message


def silent(event: WorkerSilentEvent) -> None:
    """Show the stage without progress, and what can be done."""
    stage = TITLES.get(event.stage, event.stage)
    what = f"“{stage}” has made no progress" if stage else "The worker has not begun"
    show(message=f"{what} for {event.seconds:.0f} s: wait, or press Cancel")


def stage(event: StageEvent, seconds_left: float | None) -> None:
    """Show a stage or a step of it as progress bar and message, with the job's remaining seconds if known.

    The bar never goes back: a job with two models loads twice.
    """
    low, high = SHARES.get(event.stage, (0.0, 0.0))
    step, steps = event.step, max(event.steps, 1)
    message = TITLES.get(event.stage, event.stage)
    if isinstance(event, StepEvent) and steps > 1:
        message += f", step {step + 1} of {steps}"
    if seconds_left is not None:
        message += f", {pace.describe_duration(seconds_left)} left"
    show(progress=max(bpy.context.window_manager.wala.progress, low + (high - low) * step / steps), message=message)
