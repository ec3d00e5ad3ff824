"""Contact sheet of colour volumes: coloured meshes of prompts, to be judged by eye."""

import textwrap
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from ..colour.volume_prompts import prompt_inputs
from ..colour.volume_surface import face_colours, volume_to_mesh
from ..conditions.word_vectors import load_vectors
from ..errors import InputError
from ..geometry.cameras import looking_at_origin
from ..geometry.colour_spaces import as_bytes
from ..geometry.colour_volume import DISTANCE
from ..geometry.point_sets import unit_sphere_frame
from ..geometry.topology import face_normals
from ..models.registry import STARTER_FOLDER, WORD_VECTORS
from ..models.volume_model import VolumeModel
from ..training.data.coloured_pictures import coloured_pictures
from ..training.volume_pictures import VolumePictures
from .volume_samples import sampled_latents

SIZE, ACROSS = 128, 12  # pixels of a cell, cells in a row
_LETTERS, _MARGIN, _AMBIENT = 11, 28, 0.5
_LIGHT = np.array([0.1, 0.8, 0.6])


def sheet_prompts(pictures: VolumePictures) -> list[str]:
    """A prompt for each noun with one of its colours, then one with a colour that none of its objects has."""
    own, new = [], []
    for number, noun in enumerate(dict.fromkeys(pictures.nouns)):
        colours = [colour for name, colour in zip(pictures.nouns, pictures.main_colours) if name == noun]
        own.append(f"{colours[number % len(colours)]} {noun}")
        others = [colour for colour in dict.fromkeys(pictures.main_colours) if colour not in colours]
        new += [f"{others[number % len(others)]} {noun}"] if others else []
    return own + new


@torch.no_grad()
def volume_sheet(model: VolumeModel, prompts: Sequence[str]) -> Image.Image:
    """A picture of the mesh of every prompt, in their order, with the seeds 0, 1, …"""
    asked = prompt_inputs(prompts, load_vectors(STARTER_FOLDER / WORD_VECTORS), model.config.denoiser)
    latents = sampled_latents(model, asked, len(prompts))
    across = min(ACROSS, len(prompts))
    sheet = Image.new("RGB", (across * SIZE, -(-len(prompts) // across) * (SIZE + _MARGIN)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_LETTERS)
    for number, (prompt, latent) in enumerate(zip(prompts, latents)):
        x, y = number % across * SIZE, number // across * (SIZE + _MARGIN)
        sheet.paste(Image.fromarray(mesh_picture(model.decoder(latent[None]))), (x, y))
        words = "\n".join(textwrap.wrap(prompt, SIZE // 6)[:2])
        draw.multiline_text((x + SIZE / 2, y + SIZE + _MARGIN / 2), words, "black", font, anchor="mm", align="center")
    return sheet


def mesh_picture(volume: torch.Tensor, size: int = SIZE) -> np.ndarray:
    """Picture (size, size, 3) uint8 of the mesh of a volume (1, 4, S, S, S), lit, on white; white of an empty one."""
    try:
        vertices, faces = volume_to_mesh(volume, pixels=96, resolution=96)
    except InputError:
        return np.full((size, size, 3), 255, np.uint8)
    light = np.clip(face_normals(vertices, faces)[0] @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
    shade = _AMBIENT + (1 - _AMBIENT) * light
    lit = as_bytes(face_colours(volume, vertices, faces) / 255 * shade[:, None])
    placed = unit_sphere_frame(vertices).to_model(vertices)
    seen = coloured_pictures(placed, faces, lit, [looking_at_origin(30.0, 20.0, DISTANCE)], size)
    return np.where(seen.mask[0, ..., None], seen.colours[0], 255).astype(np.uint8)
