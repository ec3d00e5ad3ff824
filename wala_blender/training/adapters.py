"""Low-rank fine-tuning through peft: small additions are trained, the weights they are added to are not. Knows layers; not what they do."""

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from peft.tuners.lora import LoraModel


def low_rank(model: nn.Module, rank: int) -> "LoraModel":
    """Gives every linear layer and convolution of the model, in place, an addition of this rank, zero at first; all else is frozen.

    ``merge_and_unload`` of the result adds them to the weights, and gives the model back as it was built.
    """
    from peft import LoraConfig
    from peft.tuners.lora import LoraModel

    layers = [name for name, module in model.named_modules() if isinstance(module, (nn.Linear, nn.Conv2d, nn.Conv3d))]
    return LoraModel(model, LoraConfig(r=rank, lora_alpha=rank, target_modules=layers), "default")
