"""Packing: the commands `python -m training data`, which pack data sets and check them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from training.commands.options import asked, folder, found, task_options

__all__ = ["data"]


class Data(click.Group):
    """Takes `data SOURCE OUT` for `data pack SOURCE OUT`."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Fall back on `pack` where the first word is no command."""
        known = args and (args[0] in self.commands or args[0].startswith("-"))
        return super().resolve_command(ctx, args if known else ["pack", *args])


@click.group(cls=Data)
def data() -> None:
    """Pack data sets for training, or check them."""


@data.command()
@click.argument("source", type=folder)
@click.argument("out", type=folder)
@click.option("--size", type=int, help="Side of the network's input. Default: 72.")
@click.option(
    "--recipe",
    "model",
    help="Prepare as this bundle's card says: a folder, or a shipped model; or as a JSON file of "
    "a recipe's fields does.",
)
@click.option("--cameras", is_flag=True, help="Val and test through the fixed cameras, too.")
@click.option("--simulations", default=2, show_default=True, help="Linear versions of each.")
@click.option("--keep", is_flag=True, help="Keep the pictures too, to train through cameras.")
@click.option(
    "--beside", type=folder, multiple=True, help="Another pack: its galaxies have its split here."
)
@click.option("--every", default=1, show_default=True, help="Take every n-th picture only.")
@click.option("--threads", default=2, show_default=True)
@click.option("--seed", default=0, show_default=True)
@task_options
def pack(
    source: Path,
    out: Path,
    size: int | None,
    model: str | None,
    task: str | None,
    column: str | None,
    **options: Any,
) -> None:
    """Pack SOURCE (see training/README.md; relative to the data folder) into OUT.

    Without --task or --classes, a SOURCE with classes of its own is packed to learn these, and
    any other to learn Hubble's.
    """
    from galedge.errors import GaledgeError
    from galedge.images.prepare import prepare
    from galedge.images.recipe import Recipe
    from training.data.pack import pack as packed_into

    if model and size:
        raise click.UsageError("--recipe says the size too: leave out --size")
    try:
        recipe = recipe_of(model) if model else Recipe.latest(size=size or 72)
        asks = {"task": asked(task, column), "column": column}
        packed = packed_into(found(source), out, recipe, prepare, **asks, **options)
    except (ValueError, GaledgeError) as error:
        raise click.ClickException(str(error)) from error
    names, counts = np.unique(packed.split, return_counts=True)
    click.echo(f"{len(packed)} pictures: {dict(zip(names.tolist(), counts.tolist(), strict=True))}")
    click.echo(f"task {packed.task.name}: {', '.join(map(str, packed.task.heads))}")


def recipe_of(model: str) -> Any:
    """Return the recipe that --recipe names: a bundle's, or a file's."""
    from galedge.images.recipe import Recipe
    from galedge.network.model import find_card

    if not (path := Path(model)).is_file():
        return find_card(model).recipe
    try:
        return Recipe.from_json(json.loads(path.read_text()))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: no recipe: {error}") from error


@data.command()
@click.argument("sources", type=folder, nargs=-1, required=True)
@click.option("-o", "--output", type=folder, help="Write what was found as JSON.")
@click.option("--html", type=folder, help="Write a page with contact sheets of every class.")
@click.option("--sheets", type=folder, help="Write the contact sheets as PNG into this folder.")
@click.option("--threads", default=2, show_default=True)
@task_options
def check(
    sources: tuple[Path, ...],
    task: str | None,
    column: str | None,
    output: Path | None,
    html: Path | None,
    sheets: Path | None,
    threads: int,
) -> None:
    """Look for what spoils training: imbalance, duplicates, leaks, unreadable files.

    SOURCES are packs or data sets, checked together: a galaxy that is in two of
    them is found. Ends with 3 if a file could not be read, or a galaxy lies in
    more than one split.
    """
    from training.data import check as checks
    from training.data.sheets import page, sheets_of

    try:
        asks = {"task": asked(task, column), "column": column}
        table = checks.gather([found(source) for source in sources], threads=threads, **asks)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    report = checks.check(table)
    click.echo(checks.summary(report))
    if output:
        output.write_text(json.dumps(report, indent=1) + "\n")
    if html or sheets:
        pictures = sheets_of(table, report)
        if sheets:
            sheets.mkdir(parents=True, exist_ok=True)
            for name, picture in pictures.items():
                picture.save(sheets / f"{name.replace('/', '-')}.png")
        if html:
            html.write_text(page(report, pictures))
    if report["unreadable"] or report["leaks"]:
        raise SystemExit(3)
