"""Train a network on packed data: one loop for the student, the teacher, CPU and CUDA."""

from __future__ import annotations

import copy
import json
import math
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.augment import Augment, framed
from training.data import ATTRIBUTES, FEATURES, KINDS, Pack
from training.imbalance import class_loss, sampling_weights
from training.network import CLASSES, T_BINS, build, parameters

__all__ = ["OUTPUTS", "Config", "Group", "predict", "scores", "train"]

OUTPUTS = (*ATTRIBUTES, *FEATURES)  # of the head `attributes`
_SENSE = OUTPUTS.index("clockwise")


@dataclass
class Config:
    """Everything a run depends on beside its data.

    Parameters
    ----------
    network : str
        See `training.network.build`.
    size : int
        Side of the network's input.
    views : dict
        Chance of each packed view to be drawn.
    epochs, batch, lr, decay, warmup : numbers
        AdamW with a cosine that starts after `warmup` (a share of all steps).
    ema : float
        Decay of the averaged weights that are evaluated and saved.
    imbalance, tau, smoothing : str, float, float
        See `training.imbalance`.
    distil : float
        Weight of the teacher's predictions against the labels.
    extra : float
        Pictures without labels drawn per labelled picture.
    weights : str
        A file to start from.
    minutes : float
        If given, the schedule follows the clock wherever that is ahead of the
        steps, and ends with it: for a shared machine and a deadline.
    small, grow : int, float
        Side of the input during the first share `grow` of the schedule.
    """

    network: str = "galaxy"
    size: int = 72
    views: dict[str, float] = field(default_factory=lambda: {"auto": 1.0})
    epochs: int = 60
    batch: int = 64
    lr: float = 2e-3
    decay: float = 0.05
    warmup: float = 0.05
    ema: float = 0.998
    imbalance: str = "even"
    tau: float = 1.0
    smoothing: float = 0.1
    attributes: float = 0.3
    distil: float = 0.0
    extra: float = 0.0
    dropout: float = 0.2
    augment: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    weights: str | None = None
    minutes: float = 0.0
    small: int = 0
    grow: float = 0.0

    def side(self, done: float) -> int:
        """Return the side of the input when a share of the schedule is done."""
        return self.small if self.small and done < self.grow else self.size


@dataclass
class Group:
    """Rows of a pack that are trained on, with the teacher's predictions if there are any."""

    pack: Pack
    rows: np.ndarray
    hubble: np.ndarray | None = None
    t_bins: np.ndarray | None = None


