"""What simpler methods make of a condition's input, to compare a model with. Knows shapes' fields and a store of
training shapes; no networks."""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree
from scipy.spatial import cKDTree
from torch import Tensor

from ..conditions.sketch import FILL, picture_of_image
from ..conditions.voxels import CELLS, occupancy_of, upsampled
from ..errors import InputError
from ..geometry.cameras import PUBLISHED, looking_at_origin
from ..geometry.depth import depth_maps
from ..geometry.distance import RESOLUTION, mesh_to_distance
from ..geometry.fusion import fuse
from ..geometry.metrics import iou
from ..geometry.renderer import sample_field, shaded
from ..geometry.surface import field_to_mesh
from ..training.data.build import PICTURE
from ..training.data.captions import carries
from ..training.data.dataset import Entry, load_tree, read_index
from ..training.data.duplicates import alike
from ..training.data.line_drawings import line_picture
from ..wavelet import tree_to_field

_OCTREE = 7  # levels of the Poisson solver: 128 cells a side
_AVERAGED = 400  # training shapes in the mean shape
_VOXELS, _SMOOTHED = (
    64,
    5,
)  # of the remeshed blocks: a voxel is 1/58 of the longest side, about what keeps a blockout's parts apart
_FITTED = 40  # of them, those that its level is chosen on


