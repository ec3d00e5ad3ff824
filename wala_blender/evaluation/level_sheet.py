"""Picture of what levels hold: shapes made again, and with fewer and fewer levels kept."""

import logging
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..errors import InputError
from ..geometry.metrics import Mesh
from ..geometry.thumbnail import thumbnail
from ..mesh_to_mesh import MeshToMesh
from ..pipeline import Settings
from .level_report import KEEPS

log = logging.getLogger(__name__)

IMAGE_SIZE, MARGIN, LETTERS = 192, 8, 15  # pixels of a picture, around it, and of a letter
SEEDS = (0, 1)
TITLES = ("mesh", "made again", "structure and major kept", "structure kept", "nothing kept")
INK, GROUND = 40, 255


def level_sheet(maker: MeshToMesh, meshes: Sequence[Mesh]) -> Image.Image:
    """A row a mesh: itself, made again, and for each choice of what is kept a variation of every one of SEEDS, as they
    are delivered."""
    columns = 2 + len(KEEPS) * len(SEEDS)
    header = LETTERS + 2 * MARGIN
    sheet = Image.new("L", (columns * IMAGE_SIZE, header + len(meshes) * IMAGE_SIZE), GROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(LETTERS)
    spans = (1, 1, *[len(SEEDS)] * len(KEEPS))
    left = 0
    for title, span in zip(TITLES, spans):
        draw.text(((left + span / 2) * IMAGE_SIZE, header / 2), title, INK, font, anchor="mm")
        left += span
    for row, mesh in enumerate(meshes):
        choices = [("all", 0), *((keep, seed) for keep in KEEPS for seed in SEEDS)]
        pictures = [_picture(mesh), *(_picture(_variation(maker, mesh, keep, seed)) for keep, seed in choices)]
        for column, picture in enumerate(pictures):
            sheet.paste(picture, (column * IMAGE_SIZE, header + row * IMAGE_SIZE))
        log.info("shape %d of %d", row + 1, len(meshes))
    return sheet


def _variation(maker: MeshToMesh, mesh: Mesh, keep: str, seed: int) -> Mesh | None:
    inputs = {"vertices": mesh[0], "faces": mesh[1], "keep": keep}
    try:
        result = maker.generate("mesh", inputs, Settings(maker.row.name, seed=seed))
    except InputError as error:
        log.warning("%s, seed %d: %s", keep, seed, error)
        return None
    return result.vertices, np.asarray(result.faces, dtype=np.int64)


def _picture(mesh: Mesh | None) -> Image.Image:
    """A mesh, empty where there is none."""
    ground = Image.new("RGBA", (IMAGE_SIZE, IMAGE_SIZE), (GROUND,) * 3 + (255,))
    if mesh is not None:
        shown = Image.fromarray(thumbnail(*mesh, IMAGE_SIZE - 2 * MARGIN), "RGBA")
        ground.alpha_composite(shown, (MARGIN, MARGIN))
    return ground.convert("L")
