"""The training loop both stages share: a budget of minutes, a learning-rate schedule, moving-average weights, resuming. Knows no model and no data."""

import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..files import write_whole

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoopSettings:
    """minutes: of training, all sessions together; the schedule is stretched over them. warmup: share of them. average_samples: the
    moving average's time constant, counted in samples."""

    minutes: float = 60.0
    learning_rate: float = 1e-3
    final_rate: float = 0.02
    warmup: float = 0.02
    weight_decay: float = 0.01
    clip: float = 1.0
    average_samples: float = 800.0
    save_minutes: float = 2.0


class Loop:
    """Trains ``model`` by calling ``step(progress) -> (loss, samples, numbers to log)`` until the minutes are used up.

    progress runs from 0 to 1. State is kept in FOLDER/state.pt, numbers in FOLDER/log.jsonl; a stopped run goes on from the last save
    (at most ``save_minutes`` are lost). The averaged weights are in ``average``.
    """

    def __init__(self, model: nn.Module, folder: Path, settings: LoopSettings, extra: nn.Module | None = None):
        self.model, self.folder, self.settings, self.extra = model, Path(folder), settings, extra
        decayed = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
        others = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=settings.learning_rate, betas=(0.9, 0.98))
        self.average = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self.seconds, self.samples = 0.0, 0
        self.generator = torch.Generator().manual_seed(0)
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.folder / "state.pt").exists():
            self._restore()

    @property
    def progress(self) -> float:
        return min(1.0, self.seconds / (self.settings.minutes * 60))

    def rate(self) -> float:
        """Learning rate now: linear warm-up, then half a cosine down to final_rate of the peak."""
        p, warm = self.progress, self.settings.warmup
        if p < warm:
            return self.settings.learning_rate * (p + 1e-3) / (warm + 1e-3)
        cosine = 0.5 * (1 + torch.cos(torch.tensor((p - warm) / (1 - warm) * torch.pi)).item())
        return self.settings.learning_rate * (self.settings.final_rate + (1 - self.settings.final_rate) * cosine)

    def run(self, step: Callable[[float], tuple[torch.Tensor, int, dict[str, float]]]) -> None:
        saved = reported = time.monotonic()
        seen: dict[str, list[float]] = defaultdict(list)
        while self.progress < 1:
            begun = time.monotonic()
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate()
            loss, batch, numbers = step(self.progress)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
            if torch.isfinite(norm):
                self.optimizer.step()
            else:
                log.warning("sample %d: gradient not finite, step skipped", self.samples)
            self.optimizer.zero_grad(set_to_none=True)
            self.samples += batch
            self._update_average(batch)
            now = time.monotonic()
            self.seconds += now - begun
            for name, value in ({"loss": float(loss.detach())} | numbers).items():
                seen[name].append(value)
            if now - reported > 20:
                self._report({name: sum(values) / len(values) for name, values in seen.items()})
                seen.clear()
                reported = now
            if now - saved > self.settings.save_minutes * 60:
                self.save()
                saved = time.monotonic()
        self.save()

    @torch.no_grad()
    def _update_average(self, batch: int) -> None:
        # A shorter memory at the start, so that the average does not carry the random initial weights along.
        decay = 1 - batch / min(self.settings.average_samples, max(batch, self.samples / 4))
        for name, value in self.model.state_dict().items():
            if value.dtype.is_floating_point:
                self.average[name].lerp_(value, 1 - decay)
            else:
                self.average[name].copy_(value)

    def _report(self, numbers: dict[str, float]) -> None:
        line = {"minutes": round(self.seconds / 60, 2), "samples": self.samples} | {k: round(v, 5) for k, v in numbers.items()}
        log.info("%s", json.dumps(line))
        with open(self.folder / "log.jsonl", "a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")

    def save(self) -> None:
        state = {"model": self.model.state_dict(), "average": self.average, "optimizer": self.optimizer.state_dict(),
                 "seconds": self.seconds, "samples": self.samples, "generator": self.generator.get_state(),
                 "extra": self.extra.state_dict() if self.extra else None}
        write_whole(self.folder / "state.pt", lambda stream: torch.save(state, stream))

    def _restore(self) -> None:
        state = torch.load(self.folder / "state.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average = state["average"]
        self.seconds, self.samples = state["seconds"], state["samples"]
        self.generator.set_state(state["generator"])
        if self.extra is not None:
            self.extra.load_state_dict(state["extra"])
        log.info("resumed at minute %.1f, sample %d", self.seconds / 60, self.samples)
