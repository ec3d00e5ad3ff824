"""Training loop shared by all stages: a budget, a learning-rate schedule, averaged weights, resuming, several
processes.

All randomness of step n is from generators seeded by n, so that a resumed run, and one of several processes, take the
same steps. Started by `accelerate launch` or torchrun, every process takes its share of each batch; gradients are
averaged, and one process writes.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState
from accelerate.utils import broadcast, broadcast_object_list, gather, parse_flag_from_env, reduce
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..errors import InputError
from ..files import write_whole
from ..networks.layers import ResidualBlock, TransformerBlock

log = logging.getLogger(__name__)

REPORT_SECONDS = 20


@dataclass(frozen=True)
class LoopSettings:
    """minutes: of training, all sessions together, which the schedule spans; or steps, if given. warmup: share of them.
    average_samples: time constant of the moving average, in samples. validations: their number in a run.
    gradient_checkpointing: where memory is short."""

    minutes: float = 60.0
    steps: int | None = None
    learning_rate: float = 1e-3
    final_rate: float = 0.02
    warmup: float = 0.02
    weight_decay: float = 0.01
    clip: float = 1.0
    average_samples: float = 800.0
    save_minutes: float = 2.0
    validations: int = 10
    bfloat16: bool = True
    gradient_checkpointing: bool = False


def _on_cpu() -> bool:
    return not torch.cuda.is_available() or parse_flag_from_env("ACCELERATE_USE_CPU")


def this_process() -> PartialState:
    """State of this process among those of a distributed run, on CUDA if available, else on the CPU."""
    return PartialState(cpu=_on_cpu())  # without the argument, accelerate does not join processes on a CPU


def checkpoint_gradients(model: nn.Module) -> None:
    """Gradient checkpointing (torch.utils.checkpoint): the model's blocks keep their inputs only."""
    for module in model.modules():
        if isinstance(module, (ResidualBlock, TransformerBlock)):
            # no randomness inside a block, so that none needs to be kept
            module.forward = partial(checkpoint, module.forward, use_reentrant=False, preserve_rng_state=False)


