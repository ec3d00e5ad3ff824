"""Mesh to be edited, as the model sees it: its own geometry in model space, its place, and the region to make anew."""

from dataclasses import dataclass

import bpy
import mathutils
import numpy as np

from ...runtime import jobs, variations
from ...runtime.messages import JobFailed
from ..scene import frames
from ..scene.camera_pose import bounds
from ..scene.placement import place
from .meshes import geometry_of
from .plain import bad_input, require_finite

MODEL_SIZE = 1.8  # longest side of a shape in model space
LIMIT = 0.97  # of a coordinate in model space: beyond, a mesh has outgrown the box of the job that made it
IN_MODEL_SPACE = [0.0, 0.0, 0.0, 1.0]  # frame of a mesh that is sent in model space
MODEL_AXES = np.eye(4)
MODEL_AXES[:3, :3] = frames.to_model(np.eye(3)).T


@dataclass(frozen=True)
class ModelSpace:
    """An object's own coordinates, turned by ``turn`` (3, 3) so that Z is up, = model space in Blender's axes ·
    ``scale`` (3,) + ``offset`` (3,)."""

    scale: np.ndarray
    offset: np.ndarray
    turn: np.ndarray

    @classmethod
    def of_box(cls, vertices: np.ndarray, matrix: np.ndarray) -> "ModelSpace":
        """Model space of a mesh's own box; ``matrix`` (4, 4): of its object in the world, which says what is up, and
        how it is stretched."""
        turn = upright(matrix[:3, :3])
        stretch = np.linalg.norm(matrix[:3, :3] @ turn.T, axis=0).clip(1e-9)
        low, high = bounds(vertices @ turn.T)
        longest = float(((high - low) * stretch).max())
        if not longest > 0:
            raise bad_input("The mesh has no size", "Make another one active")
        return cls(longest / MODEL_SIZE / stretch, (low + high) / 2, turn)

    def to_model(self, vertices: np.ndarray) -> np.ndarray:
        """An object's own coordinates (V, 3) in model space, float32, in the model's axes."""
        return frames.to_model((vertices @ self.turn.T - self.offset) / self.scale).astype(np.float32)

    @property
    def matrix(self) -> np.ndarray:
        """(4, 4): from an object's own coordinates to model space, in the model's axes."""
        back = np.eye(4)
        back[:3, :3], back[:3, 3] = np.diag(1 / self.scale) @ self.turn, -self.offset / self.scale
        return MODEL_AXES @ back


def upright(axes: np.ndarray) -> np.ndarray:
    """Turn (3, 3) about X or Y, by quarters, of an object's own coordinates after which Z is the axis that is nearest
    to up in the world. axes (3, 3): the columns are the object's axes in the world."""
    heights = axes[2] / np.linalg.norm(axes, axis=0).clip(1e-12)
    axis = int(np.argmax(np.abs(heights)))
    if heights[2] > np.abs(heights).max() - 1e-6:
        axis = 2
    sign = 1.0 if heights[axis] >= 0 else -1.0
    if axis == 2:
        return np.diag([1.0, sign, sign])
    if axis == 1:
        return np.array([[1.0, 0, 0], [0, 0, -sign], [0, sign, 0]])
    return np.array([[0, 0, -sign], [0, 1.0, 0], [sign, 0, 0]])


def mesh_of(context, item) -> tuple[np.ndarray, np.ndarray]:
    """A mesh object's vertices (V, 3) in its own coordinates, with modifiers, and triangles (F, 3). Raises
    JobFailed."""
    if item.mode == "EDIT":
        item.update_from_editmode()
    vertices, faces = geometry_of(item.evaluated_get(context.evaluated_depsgraph_get()))
    if not len(faces):
        raise bad_input(f"“{item.name}” has no faces", "Make a closed mesh active")
    numbers, faces = np.unique(faces, return_inverse=True)
    vertices = vertices[numbers]
    require_finite(vertices, f"“{item.name}”")
    return vertices, faces.reshape(-1, 3)


def model_space(item, vertices: np.ndarray, folder) -> ModelSpace:
    """Model space of an object: that of the job in ``folder`` that made it, while its mesh lies in it; else that of
    its own box. vertices (V, 3): of the object, in its own coordinates."""
    if folder is not None:
        try:
            space = space_of_job(folder, item.wala.variation)
        except JobFailed:
            space = None
        if space is not None and np.abs(space.to_model(vertices)).max() <= LIMIT:
            return space
    return ModelSpace.of_box(vertices, np.array(item.matrix_world))


