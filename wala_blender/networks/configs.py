"""Configurations of the networks: sizes and switches. No torch, so that the models can be listed without it."""

from dataclasses import dataclass

CONTEXT_WIDTH = 192
GRID_CHANNELS = 64
LATENT_CHANNELS = 4
HEAD_WIDTH = 64  # of attention in the networks of levels
# Kind of evidence → number of its features in the detail stage; each kind has one more channel that marks its
# presence.
DETAIL_FEATURES = {"points": 14, "voxels": 5, "blockout": 8, "depths": 9, "sketch": 3}
DETAIL_CHANNELS = sum(DETAIL_FEATURES.values()) + len(DETAIL_FEATURES)
MIDDLE = slice(6, 40)  # the cells that the detail stage works on, of the tree's 46 along an axis


@dataclass(frozen=True)
class AutoencoderConfig:
    """``widths``: hidden channels at 46³, 23³ and 12³, each a multiple of ``norm_groups``. ``quantized``: whether the
    decoder reads the codebook's rows, as published, or the latent as it is; then the codebook's part is over with the
    training that ordered the latents."""

    latent_channels: int = 4
    codebook_size: int = 1024
    grid: int = 12
    tree_channels: int = 64
    widths: tuple[int, int, int] = (128, 128, 128)
    encoder_blocks: int = 0
    decoder_blocks: int = 0
    l2_norm: bool = False
    beta: float = 0.25
    norm_groups: int = 32
    quantized: bool = True


@dataclass(frozen=True)
class UViTConfig:
    """``width``, ``blocks``, ``heads``: the transformer's; ``channels``, ``res_blocks``: the residual blocks' on each
    side of it.

    ``context_width`` None: no context tokens at all. ``context_to_time``: a summary of the context is added to the
    transformer's time embedding. ``res_context``: width of a context summary fed to every residual block, None for
    none. ``learnable_skip``: bottleneck ratio of gated skips, None for plain averages. ``grid_channels``: channels of a
    grid-aligned condition, 0 for none.
    """

    width: int
    blocks: int
    heads: int
    channels: int
    res_blocks: int = 1
    patch: int = 2
    context_width: int | None = None
    context_to_time: bool = False
    registers: int = 0
    res_context: int | None = None
    learnable_skip: int | None = None
    grid_channels: int = 0
    norm_groups: int = 32
    latent_channels: int = 4
    grid: int = 12

    def __post_init__(self):
        if self.grid % self.patch:
            raise ValueError(f"patch {self.patch} does not divide the grid {self.grid}")
        if self.width % self.heads:
            raise ValueError(f"{self.heads} heads do not divide the width {self.width}")
        if self.context_width is None and (self.context_to_time or self.res_context):
            raise ValueError("context_to_time and res_context need a context_width")


@dataclass(frozen=True)
class DetailConfig:
    """``widths``: hidden channels at 34³, 17³ and 9³ cells, each a multiple of ``norm_groups``; ``features``: channels
    of the condition."""

    widths: tuple[int, int, int] = (48, 96, 160)
    norm_groups: int = 8
    features: int = DETAIL_CHANNELS
    tree_channels: int = 64


@dataclass(frozen=True)
class LevelAutoencoderConfig:
    """``points``: N of the cloud. ``counts`` and ``channels``: M and C of every level, the coarsest first. ``layers``:
    self-attention layers of a level's decoder. Raises ValueError for a width that is no multiple of 64, or counts that
    do not grow."""

    width: int = 1024
    points: int = 8192
    counts: tuple[int, ...] = (128, 512, 2048)
    channels: tuple[int, ...] = (64, 32, 16)
    layers: int = 8

    def __post_init__(self):
        if self.width % HEAD_WIDTH:
            raise ValueError(f"the width {self.width} is not a multiple of {HEAD_WIDTH}")
        if (
            len(self.counts) != len(self.channels)
            or list(self.counts) != sorted(set(self.counts))
            or self.counts[-1] > self.points
        ):
            raise ValueError(
                f"{self.counts} vectors of {self.channels} channels, of {self.points} points, are not levels from coarse to fine"
            )


@dataclass(frozen=True)
class LevelDenoiserConfig:
    """``channels``: C of the level; ``coarser``: of the levels above it, the coarsest first. ``categories``: rows of
    the table of conditions, 0 for a denoiser without one. Raises ValueError for a width that is no multiple of 64."""

    channels: int
    width: int = 192
    blocks: int = 4
    coarser: tuple[int, ...] = ()
    categories: int = 0

    def __post_init__(self):
        if self.width % HEAD_WIDTH:
            raise ValueError(f"the width {self.width} is not a multiple of {HEAD_WIDTH}")


@dataclass(frozen=True)
class LevelModelConfig:
    """A level autoencoder, and the denoiser of every one of its levels, the coarsest first. ``threshold``: logit at the
    surface; trained on as many points inside as outside, an autoencoder takes too many for inside. Raises ValueError
    where the denoisers are not those of its levels."""

    autoencoder: LevelAutoencoderConfig
    denoisers: tuple[LevelDenoiserConfig, ...]
    threshold: float = 0.0

    def __post_init__(self):
        channels = self.autoencoder.channels
        expected = [(own, channels[:number]) for number, own in enumerate(channels)]
        found = [(one.channels, one.coarser) for one in self.denoisers]
        if found != expected:
            raise ValueError(f"the denoisers are of levels with the channels {found}, expected {expected}")


@dataclass(frozen=True)
class AutodecoderConfig:
    """``embedding``: numbers of each of the ``objects``. ``widths``: channels of the grids with base, 2·base, 4·base …
    cells a side, each a multiple of 8; the latent is the second. Raises ValueError."""

    objects: int
    embedding: int = 128
    base: int = 4
    widths: tuple[int, ...] = (128, 64, 32, 16)

    def __post_init__(self):
        if len(self.widths) < 3 or any(width % 8 for width in self.widths):
            raise ValueError(f"the widths {self.widths} are not three or more multiples of 8")

    @property
    def volume_size(self) -> int:
        """Cells a side of the volume."""
        return self.base * 2 ** (len(self.widths) - 1)


@dataclass(frozen=True)
class GridUNetConfig:
    """Denoiser of latents (channels, size, size, size). ``widths``: channels at size and at half of it, multiples of
    32. ``words`` vectors of ``word_size`` numbers and one of ``colours`` names say what is asked for. Raises
    ValueError."""

    channels: int = 64
    size: int = 8
    widths: tuple[int, int] = (64, 128)
    words: int = 6
    word_size: int = 100
    colours: int = 11

    def __post_init__(self):
        if any(width % 32 for width in self.widths):
            raise ValueError(f"the widths {self.widths} are not multiples of 32")
        if self.size % 2:
            raise ValueError(f"the size {self.size} is odd")


@dataclass(frozen=True)
class VolumeModelConfig:
    """``denoiser`` of latents, and ``widths`` of the decoder that makes colour volumes of them, the latent's first."""

    denoiser: GridUNetConfig = GridUNetConfig()
    widths: tuple[int, ...] = (64, 32, 16)
