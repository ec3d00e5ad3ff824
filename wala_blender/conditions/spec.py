"""Specification of a condition: raw inputs, command-line options, encoder, preparation, default settings.

Only the standard library is imported here, so that `wala --help` and `wala models` answer at once.
``ConditionSpec.load`` imports the parts of a condition that compute when they are first needed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .options import PROMPT, Option

if TYPE_CHECKING:
    from torch import nn

    from .published import PublishedEncoder
    from .types import Prepared

Readers = Mapping[str, Callable[[Path], dict]]  # suffix of a file → its reader, "" for any other; (path) → raw inputs


@dataclass(frozen=True)
class Defaults:
    """A model's settings for a condition: guidance scale (None: there is nothing to guide), number of denoising steps,
    of steps that then fit the latent to the input and that ``refine`` the surface where the input has one, and of
    candidates, of which the one is kept that agrees best with it; whether the detail stage refines it; ``hold``: how
    much of a blockout's surface is kept, 0 … 1; ``originality``: the share of the schedule's timesteps, 0 … 1, that a
    prompt samples from where the model has an exemplar of it, 1: all, from noise."""

    scale: float | None
    steps: int
    fit: int = 0
    candidates: int = 1
    detail: bool = False
    refine: int = 0
    hold: float = 0.0
    originality: float = 1.0


@dataclass(frozen=True)
class CliOption:
    """Option of `wala generate` that selects a condition.

    --``name`` takes ``count`` values as argparse counts them (0: it is a switch), each through ``convert``; ``read``
    turns them into raw inputs, files as paths.
    """

    name: str
    help: str
    read: Callable[..., dict]
    metavar: str = "FILE"
    convert: Callable[[str], object] = Path
    count: int | str | None = None


class Model(Protocol):
    """What a preparation may read of the model: the file of its word pieces (starter models), or the cameras of its
    pictures and its number of points (published models)."""

    vocabulary: Path
    views: tuple[int, ...]
    point_count: int


@dataclass(frozen=True)
class Implementation:
    """The parts of a condition that compute.

    ``prepare(inputs, model)``: raw inputs (see conditions/inputs.py) → the arguments of the encoder's forward;
    ``encoder``: that network's class, constructed with its configuration. ``published_prepare`` and
    ``published_encoder``: the same for the published models. None where models of that kind do not take the condition.
    """

    prepare: "Callable[[dict, Model], Prepared] | None" = None
    encoder: "type[nn.Module] | None" = None
    published_prepare: "Callable[[dict, Model], Prepared] | None" = None
    published_encoder: "PublishedEncoder | None" = None


@dataclass(frozen=True)
class ConditionSpec:
    """A condition. ``order``: its place in lists, the lowest first.

    ``needs``: one of these raw inputs, () for none at all; ``cli`` gives one of them, ``options`` are the further
    options it takes. ``values`` and ``files``: checks and (imported when they are needed) readers of the raw inputs
    that no other condition has; conditions/inputs.py has the shared ones.

    ``encoder``: name of its encoder in a model of the starter's kind, "" where nothing is encoded; several conditions
    may share one, and the spec of the encoder's own name has its ``encoder_config``. ``defaults``: settings of a model
    of that kind, None where such a model cannot take the condition; ``published``: the same of the published kind.
    ``shows_colours``: its raw input "image" shows the object in its colours.
    """

    name: str
    order: int
    needs: tuple[str, ...]
    cli: CliOption
    load: Callable[[], Implementation]
    options: tuple[Option, ...] = ()
    values: Mapping[str, Callable[[object], object]] = field(default_factory=dict)
    files: Mapping[str, Callable[[], Readers]] = field(default_factory=dict)
    encoder: str = ""
    encoder_config: type[Any] | None = None
    defaults: Defaults | None = None
    published: Defaults | None = None
    shows_colours: bool = False

    @cached_property
    def implementation(self) -> Implementation:
        """The parts that compute, imported now."""
        return self.load()

    @property
    def takes_prompt_beside(self) -> bool:
        """Whether a prompt may come beside its own input."""
        return PROMPT in self.options


def is_mesh(path: Path) -> bool:
    """Whether a file is a mesh by its suffix."""
    from ..geometry.meshes import READABLE

    return path.suffix.lower() in READABLE


def mesh_or(name: str) -> Callable[[Path], dict]:
    """``read`` of an option that takes a mesh or a file of the raw input ``name``."""
    return lambda path: {"mesh" if is_mesh(path) else name: path}
