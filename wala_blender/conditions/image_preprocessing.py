"""Preprocessing of pictures for the published image encoders: photographs, drawings, depth maps, several views.

Every prepare_… gives Prepared((images (1, V, 3, 224, 224) float32 in -1 … 1, view_indices (1, V) int64)).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..geometry.cameras import PUBLISHED, looking_at_origin
from ..geometry.depth import depth_maps, depth_picture
from ..geometry.distance import Frame, frame_of
from .background import check_picture, cut_out
from .depth_maps import published_look
from .evidence import DepthMap, Evidence
from .ink import drawing_in
from .pixels import eight_bits
from .shape_constraints import Observation, fitting_depth, of_depth_pictures, of_depths
from .sketch import picture_of_polylines
from .types import Prepared

IMAGE_SIZE = 224  # pixels
MIN_SIZE = 8  # pixels of a picture that is worth looking at
LINE_WIDTH = 2.0  # pixels, of drawn polylines


def prepare_image(inputs: dict) -> Prepared:
    """{"image": (H, W[, 3 or 4]) uint8; "views": [its view index], default 0; "background": "remove" if it is of one
    colour and to be cut away}: a picture of the thing on black (alpha over black)."""
    return _prepared([_pictured(inputs["image"], inputs)], inputs.get("views", [0]))


def prepare_sketch(inputs: dict) -> Prepared:
    """{"polylines": (n, 2) arrays, x right, y up} or {"image"}; "views" as above: dark lines on white.

    A drawing on a light or transparent ground keeps its place in the picture; light lines on dark are turned round, and
    what is not square is padded with white, so that no line is cut off.
    """
    if "polylines" in inputs:
        ink, left_out = picture_of_polylines(inputs["polylines"], IMAGE_SIZE, LINE_WIDTH), ""
    else:
        drawing = drawing_in(inputs["image"])
        ink, left_out = _square(drawing.ink), drawing.left_out
    return _prepared([255 * (1 - ink)], inputs.get("views", [0]), note=left_out)


def prepare_depth(inputs: dict) -> Prepared:
    """One depth map, as ``one_depth`` takes it."""
    renders = one_depth(inputs)
    return _prepared(renders.maps, renders.views, renders)


def prepare_depths(inputs: dict) -> Prepared:
    """Several depth maps, as ``several_depths`` takes them."""
    renders = several_depths(inputs)
    return _prepared(renders.maps, renders.views, renders)


@dataclass(frozen=True)
class DepthRenders:
    """Depth maps (H, W), 0 … 255 in the published convention, their directions (azimuth, elevation in degrees), the
    nearest published cameras; for a rendered mesh its frame and true depths (H, W), model units from the eye, inf where
    nothing is; and a note for the user."""

    maps: list[np.ndarray]
    directions: list[tuple[float, float]]
    views: Sequence[int]
    frame: Frame | None = None
    depths: list[np.ndarray] | None = None
    note: str = ""

    @property
    def observation(self) -> Observation | None:
        """Shape constraint of the maps; None for a single map without absolute depth, which constrains too little."""
        if self.depths is not None:
            return of_depths(self.depths, self.directions)
        return of_depth_pictures(self.maps, self.directions) if len(self.maps) > 1 else None

    def evidence(self, field: Tensor) -> Evidence:
        """The maps with their depths, known or fitted to a field (128, 128, 128)."""
        depths = self.depths or [
            fitting_depth(one, direction, field) for one, direction in zip(self.maps, self.directions)
        ]
        return Evidence(depths=[DepthMap(depth, direction) for depth, direction in zip(depths, self.directions)])


def one_depth(inputs: dict) -> DepthRenders:
    """{"image": a depth map, "views": [its view index], default 0, "near": "light" or "dark", default what the map
    looks like}, or a mesh {"vertices" (V, 3), "faces" (F, 3), "azimuth", "elevation" in degrees}, +Y up, seen from
    there."""
    if "vertices" not in inputs:
        _refuse(inputs, "azimuth", "elevation")
        return _from_images([inputs["image"]], inputs.get("views", [0]), inputs)
    _refuse(inputs, "views", "near")
    direction = float(inputs.get("azimuth", 0.0)), float(inputs.get("elevation", 0.0))
    maps, frame, depths = mesh_pictures(inputs["vertices"], inputs["faces"], [direction])
    return DepthRenders(maps, [direction], [PUBLISHED.nearest(*direction)], frame, depths)


def several_depths(inputs: dict) -> DepthRenders:
    """{"images": 4 or 6 depth maps, "views": their view indices, default the published ones for that number, "near" as
    above}, or a mesh, +Y up, rendered from "views"; their default is the model's."""
    if "vertices" not in inputs:
        return _from_images(inputs["images"], _views(inputs), inputs)
    _refuse(inputs, "near")
    if "views" not in inputs:
        raise InputError("nothing says which cameras look at the mesh", "Give their view indices")
    directions = [PUBLISHED.direction(view) for view in inputs["views"]]
    maps, frame, depths = mesh_pictures(inputs["vertices"], inputs["faces"], directions)
    return DepthRenders(maps, directions, inputs["views"], frame, depths)


