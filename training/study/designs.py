"""Designs: networks of equal training side by side, what they are worth and what they cost.

Runs of `training train` that differ in `--set network=` alone are measured on the validation
split through every camera of a pack, exported, rounded to int8 as a bundle is, and timed on one
thread, in turns. A processor without VNNI is had by telling oneDNN to do without
(`ONEDNN_MAX_CPU_ISA`), and ONNX Runtime by hiding it (`hidden.py`, which needs gdb and objdump).

    python -m training.study.designs PACK RUN... -o training/results/designs.json
    python -m training.study.designs PACK RUN... -o training/results/designs.json --times
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.pack import Pack
from training.fit.runs import load_run, task_of
from training.nets.network import parameters
from training.report.cameras import machine
from training.score.answers import Answers, run
from training.score.evaluate import bootstrap, macro_f1
from training.score.lines import table, three
from training.ship.export import export
from training.ship.quantize import calibration_pictures, quantize

__all__ = ["lines_of", "multiplications", "timed", "worth"]

HIDDEN = Path(__file__).with_name("hidden.py")
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2"}


def multiplications(network: nn.Module, size: int) -> int:
    """Return what convolutions multiply for one picture of a side."""
    found = []
    plain = F.conv2d

    def counted(x: Tensor, weight: Tensor, *rest: Any, **named: Any) -> Tensor:
        y = plain(x, weight, *rest, **named)
        found.append(y.shape[1:].numel() * weight[0].numel())
        return y

    F.conv2d = counted
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, 3, size, size))
    finally:
        F.conv2d = plain
    return sum(found)


def worth(network: Path, pack: Pack, draws: int = 200) -> dict[str, Any]:
    """Return macro-F1 and RMS T of an ONNX file on val, of plain pictures and through cameras.

    Returns
    -------
    dict
        `colour` and `cameras` (the mean of them), each `macro_f1` with its interval over
        galaxies and `rms_t`; and `nll` of the cameras, in which small differences show.
    """
    head, quantity = pack.task.classes, pack.task.quantity
    assert head is not None
    assert quantity is not None
    rows = pack.demand("val")
    views = {"colour": next(iter(pack.kinds(cameras=False).values()))} | {
        name: name for name in pack.cameras
    }
    said = {kind: run(network, pack, rows, view).only(head.name) for kind, view in views.items()}
    cameras = [said[name] for name in pack.cameras]

    def f1(kinds: list[Answers], chosen: Any = slice(None)) -> float:
        each = (macro_f1(a.label[chosen], a.logits[chosen].argmax(1), head.width) for a in kinds)
        return float(np.mean(list(each)))

    def told(kinds: list[Answers]) -> dict[str, Any]:
        low, high = bootstrap(kinds[0].galaxy, lambda chosen: f1(kinds, chosen), draws)
        apart = np.concatenate([(a.mean - a.value) ** 2 for a in kinds])
        three = [round(float(value), 4) for value in (f1(kinds), low, high)]
        return {"macro_f1": three, "rms_t": round(float(np.sqrt(np.nanmean(apart))), 4)}

    def surprise(answers: Answers) -> float:
        logits = torch.from_numpy(answers.logits).double()
        return float(F.cross_entropy(logits, torch.from_numpy(answers.label).long()))

    nll = float(np.mean([surprise(answers) for answers in cameras]))
    return {"colour": told([said["colour"]]), "cameras": told(cameras), "nll": round(nll, 4)}


def timed(files: list[Path], engine: str, *, vnni: bool = True) -> list[float] | None:
    """Return microseconds a picture of ONNX files, one thread, batches of 32, in turns.

    `vnni` False: as on a processor that ends with AVX2; None where that cannot be had.
    """
    command = [sys.executable, "-m", "training.study.pace", engine, *map(str, files)]
    environment = dict(os.environ)
    if not vnni and engine == "onnxruntime":
        if not (shutil.which("gdb") and shutil.which("objdump")):
            return None
        command = ["gdb", "-batch", "-nx", "-x", str(HIDDEN), "--args", *command]
    elif not vnni:
        environment |= AVX2
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout.split("PACE ")[-1].splitlines()[0]))


def lines_of(found: dict[str, Any]) -> list[str]:
    """Return the table as lines of Markdown."""
    names = list(next(iter(found["designs"].values())).get("microseconds", {}))
    head = ["design", "million multiplications", "weights", "colour: macro-F1", "RMS T"]
    head += ["cameras: macro-F1", "RMS T", "NLL", *(f"{name}, µs" for name in names)]
    rows = []
    for name, one in found["designs"].items():
        escaped = name.replace("|", "\\|")
        cells = [f"`{escaped}`", f"{one['multiplications'] / 1e6:.1f}", f"{one['parameters']:,}"]
        for kind in ("colour", "cameras"):
            cells += [three(one[kind]["macro_f1"]), f"{one[kind]['rms_t']:.2f}"]
        cells.append(f"{one['nll']:.3f}")
        times = (one["microseconds"][key] for key in names)
        rows.append([*cells, *("–" if time is None else f"{time:.0f}" for time in times)])
    return table(head, rows)


@click.command(help=__doc__)
@click.argument("pack", type=click.Path(path_type=Path, exists=True))
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--times", is_flag=True, help="Time them too: nothing else should run.")
def main(pack: Path, runs: tuple[Path, ...], output: Path, times: bool) -> None:
    """Measure runs, and write what was found."""
    found: dict[str, Any] = json.loads(output.read_text()) if output.exists() else {"designs": {}}
    with tempfile.TemporaryDirectory() as folder:
        names: list[str] = []
        files: dict[str, list[Path]] = {"fp32": [], "int8": []}
        for place, one in enumerate(runs):
            network, record = load_run(one)
            task, name = task_of(record), record["config"]["network"]
            packed = Pack.open(pack, task)
            size = packed.info["recipe"]["size"]
            names.append(name)
            entry = found["designs"].setdefault(name, {})
            entry["multiplications"] = multiplications(network, size)
            entry["parameters"], entry["seen"] = parameters(network), record.get("seen")
            whole = Path(folder) / f"{place}.fp32.onnx"
            export(network, task, whole, size)
            if "nll" not in entry:
                entry |= worth(whole, packed)
            rounded = Path(folder) / f"{place}.int8.onnx"
            if times:
                quantize(whole, rounded, calibration_pictures(packed, 128), method="percentile")
            for precision, file in (("fp32", whole), ("int8", rounded)):
                files[precision].append(file)
            print(name, {key: entry[key] for key in ("colour", "cameras", "nll")}, flush=True)
        for engine, title in (("onnxruntime", "ONNX Runtime"), ("openvino", "OpenVINO")):
            for precision in ("int8", "fp32") if times else ():
                for vnni in (True, False):
                    key = f"{title}, {precision}" + ("" if vnni else ", AVX2 only")
                    each = timed(files[precision], engine, vnni=vnni) or [None] * len(names)
                    for name, time in zip(names, each, strict=True):
                        found["designs"][name].setdefault("microseconds", {})[key] = time
    found["machine"] = machine()
    output.write_text(json.dumps(found, indent=1) + "\n")
    print("\n".join(lines_of(found)))


if __name__ == "__main__":
    main()
