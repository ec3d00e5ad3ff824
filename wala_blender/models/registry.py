"""Registry of models: names, capabilities, defaults. No networks, no tensors, no state of installation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..conditions.spec import Defaults
from ..conditions.specs import PUBLISHED_DEFAULTS, SPECS
from ..errors import ModelError
from ..networks.configs import AutoencoderConfig, DetailConfig, VolumeModelConfig
from .licences import AUTODESK, CC0, LAGEM, Licence
from .starter_config import StarterConfig, conditions_of, starter_encoders

STARTER_FOLDER = Path(__file__).parent / "starter"
COLOUR_EXEMPLARS = STARTER_FOLDER / "colour_exemplars.npz"
STARTER, VOLUMES = "starter", "volumes"
VOLUMES_WEIGHTS = Path(__file__).parent / VOLUMES / "volumes.safetensors"
LEVEL_MODEL = "levels"
LEVEL_WEIGHTS = Path(__file__).parent / LEVEL_MODEL / "model.safetensors"
WORD_PIECES, DETAIL_WEIGHTS = "tokenizer.json", "detail.safetensors"
EXEMPLARS, WORD_VECTORS = "exemplars.npz", "words.npz"
WORKING_MEMORY = 1_500_000_000  # bytes allowed for what lies between the layers while a shape is made


@dataclass(frozen=True)
class Published:
    """What is known of a published model before its files are there.

    ``repository``: on the hub; None for a folder of the same format. ``parameters``: of the denoiser with its own
    encoder, and ``image_parameters`` of the image network in front. ``views``: indices of the cameras whose pictures it
    takes, () for one of any kind. ``points``: how many it reads. ``shape_model``: of one that makes pictures alone, the
    name of the model that makes shapes of them. ``extras``: (repository, file) of what it needs beside its own two
    files. ``checksums``: file → SHA-256 in hexadecimal, as far as they are known here; a file that is not named is
    compared with the hub's own word for it. ``format``: of its files, "wala" (args.json and checkpoint.ckpt) or "lagem"
    (one .pth, whose name the hub knows; always in float32).
    """

    repository: str | None
    parameters: int
    image_parameters: int = 0
    views: tuple[int, ...] = ()
    points: int = 25_000
    shape_model: str | None = None
    extras: tuple[tuple[str, str], ...] = ()
    checksums: Mapping[str, str] = field(default_factory=dict)
    format: str = "wala"

    @property
    def size(self) -> int:
        """Bytes of the published file, about: four a parameter."""
        return 4 * (self.parameters + self.image_parameters + self.autoencoder_parameters)

    @property
    def autoencoder_parameters(self) -> int:
        """Of the autoencoder beside the counted networks."""
        return AUTOENCODER_PARAMETERS if self.format == "wala" else 0

    def memory(self, bytes_a_parameter: int = 2, sequential_offload: bool = False) -> int:
        """Bytes needed on a device: the parameters at bytes_a_parameter (2 in bfloat16, 4 in float32), the
        autoencoder's always at 4, and WORKING_MEMORY; sequential_offload (low-memory mode) the largest part only."""
        each = bytes_a_parameter if self.format == "wala" else 4
        parts = (each * self.parameters, each * self.image_parameters, 4 * self.autoencoder_parameters)
        return (max(parts) if sequential_offload else sum(parts)) + WORKING_MEMORY


@dataclass(frozen=True)
class ModelRow:
    """One model. ``conditions``: name → defaults; ``padding``: of its wavelets; ``version``: of the weights, None where
    they have none.

    Either ``autoencoder``, ``starter``, ``detail`` (None without a detail stage) and ``weights``, a safetensors file
    with its word pieces beside, of the starter's kind; or ``cascade`` and ``weights``, with an about.json beside, of a
    model of levels that makes some of a mesh's latents anew; or ``volumes`` and ``weights`` of a model of colour
    volumes; or ``published``, whose files are looked up.
    """

    name: str
    title: str
    conditions: dict[str, Defaults]
    licence: Licence
    autoencoder: AutoencoderConfig | None = None
    starter: StarterConfig = StarterConfig()
    detail: DetailConfig | None = None
    weights: Path | None = None
    volumes: VolumeModelConfig | None = None
    padding: str = "constant"
    published: Published | None = None
    version: str | None = None
    cascade: bool = False

    @property
    def makes(self) -> str:
        """Output of the model: "shapes", "views" if it has a ``shape_model``, "reconstructions" of meshes, or colour
        "volumes"."""
        if self.volumes:
            return "volumes"
        if self.cascade or (self.published and self.published.format == "lagem"):
            return "reconstructions"
        return "views" if self.published and self.published.shape_model else "shapes"

    @property
    def one_piece(self) -> bool:
        """Default of one_piece: true for a small model, which leaves loose pieces, unless it makes meshes again."""
        return self.makes in ("shapes", "volumes") and self.published is None

    @property
    def coloured(self) -> bool:
        """Default of colour: true for colour volumes, and for starter models where the coloured exemplars are there."""
        if self.makes == "volumes":
            return True
        return self.makes == "shapes" and self.published is None and COLOUR_EXEMPLARS.is_file()

    @property
    def batch_size(self) -> int:
        """Maximal number of shapes denoised at once: with large networks, more cost memory and save little time."""
        return 16 if self.published is None else 4

    @property
    def prompted(self) -> tuple[str, ...]:
        """Those of its conditions that a prompt may come beside: none of a published model's, which reads one thing."""
        if self.published or "text" not in self.conditions:
            return ()
        return tuple(name for name in self.conditions if SPECS[name].takes_prompt_beside)

    @property
    def vocabulary(self) -> Path:
        """The word pieces' file."""
        return self.weights.with_name(WORD_PIECES)

    @property
    def detail_weights(self) -> Path:
        """The detail stage's file."""
        return self.weights.with_name(DETAIL_WEIGHTS)

    @property
    def exemplars(self) -> Path | None:
        """The exemplars' file, beside which the word vectors lie; None for a model without any."""
        file = self.weights and self.weights.with_name(EXEMPLARS)
        return file if file and file.is_file() else None


