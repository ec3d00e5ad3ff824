"""Finishing in order: extracted surface → the mesh that is delivered."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..errors import InputError
from ..geometry.topology import is_manifold
from . import base, symmetry, texture, uv
from .colour_transfer import ColouredSurface
from .decimation import decimate
from .planes import snap_planes
from .quads import check_quads, quad_remesh
from .settings import Finish
from .smoothing import smooth

LONGEST = 1.8  # model units: what a share of the longest side is of, for a shape that fills the box
WORKING_FACES = 40_000  # before the last reduction: what the steps between work on, several times the usual budget
QUAD_INPUT_FACES = 100_000  # that quads are made from, at most: more take longer and change nothing
SEAM_MARGIN = 0.97  # of the budget: the seam of a symmetric mesh adds some

Progress = Callable[[str, int, int], None]
NOT_CLOSED = "it isn't a closed manifold surface"
STAGE = "finish"


@dataclass(frozen=True)
class Finished:
    """A finished mesh: vertices (V, 3) float32, faces (F, 3) or (F, 4) int32, UV coordinates (F, 3, 2) float32 of the
    corners or None; remarks for the artist, and the seconds that each step took. colours: (F, 3) sRGB bytes of the
    faces, texture: (H, W, 3) sRGB bytes where there are UVs too; None for a surface without colours."""

    vertices: np.ndarray
    faces: np.ndarray
    uvs: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
    colours: np.ndarray | None = None
    texture: np.ndarray | None = None


def check_available(settings: Finish) -> None:
    """Raises InputError where a step's package is not installed, before anything is computed."""
    if settings.topology == "quads":
        check_quads()
        if settings.uv:
            raise InputError(*uv.QUADS)
    if settings.uv and not uv.has_unwrapping():
        raise InputError(*uv.WITHOUT)


def finish(
    vertices: np.ndarray,
    faces: np.ndarray,
    settings: Finish,
    progress: Progress | None = None,
    colours: np.ndarray | None = None,
) -> Finished:
    """The mesh (V, 3), (F, 3), in model space, as the settings want it. progress("finish", step, steps) may raise to
    stop. colours: (F, 3) sRGB bytes of the faces, which the finished ones take over from where they are nearest.

    A closed manifold mesh stays one. What needs one is left out for any other, with a remark. Raises InputError (see
    check_available).
    """
    check_available(settings)
    work = _Work(np.asarray(vertices, np.float64), np.asarray(faces, np.int64), settings, colours)
    steps = work.steps()
    for number, (name, step) in enumerate(steps):
        if progress:
            progress(STAGE, number, len(steps))
        started = time.perf_counter()
        step()
        work.timings[name] = time.perf_counter() - started
    return Finished(
        work.vertices.astype(np.float32),
        work.faces.astype(np.int32),
        work.uvs,
        tuple(work.notes),
        work.timings,
        work.colours,
        work.texture,
    )


def finished_record(record: Mapping, settings: Finish, finished: Finished) -> dict:
    """A generation's record with what finishing did."""
    note = ". ".join(filter(None, (record.get("note"), *finished.notes)))
    seconds = sum(finished.timings.values())
    return {
        **record,
        "finish": settings.to_plain(),
        "smooth_angle": settings.shading,
        "note": note,
        "timings": {**record.get("timings", {}), STAGE: seconds},
        "finish_timings": finished.timings,
    }


