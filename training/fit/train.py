"""Train a network on packed data: one loop for the student, the teacher, CPU and CUDA."""

from __future__ import annotations

import copy
import json
import math
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.data.rendered import NAME as RENDERED
from training.data.rendered import rendered
from training.fit.batches import Group, ahead
from training.fit.checkpoint import Checkpoint
from training.fit.config import Config
from training.fit.device import Pace, choose, half, keep_memory
from training.fit.enough import enough
from training.fit.imbalance import sampling_weights
from training.fit.losses import class_losses, losses
from training.fit.lots import counts, lot, told_in
from training.fit.observe import shown
from training.fit.parallel import Team
from training.fit.predict import validate
from training.nets.narrow import narrow, wider_than
from training.nets.network import build, parameters
from training.nets.revive import revive, settle
from training.words.task import Task

__all__ = ["begin", "train", "version"]


def train(
    config: Config,
    labelled: Group,
    out: Path,
    *,
    extras: tuple[Group, ...] = (),
    device: str = "auto",
    threads: int = 2,
    check: int = 5,
    resume: bool = False,
) -> nn.Module:
    """Train, follow the validation split, and write config, curve and weights.

    What is learned is the task that the packs of `labelled` and of `extras` were opened for.
    The split is measured every `check` epochs and after the last, with 0 never. Where
    `torchrun` started several processes, each trains on its share (see `training.fit.parallel`).
    With `resume` it goes on after the last epoch that `out` holds the state of.

    Returns
    -------
    Module
        The averaged network of the last step, in evaluation mode.
    """
    torch.manual_seed(config.seed)
    keep_memory()
    pace = Pace(threads)
    random = np.random.default_rng(config.seed)  # alike in all processes: who gets what
    device = choose(device)
    team = Team(device)
    out.mkdir(parents=True, exist_ok=True)
    luck = np.random.default_rng((config.seed, team.rank))  # and each its own: how it looks
    dice = torch.Generator(device).manual_seed(config.seed + 1000 * team.rank)
    task = labelled.pack.task
    if config.mix.get(RENDERED):
        extras = (*extras, Group(rendered(task), np.arange(2)))
    groups = (labelled, *extras)
    enough(task, groups)
    batch = shown(groups, config, luck, dice, device)

    def some() -> Iterator[Tensor]:
        """Yield pictures as they are trained on."""
        for _ in range(8):
            chosen = [(0, i) for i in luck.choice(len(labelled.rows), 128)]
            yield batch(groups, chosen, config.size)[0]

    net = begin(config, task, some, device)
    team.alike(net)
    average = copy.deepcopy(net).requires_grad_(False)
    groups, guide = hinted(groups, net, config)
    weights = list(net.parameters())
    if guide is not None:
        team.alike(guide.to(device))
        weights += guide.parameters()
    rules = [
        {"params": [p for p in weights if p.ndim > 1], "weight_decay": config.decay},
        {"params": [p for p in weights if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(rules, lr=config.lr)
    further = counts(groups, config)
    hard = class_losses(task, told_in(groups, further), config)
    chances = sampling_weights(config.imbalance, labelled.pack.label[labelled.rows])
    steps = config.epochs * math.ceil(
        (len(labelled.rows) + sum(further)) // team.size / config.batch
    )
    parts: dict[str, Any] = {"net": net, "average": average, "optimizer": optimizer}
    if guide is not None:
        parts["guide"] = guide
    state = Checkpoint(parts, {"random": random, "luck": luck}, dice)
    if resume and state.resume(out):
        print(f"going on after epoch {state.epoch}, {state.seconds / 60:.0f} minutes", flush=True)
    done, start, last = state.step / steps, time.time() - state.seconds, False
    for epoch in range(state.epoch, config.epochs):
        items = team.share(lot(groups, further, chances, random))
        batches = [items[low : low + config.batch] for low in range(0, len(items), config.batch)]
        net.train()
        total = 0.0

        views = (batch(groups, chosen, config.side(done)) for chosen in batches)
        for k, (x, target) in enumerate(ahead(views)):
            pace.tick(k)
            if len(x) < 2:
                continue
            done = state.step / steps
            if config.minutes:
                spent = (time.time() - start) / 60 / config.minutes
                done = team.agreed(min(1.0, max(done, spent)), device)
            for rule in optimizer.param_groups:
                rule["lr"] = config.lr * schedule(done, config.warmup, config.floor)
            with half(device, net):
                pooled = net.features(x)
                outputs = net.heads(pooled)
                if guide is not None:
                    outputs["hints"] = guide(pooled)
            loss = losses(task, outputs, target, hard, config)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            team.average(weights)
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            follow(average, net, min(config.ema, (1 + state.step) / (10 + state.step)))
            state.step += 1
            total += float(loss.detach()) * len(x)
        last = epoch + 1 == config.epochs or done >= 1
        state.epoch = epoch + 1
        if team.first:
            row: dict[str, Any] = {"epoch": epoch + 1, "loss": total / len(items)}
            if check and ((epoch + 1) % check == 0 or last):
                for source in sorted(set(labelled.pack.source)):
                    row[source] = validate(average, labelled.pack, config, source, device)
            state.seconds = time.time() - start
            row |= {"seconds": round(state.seconds), "pictures": len(items) * team.size}
            state.curve.append(row)
            print(json.dumps(row), flush=True)
            torch.save(average.state_dict(), out / "weights.pt")
            (out / "run.json").write_text(
                json.dumps(record(config, groups, team.size, net, state.curve), indent=1)
            )
            state.save(out)
        if last:
            break
    return average.eval()


def record(
    config: Config,
    groups: tuple[Group, ...],
    processes: int,
    net: nn.Module,
    curve: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return what a run's record says."""
    pack = groups[0].pack
    return {
        "task": pack.task.to_json(),
        "config": asdict(config),
        "processes": processes,
        "parameters": parameters(net),
        "code": version(),
        "torch": torch.__version__,
        "pictures": len(groups[0].rows),
        "unlabelled": sum(len(group.rows) for group in groups[1:]),
        "seen": sum(row["pictures"] for row in curve),
        "curve": curve,
    }


def begin(
    config: Config, task: Task, pictures: Callable[[], Iterator[Tensor]], device: str
) -> nn.Module:
    """Return the network as a training begins with it, settled on pictures where it must be."""
    shipped = str(config.weights).endswith(".onnx")
    weights = None if shipped else config.weights
    net = build(config.network, task.layers, weights, config.dropout)
    if shipped:
        file = Path(str(config.weights))
        wider = wider_than(net, file)
        if wider is None:
            revive(net, file)
            settle(net, (x.cpu() for x in pictures()))
        else:
            narrow(wider, net, (x.cpu() for x in pictures()))
    return net.to(device, memory_format=torch.channels_last)


def hinted(
    groups: tuple[Group, ...], net: nn.Module, config: Config
) -> tuple[tuple[Group, ...], nn.Linear | None]:
    """Return groups with hints in units of their spread, and the layer that is to guess them.

    Without `config.hints` there are neither.
    """
    first = groups[0].answers
    width = first.hints.shape[1] if first is not None and config.hints else 0
    if config.hints and not width:
        raise ValueError("hints: the targets hold none; store them anew, by `distil`")
    mean, spread = (first.hints.mean(0), first.hints.std(0) + 1e-6) if width else (0, 1)
    result = []
    for group in groups:
        told = group.answers
        if told is not None and width not in (0, told.hints.shape[1]):
            raise ValueError(
                f"hints: {told.hints.shape[1]} of {group.pack.folder} and {width} of "
                f"{groups[0].pack.folder} cannot be the same teachers'"
            )
        if told is not None:
            told = replace(told, hints=(told.hints[:, :width] - mean) / spread)
        result.append(replace(group, answers=told))
    guide = nn.Linear(net.heads.inputs, width) if width else None
    return tuple(result), guide


def follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the averaged network a step towards the trained one."""
    with torch.no_grad():
        state = net.state_dict()
        for name, value in average.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(state[name], 1 - decay)
            else:
                value.copy_(state[name])


def schedule(done: float, warmup: float, floor: float = 1e-3) -> float:
    """Return the learning rate's factor: a linear rise, then half a cosine down to `floor`."""
    if done < warmup:
        return max(done / warmup, 0.01)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def version() -> str:
    """Return the commit that ran, or `unknown`."""
    here = Path(__file__).parent
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True
    )
    return done.stdout.strip() or "unknown"
