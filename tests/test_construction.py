"""Networks built without their weights are the networks, on the meta device."""

import torch
from torch import nn

from wala_blender.models.construction import without_weights
from wala_blender.networks.autoencoder import Autoencoder, AutoencoderConfig

SMALL = AutoencoderConfig(widths=(8, 8, 8), norm_groups=4, encoder_blocks=1, decoder_blocks=1)


def test_shapes_and_types_are_those_of_the_network_and_nothing_has_memory():
    whole = Autoencoder(SMALL).state_dict()
    with without_weights():
        empty = Autoencoder(SMALL).state_dict()
    assert {key: (value.shape, value.dtype) for key, value in empty.items()} == {
        key: (value.shape, value.dtype) for key, value in whole.items()
    }
    assert all(value.is_meta for value in empty.values())


def test_initialisation_is_as_ever_outside():
    with without_weights():
        nn.Linear(4, 4)
    torch.manual_seed(0)
    first = nn.Linear(4, 4).weight
    torch.manual_seed(0)
    assert torch.equal(first, nn.Linear(4, 4).weight) and first.std() > 0
