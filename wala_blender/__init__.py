"""WaLa: meshes from sketches, blockouts, points and words.

    from wala_blender import Pipeline, TextInput

    pipeline = Pipeline.load("starter")
    mesh = pipeline.generate(TextInput("a chair"))
    mesh.save("chair.glb")

The names in ``__all__`` are the public API. They are imported when they are first used, so that ``import wala_blender``
costs nothing.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_PUBLIC = {
    "Pipeline": "pipeline",
    "Settings": "pipeline",
    "Generation": "pipeline",
    "Finish": "finishing.settings",
    "TextToShape": "text_to_shape",
    "MeshToMesh": "mesh_to_mesh",
    "TextInput": "inputs",
    "SketchInput": "inputs",
    "ImageInput": "inputs",
    "DepthInput": "inputs",
    "MultiViewDepthInput": "inputs",
    "MultiViewImageInput": "inputs",
    "VoxelInput": "inputs",
    "PointInput": "inputs",
    "MeshInput": "inputs",
    "NoInput": "inputs",
    "SeveralInputs": "inputs",
    "Edit": "shape_editing",
    "Region": "shape_editing",
    "read_mesh": "geometry.meshes",
    "describe_models": "models.listing",
    "WalaError": "errors",
}
__all__ = [*_PUBLIC]

if TYPE_CHECKING:
    from .errors import WalaError
    from .finishing.settings import Finish
    from .geometry.meshes import read_mesh
    from .inputs import (
        DepthInput,
        ImageInput,
        MeshInput,
        MultiViewDepthInput,
        MultiViewImageInput,
        NoInput,
        PointInput,
        SeveralInputs,
        SketchInput,
        TextInput,
        VoxelInput,
    )
    from .mesh_to_mesh import MeshToMesh
    from .models.listing import describe_models
    from .pipeline import Generation, Pipeline, Settings
    from .shape_editing import Edit, Region
    from .text_to_shape import TextToShape


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_PUBLIC[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
