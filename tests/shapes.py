"""Known solids for the tests: triangle meshes, exact distance fields, collections of meshes. Imports nothing of
ours."""

import json
from pathlib import Path

import numpy as np

Mesh = tuple[np.ndarray, np.ndarray]

_QUADS = (
    (0, 1, 3, 2),
    (4, 6, 7, 5),
    (0, 4, 5, 1),
    (2, 3, 7, 6),
    (0, 2, 6, 4),
    (1, 5, 7, 3),
)  # -x, +x, -y, +y, -z, +z; outward


def box(low=(-0.5, -0.5, -0.5), high=(0.5, 0.5, 0.5), without: int | None = None) -> Mesh:
    """A box with outward faces; ``without``: the side (0 … 5: -x, +x, -y, +y, -z, +z) that is left open."""
    low, high = np.array(low, float), np.array(high, float)
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * (high - low) + low
    quads = [quad for side, quad in enumerate(_QUADS) if side != without]
    return corners, np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])


def sphere(radius=0.9, center=(0, 0, 0), rings=48) -> Mesh:
    """A closed sphere of latitude and longitude."""
    latitude = np.linspace(0, np.pi, rings + 1)[1:-1]
    longitude = np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False)
    a, b = np.meshgrid(latitude, longitude, indexing="ij")
    ring = np.stack([np.sin(a) * np.cos(b), np.cos(a), np.sin(a) * np.sin(b)], -1).reshape(-1, 3)
    vertices = np.concatenate([ring, [[0, 1, 0], [0, -1, 0]]])
    n, north, south, faces = 2 * rings, len(ring), len(ring) + 1, []
    for j in range(n):
        k = (j + 1) % n
        faces += [(north, k, j), (south, (rings - 2) * n + j, (rings - 2) * n + k)]
        for i in range(rings - 2):
            faces += [(i * n + j, i * n + k, (i + 1) * n + k), (i * n + j, (i + 1) * n + k, (i + 1) * n + j)]
    return vertices * radius + np.array(center), np.array(faces)


def joined(*meshes: Mesh) -> Mesh:
    """Several meshes as one, shells as they are."""
    offsets = np.cumsum([0] + [len(vertices) for vertices, _ in meshes])
    return np.concatenate([v for v, _ in meshes]), np.concatenate(
        [f + offset for (_, f), offset in zip(meshes, offsets)]
    )


def signed_volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Volume of a closed mesh, negative when it is wound inwards."""
    a, b, c = np.asarray(vertices, dtype=np.float64)[faces].transpose(1, 0, 2)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def open_edges(faces: np.ndarray) -> int:
    """Directed edges without their opposite: 0 for a closed, consistently wound mesh."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    key = edges[:, 0] << 32 | edges[:, 1]
    return len(np.setxor1d(key, edges[:, 1] << 32 | edges[:, 0]))


def grid(resolution: int) -> list[np.ndarray]:
    """Coordinates x (R, 1, 1), y (1, R, 1), z (1, 1, R) of a field's grid points, float32."""
    axis = (2 * np.arange(resolution) / resolution - 1).astype(np.float32)
    return np.meshgrid(axis, axis, axis, indexing="ij", sparse=True)


def sphere_field(radius=0.7, center=(0, 0, 0), resolution=64) -> np.ndarray:
    """Exact signed distance (R, R, R) float32 of a sphere, positive outside, not truncated."""
    x, y, z = (a - np.float32(c) for a, c in zip(grid(resolution), center))
    return np.sqrt(x * x + y * y + z * z) - np.float32(radius)


def box_field(low, high, resolution=64) -> np.ndarray:
    """Exact signed distance (R, R, R) float32 of a box."""
    x, y, z = (
        np.abs(a - np.float32((l + h) / 2)) - np.float32((h - l) / 2) for a, l, h in zip(grid(resolution), low, high)
    )
    outside = np.sqrt(np.maximum(x, 0) ** 2 + np.maximum(y, 0) ** 2 + np.maximum(z, 0) ** 2)
    return outside + np.minimum(np.maximum(np.maximum(x, y), z), 0)


def write_collection(folder: Path, name: str, meshes: list[Mesh], **fields: list) -> None:
    """NAME.npz and NAME.jsonl in a folder. meshes: with longest side 1 around 0; fields: what the records say besides,
    a value an object."""
    vertices, faces = [m[0] for m in meshes], [m[1] for m in meshes]
    stored = np.round((np.concatenate(vertices) + 0.5) * 65535).astype(np.uint16)
    np.savez(
        folder / f"{name}.npz",
        vertices=stored,
        faces=np.concatenate(faces),
        vertex_offsets=np.cumsum([0] + [len(v) for v in vertices]),
        face_offsets=np.cumsum([0] + [len(f) for f in faces]),
    )
    with open(folder / f"{name}.jsonl", "w", encoding="utf-8") as stream:
        for i, mesh in enumerate(meshes):
            record = {
                "id": f"{name}/{i}",
                "index": i,
                "caption": f"thing {i}",
                "words": ["thing"],
                "n_faces": len(mesh[1]),
            }
            stream.write(json.dumps(record | {key: values[i] for key, values in fields.items()}) + "\n")