def space_of_job(folder, number: int) -> ModelSpace:
    """Model space of the object that a job made, of its variation of that number. Raises JobFailed."""
    placement = jobs.read_request(folder).placement
    if placement["kind"] == "object":
        return ModelSpace(*(np.array(placement[name]) for name in ("scale", "offset", "turn")))
    result = jobs.read_result(variations.folder_of(folder, number))
    vertices = frames.to_blender(result.vertices)
    placed = place(vertices, placement, frames.frame_to_blender(result.record.get("frame")))
    (low, high), (own_low, own_high) = bounds(vertices), bounds(placed.vertices)
    scale = (own_high - own_low) / np.maximum(high - low, 1e-12)
    return ModelSpace(scale, own_low - low * scale, np.eye(3))


def placement_of(item, space: ModelSpace, shift: np.ndarray | None = None) -> dict:
    """Placement of a result in the place of the object that it was made from, ``shift`` (3,) aside in the world."""
    matrix = np.array(item.matrix_world)
    if shift is not None:
        matrix[:3, 3] += shift
    return {
        "kind": "object",
        "scale": space.scale.tolist(),
        "offset": space.offset.tolist(),
        "turn": space.turn.tolist(),
        "matrix": matrix.tolist(),
    }


def region_of_empty(item, region, space: ModelSpace) -> dict:
    """Region of an edit from a cube or sphere empty."""
    size = region.empty_display_size
    matrix = item.matrix_world.inverted_safe() @ region.matrix_world
    in_model = space.matrix @ np.array(matrix) @ np.diag([size, size, size, 1.0])
    if abs(np.linalg.det(in_model[:3, :3])) < 1e-9:
        raise bad_input(f"The region “{region.name}” is flat", "Scale it along every axis")
    shape = "sphere" if region.empty_display_type == "SPHERE" else "box"
    return {"region": shape, "region_matrix": in_model.flatten().tolist()}


def region_of_faces(item, space: ModelSpace, radius: float) -> tuple[dict, dict]:
    """Region of an edit around the selected faces of a mesh, and its files; ``radius``: in the model's units."""
    if item.mode == "EDIT":
        item.update_from_editmode()
    mesh = item.data
    chosen = np.empty(len(mesh.polygons), bool)
    mesh.polygons.foreach_get("select", chosen)
    if not chosen.any():
        raise bad_input("No face is selected", "Select the faces to make anew in Edit Mode")
    vertices = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", vertices)
    corners = np.concatenate([vertices.reshape(-1, 3)[list(mesh.polygons[n].vertices)] for n in np.flatnonzero(chosen)])
    centers = np.array([mesh.polygons[int(n)].center for n in np.flatnonzero(chosen)])
    points = space.to_model(np.concatenate([corners, centers]).astype(np.float64))
    values = {"region": "points", "region_points": "inputs/region.npy", "region_radius": radius}
    return values, {"region.npy": points}


def is_region(item) -> bool:
    """Whether an object can be a region: an empty that is drawn as a cube or a sphere."""
    return item.type == "EMPTY" and item.empty_display_type in ("CUBE", "SPHERE")


def world_box(item) -> np.ndarray:
    """The box (2, 3) of an object in the world."""
    matrix = np.array(item.matrix_world)
    return bounds(np.array([corner[:] for corner in item.bound_box]) @ matrix[:3, :3].T + matrix[:3, 3])


def add_region(context, item) -> "bpy.types.Object":
    """A cube empty around the upper half of an object, active."""
    turn = upright(np.array(item.matrix_world)[:3, :3])
    low, high = bounds(np.array([corner[:] for corner in item.bound_box]) @ turn.T)
    low[2] = (low[2] + high[2]) / 2
    region = bpy.data.objects.new(f"{item.name} Region", None)
    region.empty_display_type, region.empty_display_size = "CUBE", 1.0
    context.collection.objects.link(region)
    sides = np.maximum((high - low) / 2 * 1.1, 1e-4)
    local = np.eye(4)
    local[:3, :3], local[:3, 3] = turn.T @ np.diag(sides), turn.T @ ((low + high) / 2)
    region.matrix_world = item.matrix_world @ mathutils.Matrix(local.tolist())
    return region
