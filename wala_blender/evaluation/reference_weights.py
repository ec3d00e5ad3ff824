"""Weights and arrays of reference vectors: drawn by a rule from every key's name, written as a checkpoint, compared by
relative error."""

import json
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError

SINGLE_CALL = 1e-5
SAMPLE = 2e-5
Quantity = tuple[str, float, float]  # name, relative error, bar


class Arrays(dict[str, np.ndarray]):
    """A file's arrays; asking for one that is not there is bad input, not a fault of ours."""

    def __missing__(self, key: str) -> np.ndarray:
        raise InputError(
            f"the reference file has no array {key}, only {', '.join(sorted(self))}", "Copy the reference vectors again"
        )


def relative_error(ours: np.ndarray | torch.Tensor, reference: np.ndarray) -> float:
    """max |ours − reference| / max |reference|; infinite where shapes differ or a value is not finite."""
    ours, reference = np.asarray(ours, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if ours.shape != reference.shape or not np.isfinite(ours).all():
        return float("inf")
    return float(np.abs(ours - reference).max() / max(np.abs(reference).max(), np.finfo(np.float64).tiny))


def drawn_weight(key: str, shape: list[int]) -> np.ndarray:
    """The tensor of a key in reference checkpoints, float32."""
    x = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape).astype(np.float32)
    if key.endswith(("embedding.weight", "camera_emb.weight")):
        return x
    if key.endswith("weight"):
        return (
            (x / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
            if len(shape) >= 2
            else np.float32(1) + np.float32(0.1) * x
        )
    return np.float32(0.02 if key.endswith("bias") and len(shape) == 1 else 0.1) * x


@contextmanager
def reference_checkpoint(entry: Mapping, prefix: str = "") -> Iterator[Path]:
    """A folder with the published files of an entry {"keys": {key: shape}, "args": {…} or absent}; ``prefix`` goes
    before every key."""
    state = {prefix + key: torch.from_numpy(drawn_weight(key, shape)) for key, shape in entry["keys"].items()}
    with tempfile.TemporaryDirectory(prefix="wala-parity-") as name:
        folder = Path(name)
        torch.save({"state_dict": state}, folder / "checkpoint.ckpt")
        if "args" in entry:
            (folder / "args.json").write_text(json.dumps(entry["args"]), encoding="utf-8")
        yield folder


def tensor(array: np.ndarray) -> Tensor:
    """float32, on the CPU."""
    return torch.from_numpy(array.astype(np.float32))
