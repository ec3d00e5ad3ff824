"""Strict reading and writing of checkpoint files.

A checkpoint is read into *components* (our modules, by name). RENAMES maps published prefixes to ours; for modules of
other libraries, networks/key_mapping.py has the table. After both, every key must exist on both sides with the same
shape. Pickles are read with ``weights_only=True``, so that they cannot run code. Besides tensors and plain values, only
argparse.Namespace is allowed: the settings that training scripts store.

Files are memory-mapped: a tensor is read when it is used, and needs no memory of its own as long as it keeps its type
and stays on the CPU.
"""

import argparse
import logging
import os
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from ..errors import CheckpointError, OutputError
from ..networks.key_mapping import renamed

log = logging.getLogger(__name__)

# part of a key left behind by a compiled model, anywhere in it
COMPILED = "_orig_mod."
# published prefix → component; the first that fits is used. Our own files use the component names as prefixes.
RENAMES = (
    ("network.unet.", "denoiser."),
    ("network.", "processing."),
    ("autoencoder.", "autoencoder."),
    ("encoder.", "condition_encoder."),
    ("clip_model.", "image_encoder."),
    ("model.model.diffusion_model.", "multiview_unet."),
    ("model.cond_stage_model.", "text_encoder."),
    ("model.first_stage_model.", "image_decoder."),
    *(
        (part, f"level_autoencoder.{part}")
        for part in ("networks.", "upsample_blocks.", "decoder_cross_attn.", "point_embed.", "to_outputs.")
    ),
)
# numbers of a noise schedule that its settings give as well, in files of the words-to-views kind; nothing reads them
UNREAD = re.compile(r"model\.(betas|alphas_cumprod(_prev)?|(sqrt|log)_\w+|posterior_\w+)")
SHOWN_KEYS = 5
# in torch's message when a pickle calls a function or names a class
_CODE_IN_PICKLE = (
    "Unsupported global",
    "Unsupported class",
    "Unsupported operand",
    "Trying to call",
    "Can only build Tensor",
)


def rename(key: str) -> str:
    """Published key → "component.key in our module"; keys without a known prefix stay as they are."""
    key = key.replace(COMPILED, "")
    for published, ours in RENAMES:
        if key.startswith(published):
            return ours + key[len(published) :]
    return key


def _damaged(path: Path, error: Exception) -> CheckpointError:
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    if isinstance(error, pickle.UnpicklingError):
        # torch's own message suggests unsafe loading
        if any(word in str(error) for word in _CODE_IN_PICKLE):
            return CheckpointError(
                f"{path.name} is refused: it holds more than tensors, and could run a program when it is opened",
                "Get the file from where the model was published; if it is from there, report it",
            )
        reason = "it is not a pickle of tensors alone"
    return CheckpointError(
        f"{path.name} cannot be read as a checkpoint ({reason})", "The file is damaged or incomplete: download it again"
    )


def _read_pickle(path: Path) -> dict[str, Tensor]:
    _check_packed(path)
    try:
        # files of torch before 1.6 are no zip archives and cannot be mapped
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except (pickle.UnpicklingError, EOFError, RuntimeError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from error
    state = (
        next((content[key] for key in ("state_dict", "model") if key in content), content)
        if isinstance(content, dict)
        else content
    )
    # the moving averages are the published weights
    average = (isinstance(content, dict) and content.get("ema_state_dict")) or {}
    for part in (state, average):
        if not isinstance(part, Mapping):
            raise CheckpointError(f"{path.name} holds a {type(part).__name__}, expected a dictionary of tensors")
    return {rename(key): value for key, value in state.items()} | {rename(key): value for key, value in average.items()}


def _check_packed(path: Path) -> None:
    """torch packs nothing: an archive that unpacks to more than it has is none of its files."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return  # from torch before 1.6, or damaged: the reader raises
    if size > path.stat().st_size:
        raise CheckpointError(
            f"{path.name} is refused: it would unpack to {size / 2**20:.0f} MiB, and has {path.stat().st_size / 2**20:.1f}",
            "Get the file from where the model was published",
        )


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return {rename(key): value for key, value in safetensors.torch.load_file(path).items()}
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise _damaged(path, error) from error


def read_metadata(path: Path) -> dict[str, str]:
    """Metadata of a .safetensors file; empty for other files."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            return file.metadata() or {}
    except (safetensors.SafetensorError, OSError):
        return {}


def read_state(path: Path | str) -> dict[str, Tensor]:
    """All tensors of a .safetensors file or a torch pickle, on the CPU, under "component.key" names.

    Raises CheckpointError for a file that is missing, empty, truncated, or not a checkpoint.
    """
    path = Path(path)
    try:
        if path.stat().st_size == 0:
            raise CheckpointError(f"{path.name} is empty (0 bytes)", "Download it again")
        state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be opened ({error.strerror or error})", "Check that the file exists and is readable"
        ) from error
    for key, value in state.items():
        if not isinstance(value, Tensor):
            raise CheckpointError(f"{path.name}: {key} is a {type(value).__name__}, expected a tensor")
    return {key: value for key, value in state.items() if not UNREAD.fullmatch(key)}


