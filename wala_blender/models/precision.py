"""Precision of the networks' computations: bfloat16 where it is faster on the device."""

import torch

from ..errors import ModelError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# float16 on MPS is none of them: it ends at 65,504, and only the published weights can show whether what they compute
# stays below that.


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """ "auto": bfloat16 on CUDA and on CPUs with instructions for it (AVX512-BF16, AMX), else float32; or one of
    PRECISIONS. Raises ModelError for another name."""
    if wanted == "auto":
        return (
            torch.bfloat16 if device.type == "cuda" or (device.type == "cpu" and cpu_has_bfloat16()) else torch.float32
        )
    if wanted not in PRECISIONS:
        raise ModelError(f"unknown precision {wanted!r}", f"Choose auto, {' or '.join(PRECISIONS)}.")
    return PRECISIONS[wanted]


def cpu_has_bfloat16() -> bool:
    """Whether this CPU multiplies in bfloat16: where it does not, it is emulated, and slower than float32."""
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # of newer versions of PyTorch
    return torch.backends.mkldnn.is_available() and any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))


def precision_name(precision: torch.dtype) -> str:
    """Its name in PRECISIONS."""
    return str(precision).removeprefix("torch.")