def half_filled(field: Tensor) -> np.ndarray:
    """Solid voxels (16, 16, 16) bool: a cell is filled when at least half of its grid points are inside."""
    return (F.avg_pool3d((field < 0).float()[None], field.shape[0] // CELLS)[0] >= 0.5).numpy()


def screened_poisson(points: np.ndarray, field: Tensor) -> Tensor:
    """Field of the screened Poisson surface (Kazhdan and Hoppe 2013) of points (N, 3) with normals taken from the
    reference's ``field``."""
    points = torch.from_numpy(np.asarray(points, dtype=np.float32))
    steps = torch.eye(3) * (3 / field.shape[0])
    normals = F.normalize(
        torch.stack([sample_field(field, points + step) - sample_field(field, points - step) for step in steps], -1),
        dim=-1,
    )
    return poisson_of(points.double().numpy(), normals.double().numpy(), field.shape[0])


def poisson_of(points: np.ndarray, normals: np.ndarray, resolution: int) -> Tensor:
    """Field (R, R, R) of the screened Poisson surface of points (N, 3) with outward normals (N, 3); 1 everywhere where
    it encloses nothing."""
    import lagrange

    made = lagrange.poisson.mesh_from_oriented_points(points, normals, octree_depth=_OCTREE)
    try:
        return torch.from_numpy(mesh_to_distance(made.vertices, made.facets.astype(np.int64), resolution))
    except InputError:
        return torch.ones((resolution,) * 3)


def estimated_normals(points: np.ndarray, neighbours: int = 12) -> np.ndarray:
    """Outward unit normals (N, 3) of points (N, 3) of a closed surface, as Hoppe et al. (1992, "Surface reconstruction
    from unorganized points") estimate them: across the plane through a point's neighbours, and turned alike along the
    minimum spanning tree of neighbours whose planes are the most parallel, from the highest point's upward one on. A
    cloud in several parts is turned in each alike."""
    points = np.asarray(points, dtype=np.float64)
    near = cKDTree(points).query(points, neighbours + 1)[1]
    around = points[near] - points[near].mean(axis=1, keepdims=True)
    normals = np.linalg.eigh(np.einsum("nki,nkj->nij", around, around))[1][:, :, 0]
    start, end = np.repeat(np.arange(len(points)), neighbours), near[:, 1:].ravel()
    across = 1 - np.abs((normals[start] * normals[end]).sum(axis=1)) + 1e-6  # an edge of weight 0 would be none
    graph = minimum_spanning_tree(
        coo_matrix((across, (start, end)), shape=(len(points),) * 2)
        .tocsr()
        .maximum(coo_matrix((across, (end, start)), shape=(len(points),) * 2).tocsr())
    )
    graph = graph + graph.T
    for part in range((labels := connected_components(graph, directed=False))[0]):
        members = np.flatnonzero(labels[1] == part)
        top = members[points[members, 1].argmax()]
        normals[top] *= np.sign(normals[top, 1]) or 1
        order, parents = breadth_first_order(graph, top, directed=False)
        for one in order[1:]:
            if normals[one] @ normals[parents[one]] < 0:
                normals[one] *= -1
    return normals


def remeshed_and_smoothed(vertices: np.ndarray, faces: np.ndarray, resolution: int = RESOLUTION) -> Tensor:
    """Field (R, R, R) of what an artist makes of blocks, vertices (V, 3) and triangles (F, 3), in a few seconds in
    Blender: Voxel Remesh, the surface of their union's distance field at _VOXELS a side of [-1, 1]³, and the Smooth
    modifier, _SMOOTHED times at its factor 1/2, which moves a vertex half the way to the mean of its edges' middles."""
    vertices, faces = field_to_mesh(mesh_to_distance(vertices, faces, _VOXELS), remove_dust=False)
    a, b = np.concatenate(
        [faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]
    ).T  # closed: every edge in both directions
    beside = coo_matrix((np.ones(len(a)), (a, b)), shape=(len(vertices),) * 2).tocsr()
    edges = np.asarray(beside.sum(axis=1))
    for _ in range(_SMOOTHED):
        vertices = 0.75 * vertices + 0.25 * (beside @ vertices) / edges
    return torch.from_numpy(mesh_to_distance(vertices, faces.astype(np.int64), resolution))


def directions_of(inputs: dict) -> list[tuple[float, float]]:
    """Where a condition looks at its mesh from: azimuth and elevation in degrees."""
    return (
        [PUBLISHED.direction(view) for view in inputs["views"]]
        if "views" in inputs
        else [(inputs["azimuth"], inputs["elevation"])]
    )


def _depth_of(inputs: dict) -> tuple[np.ndarray, list[np.ndarray]]:
    """Depth maps (V, 256, 256) of a condition's mesh in model units, inf where nothing is, and their cameras."""
    cameras = [looking_at_origin(*direction, PUBLISHED.distance) for direction in directions_of(inputs)]
    return depth_maps(inputs["vertices"], inputs["faces"], cameras, PUBLISHED.field_of_view), cameras


def lit_picture(depth: Tensor, normal: Tensor) -> Tensor:
    """Silhouette and lit picture (B, 2, S, S), 0 … 1, of depth (B, S, S) (inf = nothing) and normals (B, 3, S, S)."""
    hit = torch.isfinite(depth).float()
    return torch.stack([hit, hit * shaded(normal)], 1)


def nearness_picture(depth: Tensor, normal: Tensor | None = None) -> Tensor:
    """Silhouette and nearness (B, 2, S, S) of depth (B, S, S) (inf = nothing): 1 the nearest, 0 the farthest and
    nothing."""
    hit, depth = torch.isfinite(depth), depth.float()
    near = torch.where(hit, depth, torch.inf).amin((1, 2), keepdim=True)
    far = torch.where(hit, depth, -torch.inf).amax((1, 2), keepdim=True)
    return torch.stack([hit.float(), torch.where(hit, (far - depth) / (far - near).clamp(min=1e-3), 0.0)], 1)


# What training shapes are looked up by → that picture (B, C, S, S) of their views' depth and normals.
PICTURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "drawing": line_picture,
    "picture": lit_picture,
    "depth": nearness_picture,
}


class TrainingShapes:
    """The training shapes of a store, each as its first variant, to look things up in."""

    def __init__(self, store: Path | str):
        self.entries: Sequence[Entry] = read_index(store, "train")
        self._prints = [np.array(entry.geometry) for entry in self.entries if entry.geometry]
        self._field = lru_cache(maxsize=8)(lambda index: tree_to_field(load_tree(self.entries[index], 0)[None])[0])
        self._views = lru_cache(maxsize=None)(self._views_of)

    def field(self, index: int) -> Tensor:
        """Distance field (R, R, R) of a training shape."""
        return self._field(index)

    def has(self, geometry: np.ndarray) -> bool:
        """Whether a shape with that fingerprint is among them. Stores from before there were fingerprints do not
        know."""
        return any(alike(geometry, known) for known in self._prints)

    @cached_property
    def _cells(self) -> np.ndarray:
        def cells(entry: Entry) -> np.ndarray:
            with np.load(entry.file) as arrays:
                return np.unpackbits(arrays["occupancy"][0]).astype(np.float32)

        return np.stack([cells(entry) for entry in self.entries])

    def nearest(self, field: Tensor, count: int = 1) -> list[int]:
        """The training shapes most like a field (R, R, R), by the overlap of their 16³ voxels, best first."""
        given = occupancy_of(field.cpu(), CELLS).reshape(-1).astype(np.float32)
        common = self._cells @ given
        union = self._cells.sum(axis=1) + given.sum() - common
        return np.argsort(-common / np.maximum(union, 1), kind="stable")[:count].tolist()

    def carry(self, noun: str, among: Sequence[int]) -> float:
        """Share of those training shapes whose caption says that noun."""
        return float(np.mean([carries(self.entries[index].caption, noun) for index in among]))

    @cached_property
    def mean_field(self) -> Tensor:
        """The one shape that fits all best: the mean of the training shapes' distance fields, at the level with the
        best mean overlap."""
        chosen = np.random.default_rng(0).permutation(len(self.entries))[:_AVERAGED]
        mean = tree_to_field((sum(load_tree(self.entries[i], 0) for i in chosen) / len(chosen))[None])[0]
        coarse = mean[::4, ::4, ::4]
        solids = [self.field(i)[::4, ::4, ::4] < 0 for i in chosen[:_FITTED]]
        levels = torch.linspace(float(mean.min()), float(mean.max()), 42)[1:-1]
        fits = [np.mean([iou(coarse < level, solid) for solid in solids]) for level in levels]
        return mean - levels[int(np.argmax(fits))]

    def _views_of(self, kind: str) -> tuple[Tensor, np.ndarray]:
        features, owners = [], []
        for index, entry in enumerate(self.entries):
            with np.load(entry.file) as arrays:
                views = len(arrays["depth"]) // len(arrays["points"])  # the first ones are of the shape itself
                depth, normal = (torch.from_numpy(arrays[name][:views]) for name in ("depth", "normal"))
            features.append(_looks(PICTURES[kind](depth, normal)))
            owners += [index] * views
        return torch.cat(features), np.array(owners)

    def seen_like(self, kind: str, picture: Tensor) -> int:
        """The training shape one of whose views is most like a picture (C, 128, 128), of one of the kinds in PICTURES:
        what a look-up by the model's own input gives."""
        features, owners = self._views(kind)
        return int(owners[int((features @ _looks(picture[None])[0]).argmax())])


def _looks(pictures: Tensor) -> Tensor:
    """Pictures (B, C, 128, 128) → unit features (B, C · 1024): smeared, so that what is near each other is alike."""
    small = F.avg_pool2d(F.avg_pool2d(pictures.float(), 4), 5, 1, 2)
    small = small - small.mean(dim=(2, 3), keepdim=True)
    return F.normalize(small.flatten(1), dim=1)


def _framed(picture: Tensor) -> Tensor:
    """Picture (C, H, W), its first channel the silhouette, as views are framed in a store: (C, 128, 128), the
    silhouette's box in the middle, its longest side FILL of the picture's."""
    rows, columns = (torch.nonzero(picture[0].amax(axis) > 0.5)[:, 0] for axis in (1, 0))
    box = picture[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(side * FILL * PICTURE / max(box.shape[1:]))) for side in box.shape[1:])
    left, top = (PICTURE - width) // 2, (PICTURE - height) // 2
    small = F.interpolate(box[None], (height, width), mode="bilinear", antialias=True, align_corners=False)[0]
    return F.pad(small, (left, PICTURE - width - left, top, PICTURE - height - top))


