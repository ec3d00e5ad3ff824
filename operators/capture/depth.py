"""The selected meshes as something to measure the depth of, from the artist's view or all round. Knows the selection and where the artist
looks from; the worker has the cameras and makes the maps."""

from ..views import orthographic
from . import meshes
from .plain import Capture
from .sketch import current_view

MISSING = "Select the meshes to look at"


def missing(context, settings) -> str:
    """What is missing before a capture can work."""
    return "" if meshes.is_selected(context) else MISSING


def capture(context, settings) -> Capture:
    """The joined meshes, and the angles they are seen from: upright and straight at their middle. Raises JobFailed as
    :func:`meshes.surface` does."""
    title, mesh, box = meshes.surface(context, MISSING)
    view = current_view(context) or orthographic(0)
    azimuth, elevation = view.aimed_at(box.mean(axis=0)).angles()
    return Capture(title, {"mesh": "inputs/mesh.npz", "azimuth": azimuth, "elevation": elevation}, {"kind": "box", "box": box.tolist()},
                   {"mesh.npz": mesh})


def capture_round_about(context, settings) -> Capture:
    """The joined meshes; the model's own cameras look at them. Raises JobFailed as :func:`meshes.surface` does."""
    title, mesh, box = meshes.surface(context, MISSING)
    return Capture(title, {"mesh": "inputs/mesh.npz"}, {"kind": "box", "box": box.tolist()}, {"mesh.npz": mesh})
