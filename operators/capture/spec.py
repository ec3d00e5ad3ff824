"""Specification of a condition in Blender: identifier, label, drawing, capture."""

from collections.abc import Callable
from dataclasses import dataclass

from .plain import Capture, Choice


def _draw_nothing(layout, settings) -> None:
    """Draw nothing."""


@dataclass(frozen=True)
class CaptureSpec:
    """A way to give a condition. ``identifier`` and ``number`` of the property's value, never to change: files have
    them. ``condition``: its name in a job's request. ``order``: its place in lists, the lowest first.

    ``choose(context, settings)`` is a cheap look at what it would take, a :class:`Choice`: the panel's sentence and the
    button both go by it. ``capture(context, settings)`` gives a :class:`Capture` or raises JobFailed. ``draw(layout,
    settings)`` draws what the artist fills in, ``properties``: a class with the properties that the settings get for
    it, of ``classes``, which are registered before. ``fits``: it says where the shape is, so that the shape can be
    fitted to it; ``selects``: it is made from the selection.
    """

    identifier: str
    number: int
    order: int
    condition: str
    title: str
    description: str
    icon: str
    choose: Callable[..., Choice]
    capture: Callable[..., Capture]
    draw: Callable[..., None] = _draw_nothing
    properties: type | None = None
    classes: tuple[type, ...] = ()
    fits: bool = False
    selects: bool = False


def draw_field(name: str) -> Callable[..., None]:
    """``draw`` of one property without its name."""
    return lambda layout, settings: layout.prop(settings, name, text="")
