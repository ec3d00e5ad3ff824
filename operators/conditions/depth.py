"""Depth of the selected meshes from the artist's view; the worker renders it."""

from ..capture import meshes
from ..capture.plain import Capture, Choice
from ..capture.spec import CaptureSpec
from ..scene import frames
from ..scene.camera_pose import bounds, orthographic
from .sketch import current_view, describe_view, stored_view

MISSING = "Select the meshes to look at"


def choose(context, settings) -> Choice:
    """The meshes that are rendered from the artist's view."""
    return meshes.choose(context, settings, meshes.has_surface, f"{{}}, {describe_view(context)}", MISSING)


def capture(context, settings) -> Capture:
    """The joined meshes, the angles of the view, upright and aimed at their centre, and their bounds along that view's
    axes. Raises JobFailed as :func:`meshes.surface` does."""
    surface = meshes.surface(context, choose(context, settings))
    eye = stored_view(settings) or current_view(context) or orthographic(0)
    view = eye.aimed_at(surface.box.mean(axis=0))
    azimuth, elevation = view.angles()
    seen = bounds(frames.to_blender(surface.mesh["vertices"]) @ view.axes.T)
    placement = {"kind": "seen", "axes": view.axes.tolist(), "bounds": seen.tolist()}
    return Capture(
        surface.title,
        {"mesh": "inputs/mesh.npz", "azimuth": azimuth, "elevation": elevation},
        placement,
        {"mesh.npz": surface.mesh},
        surface.source,
        eye.to_plain(),
    )


SPEC = CaptureSpec(
    identifier="DEPTH",
    number=5,
    order=6,
    condition="depth",
    title="Depth",
    description="From how far the selected meshes are, seen as the camera or the 3D view sees them",
    icon="VIEW_CAMERA",
    choose=choose,
    capture=capture,
    fits=True,
    selects=True,
)
