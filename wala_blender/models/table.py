"""The table of models: what there is, what each can do and with which defaults, where its weights lie. Knows rows; not networks or tensors."""

from dataclasses import dataclass, field
from pathlib import Path

from ..autoencoder import AutoencoderConfig
from ..errors import ModelError

STARTER_FOLDER = Path(__file__).parent / "starter"


@dataclass(frozen=True)
class Defaults:
    """Sampling settings for a condition: guidance scale, number of denoising steps."""

    scale: float
    steps: int


@dataclass(frozen=True)
class ModelRow:
    """One model. ``conditions``: name → defaults; ``weights``: its safetensors file; ``padding``: of its wavelets."""

    name: str
    title: str
    conditions: dict[str, Defaults]
    autoencoder: AutoencoderConfig
    weights: Path
    licence: str
    padding: str = "constant"
    credits: Path | None = field(default=None)


MODELS: dict[str, ModelRow] = {
    row.name: row
    for row in (
        ModelRow(
            name="starter",
            title="Starter (small, ships with the extension)",
            conditions={"text": Defaults(3.0, 25), "sketch": Defaults(2.0, 16), "voxels": Defaults(1.2, 8), "points": Defaults(1.2, 8)},
            autoencoder=AutoencoderConfig(widths=(16, 48, 112), norm_groups=8),
            weights=STARTER_FOLDER / "starter.safetensors",
            licence="CC0-1.0",
            credits=STARTER_FOLDER / "CREDITS.md",
        ),
    )
}


def find_row(name: str) -> ModelRow:
    """The row of a model's name. Raises ModelError that lists what there is."""
    if name not in MODELS:
        raise ModelError(f"unknown model {name!r}", f"Known are: {', '.join(MODELS)}.")
    return MODELS[name]