AUTOENCODER_PARAMETERS = 12_872_004
DINO_L = 304_372_736  # DINOv2 ViT-L/14 with four registers
STABLE_DIFFUSION = 1_305_000_000  # 2.1's UNet with a camera network, OpenCLIP ViT-H's text model, the image autoencoder
CLIP_VOCABULARY = (("openai/clip-vit-large-patch14", "vocab.json"), ("openai/clip-vit-large-patch14", "merges.txt"))
FOUR_VIEWS, SIX_VIEWS, FOUR_TEXT_VIEWS = (3, 6, 10, 26), (3, 6, 10, 26, 49, 50), (0, 6, 10, 26)


def published_row(
    name: str,
    title: str,
    condition: str,
    published: Published,
    licence: Licence = AUTODESK,
    defaults: Defaults | None = None,
) -> ModelRow:
    """Row of a model in the published format."""
    return ModelRow(
        name,
        title,
        {condition: defaults or PUBLISHED_DEFAULTS[condition]},
        licence,
        padding="zero",
        published=published,
    )


def _hub(
    code: str,
    words: str,
    condition: str,
    parameters: int,
    image_parameters: int = 0,
    views: tuple[int, ...] = (),
    defaults: Defaults | None = None,
) -> ModelRow:
    published = Published(f"ADSKAILab/WaLa-{code}", parameters, image_parameters, views)
    return published_row(f"wala-{code.lower()}", f"WaLa 1B · {words}", condition, published, defaults=defaults)


def _text_to_views(code: str, words: str, views: tuple[int, ...], shape_model: str) -> ModelRow:
    published = Published(
        f"ADSKAILab/WaLa-MVDream-{code}", STABLE_DIFFUSION, views=views, shape_model=shape_model, extras=CLIP_VOCABULARY
    )
    return ModelRow(
        f"wala-mvdream-{code.lower()}", f"WaLa · {words}", {"text": Defaults(10.0, 50)}, AUTODESK, published=published
    )


def _refined(conditions: dict[str, Defaults], *names: str) -> dict[str, Defaults]:
    """The conditions, those of the names with the detail stage."""
    return conditions | {name: replace(conditions[name], detail=True) for name in names}


MODELS: dict[str, ModelRow] = {
    row.name: row
    for row in (
        ModelRow(
            name=STARTER,
            title="Starter (small, ships with the extension)",
            conditions=_refined(conditions_of(starter_encoders()), "points", "depth", "depths"),
            licence=CC0,
            autoencoder=AutoencoderConfig(widths=(16, 48, 112), norm_groups=8, quantized=False),
            detail=DetailConfig(),
            weights=STARTER_FOLDER / "starter.safetensors",
            version="7",
        ),
        _hub("SV-1B", "single image", "image", 956_000_000, DINO_L),
        _hub("SK-1B", "sketch", "sketch", 956_000_000, DINO_L),
        _hub("DM1-1B", "one depth map", "depth", 956_000_000, DINO_L),
        _hub("DM4-1B", "four depth maps", "depths", 956_000_000, DINO_L, FOUR_VIEWS),
        _hub("DM6-1B", "six depth maps", "depths", 898_000_000, DINO_L, SIX_VIEWS, Defaults(1.5, 10)),
        _hub("RGB4-1B", "four images", "views", 956_000_000, DINO_L, FOUR_VIEWS),
        _hub("PC-1B", "points", "points", 966_700_000),
        _hub("VX16-1B", "voxels", "voxels", 906_900_000),
        _hub("UN-1B", "from nothing", "none", 1_100_000_000),
        _text_to_views("DM6", "words through six depth maps", SIX_VIEWS, "wala-dm6-1b"),
        _text_to_views("RGB4", "words through four images", FOUR_TEXT_VIEWS, "wala-rgb4-1b"),
        ModelRow(
            "lagem",
            "LaGeM · a mesh made again from three levels of latents",
            {"mesh": Defaults(None, 1)},
            LAGEM,
            published=Published("Zbalpha/LaGeM", 499_852_625, format="lagem"),
        ),
        ModelRow(
            LEVEL_MODEL,
            "Levels · a mesh with details made anew, after LaGeM (small)",
            {"mesh": Defaults(None, 18)},
            CC0,
            weights=LEVEL_WEIGHTS,
            cascade=True,
            version="1",
        ),
    )
}


VOLUMES_ROW = ModelRow(
    VOLUMES,
    "Volumes · coloured objects of some nouns (small)",
    {"text": Defaults(2.0, 18), "none": Defaults(None, 18)},
    CC0,
    weights=VOLUMES_WEIGHTS,
    volumes=VolumeModelConfig(),
    version="1",
)
if VOLUMES_WEIGHTS.is_file():
    MODELS[VOLUMES] = VOLUMES_ROW


def find_row(name: str, also: Iterable[str] = ()) -> ModelRow:
    """Row of a model's name. Raises ModelError that lists the available names, and those in ``also``."""
    if name not in MODELS:
        raise ModelError(f"unknown model {name!r}", f"Known are: {', '.join([*MODELS, *also])}.")
    return MODELS[name]
