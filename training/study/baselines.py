"""Baselines: classical methods, and networks beside them, on one split and in one table.

Classical methods are fitted on train, their settings chosen on val (macro-F1,
or RMS T, averaged over the sources), and measured once on test. A network
comes trained. Each is timed on one core, from the decoded picture to class
and T, whatever it needs on the way included.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from training.data.sample import Sample
from training.score.evaluate import METRICS, Answers, interval
from training.study.classical import METHODS, Answer, Method, answers, fit, framed
from training.words.labels import FEATURES

__all__ = ["bundled", "compare", "markdown", "trained"]

DIGITS = {"accuracy": 3, "macro_f1": 3, "rms_t": 2}


# --- Networks --------------------------------------------------------------------------------


def trained(folder: Path) -> tuple[str, str, Method]:
    """Return a run of `training` as name, size and method; its input is as it was taught."""
    import torch

    from training.fit.runs import load_run
    from training.nets.network import parameters
    from training.words.types import T_BINS

    network, record = load_run(folder)
    config = record["config"]
    framing = "full" if set(config["views"]) == {"full"} else "auto"
    bins = torch.tensor(T_BINS, dtype=torch.float32)

    @torch.inference_mode()
    def answer(pictures: list[np.ndarray]) -> Answer:
        x = torch.as_tensor(framed(pictures, config["size"], framing)).float() / 255
        out = network(x.contiguous(memory_format=torch.channels_last))
        return out["hubble"].argmax(1).numpy(), (out["t_bins"].softmax(1) @ bins).numpy()

    network = network.to(memory_format=torch.channels_last)
    size = f"{parameters(network):,} weights"
    return f"{config['network']}, {config['size']} px, fp32", size, answer


def bundled(folder: Path, precision: str) -> tuple[str, str, Method]:
    """Return a bundle's network as name, size and method, as `galedge classify` runs it."""
    import onnxruntime

    card = json.loads((folder / "card.json").read_text())
    recipe = Recipe.from_json(card["recipe"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    file = str(folder / f"model.{precision}.onnx")
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def answer(pictures: list[np.ndarray]) -> Answer:
        pixels = prepare(pictures, recipe).pixels
        hubble, t_type = session.run(["hubble", "t_type"], {"pixels": pixels})
        return hubble.argmax(1), t_type[:, 0]

    size = f"{card['parameters']:,} weights" if "parameters" in card else "?"
    return f"{card['name']}, {recipe.size} px, {precision}", size, answer


def compare(
    sample: Sample,
    *,
    runs: tuple[Path, ...] = (),
    bundles: tuple[Path, ...] = (),
    classical: bool = True,
    only: str = "",
    draws: int = 500,
    timed: int = 64,
) -> list[dict[str, Any]]:
    """Fit, choose, measure and time every method whose name holds `only`.

    Returns
    -------
    list of dict
        One a method: name, size, what was chosen, `test` by source (each metric
        with its interval), and pictures a second on one core.
    """
    from threadpoolctl import threadpool_limits

    methods: list[tuple[str, str, list[Any], Method]] = []
    with threadpool_limits(1):
        for name, method in METHODS.items():
            if classical and only in name:
                found = fit(sample, name)
                answer = answers(method, found["models"])
                methods.append((name, found["size"], found["chosen"], answer))
        for folder in runs:
            name, size, answer = trained(folder)
            methods.append((name, size, [], answer))
        for folder in bundles:
            for precision in ("fp32", "int8"):
                if (folder / f"model.{precision}.onnx").exists():
                    name, size, answer = bundled(folder, precision)
                    methods.append((name, size, [], answer))
        return [
            {
                "method": name,
                "size": size,
                "chosen": chosen,
                "test": {
                    source: measured(sample, sample.rows("test", source), answer, draws)
                    for source in sample.sources()
                    if len(sample.rows("test", source))
                },
                "pictures_per_second": pace(answer, sample, timed),
            }
            for name, size, chosen, answer in methods
        ]


def measured(sample: Sample, rows: np.ndarray, answer: Method, draws: int) -> dict[str, Any]:
    """Return the metrics of a method on some rows, each as value, low, high."""
    parts = [answer(sample.pictures(some)) for some in np.array_split(rows, len(rows) // 64 + 1)]
    label, t = (np.concatenate(column) for column in zip(*parts, strict=True))
    blank = np.full((len(rows), len(FEATURES)), np.nan)
    told = Answers(
        galaxy=np.array([sample.data.rows[i]["galaxy"] for i in rows]),
        label=sample.label[rows],
        t=sample.t[rows],
        told=blank,
        logits=np.eye(len(sample.classes))[label.astype(int)],
        mean=t,
        log_sigma=np.zeros(len(rows)),
        features=blank,
    )
    result: dict[str, Any] = {"pictures": len(rows)}
    for name in DIGITS:
        if name != "rms_t" or np.isfinite(t).all():
            ends = interval(told, METRICS[name], draws)
            result[name] = [round(float(v), 4) for v in (METRICS[name](told), *ends)]
    return result


def pace(answer: Method, sample: Sample, number: int, repeats: int = 5) -> float | None:
    """Return pictures a second on one core, the best of some repeats; None if not timed."""
    if not number:
        return None
    import torch

    pictures = sample.pictures(sample.rows("test")[:number])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        answer(pictures)
        spent.append(time.perf_counter() - start)
    torch.set_num_threads(threads)
    return round(len(pictures) / min(spent), 1)


def markdown(results: list[dict[str, Any]]) -> str:
    """Return the table of a comparison."""
    sources = list(dict.fromkeys(source for row in results for source in row["test"]))
    heads = [f"{source} {name}" for source in sources for name in ("accuracy", "macro-F1", "RMS T")]
    lines = ["| method | " + " | ".join([*heads, "size", "images/s"]) + " |"]
    lines.append("|---" * (len(heads) + 3) + "|")
    for row in results:
        cells = [row["method"]]
        for source in sources:
            for name, digits in DIGITS.items():
                values = row["test"].get(source, {}).get(name)
                low = "{:.{d}f} ({:.{d}f}..{:.{d}f})"
                cells.append(low.format(*values, d=digits) if values else "-")
        paced = row["pictures_per_second"]
        cells += [row["size"], f"{paced:,.0f}" if paced else "-"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
