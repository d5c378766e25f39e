"""Measuring: the commands that compare, test and explain what was trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from training.commands.options import (
    asked,
    extras_option,
    folder,
    found,
    groups_of,
    refusing,
    targets_option,
    task_options,
)
from training.score import lines

__all__ = ["baselines", "evaluate", "explain", "quantize", "study", "table"]


@click.command()
@click.argument("network", type=folder)
@click.argument("pack", type=folder)
@refusing
def quantize(network: Path, pack: Path) -> None:
    """Compare ways to quantize NETWORK (an fp32 .onnx) by their loss on the val split of PACK."""
    from training.data.pack import Pack
    from training.ship.quantize import METHOD, compare

    head = ["method", "weights", "loss", "accuracy", "labels as fp32", "mean dp", "max dp"]
    rows = []
    for row in compare(network, Pack.open(pack, bundle_task(network.parent))):
        name = f"**{row['method']}**" if row["method"] == METHOD else row["method"]
        four = (f"{row[key]:.4f}" for key in ("loss", "accuracy", "agreement", "mean"))
        rows.append([name, f"{row['weight_bits']} bits", *four, f"{row['max']:.3f}"])
    click.echo("\n".join(lines.table(head, rows)))


@click.command()
@click.argument("bundle", type=folder)
@click.argument("pack", type=folder)
@click.option("--split", default="test", show_default=True)
@click.option("--precision", default="int8", show_default=True)
@click.option("-o", "--output", type=folder, help="Write a report here: index.html, metrics.json.")
@click.option(
    "--source", type=folder, help="What was packed: for the report's size and signal-to-noise."
)
@click.option(
    "--beside",
    type=(folder, folder),
    multiple=True,
    help="Another bundle, and a pack by its recipe: through cameras beside this one.",
)
@click.option("--draws", default=500, show_default=True, help="Bootstrap draws of an interval.")
@refusing
def evaluate(
    bundle: Path,
    pack: Path,
    split: str,
    precision: str,
    output: Path | None,
    source: Path | None,
    beside: tuple[tuple[Path, Path], ...],
    draws: int,
) -> None:
    """Measure BUNDLE on a split of PACK, and write a report with figures.

    Of a PACK without the BUNDLE's classes it says how often they contradict what people saw.
    One that was packed with `--cameras` tells what BUNDLE is worth through them.
    """
    from galedge.network.card import Card
    from training.data.pack import Pack
    from training.report.cameras import markdown, side_by_side
    from training.report.contact import write
    from training.score.volunteers import contradicted, rows_of
    from training.ship.bundle import calibration_of
    from training.ship.bundle import evaluate as measured
    from training.words.heads import Labels

    packed = Pack.open(pack, bundle_task(bundle), strict=False)
    excludes = any(head.excludes for head in packed.task.every(Labels))
    if excludes and not packed.known.any():
        if output:
            raise click.ClickException(
                f"{pack} holds no labels of {packed.task.name}: there is no report; leave out -o"
            )
        result = contradicted(bundle / f"model.{precision}.onnx", packed, split, draws)
        click.echo("\n".join(rows_of(result)))
        return
    card = Card.read(bundle)
    others = [(one, Pack.open(its, bundle_task(one), strict=False)) for one, its in beside]
    seen = side_by_side([(bundle, packed), *others], split, precision, draws)
    if output:
        from training.report.report import report

        options: dict[str, Any] = {"split": split, "precision": precision, "draws": draws}
        source = found(source) if source else None
        result = report(bundle, packed, output, source=source, beside=seen, **options)
        result = {**result["sets"], "found": result["found"]}
        write(seen, output)
    else:
        file = bundle / f"model.{precision}.onnx"
        result = measured(file, packed, split, calibration_of(card), draws)
        result.pop("cameras", None)  # told below
    click.echo(table({precision: result}))
    if seen:
        click.echo("\n".join(["", *markdown([one.result for one in seen])]))


def bundle_task(folder: Path) -> Any:
    """Return the task of a bundle; None where a folder is none, for what was packed to decide."""
    from training.fit.runs import task_of_bundle

    return task_of_bundle(folder) if (folder / "card.json").exists() else None


@click.command()
@click.argument("name", type=click.Choice(["imbalance", "augmentation", "resolution", "steps"]))
@click.argument("pack", type=folder)
@click.argument("out", type=folder)
@click.option("--ratio", default=1.0, show_default=True, help="Thin classes to a tail of 1:RATIO.")
@click.option("--seeds", default=3, show_default=True)
@click.option("--epochs", default=12, show_default=True, help="Of the whole train split, in steps.")
@click.option("--kind", "kinds", multiple=True, default=["auto"], help="Views to measure.")
@targets_option
@extras_option
@click.option("--threads", default=1, show_default=True)
@refusing
def study(
    name: str,
    pack: Path,
    out: Path,
    kinds: tuple[str, ...],
    targets: Path | None,
    extras: tuple[tuple[Path, Path], ...],
    **options: Any,
) -> None:
    """Compare variants of a short training on PACK over seeds; write OUT.table.json."""
    from training.data.pack import Pack
    from training.fit.distil import load
    from training.study.study import study as run
    from training.study.study import table as tabulated

    answers = load(targets) if targets else None
    packed = Pack.open(pack)
    groups = groups_of(extras, packed.task)
    summary = run(name, packed, out, kinds=kinds, targets=answers, extras=groups, **options)
    click.echo(tabulated(summary))


@click.command()
@click.argument("run", type=folder)
@click.argument("pack", type=folder)
@click.option("-o", "--output", type=folder, required=True, help="Write the numbers here (.json).")
@click.option("--sheet", type=folder, help="Draw some of the pictures with their maps (.png).")
@click.option("--bundle", type=folder, help="What was exported of RUN, in place of a new export.")
@click.option("--precision", help="Of the bundle. Default: int8 where it has it.")
@click.option("--split", default="test", show_default=True)
@click.option("--kind", "kinds", multiple=True, default=["colour"], show_default=True)
@click.option("--every", default=1, show_default=True, help="Take every n-th picture only.")
@click.option("--blend", default=0.5, show_default=True, help="As RUN was exported.")
@click.option("--draws", default=500, show_default=True, help="Bootstrap draws of an interval.")
@refusing
def explain(run: Path, pack: Path, output: Path, sheet: Path | None, **options: Any) -> None:
    """Test Grad-CAM of RUN, and galedge explain of its ONNX file, on PACK."""
    from training.data.pack import Pack
    from training.fit.runs import task_of
    from training.report.explain import choose, explain, rows_of
    from training.report.figures import evidence

    packed = Pack.open(pack, task_of(json.loads((run / "run.json").read_text())))
    result, drawn = explain(run, packed, **options)
    output.write_text(json.dumps(result, indent=1) + "\n")
    if sheet:
        evidence(**choose(drawn)).savefig(sheet, dpi=100)
    click.echo("\n".join(rows_of(result)))


@click.command()
@click.argument("source", type=folder)
@click.option("-o", "--output", type=folder, help="Write the results as JSON.")
@click.option("--run", "runs", type=folder, multiple=True, help="A run of `train`, as it is.")
@click.option("--bundle", "bundles", type=folder, multiple=True, help="A model bundle.")
@click.option("--work", type=folder, default=Path("work/baselines"), show_default=True)
@click.option("--only", default="", help="Only the classical methods with this in their name.")
@click.option("--classical/--no-classical", default=True, show_default=True)
@click.option("--timed", default=64, show_default=True, help="Pictures to time with; 0: do not.")
@task_options
def baselines(
    source: Path,
    output: Path | None,
    work: Path,
    task: str | None,
    column: str | None,
    **options: Any,
) -> None:
    """Compare classical methods and networks on SOURCE's test split.

    SOURCE is a data set; splits that it lacks are drawn as `data` draws them. Descriptors and
    fitted models are kept in the folder --work, so that a second run only measures.
    """
    from training.data.sample import Sample
    from training.study import baselines as compared

    try:
        sample = Sample.read(found(source), work, asked(task, column), column)
        results = compared.compare(sample, **options)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(compared.markdown(results))
    if output:
        output.write_text(json.dumps(results, indent=1) + "\n")


def table(metrics: dict[str, Any]) -> str:
    """Return metrics as a Markdown table: of classes, of the quantity, and of calibration."""
    from training.words.heads import titled

    rows = []
    for precision in ("fp32", "int8"):
        for source, kinds in metrics.get(precision, {}).items():
            several = kinds if isinstance(kinds, dict) else {}
            several = {"all": several} if "pictures" in several else several  # a further head
            rows += [
                (precision, source, kind, values)
                for kind, values in several.items()
                if isinstance(values, dict) and "pictures" in values
            ]
    words = {"accuracy": "accuracy", "macro_f1": "macro-F1"}
    keys = list(dict.fromkeys(key for *_, values in rows for key in values))
    words |= {key: f"RMS {titled(key[4:])}" for key in keys if key.startswith("rms_")}
    words = {key: word for key, word in words.items() if key in keys}
    calibrated = ["ECE"] if "ece" in keys else []
    told = []
    for precision, source, kind, values in rows:
        cells = [lines.three(values[key]) if key in values else "–" for key in words]
        cells += [f"{values['ece']:.3f}" if "ece" in values else "–" for _ in calibrated]
        told.append([precision, source, kind, *cells])
    head = ["precision", "source", "input", *words.values(), *calibrated]
    return "\n".join([*lines.table(head, told), *further(metrics)])


def further(metrics: dict[str, Any]) -> list[str]:
    """Return the labels' ROC areas, and the shares of `found`, as lines of tables."""
    areas = [
        [precision, head, name, f"{row['yes']} · {row['no']}", f"{row['roc_auc']:.3f}"]
        for precision in ("fp32", "int8")
        for head, labels in metrics.get(precision, {}).items()
        for name, row in (labels.items() if isinstance(labels, dict) else ())
        if isinstance(row, dict) and "roc_auc" in row
    ]
    found = [
        [precision, head, name, str(row["pictures"]), lines.three(row["share"])]
        for precision in ("fp32", "int8")
        for head, values in metrics.get(precision, {}).get("found", {}).items()
        for name, row in values["classes"].items()
    ]
    told = []
    for rows, words in (
        (areas, ["label", "yes · no", "ROC area"]),
        (found, ["class", "pictures", "found, 1 % of the first class lost"]),
    ):
        told += ["", *lines.table(["precision", "head", *words], rows)] if rows else []
    return told