def _from_images(images: Sequence[np.ndarray], views: Sequence[int], inputs: dict) -> DepthRenders:
    _check_count(images, views)
    maps, turned = published_look(images, inputs.get("near", "auto"))
    note = (
        "" if not turned or "near" in inputs else f"Near is dark in the depth map{'s' * (len(maps) > 1)}: turned round"
    )
    return DepthRenders(maps, [PUBLISHED.direction(view) for view in views], views, note=note)


def prepare_views(inputs: dict) -> Prepared:
    """Several pictures of the thing on black: {"images", "views": their view indices, default the published ones for as
    many, "background" as above}."""
    return _prepared([_pictured(image, inputs) for image in inputs["images"]], _views(inputs))


def mesh_pictures(
    vertices: np.ndarray, faces: np.ndarray, directions: Sequence[tuple[float, float]]
) -> tuple[list[np.ndarray], Frame, list[np.ndarray]]:
    """V depth maps (256, 256) uint8 in the published look of a mesh, +Y up, from (azimuth, elevation) in degrees; the
    mesh's frame in model space; and the depths (256, 256) that they show, model units from the eye, inf where nothing
    is. Raises InputError for an unusable mesh."""
    frame = frame_of(np.asarray(vertices, dtype=np.float64)[np.unique(faces)])
    cameras = [looking_at_origin(*direction, PUBLISHED.distance) for direction in directions]
    depth = depth_maps(frame.to_model(vertices), faces, cameras, PUBLISHED.field_of_view)
    return [depth_picture(one) for one in depth], frame, list(depth)


def _prepared(
    pictures: list[np.ndarray], views: Sequence[int], renders: DepthRenders | None = None, note: str = ""
) -> Prepared:
    _check_count(pictures, views)
    for view in views:
        PUBLISHED.direction(view)
    images = torch.stack([_fitted(picture) for picture in pictures])
    tensors = images[None], torch.tensor([list(views)], dtype=torch.int64)
    return (
        Prepared(tensors, renders.frame, renders.observation, note=renders.note)
        if renders
        else Prepared(tensors, note=note)
    )


def _check_count(pictures: Sequence[np.ndarray], views: Sequence[int]) -> None:
    if len(pictures) != len(views):
        raise InputError(
            f"there are {len(pictures)} pictures and {len(views)} view indices", "Give the view index of every picture"
        )


def _views(inputs: dict) -> Sequence[int]:
    """The view indices of several pictures."""
    count = len(inputs["images"])
    if "views" not in inputs and count not in PUBLISHED.sets:
        raise InputError(
            f"there are {count} pictures, expected {' or '.join(map(str, PUBLISHED.sets))}",
            "Or give the view index of each",
        )
    return inputs["views"] if "views" in inputs else PUBLISHED.sets[count]


def _refuse(inputs: dict, *names: str) -> None:
    for name in names:
        if name in inputs:
            raise InputError(
                f"{name} goes with the other kind of depth",
                "A mesh is looked at from azimuth and elevation; a depth map has a view",
            )


def _fitted(picture: np.ndarray) -> Tensor:
    """(H, W) or (H, W, 3), 0 … 255 → (3, IMAGE_SIZE, IMAGE_SIZE) in -1 … 1: the shorter side resized (bilinear,
    antialiased), the middle cut out."""
    image = torch.from_numpy(np.array(picture, dtype=np.float32))
    image = image.permute(2, 0, 1) if image.ndim == 3 else image.expand(3, *image.shape)
    _, height, width = image.shape
    size = [max(IMAGE_SIZE, int(IMAGE_SIZE * side / min(height, width))) for side in (height, width)]
    image = F.interpolate(image[None], size, mode="bilinear", antialias=True, align_corners=False)[0]
    top, left = (round((side - IMAGE_SIZE) / 2) for side in size)
    return image[:, top : top + IMAGE_SIZE, left : left + IMAGE_SIZE].clamp(0, 255) / 127.5 - 1


def _pictured(image: np.ndarray, inputs: dict) -> np.ndarray:
    return _over_black(cut_out(image) if inputs.get("background") == "remove" else image)


def _over_black(image: np.ndarray) -> np.ndarray:
    """(H, W[, 3 or 4]) as eight_bits takes it → (H, W) or (H, W, 3) float32, 0 … 255. Raises InputError for another
    shape."""
    image = eight_bits(image)
    check_picture(image, MIN_SIZE)
    image = image.astype(np.float32)
    return image if image.ndim == 2 or image.shape[2] == 3 else image[..., :3] * (image[..., 3:] / 255)


def _square(ink: np.ndarray) -> np.ndarray:
    """(H, W) in the middle of a square of zeros."""
    side = max(ink.shape)
    margins = [((side - n) // 2, side - n - (side - n) // 2) for n in ink.shape]
    return np.pad(ink, margins)
