"""Key mapping: tensors of a published component → tensors of the module that computes it.

A module with other names than the published ones carries its table as ``published_layout``; the strict loader applies
it and checks the result.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Rename:
    """Keys that ``published`` (a regular expression) fits as a whole become ``ours``, templates that may use its
    groups.

    Several names: the tensor is ``cut`` into as many, by default equal parts of its first axis. No name: nothing here
    reads the tensor.
    """

    published: str
    ours: tuple[str, ...] = ()
    cut: Callable[[Tensor], Sequence[Tensor]] | None = None

    def parts(self, tensor: Tensor) -> Sequence[Tensor]:
        return self.cut(tensor) if self.cut is not None else tensor.chunk(len(self.ours)) if self.ours else ()


def renamed(state: Mapping[str, Tensor], table: Sequence[Rename]) -> dict[str, Tensor]:
    """state under the module's own names; of several rows that fit a key the first is used, and a key that none fits
    stays as it is."""
    result: dict[str, Tensor] = {}
    for key, tensor in state.items():
        for row in table:
            match = re.fullmatch(row.published, key)
            if match:
                result |= zip(map(match.expand, row.ours), row.parts(tensor))
                break
        else:
            result[key] = tensor
    return result
