"""Low-rank adapters (LoRA) through peft: fine-tuning with the original weights frozen."""

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from peft.tuners.lora import LoraModel


def low_rank(model: nn.Module, rank: int) -> "LoraModel":
    """Gives every linear layer and wider convolution of the model, in place, an addition of this rank, zero at first;
    all else is frozen.

    ``merge_and_unload`` of the result adds them to the weights, and gives the model back as it was built.
    """
    from peft import LoraConfig
    from peft.tuners.lora import LoraModel

    # peft cannot merge additions to convolutions that see a single cell.
    layers = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) or (isinstance(module, (nn.Conv2d, nn.Conv3d)) and max(module.kernel_size) > 1)
    ]
    return LoraModel(model, LoraConfig(r=rank, lora_alpha=rank, target_modules=layers), "default")
