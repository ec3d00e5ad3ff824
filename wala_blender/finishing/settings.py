"""Settings of finishing: the post-processing of an extracted surface before it is delivered."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from ..errors import InputError

DEFAULT_FACES = {"triangles": 20_000, "quads": 10_000, "low-poly": 1_000}
FACE_RANGES = {"triangles": (100, 5_000_000), "quads": (100, 200_000), "low-poly": (50, 2_000)}
TOPOLOGIES = ("full", *DEFAULT_FACES)
SYMMETRIES = ("off", "x", "y", "z")
MAX_SMOOTHING = 100
HOLLOW_RANGE = 0.005, 0.25
FLAT, CREASED, SMOOTH = 0.0, 30.0, 180.0  # degrees


@dataclass(frozen=True)
class Finish:
    """What is done to an extracted surface, in model space (+Y up, front towards +Z).

    topology: "full" (as extracted), "triangles", "quads" or "low-poly" (flat shaded). faces: budget, at most that many
    but for quads, where it is about that many; None: DEFAULT_FACES. crisp: 0 (off) … 1, flattens nearly flat areas and
    sharpens the edges between them. smoothing: Taubin iterations, 0 … 100. symmetry: about the plane across that axis.
    flat_base: cuts the lowest 2 % level. hollow: wall as a share of the longest side, 0.005 … 0.25; 0: solid. uv:
    unwrap. smooth_angle: degrees, edges that are sharper are shaded sharp; None: flat for "low-poly", else 30.
    """

    topology: str = "triangles"
    faces: int | None = None
    crisp: float = 0.0
    smoothing: int = 0
    symmetry: str = "off"
    flat_base: bool = False
    hollow: float = 0.0
    uv: bool = False
    smooth_angle: float | None = None

    def __post_init__(self) -> None:
        if self.topology not in TOPOLOGIES:
            raise InputError(f"the topology is {self.topology!r}, expected one of {', '.join(TOPOLOGIES)}")
        if self.symmetry not in SYMMETRIES:
            raise InputError(f"the symmetry is {self.symmetry!r}, expected one of {', '.join(SYMMETRIES)}")
        if self.faces is not None:
            self._check_faces()
        _check_number("crisp", self.crisp, 0, 1)
        _check_number("smoothing", self.smoothing, 0, MAX_SMOOTHING, whole=True)
        if self.hollow != 0:
            _check_number("hollow", self.hollow, *HOLLOW_RANGE, note=", or 0 for a solid shape")
        if self.smooth_angle is not None:
            _check_number("smooth_angle", self.smooth_angle, FLAT, SMOOTH)
        for name in ("flat_base", "uv"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name} is {getattr(self, name)!r}, expected true or false")

    def _check_faces(self) -> None:
        if self.topology == "full":
            raise InputError(f"a budget of {self.faces} faces contradicts the full surface", "Leave one of them out.")
        _check_number(
            "the number of faces", self.faces, *FACE_RANGES[self.topology], whole=True, note=f" for {self.topology}"
        )

    @property
    def budget(self) -> int:
        """Faces to aim at; 0 for the surface as extracted."""
        return self.faces if self.faces is not None else DEFAULT_FACES.get(self.topology, 0)

    @property
    def changes_faces(self) -> bool:
        """Whether the finished mesh has other faces than the surface."""
        return self.topology != "full" or self.symmetry != "off" or self.hollow > 0

    @property
    def shading(self) -> float:
        """The angle in degrees above which an edge is shaded sharp: 0 is flat, 180 smooth."""
        if self.smooth_angle is not None:
            return float(self.smooth_angle)
        return FLAT if self.topology == "low-poly" else CREASED

    @classmethod
    def from_plain(cls, plain: Mapping) -> "Finish":
        """The settings in a job's request. Raises InputError for unknown names and values."""
        unknown = sorted(set(plain) - {field.name for field in fields(cls)})
        if unknown:
            raise InputError(
                f"finishing does not know {', '.join(map(str, unknown))}",
                f"It takes: {', '.join(f.name for f in fields(cls))}.",
            )
        return cls(**plain)

    def to_plain(self) -> dict:
        """For a job's request and result."""
        return asdict(self)


def _check_number(name: str, value: object, low: float, high: float, whole: bool = False, note: str = "") -> None:
    kind = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kind) or not (math.isfinite(value) and low <= value <= high):
        raise InputError(
            f"{name} is {value!r}, expected {'a whole number' if whole else 'a number'} from {low:,} to {high:,}{note}"
        )


DEFAULT, AS_EXTRACTED = Finish(), Finish(topology="full")
