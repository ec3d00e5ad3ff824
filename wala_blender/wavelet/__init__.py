"""Distance field ↔ wavelet tree: filters, forward and inverse transform, packing. No meshes, no networks."""

from .transform import Coefficients, forward, inverse
from .tree import (
    coefficients_to_half_field,
    field_to_tree,
    half_field_to_tree,
    pack,
    tree_to_field,
    tree_to_half_field,
    unpack,
)

__all__ = [
    "Coefficients",
    "coefficients_to_half_field",
    "field_to_tree",
    "forward",
    "half_field_to_tree",
    "inverse",
    "pack",
    "tree_to_field",
    "tree_to_half_field",
    "unpack",
]