def train(
    config: Config,
    labelled: Group,
    out: Path,
    *,
    extras: tuple[Group, ...] = (),
    device: str = "auto",
    threads: int = 2,
    check: int = 5,
) -> nn.Module:
    """Train, follow the validation split, and write config, curve and weights.

    The split is measured every `check` epochs and after the last, with 0 never.

    Returns
    -------
    Module
        The averaged network of the last step, in evaluation mode.
    """
    torch.manual_seed(config.seed)
    pace = Pace(threads)
    random = np.random.default_rng(config.seed)
    device = choose(device)
    out.mkdir(parents=True, exist_ok=True)
    net = build(config.network, len(OUTPUTS), config.weights, config.dropout)
    net = net.to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(net).requires_grad_(False)
    rules = [
        {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": config.decay},
        {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(rules, lr=config.lr)
    labels = labelled.pack.label[labelled.rows]
    counts = np.bincount(labels, minlength=len(CLASSES)).clip(1)
    hard = class_loss(config.imbalance, counts, tau=config.tau, smoothing=config.smoothing)
    chances = sampling_weights(config.imbalance, labels)
    augment = Augment(**config.augment)
    number = len(labelled.rows)
    most = sum(len(group.rows) for group in extras)
    unlabelled = min(round(config.extra * number), most * config.epochs) if most else 0
    steps = config.epochs * math.ceil((number + unlabelled) / config.batch)
    step, done, curve, start = 0, 0.0, [], time.time()
    dice = torch.Generator(device).manual_seed(config.seed)
    groups = (labelled, *extras)
    for epoch in range(config.epochs):
        items = [(0, i) for i in random.choice(number, number, chances is not None, chances)]
        if unlabelled:
            pool = [(g + 1, i) for g, group in enumerate(extras) for i in range(len(group.rows))]
            items += [pool[i] for i in random.choice(most, unlabelled, unlabelled > most)]
        order = random.permutation(len(items))
        batches = [
            [items[i] for i in order[low : low + config.batch]]
            for low in range(0, len(items), config.batch)
        ]
        net.train()
        total = 0.0

        views = (
            draw(groups, chosen, config, config.side(done), augment, random, dice, device)
            for chosen in batches
        )
        for k, (x, target) in enumerate(ahead(views)):
            pace.tick(k)
            if len(x) < 2:
                continue
            done = step / steps
            if config.minutes:
                done = min(1.0, max(done, (time.time() - start) / 60 / config.minutes))
            for rule in optimizer.param_groups:
                rule["lr"] = config.lr * schedule(done, config.warmup)
            with torch.autocast(device, torch.bfloat16):
                outputs = net(x)
            loss = losses(outputs, target, hard, config)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            follow(average, net, min(config.ema, (1 + step) / (10 + step)))
            step += 1
            total += float(loss.detach()) * len(x)
        row: dict[str, Any] = {"epoch": epoch + 1, "loss": total / len(items)}
        last = epoch + 1 == config.epochs or done >= 1
        if check and ((epoch + 1) % check == 0 or last):
            for source in sorted(set(labelled.pack.source)):
                row[source] = validate(average, labelled.pack, config, source, device)
        row["seconds"] = round(time.time() - start)
        curve.append(row)
        print(json.dumps(row), flush=True)
        torch.save(average.state_dict(), out / "weights.pt")
        if last:
            break
    about = {
        "config": asdict(config),
        "parameters": parameters(net),
        "code": version(),
        "torch": torch.__version__,
        "pictures": number,
        "unlabelled": most if unlabelled else 0,
        "curve": curve,
    }
    (out / "run.json").write_text(json.dumps(about, indent=1))
    return average.eval()


class Pace:
    """Settles in each epoch's first steps how many threads are fastest.

    On cores that others use, a step waits for its slowest thread, and fewer
    threads can be twice as fast.
    """

    def __init__(self, threads: int, probe: int = 4) -> None:
        self.choices = sorted({1, threads})
        self.probe = probe
        self.spent: list[float] = []
        self.last = 0.0
        torch.set_num_threads(threads)

    def tick(self, step: int) -> None:
        """Be told that a step begins."""
        turn, within = divmod(step, self.probe)
        if len(self.choices) == 1 or turn > len(self.choices):
            return
        if within == 0:
            now = time.time()
            self.spent = [*self.spent, now - self.last] if turn else []
            self.last = now
            if turn < len(self.choices):
                torch.set_num_threads(self.choices[turn])
            else:
                torch.set_num_threads(self.choices[int(np.argmin(self.spent))])


def ahead(views: Iterator[Any]) -> Iterator[Any]:
    """Yield what an iterator gives while a second thread makes the next."""

    def following() -> Any:
        return next(views, None)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(following)
        while (view := waiting.result()) is not None:
            waiting = pool.submit(following)
            yield view


def draw(
    groups: tuple[Group, ...],
    chosen: list[tuple[int, int]],
    config: Config,
    size: int,
    augment: Augment,
    random: np.random.Generator,
    dice: torch.Generator,
    device: str,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return an augmented batch and its targets (NaN or -1 where there is none)."""
    names, chance = list(config.views), np.array(list(config.views.values()))
    picked = random.choice(len(names), len(chosen), p=chance / chance.sum())
    pixels, frames, target = [], [], []
    for (g, i), view in zip(chosen, picked, strict=True):
        group, name = groups[g], names[view]
        if name not in group.pack.views:
            name = "auto"
        row = group.rows[i]
        pixels.append(group.pack.views[name][row])
        frames.append(group.pack.frames[name][row])
        soft = group.hubble is not None
        target.append(
            (
                group.pack.label[row],
                group.pack.t[row],
                group.pack.t_sigma[row],
                group.pack.attributes[row],
                group.hubble[i] if soft else np.full(len(CLASSES), np.nan, np.float32),
                group.t_bins[i] if soft else np.full(len(T_BINS), np.nan, np.float32),
            )
        )
    keys = ("label", "t", "t_sigma", "attributes", "hubble", "t_bins")
    columns = [torch.as_tensor(np.stack(c)).to(device) for c in zip(*target, strict=True)]
    batch = torch.as_tensor(np.stack(pixels)).to(device)
    mirror = torch.as_tensor(random.choice([-1.0, 1.0], len(chosen)).astype(np.float32)).to(device)
    x = augment(batch, torch.as_tensor(np.stack(frames)).to(device), mirror, size, dice)
    x = x.contiguous(memory_format=torch.channels_last)
    targets = dict(zip(keys, columns, strict=True))
    turned = targets["attributes"][:, _SENSE]
    targets["attributes"][:, _SENSE] = torch.where(mirror < 0, 1 - turned, turned)
    return x, targets


def losses(
    outputs: dict[str, Tensor],
    target: dict[str, Tensor],
    hard: Any,
    config: Config,
) -> Tensor:
    """Return the sum of all heads' losses over the pictures that have a target for them."""
    outputs = {name: value.float() for name, value in outputs.items()}
    bins = torch.tensor(T_BINS, device=target["t"].device, dtype=torch.float32)
    loss = outputs["hubble"].sum() * 0
    known = target["label"] >= 0
    size = len(known)
    log_t = F.log_softmax(outputs["t_bins"], 1)
    mean_t = log_t.exp() @ bins
    if known.any():
        share = known.sum() / size
        near = (bins - target["t"][known, None]) / target["t_sigma"][known, None]
        spread = F.softmax(-0.5 * near**2, 1)
        part = hard(outputs["hubble"][known], target["label"][known])
        part = part - (spread * log_t[known]).sum(1).mean() * 0.5
        part = part + 0.1 * F.smooth_l1_loss(mean_t[known], target["t"][known])
        loss = loss + (1 - config.distil) * share * part
    defined = torch.isfinite(target["attributes"])
    if config.attributes and defined.any():
        error = F.binary_cross_entropy_with_logits(
            outputs["attributes"][defined], target["attributes"][defined], reduction="sum"
        )
        # Each head counts by the share of pictures that it has a target for.
        loss = loss + config.attributes * error / (size * 8)
    taught = torch.isfinite(target["hubble"][:, 0])
    if config.distil and taught.any():
        weight = torch.where(known, config.distil, 1.0)[taught] * taught.sum() / size
        part = -(target["hubble"][taught] * F.log_softmax(outputs["hubble"][taught], 1)).sum(1)
        part = part - 0.5 * (target["t_bins"][taught] * log_t[taught]).sum(1)
        aim = target["t_bins"][taught] @ bins
        part = part + 0.1 * F.smooth_l1_loss(mean_t[taught], aim, reduction="none")
        loss = loss + (weight * part).mean()
    return loss


@torch.inference_mode()
def predict(
    net: nn.Module,
    pixels: np.ndarray,
    size: int,
    *,
    frames: np.ndarray | None = None,
    turns: tuple[tuple[int, bool], ...] = ((0, False),),
    device: str = "cpu",
    batch: int = 256,
) -> tuple[np.ndarray, np.ndarray]:
    """Return class and T-bin probabilities, averaged over turns and mirrors.

    Parameters
    ----------
    pixels : ndarray
        Exact pictures, or packed ones with their `frames`.
    size : int
        Side of the network's input.
    """
    net.eval()
    hubble, t_bins = [], []
    for low in range(0, len(pixels), batch):
        part = torch.as_tensor(np.array(pixels[low : low + batch])).to(device)
        if frames is None:
            view = part.float() / 255
        else:
            view = framed(part, torch.as_tensor(frames[low : low + batch]).to(device), size)
        answers = []
        for turn, flip in turns:
            x = torch.rot90(view.flip(-1) if flip else view, turn, (-2, -1))
            x = x.contiguous(memory_format=torch.channels_last)
            with torch.autocast(device, torch.bfloat16):
                out = net(x)
            answers.append([F.softmax(out[name].float(), 1) for name in ("hubble", "t_bins")])
        means = [torch.stack(kind).mean(0).cpu().numpy() for kind in zip(*answers, strict=True)]
        hubble.append(means[0])
        t_bins.append(means[1])
    return np.concatenate(hubble), np.concatenate(t_bins)


def scores(label: np.ndarray, t: np.ndarray, p: np.ndarray, t_mean: np.ndarray) -> dict[str, float]:
    """Return accuracy, macro-F1 and RMS T of one set."""
    from sklearn.metrics import f1_score

    guess = p.argmax(1)
    return {
        "accuracy": round(float((guess == label).mean()), 4),
        "macro_f1": round(float(f1_score(label, guess, average="macro")), 4),
        "rms_t": round(float(np.sqrt(np.mean((t_mean - t) ** 2))), 3),
    }


def validate(
    net: nn.Module, pack: Pack, config: Config, source: str, device: str
) -> dict[str, Any]:
    """Return the validation scores of one source in colour, in grey, and simulated linear."""
    rows = np.flatnonzero((pack.split == "val") & (pack.source == source) & (pack.label >= 0))
    if not len(rows):
        return {}
    result = {}
    for kind, view in KINDS.items():
        if view not in pack.exact:
            continue
        if pack.exact[view].shape[-1] == config.size:
            p, bins = predict(net, pack.exact[view][rows], config.size, device=device)
        elif view in pack.views:
            packed, frames = pack.views[view][rows], pack.frames[view][rows]
            p, bins = predict(net, packed, config.size, frames=frames, device=device)
        else:
            continue
        result[kind] = scores(pack.label[rows], pack.t[rows], p, bins @ np.array(T_BINS))
    return result


def follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the averaged network a step towards the trained one."""
    with torch.no_grad():
        state = net.state_dict()
        for name, value in average.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(state[name], 1 - decay)
            else:
                value.copy_(state[name])


def schedule(done: float, warmup: float) -> float:
    """Return the learning rate's factor: a linear rise, then half a cosine."""
    if done < warmup:
        return max(done / warmup, 0.01)
    return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup))) + 1e-3


def choose(device: str) -> str:
    """Return cuda where there is one, if asked to choose."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def version() -> str:
    """Return the commit that ran, or `unknown`."""
    here = Path(__file__).parent
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True
    )
    return done.stdout.strip() or "unknown"
