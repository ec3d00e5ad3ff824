"""Vector quantiser between encoder and decoder."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Quantized:
    """``latent`` (B, C, D, H, W) quantised, ``indices`` (B·D·H·W,) int64 x-major, ``loss`` scalar (codebook + beta ·
    commitment)."""

    latent: Tensor
    indices: Tensor
    loss: Tensor


class VectorQuantizer(nn.Module):
    """Replaces every latent vector by the nearest row of a codebook.

    With ``l2_norm`` the codebook, the latents and the result have unit length. Gradients pass straight through to the
    latents. Computed in float32, also under autocast: a codebook row chosen in bfloat16 is often the wrong one.
    """

    def __init__(self, codebook_size: int, channels: int, beta: float = 0.25, l2_norm: bool = False):
        super().__init__()
        self.beta = beta
        self.l2_norm = l2_norm
        self.embedding = nn.Embedding(codebook_size, channels)
        nn.init.uniform_(self.embedding.weight, -1 / codebook_size, 1 / codebook_size)

    def codebook(self) -> Tensor:
        """(codebook_size, C), normalised where the setting says so."""
        weight = self.embedding.weight.float()
        return F.normalize(weight, dim=-1) if self.l2_norm else weight

    def rows(self, latent: Tensor) -> Tensor:
        """(B, C, D, H, W) → (B·D·H·W, C) float32, x-major, normalised where the setting says so."""
        rows = latent.float().permute(0, 2, 3, 4, 1).reshape(-1, latent.shape[1])
        return F.normalize(rows, dim=-1) if self.l2_norm else rows

    @torch.no_grad()
    def nearest(self, rows: Tensor) -> Tensor:
        """(M, C) → (M,) int64: the index of the nearest codebook row (the first one of equals)."""
        with torch.autocast(rows.device.type, enabled=False):
            codebook = self.codebook()
            squares = codebook.square().sum(dim=1)
            # |row|² is the same for every codebook row; chunks bound the distance matrix at 256 MB
            chunks = [torch.addmm(squares, chunk, codebook.T, alpha=-2).argmin(dim=1) for chunk in rows.split(1 << 16)]
        return torch.cat(chunks)

    def forward(self, latent: Tensor) -> Quantized:
        """(B, C, D, H, W) pre-quantised → Quantized."""
        rows = self.rows(latent)
        indices = self.nearest(rows)
        chosen = F.embedding(indices, self.codebook())
        loss = F.mse_loss(chosen, rows.detach()) + self.beta * F.mse_loss(rows, chosen.detach())
        if rows.requires_grad:
            chosen = rows + (chosen - rows).detach()
        B, C, D, H, W = latent.shape
        return Quantized(chosen.reshape(B, D, H, W, C).permute(0, 4, 1, 2, 3).contiguous(), indices, loss)


class CodebookAverage(nn.Module):
    """Trains a codebook by moving averages in place of gradients; its own state, so a checkpoint of the quantiser stays
    as published.

    Call ``start`` once with latents, then ``update`` after every step. For quantisers without ``l2_norm``.
    """

    def __init__(self, quantizer: VectorQuantizer, decay: float = 0.99):
        super().__init__()
        # in a tuple: not a submodule, so that this state and the model's are saved apart
        self._quantizer = (quantizer,)
        self.decay = decay
        weight = quantizer.embedding.weight.detach()
        self.register_buffer("counts", weight.new_ones(len(weight)))
        self.register_buffer("sums", weight.clone())

    def _statistics(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        indices = self._quantizer[0].nearest(rows)
        counts = torch.zeros_like(self.counts).index_add_(0, indices, torch.ones_like(rows[:, 0]))
        sums = torch.zeros_like(self.sums).index_add_(0, indices, rows)
        return counts, sums

    def _write(self) -> None:
        alive = self.counts > 1e-3
        weight = self._quantizer[0].embedding.weight
        weight.data[alive] = (self.sums[alive] / self.counts[alive, None]).to(weight.dtype)

    @torch.no_grad()
    def start(self, latents: Tensor, generator: torch.Generator, iterations: int = 20) -> None:
        """k-means on latents (B, C, D, H, W): random rows first, then ``iterations`` of Lloyd's."""
        rows = self._quantizer[0].rows(latents)
        weight = self._quantizer[0].embedding.weight
        picks = torch.randint(len(rows), (len(weight),), generator=generator).to(rows.device)
        weight.data.copy_(rows[picks])
        for _ in range(iterations):
            self.counts, self.sums = self._statistics(rows)
            self._write()
            self.restart(latents, generator)

    @torch.no_grad()
    def update(self, latents: Tensor) -> None:
        """One moving-average step towards latents (B, C, D, H, W)."""
        counts, sums = self._statistics(self._quantizer[0].rows(latents))
        self.counts.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        self._write()

    @torch.no_grad()
    def restart(self, latents: Tensor, generator: torch.Generator, threshold: float = 0.1) -> int:
        """Moves rows whose average count fell below ``threshold`` to random latents (B, C, D, H, W); returns how
        many."""
        rows = self._quantizer[0].rows(latents)
        dead = (self.counts < threshold).nonzero()[:, 0]
        picks = rows[torch.randint(len(rows), (len(dead),), generator=generator).to(rows.device)]
        self._quantizer[0].embedding.weight.data[dead] = picks
        self.sums[dead] = picks
        self.counts[dead] = 1
        return len(dead)