def of_voxels(field: Tensor, inputs: dict, train: TrainingShapes | None) -> dict[str, Tensor]:
    """Fields of the cells, read as blocks and smoothly."""
    R, given = field.shape[0], inputs["occupancy"]
    return {
        "nearest": upsampled(given, "nearest", R),
        "trilinear": upsampled(given, "trilinear", R),
        "trilinear_half_filled": upsampled(half_filled(field), "trilinear", R),
    }


def of_points(field: Tensor, inputs: dict, train: TrainingShapes | None) -> dict[str, Tensor]:
    """Fields of screened Poisson surfaces, with the reference's normals and with estimated ones."""
    points = np.asarray(inputs["points"], dtype=np.float64)
    return {
        "screened_poisson": screened_poisson(points, field),
        "screened_poisson_without_normals": poisson_of(points, estimated_normals(points), field.shape[0]),
    }


def of_blockout(field: Tensor, inputs: dict, train: TrainingShapes | None) -> dict[str, Tensor]:
    """Fields of the blocks as they are, and remeshed and smoothed."""
    given = inputs["vertices"], inputs["faces"]
    return {
        "blocks": torch.from_numpy(mesh_to_distance(*given, field.shape[0])),
        "remesh_and_smooth": remeshed_and_smoothed(*given, field.shape[0]),
    }