def _few(keys: list[str]) -> str:
    more = f" and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else ""
    return ", ".join(keys[:SHOWN_KEYS]) + more


def _check(name: str, state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    missing = [key for key in expected if key not in state]
    unexpected = [key for key in state if key not in expected]
    wrong = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(expected[key].shape)}"
        for key in expected
        if key in state and state[key].shape != expected[key].shape
    ]
    found = (("missing", missing), ("unexpected", unexpected), ("wrong shape", wrong))
    problems = [f"{words}: {_few(keys)}" for words, keys in found if keys]
    if problems:
        raise CheckpointError(
            f"{name} does not fit the model; " + "; ".join(problems),
            "The file belongs to another model or to other settings",
        )


def _in_own_layout(state: dict[str, Tensor], components: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """The state with the tensors of modules that have a ``published_layout`` under the names those modules use."""
    for name, module in components.items():
        table = getattr(module, "published_layout", ())
        if table:
            prefix = name + "."
            own = {key.removeprefix(prefix): state.pop(key) for key in list(state) if key.startswith(prefix)}
            state |= {prefix + key: value for key, value in renamed(own, table).items()}
    return state


def load_components(
    path: Path | str,
    components: Mapping[str, nn.Module],
    dtypes: Mapping[str, torch.dtype] | None = None,
    device: torch.device | str = "cpu",
) -> None:
    """Fills every module from the file, strictly: each key of each component must be there in its shape, and nothing
    else.

    ``components``: component name (see RENAMES) → module, on the meta device or not; one on the meta device comes to
    lie on ``device``. ``dtypes``: what the numbers of a component become, float32 where it is not named. Tensors are
    converted one at a time. Raises CheckpointError that names the keys which do not fit; the modules are then
    unchanged.
    """
    path = Path(path)
    state = _in_own_layout(read_state(path), components)
    expected = {
        f"{name}.{key}": value for name, module in components.items() for key, value in module.state_dict().items()
    }
    _check(path.name, state, expected)
    for name, module in components.items():
        dtype = (dtypes or {}).get(name, torch.float32)
        own = {key: _placed(state.pop(f"{name}.{key}"), device, dtype) for key in module.state_dict()}
        module.load_state_dict(own, strict=True, assign=any(p.is_meta for p in module.parameters()))
    log.info("loaded %s: %d tensors into %s", path.name, len(expected), ", ".join(components))


def _placed(value: Tensor, device: torch.device | str, dtype: torch.dtype) -> Tensor:
    return value.to(device, dtype if value.is_floating_point() else value.dtype)


def save_components(
    path: Path | str,
    components: Mapping[str, nn.Module],
    metadata: Mapping[str, str] | None = None,
    dtype: torch.dtype | None = torch.float32,
) -> None:
    """Writes the modules' tensors to a .safetensors file, whole or not at all; dtype None keeps each one's. Raises
    OutputError."""
    path = Path(path)
    state = {
        f"{name}.{key}": value.detach().to("cpu", dtype).contiguous()
        for name, module in components.items()
        for key, value in module.state_dict().items()
    }
    partial = path.with_name(path.name + ".part")
    try:
        safetensors.torch.save_file(state, partial, metadata=dict(metadata or {}))
        os.replace(partial, path)
    except (OSError, safetensors.SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise OutputError(
            f"{path} could not be written ({error})", "Check the disk's free space and the folder's permissions"
        ) from error