class _Work:
    """A mesh on its way through the steps."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray, settings: Finish, colours: np.ndarray | None):
        self.vertices, self.faces, self.settings, self.colours = vertices, faces, settings, colours
        # keeps its faces, and moves with the mesh
        self.source = None if colours is None else ColouredSurface(vertices.copy(), faces, colours)
        self.texture: np.ndarray | None = None
        self.uvs: np.ndarray | None = None
        self.notes: list[str] = []
        self.timings: dict[str, float] = {}
        self.side = 1
        self.base: float | None = None

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        """What the settings ask for, in order."""
        settings = self.settings
        needs_closed = settings.crisp or settings.symmetry != "off" or settings.hollow or settings.topology == "quads"
        closed = not needs_closed or is_manifold(self.faces)
        if not closed:
            self.notes.append(f"The mesh was only decimated and smoothed, because {NOT_CLOSED}")
        reshapes = settings.flat_base or (closed and (settings.crisp or settings.symmetry != "off" or settings.hollow))
        wanted = [
            ("smoothing", self._smooth, settings.smoothing > 0),
            ("working surface", self._reduce_for_work, bool(reshapes) and settings.topology != "full"),
            ("crisp", self._snap_planes, closed and settings.crisp > 0),
            ("symmetry", self._mirror, closed and settings.symmetry != "off"),
            ("flat base", self._level, settings.flat_base),
            ("hollow", self._hollow, closed and settings.hollow > 0),
            ("faces", self._reduce, settings.topology != "full"),
            (
                "exact",
                self._make_exact,
                closed and settings.topology != "full" and (settings.flat_base or settings.symmetry != "off"),
            ),
            ("uv", self._unwrap, settings.uv),
            ("colours", self._colour, self.colours is not None and settings.changes_faces),
            ("texture", self._bake, self.colours is not None and settings.uv),
        ]
        return [(name, step) for name, step, is_wanted in wanted if is_wanted]

    @property
    def _axis(self) -> int:
        return "xyz".index(self.settings.symmetry)

    def _smooth(self) -> None:
        self.vertices = smooth(self.vertices, self.faces, self.settings.smoothing)

    def _reduce_for_work(self) -> None:
        self.vertices, self.faces = decimate(self.vertices, self.faces, max(WORKING_FACES, 2 * self.settings.budget))

    def _snap_planes(self) -> None:
        self.vertices, count = snap_planes(self.vertices, self.faces, self.settings.crisp)
        if not count:
            self.notes.append("No flat area was found to make crisp")

    def _mirror(self) -> None:
        offset = symmetry.plane_offset(self.vertices, self._axis)
        self.vertices[:, self._axis] -= offset
        if self.source is not None:
            self.source.vertices[:, self._axis] -= offset
        self.side = symmetry.larger_side(self.vertices, self.faces, self._axis)
        self.vertices, self.faces = symmetry.mirrored(self.vertices, self.faces, self._axis, self.side)

    def _level(self) -> None:
        self.base = height = base.base_height(self.vertices)
        self.vertices = base.level(self.vertices, height)

    def _hollow(self) -> None:
        from . import hollow  # PyTorch, which no other step needs

        self.vertices, self.faces, is_hollow = hollow.hollowed(
            self.vertices, self.faces, self.settings.hollow * LONGEST
        )
        if not is_hollow:
            self.notes.append("The shape is too thin to be hollow: choose a thinner wall")

    def _reduce(self) -> None:
        budget = self.settings.budget
        if self.settings.topology == "quads":
            self.vertices, self.faces = quad_remesh(*decimate(self.vertices, self.faces, QUAD_INPUT_FACES), budget)
            return
        self.vertices, self.faces = decimate(
            self.vertices, self.faces, budget if self.settings.symmetry == "off" else int(budget * SEAM_MARGIN)
        )

    def _make_exact(self) -> None:
        """Symmetric and level to the last digit, which fewer faces are not."""
        if self.base is not None:
            self.vertices = base.level(self.vertices, self.base, base.NEAR)
        if self.settings.symmetry == "off":
            return
        if self.faces.shape[1] == 4:
            mirrored = symmetry.mirrored_quads(self.vertices, self.faces, self._axis, self.side)
            if mirrored is None:
                self.notes.append("The quads are symmetric only nearly: choose more of them, or triangles")
            else:
                self.vertices, self.faces = mirrored
            return
        mirrored = symmetry.mirrored(self.vertices, self.faces, self._axis, self.side)
        if len(mirrored[1]) > self.settings.budget:
            fewer = int(self.settings.budget**2 / len(mirrored[1]) * SEAM_MARGIN)
            mirrored = symmetry.mirrored(*decimate(self.vertices, self.faces, fewer), self._axis, self.side)
        self.vertices, self.faces = mirrored

    def _unwrap(self) -> None:
        self.uvs = uv.unwrap(self.vertices, self.faces)

    def _colours_at(self, points: np.ndarray) -> np.ndarray:
        """Colours (N, 3) at points of the mesh; those of a mirrored half are the other's."""
        if self.settings.symmetry != "off":
            points = points.copy()
            points[:, self._axis] = self.side * np.abs(points[:, self._axis])
        assert self.source is not None
        return self.source.at(points)

    def _colour(self) -> None:
        self.colours = self._colours_at(self.vertices[self.faces].mean(axis=1))

    def _bake(self) -> None:
        assert self.uvs is not None
        points, texels = texture.texel_places(self.vertices, self.faces, self.uvs)
        self.texture = texture.filled(texels, self._colours_at(points))
