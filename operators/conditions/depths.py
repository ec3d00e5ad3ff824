"""Depth of the selected meshes from all sides; the worker renders it from the published cameras."""

from ..capture import meshes
from ..capture.plain import Capture, Choice
from ..capture.spec import CaptureSpec
from .depth import MISSING


def choose(context, settings) -> Choice:
    """The meshes that are rendered from all sides."""
    return meshes.choose(context, settings, meshes.has_surface, "The model's cameras look at {}", MISSING)


def capture(context, settings) -> Capture:
    """The joined meshes; the worker renders them from the model's cameras. Raises JobFailed as :func:`meshes.surface`
    does."""
    surface = meshes.surface(context, choose(context, settings))
    return Capture(
        surface.title,
        {"mesh": "inputs/mesh.npz"},
        {"kind": "box", "box": surface.box.tolist()},
        {"mesh.npz": surface.mesh},
        surface.source,
    )


SPEC = CaptureSpec(
    identifier="DEPTHS",
    number=6,
    order=7,
    condition="depths",
    title="Multi-View Depth",
    description="From the depth of the selected meshes, seen from the model's own cameras around them",
    icon="ORIENTATION_GIMBAL",
    choose=choose,
    capture=capture,
    fits=True,
    selects=True,
)
