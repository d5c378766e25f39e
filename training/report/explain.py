"""Explain: where the network looks, by Grad-CAM and by `galedge.network.explain`, put to the test.

Three questions, each answered by a number with an interval over galaxies.
Does the map show what the answer hangs on? Pixels are taken away, or given
back, in its order (the deletion and insertion tests of Petsiuk et al. 2018).
Does it lie on the galaxy? Its share there, against the galaxy's share of the
frame. Do the two methods agree? By correlation and by their hottest fifths.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from galedge.network.explain import Explainer, spread
from galedge.network.model import Model
from training.data.pack import Pack
from training.fit.runs import load_run
from training.nets.compact import Compact
from training.score.evaluate import estimate
from training.score.lines import table, three
from training.ship.bundle import card_of
from training.ship.export import Corrections, Deployed, export
from training.words.card import entries
from training.words.fields import TaskError

__all__ = ["agreement", "choose", "explain", "galaxy_mask", "grad_cam", "perturb", "rows_of"]

Maps = dict[str, np.ndarray]
STEPS = 16  # of a deletion or insertion curve
HOTTEST = 0.2  # share of the pixels that are compared
BATCH = 64


def grad_cam(deployed: Deployed, output: str, pixels: np.ndarray, target: np.ndarray) -> Maps:
    """Return Grad-CAM (Selvaraju et al. 2017) of the network's pooled maps, by layer.

    `output` is that of the classes, and `target` (N,) the class of each picture.
    The score is the class's logit less the mean of all, as in `galedge.network.explain`;
    a channel's weight is the mean of its gradient, and what is negative in the
    sum is cut.
    """
    caught: dict[str, Tensor] = {}

    def catch(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            output.retain_grad()
            caught[name] = output

        return hook

    body = deployed.network
    chain = isinstance(body, Compact)
    coarse, middle = body.stages[:-3:-1] if chain else (body.coarse, body.middle)
    layers = {"coarse": coarse, "middle": middle}
    hooks = [layer.register_forward_hook(catch(name)) for name, layer in layers.items()]
    maps: dict[str, list[np.ndarray]] = {name: [] for name in layers}
    try:
        for low in range(0, len(pixels), BATCH):
            part = torch.from_numpy(np.ascontiguousarray(pixels[low : low + BATCH]))
            logits = deployed(part)[deployed.outputs.index(output)]
            aim = torch.from_numpy(target[low : low + BATCH, None])
            deployed.zero_grad()
            (logits.gather(1, aim)[:, 0] - logits.mean(1)).sum().backward()
            for name, output in caught.items():
                weight = output.grad.mean((2, 3), keepdim=True)
                cam = (weight * output.detach()).sum(1).relu().numpy()
                maps[name] += [spread(cells, pixels.shape[-1]) for cells in cam]
    finally:
        for hook in hooks:
            hook.remove()
    return {f"Grad-CAM, {name}": np.stack(cams) for name, cams in maps.items()}


def baselines(pixels: np.ndarray, seed: int = 0) -> Maps:
    """Return maps that know nothing of the network: chance, the centre, the light."""
    number, _, height, width = pixels.shape
    y, x = np.mgrid[:height, :width]
    away = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2)
    centre = np.exp(-0.5 * (away / (height / 4)) ** 2)
    return {
        "random": np.random.default_rng(seed).random((number, height, width)),
        "centre": np.broadcast_to(centre, (number, height, width)),
        "brightness": pixels.mean(1),
    }


def perturb(
    model: Model, pixels: np.ndarray, target: np.ndarray, heat: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return each picture's area under the deletion and under the insertion curve.

    Pixels turn into sky (the median of the border, band by band), hottest first, and
    the other way round; the curve is the probability of the class.
    """
    number, _, height, width = pixels.shape
    edge = np.concatenate(
        [
            pixels[:, :, :4].reshape(number, 3, -1),
            pixels[:, :, -4:].reshape(number, 3, -1),
            pixels[:, :, :, :4].reshape(number, 3, -1),
            pixels[:, :, :, -4:].reshape(number, 3, -1),
        ],
        2,
    )
    sky = np.median(edge, 2)[:, :, None, None].astype(np.uint8)
    order = np.argsort(np.argsort(-heat.reshape(number, -1), axis=1, kind="stable"), axis=1)
    rank = order.reshape(number, 1, height, width) / (height * width)
    shares = np.linspace(0, 1, STEPS + 1)

    def area(make: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        curve = []
        for share in shares:
            images = make(rank < share)
            parts = [
                model.predict(np.ascontiguousarray(images[low : low + BATCH])).probabilities
                for low in range(0, number, BATCH)
            ]
            curve.append(np.concatenate(parts)[np.arange(number), target])
        heights = np.array(curve)
        return ((heights[1:] + heights[:-1]) / 2).mean(0)

    return (
        area(lambda hot: np.where(hot, sky, pixels)),
        area(lambda hot: np.where(hot, pixels, sky)),
    )


def galaxy_mask(picture: np.ndarray, threshold: float = 2.0) -> np.ndarray:
    """Return which pixels of a prepared picture (3, S, S) lie within the central isophote."""
    from galedge.core.kernels.sources import central_cells

    light = np.ascontiguousarray(picture.mean(0), np.float32)
    mask = np.zeros(light.shape, bool)
    if np.ptp(light) == 0:
        return mask
    _, labels, central, step, *_ = central_cells(light, threshold)
    inside = np.kron(labels == central, np.ones((step, step), bool)) & (central > 0)
    mask[: inside.shape[0], : inside.shape[1]] = inside
    return mask


def on_galaxy(heat: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of each map that is on the galaxy, and whether its peak is."""
    warmth = np.maximum(heat, 0).reshape(len(heat), -1)
    flat = masks.reshape(len(masks), -1)
    share = (warmth * flat).sum(1) / np.maximum(warmth.sum(1), 1e-12)
    return share, flat[np.arange(len(flat)), warmth.argmax(1)]


def agreement(one: np.ndarray, two: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return correlation, and overlap over union of the hottest fifths, picture by picture."""
    a, b = (np.maximum(heat, 0).reshape(len(heat), -1) for heat in (one, two))
    a0, b0 = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    norm = np.sqrt((a0**2).sum(1) * (b0**2).sum(1))
    correlation = (a0 * b0).sum(1) / np.maximum(norm, 1e-12)
    count = round(HOTTEST * a.shape[1])
    hot = [np.argsort(np.argsort(-h, axis=1, kind="stable"), axis=1) < count for h in (a, b)]
    return correlation, (hot[0] & hot[1]).sum(1) / (hot[0] | hot[1]).sum(1)


def explain(
    run: Path,
    pack: Pack,
    *,
    bundle: Path | None = None,
    precision: str | None = None,
    split: str = "test",
    kinds: tuple[str, ...] = ("colour",),
    every: int = 1,
    blend: float = 0.5,
    draws: int = 500,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Test Grad-CAM of a run and `galedge.network.explain` of its ONNX file on a split of a pack.

    Parameters
    ----------
    run : Path
        A run of `training.fit.train`.
    pack : Pack
        Opened for the run's task.
    bundle : Path, optional
        What was exported of the run; without it, the run is exported in fp32.
    precision : str, optional
        Of the bundle; default int8 where it has it.
    kinds : tuple of str
        Kinds of input.
    every : int
        Take every n-th picture only.
    blend : float
        As the run was exported.

    Returns
    -------
    dict
        What is written as JSON, by kind of input.
    dict
        Pictures, masks, answers and maps of the last kind, to be drawn.
    """
    network, record = load_run(run)
    size, task = record["config"]["size"], pack.task
    if task.classes is None:
        raise TaskError(f"task {task.name!r} has no classes, whose evidence is what is drawn")
    deployed = Deployed(network, task, Corrections(blend=blend)).eval()
    with tempfile.TemporaryDirectory() as folder:
        if bundle is None:
            bundle, precision = Path(folder), "fp32"
            export(network, task, bundle / "model.fp32.onnx", size, Corrections(blend=blend))
            files = [bundle / "model.fp32.onnx"]
            card = card_of("run", "0", pack, entries(task), files)
            (bundle / "card.json").write_text(json.dumps(card))
        model = Model.load(bundle, engine="onnxruntime", precision=precision)
        explainer = Explainer(model, task.classes.name)
    rows = pack.demand(split)[::every]
    galaxy = pack.galaxy[rows]
    result: dict[str, Any] = {}
    for kind in kinds:
        pixels = np.ascontiguousarray(pack.exact[pack.kinds()[kind]][rows])
        parts = [explainer.explain(pixels[low : low + BATCH]) for low in range(0, len(rows), BATCH)]
        heat = np.concatenate([part.heat for part in parts])
        target = np.concatenate([part.target for part in parts])
        cams = grad_cam(deployed, task.classes.output, pixels, target)
        maps = {"galedge explain": heat, **cams, **baselines(pixels)}
        masks = np.stack([galaxy_mask(picture) for picture in pixels])
        found = masks.any((1, 2))  # no isophote, no share
        area = masks.mean((1, 2))
        methods = {}
        for name, values in maps.items():
            deletion, insertion = perturb(model, pixels, target, values)
            share, peak = on_galaxy(values, masks)
            methods[name] = {
                "deletion": estimate(galaxy, deletion, draws),
                "insertion": estimate(galaxy, insertion, draws),
                "insertion_less_deletion": estimate(galaxy, insertion - deletion, draws),
                "share_on_galaxy": estimate(galaxy[found], share[found], draws),
                "share_less_area": estimate(galaxy[found], (share - area)[found], draws),
                "peak_on_galaxy": estimate(galaxy[found], peak[found], draws),
            }
        agree = {}
        for name in maps:
            if name == "galedge explain":
                continue
            correlation, overlap = agreement(heat, maps[name])
            agree[name] = {
                "correlation": estimate(galaxy, correlation, draws),
                "overlap_of_hottest": estimate(galaxy, overlap, draws),
            }
            if name.startswith("Grad-CAM"):  # what any two galaxies in the middle have in common
                correlation, overlap = agreement(heat, np.roll(maps[name], 7, axis=0))
                agree[f"{name} of another galaxy"] = {
                    "correlation": estimate(galaxy, correlation, draws),
                    "overlap_of_hottest": estimate(galaxy, overlap, draws),
                }
        result[kind] = {
            "pictures": len(rows),
            "galaxy_area": estimate(galaxy[found], area[found], draws),
            "without_isophote": int((~found).sum()),
            "methods": methods,
            "agreement_with_galedge_explain": agree,
        }
    drawn = {
        "pixels": pixels,
        "names": task.classes.names,
        "label": pack.label[rows],
        "target": target,
        "maps": {name: maps[name] for name in list(maps)[:3]},
        "masks": masks,
    }
    about = {
        "model": model.card.name,
        "precision": model.choice.precision,
        "sha256": model.sha256,
        "split": split,
        "steps": STEPS,
        "hottest": HOTTEST,
        "interval": f"95 %, {draws} bootstrap draws over galaxies",
    }
    return {**about, "kinds": result}, drawn


def choose(drawn: dict[str, Any], of_each: int = 2) -> dict[str, Any]:
    """Return some pictures of each class, as `training.report.figures.evidence` takes them."""
    names, label, target = drawn["names"], drawn["label"], drawn["target"]
    picked = np.concatenate([np.flatnonzero(label == c)[:of_each] for c in range(len(names))])
    return {
        "pixels": drawn["pixels"][picked],
        "maps": {name: heat[picked] for name, heat in drawn["maps"].items()},
        "masks": drawn["masks"][picked],
        "captions": [f"{names[label[i]]} → {names[target[i]]}" for i in picked],
    }


def rows_of(result: dict[str, Any]) -> list[str]:
    """Return a result's tables in Markdown."""

    def rows(of: dict[str, Any]) -> list[list[str]]:
        return [[name, *map(three, row.values())] for name, row in of.items()]

    lines = []
    for kind, values in result["kinds"].items():
        area = three(values["galaxy_area"])
        lines += [f"{kind}: {values['pictures']} pictures, the galaxy covers {area}", ""]
        methods = values["methods"]
        keys = [key.replace("_", " ") for key in next(iter(methods.values()))]
        lines += [*table(["map", *keys], rows(methods)), ""]
        head = ["galedge explain and", "correlation", "overlap of the hottest fifth"]
        lines += [*table(head, rows(values["agreement_with_galedge_explain"])), ""]
    return lines
