"""Stage 1: trains the starter's autoencoder on wavelet trees. Knows its loss and schedule; the loop and the data are elsewhere."""

import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from ..autoencoder import Autoencoder, AutoencoderConfig
from ..geometry.metrics import iou
from ..quantizer import CodebookAverage
from ..wavelet import tree_to_field
from ..wavelet.tree import CHILDREN, COARSE, PARENTS
from .loop import Loop, LoopSettings
from .samples import Entry, load_tree, read_index

log = logging.getLogger(__name__)

# Standard deviations of the coefficients where they are not zero, roughly: the network works in these units.
_MIDDLE = slice(6, 40)  # of 46: model coordinates -1.03 … 1.02; 34 cells pool to 17 and 9 and come back
_SCALES = ((COARSE, 0.6), (CHILDREN, 0.004), (PARENTS, 0.02))


@dataclass(frozen=True)
class AutoencoderTraining:
    """crop_until: share of the time that trains on the trees' middle only, where the shapes are: 2.5 times as fast, and the networks, being
    convolutions, take the whole tree afterwards. settle_from: share after which the encoder stays as it is (stage 2 may begin on its latents)
    and the codebook is started and used. detail_weight: of the details' loss at the end."""

    model: AutoencoderConfig = AutoencoderConfig(widths=(16, 48, 112), norm_groups=8)
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(learning_rate=1e-3, average_samples=300.0))
    batch: int = 1
    crop_until: float = 0.45
    settle_from: float = 0.555
    detail_weight: float = 8.0
    bfloat16: bool = True


def channel_scales() -> torch.Tensor:
    """(64, 1, 1, 1): what each channel of a tree is divided by inside the network while it trains."""
    scales = torch.empty(64, 1, 1, 1)
    for channels, scale in _SCALES:
        scales[channels] = scale
    return scales


def fold_scales(model: Autoencoder) -> Autoencoder:
    """Moves the division by the scales into the first and the multiplication into the last convolution: exact, since both are linear."""
    scales = channel_scales()
    with torch.no_grad():
        model.encoder.in_conv.weight /= scales.view(1, 64, 1, 1, 1)
        last = model.decoder.out_conv[2]
        last.weight *= scales.view(64, 1, 1, 1, 1)
        last.bias *= scales.view(64)
    return model


def tree_loss(predicted: torch.Tensor, tree: torch.Tensor, detail_weight: float) -> tuple[torch.Tensor, dict[str, float]]:
    """Huber losses of scaled trees (B, 64, D, H, W); coarse cells near the surface count most, since there the sign changes.

    Details count in the cells that the surface passes (elsewhere they are zero), and in as many others drawn at random.
    """
    huber = torch.nn.functional.huber_loss
    target = tree[:, COARSE].float()
    near = torch.exp(-((target * _SCALES[0][1] / 0.8) ** 2))
    weight = 0.15 + near * (near.numel() / near.sum())
    coarse = (huber(predicted[:, COARSE].float(), target, reduction="none", delta=0.25) * weight).mean()
    active = (tree[:, PARENTS].abs().amax(1) > 0.05).flatten().nonzero()[:, 0]
    cells = torch.cat([active, torch.randint(near.numel(), (len(active),))])
    rows = predicted.permute(0, 2, 3, 4, 1).reshape(-1, 64)[cells].float()
    wanted = tree.permute(0, 2, 3, 4, 1).reshape(-1, 64)[cells].float()
    parents = huber(rows[:, PARENTS], wanted[:, PARENTS], delta=0.5)
    children = huber(rows[:, CHILDREN], wanted[:, CHILDREN], delta=0.5)
    # In units of distance: a unit of the parents is 0.02 / 0.6 of the coarse one's, of the children a fifth of that.
    loss = coarse + detail_weight * (0.02 * parents + 0.008 * children)
    return loss, {"coarse": coarse.item(), "parents": parents.item(), "children": children.item()}


