"""Train a network on packed data: one loop for the student, the teacher, CPU and CUDA."""

from __future__ import annotations

import copy
import ctypes
import json
import math
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.augment import Augment, framed
from training.batches import Answers, Group, ahead, draw, reside, room
from training.config import OUTPUTS, Config, losses
from training.data import KINDS, Pack
from training.imbalance import class_loss, sampling_weights
from training.network import CLASSES, T_BINS, build, parameters
from training.pretrained import Pretrained
from training.revive import revive, settle
from training.rounding import Bytes, calibrate, rounded

__all__ = ["predict", "scores", "train"]


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
    keep_memory()
    pace = Pace(threads)
    random = np.random.default_rng(config.seed)
    device = choose(device)
    out.mkdir(parents=True, exist_ok=True)
    augment = Augment(**config.augment)
    dice = torch.Generator(device).manual_seed(config.seed)
    groups = (labelled, *extras)
    sides = {group.pack.folder: group.pack.views["auto"].shape[-1] for group in groups}
    if len(set(sides.values())) > 1:
        each = ", ".join(f"{folder} {side}" for folder, side in sides.items())
        raise ValueError(f"frames of one size train together: {each}; pack with one --size")
    reside(groups, config, device, room(device))
    shipped = str(config.weights).endswith(".onnx")
    net = build(config.network, len(OUTPUTS), None if shipped else config.weights, config.dropout)

    def some() -> Iterator[Tensor]:
        """Yield pictures as they are trained on."""
        for _ in range(8):
            chosen = [(0, i) for i in random.choice(len(labelled.rows), 128)]
            yield draw(groups, chosen, config, config.size, augment, random, dice, device)[0].cpu()

    if shipped:
        revive(net, Path(str(config.weights)))
        settle(net, some())
    net = net.to(device, memory_format=torch.channels_last)
    if config.frozen:
        freeze(net, config.frozen)
    if config.rounded:
        net = rounded(net)
        calibrate(net, (x.to(device) for x in some()))
    average = copy.deepcopy(net).requires_grad_(False)
    groups, guide = hinted(groups, net, config)
    weights = list(net.parameters())
    if guide is not None:
        weights += guide.to(device).parameters()
    rules = [
        {"params": [p for p in weights if p.ndim > 1], "weight_decay": config.decay},
        {"params": [p for p in weights if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(rules, lr=config.lr)
    labels = labelled.pack.label[labelled.rows]
    counts = np.bincount(labels, minlength=len(CLASSES)).clip(1)
    hard = class_loss(config.imbalance, counts, tau=config.tau, smoothing=config.smoothing)
    chances = sampling_weights(config.imbalance, labels)
    number = len(labelled.rows)
    most = sum(len(group.rows) for group in extras)
    unlabelled = min(round(config.extra * number), most * config.epochs) if most else 0
    steps = config.epochs * math.ceil((number + unlabelled) / config.batch)
    step, done, curve, start = 0, 0.0, [], time.time()
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
            with half(device, net):
                pooled = net.features(x)
                outputs = net.heads(pooled)
                if guide is not None:
                    outputs["hints"] = guide(pooled)
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


def hinted(
    groups: tuple[Group, ...], net: nn.Module, config: Config
) -> tuple[tuple[Group, ...], nn.Linear | None]:
    """Return groups with hints in units of their spread, and the layer that is to guess them.

    Without `config.hints` there are neither.
    """
    first = groups[0].answers
    width = first.hints.shape[1] if first is not None and config.hints else 0
    if config.hints and not width:
        raise ValueError("hints: the targets hold none; store them anew by `distil`")
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
            told = told._replace(hints=(told.hints[:, :width] - mean) / spread)
        result.append(replace(group, answers=told))
    guide = nn.Linear(net.heads.hubble.in_features, width) if width else None
    return tuple(result), guide


def freeze(net: nn.Module, layers: int) -> None:
    """Keep the first layers of a network that can as they are."""
    if not isinstance(net, Pretrained):
        raise ValueError(
            f"frozen={layers}: only networks that begin with ImageNet's weights can be frozen"
        )
    net.freeze(layers)


def keep_memory() -> None:
    """Have the C library keep what a step frees for the next one, which wants the same.

    It gives large pieces back to the system otherwise, and gets them back filled
    with zeros: a fifth of the time on a CPU.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc
        trim_threshold, mmap_max = -1, -4
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(mmap_max, 0)


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
) -> Answers:
    """Return class and T-bin probabilities and pooled features, averaged over turns and mirrors.

    Parameters
    ----------
    pixels : ndarray
        Exact pictures, or packed ones with their `frames`.
    size : int
        Side of the network's input.
    """
    net.eval()
    found = []
    for low in range(0, len(pixels), batch):
        part = torch.as_tensor(np.array(pixels[low : low + batch])).to(device)
        if frames is None:
            view = part.float() / 255
        else:
            view = framed(
                part, torch.as_tensor(np.array(frames[low : low + batch])).to(device), size
            )
        answers = []
        for turn, flip in turns:
            x = torch.rot90(view.flip(-1) if flip else view, turn, (-2, -1))
            x = x.contiguous(memory_format=torch.channels_last)
            with half(device, net):
                pooled = net.features(x)
                out = net.heads(pooled)
            shares = [F.softmax(out[name].float(), 1) for name in ("hubble", "t_bins")]
            answers.append([*shares, pooled.float()])
        means = [torch.stack(kind).mean(0).cpu().numpy() for kind in zip(*answers, strict=True)]
        found.append(means)
    return Answers(*(np.concatenate(column) for column in zip(*found, strict=True)))


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
            said = predict(net, pack.exact[view][rows], config.size, device=device)
        elif view in pack.views:
            packed, frames = pack.views[view][rows], pack.frames[view][rows]
            said = predict(net, packed, config.size, frames=frames, device=device)
        else:
            continue
        mean_t = said.t_bins @ np.array(T_BINS)
        result[kind] = scores(pack.label[rows], pack.t[rows], said.hubble, mean_t)
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


def half(device: str, net: nn.Module) -> torch.autocast:
    """Compute in bf16 where the device does, the network bears it, and it pays.

    A CPU that emulates it is ten times slower, and bytes are too fine for it. Depthwise
    convolutions, which move more than they multiply, lose a quarter to it on a CPU.
    """
    able = device != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    exact = any(
        isinstance(module, Bytes) or (device == "cpu" and getattr(module, "groups", 1) > 1)
        for module in net.modules()
    )
    return torch.autocast(device, torch.bfloat16, enabled=able and not exact)


def version() -> str:
    """Return the commit that ran, or `unknown`."""
    here = Path(__file__).parent
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True
    )
    return done.stdout.strip() or "unknown"
