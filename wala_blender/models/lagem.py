"""LaGeM's published checkpoint: its file, and the autoencoder's configuration derived from its tensors.

The file is a torch pickle {"model": tensors, "optimizer", "epoch", "scaler", "args"}, of which only "model" is read.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..errors import CheckpointError, ModelError
from ..networks.configs import LevelAutoencoderConfig
from ..networks.level_autoencoder import LevelAutoencoder
from ..networks.set_layers import frequency_basis
from .checkpoint import load_components, read_state
from .construction import without_weights
from .records import LAGEM_CHECKPOINT

COMPONENT = "level_autoencoder"
DEFAULT_FILE = "checkpoint-350.pth"  # what the published inference script reads
# width → points of the cloud and vectors of the levels, which are not in the tensors' sizes
COUNTS = {1024: (8192, (128, 512, 2048))}


def checkpoint_among(names: Iterable[str], where: str) -> str:
    """The checkpoint among a repository's or folder's files: its only .pth file, or the only one with the usual name.

    Raises ModelError that lists what there is.
    """
    names = list(names)
    found = [name for name in names if LAGEM_CHECKPOINT.fullmatch(name.rsplit("/", 1)[-1])]
    by_name = [name for name in found if name.rsplit("/", 1)[-1] == DEFAULT_FILE]
    for candidates in (found, by_name):
        if len(candidates) == 1:
            return candidates[0]
    if not found:
        raise ModelError(
            f"{where} has no checkpoint (.pth) among {', '.join(sorted(names)[:20]) or 'no files'}",
            "Look at where the model was published.",
        )
    raise ModelError(
        f"{where} has several checkpoints: {', '.join(sorted(found)[:20])}",
        "Put the one you want in a folder of its own, then: wala models add FOLDER --name lagem",
    )


def _size(state: Mapping[str, Tensor], key: str, axis: int) -> int:
    name = f"{COMPONENT}.{key}"
    if name not in state or state[name].ndim <= axis:
        raise CheckpointError(
            f"the checkpoint has no {key} of LaGeM's autoencoder", "The file belongs to another model"
        )
    return state[name].shape[axis]


def config_of(state: Mapping[str, Tensor]) -> LevelAutoencoderConfig:
    """Configuration derived from the sizes of a checkpoint's tensors. Raises CheckpointError."""
    levels = len({key for key in state if re.fullmatch(rf"{COMPONENT}\.networks\.\d+\.gamma", key)})
    layers = len(
        {key for key in state if re.fullmatch(rf"{COMPONENT}\.networks\.0\.layers\.\d+\.0\.norm\.weight", key)}
    )
    width = _size(state, "to_outputs.weight", 1) // max(levels, 1)
    if width not in COUNTS:
        raise CheckpointError(
            f"the checkpoint is {width} wide, known are {', '.join(map(str, COUNTS))}: its levels' numbers of vectors are not in it",
            "It is of a LaGeM that is not known here",
        )
    points, counts = COUNTS[width]
    channels = tuple(_size(state, f"networks.{i}.gamma", 0) for i in reversed(range(levels)))
    try:
        return LevelAutoencoderConfig(width, points, counts, channels, layers)
    except ValueError as error:
        raise CheckpointError(
            f"the checkpoint does not fit LaGeM's autoencoder: {error}", "The file belongs to another model"
        ) from error


def load_autoencoder(path: Path, device: torch.device | str = "cpu") -> LevelAutoencoder:
    """The autoencoder of a published or converted file, in float32. Raises CheckpointError."""
    state = read_state(path)
    basis = state.get(f"{COMPONENT}.point_embed.basis")
    if basis is not None and (
        basis.shape != (3, 24) or not torch.allclose(basis.float(), frequency_basis(), rtol=1e-5)
    ):
        raise CheckpointError(
            f"{path.name} embeds points with other frequencies than LaGeM's", "It is of a model that is not known here"
        )
    with without_weights():
        model = LevelAutoencoder(config_of(state))
    load_components(path, {COMPONENT: model}, device=device)
    return model.eval()
