"""The published models' second stage: one condition each, its encoder, and the denoiser. Knows which encoder reads
what; not files or rows."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from ..conditions import image_preprocessing, points, voxels
from ..conditions.points import PointNet
from ..conditions.processing import ConditionProcessing
from ..conditions.types import Prepared
from ..conditions.voxels import VoxelEncoder
from ..errors import InputError, ModelError
from ..networks.condition import Condition
from ..networks.denoiser import UViT
from ..networks.dinov2 import DinoV2
from .published_config import PublishedSettings

# The large networks may be of half precision; point coordinates, camera tables and what is under them keep all their
# digits.
LARGE = frozenset({"denoiser", "image_encoder"})


@dataclass(frozen=True)
class Reader:
    """How a kind of encoder reads: ``setting`` of PublishedSettings configures ``network``, whose keys are
    ``component``'s; ``tokens`` gives its raw tokens, and the views' indices where there are any."""

    setting: str
    component: str
    network: type[nn.Module]
    tokens: Callable[..., tuple[Tensor, Tensor | None]]


def _picture_tokens(encoder: nn.Module, images: Tensor, cameras: Tensor) -> tuple[Tensor, Tensor]:
    """Images (B, V, 3, 224, 224) from cameras (B, V) → tokens (B, V, N, C)."""
    return encoder(images.flatten(0, 1)).unflatten(0, images.shape[:2]), cameras


READERS = (
    Reader("points", "condition_encoder", PointNet, lambda encoder, cloud: (encoder(cloud), None)),
    Reader("voxels", "condition_encoder", VoxelEncoder, lambda encoder, occupancy: (encoder.tokens(occupancy), None)),
    Reader("image", "image_encoder", DinoV2, _picture_tokens),
)


@dataclass(frozen=True)
class ViewCondition(Condition):
    """A condition that remembers the cameras (B, V) of its tokens, for the empty one has the same."""

    views: Tensor | None = None


class Released(nn.Module):
    """Denoiser, encoder and what is between them, as ``settings`` say; ``kind`` is the condition it takes. Same calls
    as Starter's.

    ``views``: the cameras of the pictures it takes, () where it does not matter. ``points``: how many points are read.
    The modules' names are the checkpoint's components.
    """

    def __init__(self, settings: PublishedSettings, kind: str, views: tuple[int, ...] = (), point_count: int = 25_000):
        super().__init__()
        if settings.denoiser is None:
            raise ModelError("the checkpoint holds an autoencoder alone", "Give the folder of a whole model.")
        self.kind, self.views, self.point_count = kind, views, point_count
        self.denoiser = UViT(settings.denoiser)
        self.processing = ConditionProcessing(settings.processing) if settings.processing else None
        self.reader = next((reader for reader in READERS if getattr(settings, reader.setting) is not None), None)
        if (self.processing is None) != (self.reader is None):
            raise ModelError(f"the settings name no encoder of {kind}", "Check args.json.")
        if self.reader is not None:
            self.add_module(self.reader.component, self.reader.network(getattr(settings, self.reader.setting)))

    @property
    def encoder(self) -> nn.Module:
        return self.get_submodule(self.reader.component)

    def components(self) -> dict[str, nn.Module]:
        """Component name → module, for the loader."""
        return {name: module for name, module in self.named_children() if module is not None}

    @property
    def encoding_modules(self) -> tuple[nn.Module, ...]:
        """What ``encode`` and ``empty`` need."""
        return () if self.reader is None else (self.encoder, self.processing)

    @property
    def denoising_modules(self) -> tuple[nn.Module, ...]:
        """What ``denoise`` needs."""
        return (self.denoiser,)

    def prepare(self, kind: str, inputs: dict) -> Prepared:
        """Raw inputs of the model's kind → what ``encode`` takes. Raises InputError for unusable ones."""
        return PREPARATIONS[kind](self, inputs)

    def encode(self, kind: str, *inputs: Tensor, words: tuple[Tensor, ...] = ()) -> Condition:
        """Condition of a batch of prepared inputs; these models know no ``words`` beside them."""
        if self.reader is None:
            return Condition()
        dtype = next(self.encoder.parameters()).dtype
        tokens, views = self.reader.tokens(self.encoder, *(x.to(dtype) if x.is_floating_point() else x for x in inputs))
        made = self.processing(tokens.to(self.processing.cond_pos_emb.dtype), views)
        return ViewCondition(made.tokens, views=views)

    def empty(self, condition: ViewCondition) -> Condition:
        """The condition of guidance's other side: zeros for raw tokens, seen from the same cameras."""
        table = self.processing.cond_pos_emb
        cameras = condition.tokens.shape[:1] if condition.views is None else condition.views.shape
        return self.processing.empty(table.new_zeros(*cameras, *table.shape[1:]), condition.views)

    def denoise(self, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """Like UViT.denoise, in the denoiser's precision; what goes in and comes out keeps its own."""
        dtype = self.denoiser.conv_in.weight.dtype
        tokens = None if condition.tokens is None else condition.tokens.to(dtype)
        return self.denoiser(x.to(dtype), t, tokens).to(x.dtype)


def _several(prepare: Callable[[dict], Prepared]) -> Callable[[Released, dict], Prepared]:
    """Preparation of as many pictures as the model has views, from those where the input does not say."""

    def prepared(model: Released, inputs: dict) -> Prepared:
        made = prepare({"views": list(model.views)} | inputs if model.views else inputs)
        given = made.tensors[1].shape[1]
        if model.views and given != len(model.views):
            raise InputError(
                f"there are {given} pictures, expected {len(model.views)}",
                f"Give one for each of the views {', '.join(map(str, model.views))}.",
            )
        return made

    return prepared


# condition → its preparation, with the model's own numbers
PREPARATIONS: dict[str, Callable[[Released, dict], Prepared]] = {
    "points": lambda model, inputs: points.prepare(inputs, model.point_count),
    "voxels": lambda model, inputs: voxels.prepare(inputs),
    "image": lambda model, inputs: image_preprocessing.prepare_image(inputs),
    "sketch": lambda model, inputs: image_preprocessing.prepare_sketch(inputs),
    "depth": lambda model, inputs: image_preprocessing.prepare_depth(inputs),
    "depths": _several(image_preprocessing.prepare_depths),
    "views": _several(image_preprocessing.prepare_views),
    "none": lambda model, inputs: Prepared(()),
}
