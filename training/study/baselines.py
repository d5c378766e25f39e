"""Baselines: classical methods, and networks beside them, on one split and in one table.

Classical methods are fitted on train, their settings chosen on val (macro-F1,
or RMS T, averaged over the sources), and measured once on test. A network
comes trained. Each is timed on one core, from the decoded picture to class
and T, whatever it needs on the way included.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from galedge.images.prepare import prepare
from galedge.network.card import Card
from training.data.sample import Sample
from training.score import lines
from training.score.answers import Answers
from training.score.evaluate import metrics, with_interval
from training.study.classical import METHODS, Answer, Method, answers, fit, framed
from training.words.heads import Classes, Quantity, titled
from training.words.task import Task

__all__ = ["bundled", "compare", "markdown", "trained"]

MEASURES = ("accuracy", "macro_f1")  # of classes; and the RMS of a quantity


# --- Networks --------------------------------------------------------------------------------


def trained(folder: Path, task: Task) -> tuple[str, str, Method]:
    """Return a run of `training` as name, size and method; its input is as it was taught."""
    import torch

    from training.fit.runs import load_run, task_of
    from training.nets.network import parameters

    network, record = load_run(folder)
    same(folder, task_of(record), task)
    config = record["config"]
    framing = "full" if set(config["views"]) == {"full"} else "auto"
    classes, quantity = heads_of(task)
    bins = torch.tensor(quantity.centres if quantity else [], dtype=torch.float32)

    @torch.inference_mode()
    def answer(pictures: list[np.ndarray]) -> Answer:
        x = torch.as_tensor(framed(pictures, config["size"], framing)).float() / 255
        out = network(x.contiguous(memory_format=torch.channels_last))
        label = out[classes.layer].argmax(1).numpy()
        if quantity is None:
            return label, np.full(len(label), np.nan)
        return label, (out[quantity.layer].softmax(1) @ bins).numpy()

    network = network.to(memory_format=torch.channels_last)
    size = f"{parameters(network):,} weights"
    return f"{config['network']}, {config['size']} px, fp32", size, answer


def bundled(folder: Path, precision: str, task: Task) -> tuple[str, str, Method]:
    """Return a bundle's network as name, size and method, as `galedge classify` runs it."""
    import onnxruntime

    card = Card.read(folder)
    classes, quantity = heads_of(task)
    names = [head.output for head in (classes, quantity) if head is not None]
    told = {head["output"]: head.get("names") for head in card.fields["heads"] if "output" in head}
    if told.get(classes.output) != list(classes.names) or not told.keys() >= set(names):
        raise ValueError(f"{folder}: answers another task than the one that is compared")
    recipe = card.recipe
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    file = str(folder / f"model.{precision}.onnx")
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def answer(pictures: list[np.ndarray]) -> Answer:
        pixels = prepare(pictures, recipe).pixels
        logits, *others = session.run(names, {"pixels": pixels})
        return logits.argmax(1), others[0][:, 0] if others else np.full(len(logits), np.nan)

    size = f"{card.fields['parameters']:,} weights" if "parameters" in card.fields else "?"
    return f"{card.name}, {recipe.size} px, {precision}", size, answer


def heads_of(task: Task) -> tuple[Classes, Quantity | None]:
    """Return the classes that methods are compared by, and the quantity if there is one."""
    assert task.classes is not None, "Sample.read refuses others"
    return task.classes, task.quantity


def same(folder: Path, task: Task, wanted: Task) -> None:
    """Refuse a run of another task."""
    if task.answers != wanted.answers:
        raise ValueError(f"{folder}: learned another task than the one that is compared")


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
            name, size, answer = trained(folder, sample.task)
            methods.append((name, size, [], answer))
        for folder in bundles:
            for precision in ("fp32", "int8"):
                if (folder / f"model.{precision}.onnx").exists():
                    name, size, answer = bundled(folder, precision, sample.task)
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
    label, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    classes, quantity = heads_of(sample.task)
    said = {classes.name: np.eye(classes.width)[label.astype(int)]}
    if quantity is not None:
        said[quantity.name] = np.stack([value, np.zeros(len(rows))], 1)
    galaxy = np.array([sample.data.rows[i]["galaxy"] for i in rows])
    told = {name: values[rows] for name, values in sample.told.items()}
    every = Answers(sample.task, galaxy, told, said)
    result: dict[str, Any] = {"pictures": len(rows)}
    for head in (classes, quantity) if np.isfinite(value).all() else (classes,):
        part = every.only(head.name)
        for name, metric in metrics(head).items():
            if len(part.galaxy) and (head is quantity or name in MEASURES):
                result[name] = with_interval(
                    part.galaxy, lambda rows, m=metric, p=part: m(p.take(rows)), draws
                )
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
    told = [values for row in results for values in row["test"].values()]
    keys = [key for key in dict.fromkeys(k for values in told for k in values) if key != "pictures"]
    words = {"macro_f1": "macro-F1"}
    words |= {key: f"RMS {titled(key[4:])}" for key in keys if key.startswith("rms_")}
    heads = [f"{source} {words.get(key, key)}" for source in sources for key in keys]
    rows = []
    for row in results:
        cells = [row["method"]]
        for source in sources:
            for key in keys:
                values = row["test"].get(source, {}).get(key)
                digits = 2 if key.startswith("rms_") else 3
                cells.append(lines.three(values, digits) if values else "-")
        paced = row["pictures_per_second"]
        rows.append([*cells, row["size"], f"{paced:,.0f}" if paced else "-"])
    return "\n".join(lines.table(["method", *heads, "size", "images/s"], rows))
