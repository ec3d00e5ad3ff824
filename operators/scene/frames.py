"""Change of frame between Blender and the models: axes only, no positions and sizes.

Blender: +Z up, the front view looks from -Y towards +Y.
Model:   +Y up, the drawing camera at azimuth 0 sits on +Z and looks towards -Z.
Both are right-handed, so the winding of faces survives the change.
"""

import numpy as np


def to_model(points: np.ndarray) -> np.ndarray:
    """Blender axes to model axes: (x, y, z) becomes (x, z, -y). (..., 3) in, (..., 3) out, same dtype and unit."""
    x, y, z = np.moveaxis(np.asarray(points), -1, 0)
    return np.stack([x, z, -y], axis=-1)


def to_blender(points: np.ndarray) -> np.ndarray:
    """Model axes to Blender axes: (x, y, z) becomes (x, -z, y). The inverse of :func:`to_model`."""
    x, y, z = np.moveaxis(np.asarray(points), -1, 0)
    return np.stack([x, -z, y], axis=-1)


def frame_to_blender(frame: dict | None) -> dict | None:
    """A result's frame, "center" and "scale", in Blender's axes; None for none."""
    if frame is None:
        return None
    return {"center": to_blender(np.asarray(frame["center"], float)).tolist(), "scale": frame["scale"]}
