"""The table of models: what there is, what each can do and with which defaults, where its weights lie. Knows rows; not networks or tensors."""

from dataclasses import dataclass, field
from pathlib import Path

from ..autoencoder import AutoencoderConfig
from ..errors import ModelError
from .starter import StarterConfig

STARTER_FOLDER = Path(__file__).parent / "starter"
WORD_PIECES = "tokenizer.json"
ABOUT = "model.json"  # makes a folder a model: see folder.py


@dataclass(frozen=True)
class Defaults:
    """Sampling settings for a condition: guidance scale, number of denoising steps."""

    scale: float
    steps: int


@dataclass(frozen=True)
class ModelRow:
    """One model. ``conditions``: name → defaults; ``weights``: its safetensors file, with its word pieces beside; ``padding``: of its
    wavelets."""

    name: str
    title: str
    conditions: dict[str, Defaults]
    autoencoder: AutoencoderConfig
    weights: Path
    licence: str
    starter: StarterConfig = StarterConfig()
    padding: str = "constant"
    credits: Path | None = field(default=None)

    @property
    def vocabulary(self) -> Path:
        """The word pieces' file."""
        return self.weights.with_name(WORD_PIECES)


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


def is_model(name: str) -> bool:
    """Whether it is a model's name, or a folder with one that was exported."""
    return name in MODELS or (Path(name) / ABOUT).is_file()


def find_row(name: str) -> ModelRow:
    """The row of a model's name, or of a folder with one. Raises ModelError that lists what there is."""
    if not is_model(name):
        raise ModelError(f"unknown model {name!r}", f"Known are: {', '.join(MODELS)}; or give a folder made by `wala train export`.")
    if name not in MODELS:
        from .folder import read_row

        return read_row(Path(name))
    return MODELS[name]
