"""Offloading: modules that share a device in turns, with fallbacks when its memory does not suffice."""

import contextlib
import gc
import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import nn

from .errors import MemoryShortageError, ModelError, first_line, is_out_of_memory

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# Low-memory mode → the modes to try in order: everything on the device (False), sequential offloading (True).
MODES = {"auto": (False, True), "on": (True,), "off": (False,)}


@contextlib.contextmanager
def on_device(device: torch.device, *modules: nn.Module) -> Iterator[None]:
    """Modules on ``device`` during the block. Afterwards their former tensors are restored, not copied back from the
    device."""
    before = [dict(module.state_dict()) for module in modules]
    try:
        for module in modules:
            module.to(device)
        yield
    finally:
        for module, state in zip(modules, before):
            module.load_state_dict(state, assign=True)
        free_memory(device)


def free_memory(device: torch.device) -> None:
    """Free unreferenced memory, including torch's cache on the device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def offload_modes(mode: str, device: torch.device) -> tuple[bool, ...]:
    """Offload modes to try on a device, from MODES: the CPU needs no offloading. Raises ModelError for an unknown
    mode."""
    if mode not in MODES:
        raise ModelError(f"unknown low-memory mode {mode!r}", f"Choose one of {', '.join(MODES)}.")
    return MODES[mode] if device.type != "cpu" else (False,)


def run_with_offload_fallback(run: Callable[[bool], Result], mode: str, device: torch.device, needs: str) -> Result:
    """Call run(sequential_offload) for each of ``offload_modes``, until one does not run out of memory.

    Raises MemoryShortageError, which states what the model ``needs``; other exceptions of run pass through.
    """
    reason = ""
    for sequential_offload in offload_modes(mode, device):
        if reason:
            log.warning(
                "the memory of the %s device did not suffice (%s): once more in low-memory mode", device.type, reason
            )
        try:
            return run(sequential_offload)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            reason = first_line(error)
        # Outside the handler nothing references the failed run's frames and tensors.
        free_memory(device)
    hint = "Close other programs"
    if device.type != "cpu":
        hint += (
            " that use the graphics card"
            + ("" if sequential_offload else ", switch the low-memory mode on")
            + ", or set the device to cpu"
        )
    raise MemoryShortageError(f"the memory of the {device.type} device did not suffice: {needs} ({reason})", hint)
