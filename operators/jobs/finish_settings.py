"""Finishing settings of the scene in the form of a job's request."""

# Blender's axes → the model's, which has +Y up
AXES = {"OFF": "off", "X": "x", "Y": "z", "Z": "y"}
ADJUST = "Adjust Mesh"  # label of the operator that finishes a result again, and of its undo steps
MOST_QUADS = 200_000  # as many as the library makes


def finish_of(settings) -> dict:
    """The "finish" of a job's request, from the scene's settings."""
    return faces_of(settings.topology, settings.faces, settings.low_poly_faces) | {
        "crisp": settings.crisp,
        "smoothing": settings.smoothing,
        "symmetry": AXES[settings.symmetry],
        "flat_base": settings.flat_base,
        "hollow": settings.wall if settings.hollow else 0.0,
        "uv": settings.unwrap and settings.topology != "QUADS",
    }


def faces_of(topology: str, faces: int, low_poly_faces: int) -> dict:
    """The part of a "finish" with topology and number of faces."""
    count = {"TRIANGLES": faces, "QUADS": min(faces, MOST_QUADS), "LOW_POLY": low_poly_faces, "FULL": None}[topology]
    return {"topology": topology.lower().replace("_", "-"), "faces": count}