class Loop:
    """Trains ``objective.model`` by calling ``step(progress) -> (loss, samples, numbers to log)`` until the budget is
    used up.

    ``objective``: a module whose forward computes the loss; step calls ``loop.objective``, which also averages
    gradients over processes. ``extra``: a module whose state is saved with the model's. progress runs from 0 to 1.
    numbers: tensors of any length, logged as means. State is saved in FOLDER/state.pt, numbers in FOLDER/log.jsonl and
    FOLDER/tensorboard; a stopped run resumes from the last save. ``average`` holds the averaged weights, ``facts``
    further state of the run (JSON's types).
    """

    def __init__(self, objective: nn.Module, folder: Path, settings: LoopSettings, extra: nn.Module | None = None):
        self.model, self.folder, self.settings, self.extra = objective.model, Path(folder), settings, extra
        self._accelerator = Accelerator(
            cpu=_on_cpu(),
            mixed_precision="no",
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )
        self.device, self.processes = self._accelerator.device, self._accelerator.num_processes
        self.rank, self.writes = self._accelerator.process_index, self._accelerator.is_main_process
        if settings.gradient_checkpointing:
            checkpoint_gradients(self.model)
        self.objective = self._accelerator.prepare_model(objective)
        if extra is not None:
            extra.to(self.device)
        # Parameters without a gradient are neither updated nor decayed.
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        others = [p for p in self.model.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=settings.learning_rate,
            betas=(0.9, 0.98),
        )
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.seconds, self.samples, self.steps = 0.0, 0, 0
        self.facts: dict[str, Any] = {}
        # For decisions, alike in all processes; for draws of a whole batch on the device, alike; for a process's own
        # share.
        self.generator = torch.Generator()
        self.common, self.own = torch.Generator(self.device), torch.Generator(self.device)
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.folder / "state.pt").exists():
            self._restore()
        self._writer = self._tensorboard() if self.writes else None
        self._seed()

    @property
    def progress(self) -> float:
        if self.settings.steps:
            return min(1.0, self.steps / self.settings.steps)
        return min(1.0, self.seconds / (self.settings.minutes * 60))

    def rate(self) -> float:
        """Current learning rate: linear warm-up, then half a cosine down to final_rate of the peak."""
        p, warm = self.progress, self.settings.warmup
        if p < warm:
            return self.settings.learning_rate * (p + 1e-3) / (warm + 1e-3)
        cosine = 0.5 * (1 + torch.cos(torch.tensor((p - warm) / (1 - warm) * torch.pi)).item())
        return self.settings.learning_rate * (self.settings.final_rate + (1 - self.settings.final_rate) * cosine)

    def autocast(self) -> torch.autocast:
        """bfloat16 if the settings ask for it."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.bfloat16)

    def share(self, batch: int) -> slice:
        """This process's rows of a batch. Raises InputError when the processes cannot share it evenly."""
        if batch % self.processes:
            raise InputError(
                f"a batch of {batch} cannot be shared by {self.processes} processes", "Choose a multiple as batch."
            )
        size = batch // self.processes
        return slice(self.rank * size, (self.rank + 1) * size)

    def gathered(self, rows: Tensor) -> Tensor:
        """Every process's rows, in the order of their shares."""
        return gather(rows.contiguous()) if self.processes > 1 else rows

    def agree(self, module: nn.Module) -> None:
        """Broadcasts the first process's numbers."""
        if self.processes > 1:
            with torch.no_grad():
                for value in module.state_dict().values():
                    value.copy_(broadcast(value.clone()))

    @contextmanager
    def averaged(self) -> Iterator[nn.Module]:
        """The model with the averaged weights, for validation; its own weights are restored afterwards, bit by bit."""
        own = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        try:
            with torch.no_grad():
                yield self.model.eval()
        finally:
            self.model.load_state_dict(own)
            self.model.train()

    def run(
        self,
        step: Callable[[float], tuple[Tensor, int, dict[str, Tensor]]],
        validate: Callable[[float], dict[str, float]] | None = None,
    ) -> None:
        """Train to the end of the budget. ``validate(progress)``, called in the writing process, returns numbers to
        log."""
        begun, before = time.monotonic(), self.seconds
        saved = reported = self.seconds
        sums: dict[str, list] = {}
        while self.progress < 1:
            validated = int(self.progress * self.settings.validations)
            self._seed()
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate()
            loss, batch, numbers = step(self.progress)
            self._accelerator.backward(loss)
            norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
            if torch.isfinite(norm):
                self.optimizer.step()
            else:
                log.warning("sample %d: gradient not finite, step skipped", self.samples)
            self.optimizer.zero_grad(set_to_none=True)
            self.samples, self.steps = self.samples + batch, self.steps + 1
            self._update_average(batch)
            for name, values in ({"loss": loss.detach()} | numbers).items():
                entry = sums.setdefault(name, [0.0, 0])
                entry[0], entry[1] = entry[0] + values.detach().sum(), entry[1] + values.numel()
            self.seconds = self._agreed(before + time.monotonic() - begun)
            if self.seconds - reported > REPORT_SECONDS or self.progress >= 1:
                self._report(self._means(sums))
                sums, reported = {}, self.seconds
            if validate and self.writes and int(self.progress * self.settings.validations) > validated:
                self._report(validate(self.progress))
            if self.seconds - saved > self.settings.save_minutes * 60:
                self.save()
                saved = self.seconds
        self.save()

    def show(self, name: str, picture: Tensor) -> None:
        """A picture (H, W, 3) uint8 for TensorBoard."""
        if self._writer:
            self._writer.add_image(name, picture, self.samples, dataformats="HWC")

    def _seed(self) -> None:
        self.generator.manual_seed(self.steps)
        base = int(torch.randint(2**31, (1,), generator=self.generator))
        self.common.manual_seed(base)
        self.own.manual_seed(base + 1 + self.rank)

    def _agreed(self, seconds: float) -> float:
        """The first process's clock, so that all processes take the same branches."""
        return broadcast_object_list([seconds])[0] if self.processes > 1 else seconds

    def _means(self, sums: dict[str, list]) -> dict[str, float]:
        totals = torch.tensor([[float(total), float(count)] for total, count in sums.values()], dtype=torch.float64)
        if self.processes > 1:
            totals = reduce(totals.to(self.device, torch.float32), "sum").cpu()
        return {name: float(total / count) for name, (total, count) in zip(sums, totals) if count}

    @torch.no_grad()
    def _update_average(self, batch: int) -> None:
        # Faster averaging at the start, so that the average forgets the random initial weights.
        decay = 1 - batch / min(self.settings.average_samples, max(batch, self.samples / 4))
        for name, value in self.model.state_dict().items():
            if value.dtype.is_floating_point:
                self.average[name].lerp_(value, 1 - decay)
            else:
                self.average[name].copy_(value)

    def _tensorboard(self):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            log.warning("no logs for TensorBoard: pip install tensorboard (log.jsonl has the same numbers)")
            return None
        return SummaryWriter(str(self.folder / "tensorboard"), purge_step=self.samples)

    def _report(self, numbers: dict[str, float]) -> None:
        if not self.writes:
            return
        line = {"minutes": round(self.seconds / 60, 2), "samples": self.samples} | {
            k: round(v, 5) for k, v in numbers.items()
        }
        log.info("%s", json.dumps(line))
        with open(self.folder / "log.jsonl", "a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
        if self._writer:
            for name, value in numbers.items():
                self._writer.add_scalar(name, value, self.samples)
            self._writer.flush()

    def save(self) -> None:
        if not self.writes:
            return
        state = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "seconds": self.seconds,
            "samples": self.samples,
            "steps": self.steps,
            "facts": self.facts,
            "extra": self.extra.state_dict() if self.extra else None,
        }
        write_whole(self.folder / "state.pt", lambda stream: torch.save(state, stream))

    def _restore(self) -> None:
        state = torch.load(self.folder / "state.pt", weights_only=True, map_location="cpu")
        self.model.load_state_dict(state["average"])  # through the model, which maps former keys
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.seconds, self.samples = state["seconds"], state["samples"]
        # version 0 of the file has neither; the number of steps then only seeds the generators
        self.steps, self.facts = state.get("steps", self.samples), state.get("facts", {})
        if self.extra is not None:
            self.extra.load_state_dict(state["extra"])
        log.info("resumed at minute %.1f, sample %d", self.seconds / 60, self.samples)