def of_sketch(field: Tensor, inputs: dict, train: TrainingShapes | None) -> dict[str, Tensor]:
    """Fields of training shapes whose line drawings are most alike."""
    return _looked_up("drawing", lambda: torch.from_numpy(picture_of_image(inputs["image"]))[None], train)


def of_image(field: Tensor, inputs: dict, train: TrainingShapes | None) -> dict[str, Tensor]:
    """Fields of training shapes that look most like the picture."""
    grey, alpha = torch.from_numpy(inputs["image"][..., [0, 3]]).permute(2, 0, 1) / 255
    return _looked_up("picture", lambda: _framed(torch.stack([alpha, grey * alpha])), train)


def of_depth(field: Tensor, inputs: dict, train: TrainingShapes | None) -> dict[str, Tensor]:
    """Fields of training shapes whose depths are most alike."""
    return _looked_up("depth", lambda: _framed(nearness_picture(torch.from_numpy(_depth_of(inputs)[0]))[0]), train)


def of_depths(field: Tensor, inputs: dict, train: TrainingShapes | None) -> dict[str, Tensor]:
    """The field fused of the maps, with their depths and cameras known."""
    maps, cameras = _depth_of(inputs)
    return {"tsdf_fusion": fuse(maps, cameras, PUBLISHED.field_of_view, field.shape[0])}


def _looked_up(kind: str, picture: Callable[[], Tensor], train: TrainingShapes | None) -> dict[str, Tensor]:
    """The mean shape, and the training shape that looks most like a picture of that kind."""
    return (
        {}
        if train is None
        else {"mean_shape": train.mean_field, f"retrieved_by_{kind}": train.field(train.seen_like(kind, picture()))}
    )


# condition → what simpler methods make of its input, as fields (R, R, R) by name; those that look things up need
# training shapes.
BASELINES: dict[str, Callable[[Tensor, dict, TrainingShapes | None], dict[str, Tensor]]] = {
    "voxels": of_voxels,
    "points": of_points,
    "sketch": of_sketch,
    "image": of_image,
    "depth": of_depth,
    "depths": of_depths,
    "blockout": of_blockout,
}
