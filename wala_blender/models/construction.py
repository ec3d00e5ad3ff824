"""Construction of networks without initial weights, for weights from a file."""

import contextlib
from collections.abc import Iterator

import torch
from torch.overrides import TorchFunctionMode


class _WithoutInitialValues(TorchFunctionMode):
    """Leaves torch.nn.init out. On the meta device it has nothing to write, but torch's way to find that out imports
    its compiler, 800 modules and a third of a process's start."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == torch.nn.init.__name__:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


@contextlib.contextmanager
def without_weights() -> Iterator[None]:
    """Modules made inside lie on the meta device, where tensors have a shape and no memory, and their initialisation is
    left out.

    ``load_components`` gives them their weights.
    """
    with torch.device("meta"), _WithoutInitialValues():
        yield