@torch.no_grad()
def measure(model: Autoencoder, entries: list[Entry], quantize: bool, scales: torch.Tensor) -> torch.Tensor:
    """IoU of each entry's canonical variant with what comes back through the (scaled) autoencoder, at 256³, against the tree's own field."""
    model.eval()
    values = []
    for entry in entries:
        tree = load_tree(entry, 0)[None]
        with torch.autocast("cpu", torch.bfloat16):
            latent = model.encode(tree / scales)
            back = model.decode(latent) if quantize else model.decode_quantized(latent)
        values.append(iou(tree_to_field(back.float() * scales)[0] < 0, tree_to_field(tree)[0] < 0))
    model.train()
    return torch.tensor(values)


def train(store: Path, folder: Path, settings: AutoencoderTraining) -> None:
    """Train (or go on training); writes FOLDER/autoencoder.pt, the averaged weights with the scales folded in."""
    torch.manual_seed(0)
    model = Autoencoder(settings.model)
    codebook = CodebookAverage(model.quantize)
    loop = Loop(model, folder, settings.loop, extra=codebook)
    model.quantize.embedding.weight.requires_grad_(False)
    (folder / "settings.json").write_text(json.dumps(asdict(settings), indent=1))
    entries, validation = read_index(store, "train"), read_index(store, "validation")[:8]
    scales = channel_scales()
    settled = [loop.progress > settings.settle_from]
    measured = [loop.progress]

    def batch() -> torch.Tensor:
        picks = torch.randint(len(entries), (settings.batch,), generator=loop.generator)
        trees = []
        for pick in picks:
            entry = entries[pick]
            tree = load_tree(entry, int(torch.randint(entry.variants, (1,), generator=loop.generator)))
            trees.append(tree[:, _MIDDLE, _MIDDLE, _MIDDLE] if loop.progress < settings.crop_until else tree)
        return (torch.stack(trees) / scales).to(torch.bfloat16 if settings.bfloat16 else torch.float32)

    def settle() -> None:
        """The averaged encoder stays; its latents start the codebook; both are written for stage 2."""
        log.info("settling the encoder")
        model.load_state_dict(loop.average)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=settings.bfloat16):
            latents = torch.cat([model.encode(batch()).float()[..., 2:10, 2:10, 2:10] for _ in range(60)])  # where shapes are
        codebook.start(latents, loop.generator)
        write(model.state_dict())
        settled[0] = True
        loop.save()  # stage 2 may begin on this very encoder: a run that is stopped now must not settle another one

    def write(state: dict[str, torch.Tensor]) -> None:
        averaged = Autoencoder(settings.model)
        averaged.load_state_dict(state)
        torch.save({"config": asdict(settings.model), "state": fold_scales(averaged).state_dict()}, folder / "autoencoder.pt")

    def step(progress: float):
        quantize = progress > settings.settle_from
        if quantize and not settled[0]:
            settle()
        if progress > max(measured[0] + 0.1, settings.crop_until + 0.02):
            measured[0] = progress
            values = measure(model, validation, quantize, scales)
            log.info("validation IoU %.4f (median %.4f)%s", values.mean(), values.median(), " quantised" if quantize else "")
        tree = batch()
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.bfloat16):
            numbers, pull = {}, 0.0
            if quantize:
                with torch.no_grad():
                    latent = model.encode(tree).float()
                codebook.update(latent)
                numbers["restarted"] = codebook.restart(latent, loop.generator, 0.02)
                predicted = model.decode(latent)
            else:
                latent = model.encode(tree)
                pull = 1e-3 * latent.float().square().mean()  # keeps the latents' scale near one
                predicted = model.decode_quantized(latent)
        loss, parts = tree_loss(predicted, tree, 1 + (settings.detail_weight - 1) * progress)
        return loss + pull, settings.batch, numbers | parts

    loop.run(step)
    write(loop.average)
