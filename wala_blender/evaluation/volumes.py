"""Evaluation of colour volumes: the autodecoder's views and meshes of its objects, and the denoiser's samples beside
samples of a normal distribution of the embeddings ("direct sampling")."""

from collections.abc import Callable, Sequence
from pathlib import Path

import igl
import numpy as np
import torch

from ..colour.volume_surface import colours_at, depths_to_field, rendered_depth
from ..errors import InputError
from ..geometry.colour_volume import rays_of, spread_cameras
from ..geometry.distance import mesh_to_distance
from ..geometry.metrics import iou
from ..geometry.surface import field_to_mesh
from ..training.autodecoder_training import AutodecoderTraining, load_autodecoder, pictures_of, view_scores
from ..training.data.coloured_pictures import coloured_pictures
from ..training.data.face_colours import load_face_colours
from ..training.data.mesh_datasets import Record
from ..training.volume_denoiser_training import load_volumes
from ..training.volume_pictures import fitted
from .volume_samples import compare_samples, measure_prompts, true_surface

VIEWS, PIXELS, RESOLUTION = 24, 64, 64
OnProgress = Callable[[int, str], object]
_MEANS = ("mask_iou", "colour_error", "mean_colour_error", "psnr")


def evaluate_volumes(
    autodecoder_run: Path,
    denoiser_run: Path | None,
    records: Sequence[Record],
    colours: Path,
    limit: int | None = None,
    samples: int = 96,
    on_progress: OnProgress = lambda done, name: None,
) -> dict:
    """Scores of an autodecoder's run, and of the run of a denoiser of its latents. records: its objects are among
    them. limit: of objects whose meshes are measured. samples: of each of the two ways of sampling. Raises
    InputError."""
    model, pictures = load_autodecoder(autodecoder_run), pictures_of(autodecoder_run)
    steps = AutodecoderTraining().samples
    with torch.no_grad():
        views = [
            view_scores(model(torch.tensor([number])), pictures, number, pictures.held_out, steps)
            for number in range(len(pictures))
        ]
    report: dict = {
        "count": len(pictures),
        "views": {name: float(np.mean([score[name] for score in views])) for name in _MEANS},
    }
    found = {record.id: record for record in records}
    missing = [name for name in pictures.ids if name not in found]
    if missing:
        raise InputError(f"{missing[0]} is not among the meshes", "Give those that were trained on.")
    chosen = np.linspace(0, len(pictures) - 1, min(limit or len(pictures), len(pictures))).astype(int)
    meshes: list[dict[str, float]] = []
    for number in chosen:
        record = found[pictures.ids[number]]
        on_progress(len(meshes), record.id)
        with torch.no_grad():
            meshes.append(mesh_scores(model(torch.tensor([int(number)])), record, colours))
    report["meshes"] = {"count": len(meshes)} | {
        f"{kind}_{name}": float(of([mesh[name] for mesh in meshes]))
        for name in meshes[0]
        for kind, of in (("mean", np.mean), ("median", np.median))
    }
    if denoiser_run is not None:
        volumes = load_volumes(denoiser_run)
        references = [true_surface(found[name], colours) for name in pictures.ids]
        report["samples"] = compare_samples(volumes, model, references, samples)
        report["prompts"] = measure_prompts(volumes, pictures, references)
    return report


def mesh_scores(volume: torch.Tensor, record: Record, colours: Path) -> dict[str, float]:
    """Of an object's volume (1, 4, S, S, S) as a mesh: IoU with the true solid, that of the true mesh's own depth maps
    fused alike, and mean absolute errors (of 1) of its vertices' colours and of the mean colour there."""
    vertices, faces = fitted(record)
    of_faces, cameras = load_face_colours(record, colours), spread_cameras(VIEWS)
    solid = mesh_to_distance(vertices, faces, RESOLUTION) < 0
    pictures = coloured_pictures(vertices, faces, of_faces, cameras, PIXELS)
    maps = np.stack([rendered_depth(volume, camera, PIXELS) for camera in cameras])
    _, directions = rays_of(cameras, PIXELS)
    along = np.einsum("vnc,vc->vn", directions, -np.stack(cameras)[:, :3, 2]).reshape(maps.shape)
    field, best = (depths_to_field(depth, cameras, RESOLUTION) for depth in (maps, pictures.distance * along))
    found, _ = field_to_mesh(field, remove_dust=False)
    _, nearest, _ = igl.point_mesh_squared_distance(found.astype(np.float64), vertices, faces.astype(np.int64))
    true = of_faces[nearest.ravel()] / 255
    mean = pictures.colours[pictures.mask].mean(axis=0) / 255
    return {
        "iou": iou(field.numpy() < 0, solid),
        "fused_true_iou": iou(best.numpy() < 0, solid),
        "colour_error": float(np.abs(colours_at(volume, found) / 255 - true).mean()),
        "mean_colour_error": float(np.abs(mean - true).mean()),
    }


def lines_of(report: dict) -> list[str]:
    """The report as text, each number beside its bar."""
    views, meshes = report["views"], report["meshes"]
    lines = [
        f"held-out views of {report['count']} objects: mask IoU {views['mask_iou']:.3f} (bar 0.90), "
        f"colour error {views['colour_error']:.3f}, {views['colour_error'] / views['mean_colour_error']:.2f} of the mean "
        f"colour's (bar 0.60), PSNR {views['psnr']:.1f} dB",
        f"meshes of {meshes['count']}: IoU median {meshes['median_iou']:.3f} (bar 0.70), mean {meshes['mean_iou']:.3f}, "
        f"{meshes['median_iou'] / meshes['median_fused_true_iou']:.2f} of the true maps' {meshes['median_fused_true_iou']:.3f} "
        f"(bar 0.90); colour error {meshes['mean_colour_error']:.3f}, "
        f"{meshes['mean_colour_error'] / meshes['mean_mean_colour_error']:.2f} of the mean colour's (bar 0.60)",
    ]
    if "samples" in report:
        samples, prompts = report["samples"], report["prompts"]
        ours, direct = samples["diffusion"], samples["direct"]
        lines += [
            f"{samples['count']} samples, diffusion and direct: coverage {ours['coverage']:.2f} and "
            f"{direct['coverage']:.2f} (bar: not lower), minimum matching distance {ours['distance']:.4f} and "
            f"{direct['distance']:.4f} (bar: 10 % lower), own nearest {ours['own_nearest']:.2f} and "
            f"{direct['own_nearest']:.2f} of the distance between training shapes",
            f"{prompts['count']} prompts: noun {prompts['noun']:.0%}, by chance {prompts['noun_chance']:.0%} (bar: twice); "
            f"main colour {prompts['colour']:.0%} (bar 50 %), by chance {prompts['colour_chance']:.0%}",
        ]
    return lines
