"""The command line of training: `python -m training COMMAND --help`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from training.commands.calibrating import calibrate, describe, refer
from training.commands.making import make
from training.commands.measuring import baselines, evaluate, explain, quantize, study, table
from training.commands.options import (
    asked,
    extras_option,
    folder,
    groups_of,
    refusing,
    targets_option,
    values_of,
)
from training.commands.packing import data


@click.group()
def main() -> None:
    """Train galaxy networks and hand over a bundle."""


for command in (
    data,
    make,
    quantize,
    evaluate,
    calibrate,
    refer,
    describe,
    study,
    explain,
    baselines,
):
    main.add_command(command)


@main.command()
@click.argument("pack", type=folder)
@click.argument("out", type=folder)
@click.option("--set", "settings", multiple=True, help="KEY=VALUE of training.fit.config.Config.")
@targets_option
@extras_option
@click.option("--task", help="Learn another task of the pack's labels: its file, or a name.")
@click.option("--resume", is_flag=True, help="Go on after the last epoch that OUT holds.")
@click.option("--device", default="auto", show_default=True)
@click.option("--threads", default=2, show_default=True)
@refusing
def train(
    pack: Path,
    out: Path,
    settings: tuple[str, ...],
    targets: Path | None,
    extras: tuple[tuple[Path, Path], ...],
    task: str | None,
    **options: Any,
) -> None:
    """Train on the train split of PACK and write weights and record to OUT.

    What is learned is what PACK was packed for, unless --task says otherwise.
    """
    from training.data.pack import Pack
    from training.fit.batches import Group
    from training.fit.config import Config
    from training.fit.distil import load
    from training.fit.train import train as run

    packed = Pack.open(pack, asked(task))
    rows = packed.rows("train")
    group = Group(packed, rows, load(targets).of(rows) if targets else None)
    config = Config(**{"size": packed.info["recipe"]["size"], **values_of(settings)})
    groups = groups_of(extras, packed.task)
    run(config, group, out, extras=groups, **options)


@main.command()
@click.argument("pack", type=folder)
@click.argument("out", type=folder)
@click.argument("runs", type=folder, nargs=-1)
@click.option("--views", default=4, show_default=True, help="Quarter turns to average over.")
@click.option("--with", "stored", type=folder, multiple=True, help="Average with this .npz, too.")
@click.option(
    "--seer", type=folder, help="A run that tells arms and edge-on disks from ellipticals."
)
@click.option("--device", default="auto", show_default=True)
@refusing
def distil(
    pack: Path,
    out: Path,
    runs: tuple[Path, ...],
    views: int,
    stored: tuple[Path, ...],
    seer: Path | None,
    device: str,
) -> None:
    """Store the averaged predictions of RUNS on PACK in OUT (.npz).

    RUNS may be left out where --with gives what they said before.
    """
    from training.data.pack import Pack
    from training.fit.device import choose
    from training.fit.distil import Teacher, task_in, teach
    from training.fit.runs import load_run, task_of

    if not runs and not stored:
        raise click.UsageError("whose predictions? name RUNS, or what they stored by --with")
    tasks = {}

    def teacher(run: Path) -> Teacher:
        network, record = load_run(run)
        tasks[run] = task_of(record)
        return Teacher(network, record["config"]["size"])

    teachers = [teacher(run) for run in runs]
    seen_by = teacher(seer) if seer else None
    tasks |= {path: task_in(path) for path in stored}
    first, task = next(iter(tasks.items()))
    for other, its in tasks.items():
        if its.answers != task.answers:
            raise click.ClickException(f"{first} and {other} answer different tasks")
    teach(
        teachers,
        Pack.open(pack, task, strict=False),
        out,
        stored=stored,
        seer=seen_by,
        views=views,
        device=choose(device),
    )


@main.command()
@click.argument("bundle")
@click.argument("pack", type=folder)
@click.argument("out", type=folder)
@click.option("--views", default=8, show_default=True, help="Sides to look from: 1 or 8.")
@click.option("--threads", default=2, show_default=True)
@refusing
def ask(bundle: str, pack: Path, out: Path, **options: int) -> None:
    """Store what BUNDLE, a name or a folder, says of PACK's pictures in OUT (.npz)."""
    from training.data.pack import Pack
    from training.fit.ask import ask as asked_of

    try:
        asked_of(bundle, Pack.open(pack), out, **options)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.argument("out", type=folder)
@click.argument("runs", type=folder, nargs=-1, required=True)
def average(out: Path, runs: tuple[Path, ...]) -> None:
    """Write the mean of the weights of RUNS, each gone on from another, as a run to OUT."""
    from training.fit.runs import average as mean_of

    try:
        mean_of(list(runs), out)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.argument("run", type=folder)
@click.argument("pack", type=folder)
@click.argument("bundle", type=folder)
@click.option("--name", required=True, help="The model's name, for instance hubble-1.")
@click.option("--version", default="1.0", show_default=True)
@click.option("--teacher", help="What the card says of the teacher.")
@click.option("--blend", default=0.5, show_default=True, help="Say of the T head in the class.")
@click.option("--int8/--no-int8", default=True, show_default=True)
@click.option("--openvino", is_flag=True, help="Also write OpenVINO's own format (.xml, .bin).")
@click.option(
    "--beside",
    type=folder,
    help="A pack of small stars and galaxies, by which `kind` draws the line between them.",
)
@click.option("--default", is_flag=True, help="Of several shipped bundles, be the one for all.")
@click.option(
    "--task",
    "words",
    help="Take limits, credits and descriptions of this task: its file, or a name.",
)
def export(
    run: Path, pack: Path, bundle: Path, beside: Path | None, words: str | None, **options: Any
) -> None:
    """Turn RUN into BUNDLE: ONNX in both precisions, calibrated, measured on the test split.

    What the card says in words is what RUN's task said when it was trained, unless --task says
    it otherwise since.
    """
    from training.data.pack import Pack
    from training.fit.runs import task_of
    from training.ship.bundle import make
    from training.ship.describe import worded

    try:
        task = task_of(json.loads((run / "run.json").read_text()))
        task = task if words is None else worded(task, asked(words))
        small = None if beside is None else Pack.open(beside, task, strict=False)
        card = make(run, Pack.open(pack, task), bundle, beside=small, **options)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(table(card["metrics"]))


if __name__ == "__main__":
    main(prog_name="python -m training")
