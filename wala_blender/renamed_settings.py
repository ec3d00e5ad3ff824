"""Former names of settings: read for one version, with a warning."""

import logging
from collections.abc import Mapping

from .errors import InputError

log = logging.getLogger(__name__)

# class of the settings → former name → current name; to be emptied in 0.2
RENAMED: dict[str, dict[str, str]] = {
    "LoopSettings": {"looks": "validations", "checkpoints": "gradient_checkpointing"},
    "AutoencoderTraining": {
        "settle": "freeze_encoder",
        "keep_decoder": "freeze_decoder",
        "crop_until": "center_crop_fraction",
        "quantize_from": "quantization_start",
    },
    "DenoiserTraining": {
        "mix": "condition_probabilities",
        "several": "second_condition_probability",
        "drop": "condition_dropout",
        "noisy": "high_noise_fraction",
        "lacking": "partial_input_probability",
        "draft_until": "encoder_pretrain_fraction",
        "draft_batch": "encoder_pretrain_batch",
    },
    "DetailTraining": {"mix": "evidence_probabilities", "encoded": "encoded_latent_fraction"},
    "LevelDenoiserTraining": {"drop": "condition_dropout", "fewest": "min_category_shapes"},
}


def with_current_names(kind: type, values: Mapping, where: str) -> dict:
    """The values of a table of settings under their current names. ``where`` names the source in warnings and errors.
    Raises InputError if a setting has both its names."""
    renamed, current = RENAMED.get(kind.__name__, {}), {}
    for name, value in values.items():
        if name in renamed:
            if renamed[name] in values:
                raise InputError(f"{where}: {name} and {renamed[name]} are the same setting", f"Remove {name}.")
            log.warning("%s: %s is now called %s; the next version will not read it", where, name, renamed[name])
        current[renamed.get(name, name)] = value
    return current
