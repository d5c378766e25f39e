"""``galedge explain``."""

from __future__ import annotations

import os

import click

from galedge.cli import options
from galedge.cli.run import tabulate
from galedge.support.say import printable

__all__ = ["explain"]


@click.command()
@options.paths
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="FOLDER",
    required=True,
    help="Write the pictures here; made if need be.",
)
@click.option(
    "--head",
    metavar="NAME",
    help="Head of the model to explain; `galedge models` names them. Default: its class.",
)
@click.option(
    "--class", "target", metavar="NAME", help="Class or label to explain. Default: the answer."
)
@options.model
@options.precision
@options.json
@options.workers
@options.hdu
@options.plane
@options.frame
@click.option(
    "--scale",
    type=click.IntRange(1, 16),
    default=4,
    show_default=True,
    metavar="N",
    help="Pixels drawn for each of the network's.",
)
@options.quiet
def explain(
    paths: tuple[str, ...],
    folder: str,
    head: str | None,
    target: str | None,
    model: str | None,
    precision: str | None,
    json: bool,
    workers: int | None,
    hdu: int | None,
    plane: int | None,
    frame: str | int | None,
    scale: int,
    quiet: bool,
) -> None:
    """Draw what in each image speaks for its class.

    Writes a picture for each image: as the network sees it, and under the
    evidence for the class. Images are found as by classify; a table of what was
    drawn, and of what was rejected, goes to standard output.
    """
    from galedge.answers.illustrate import Illustrator
    from galedge.errors import OutputError
    from galedge.network.model import Model

    if os.path.exists(folder) and not os.path.isdir(folder):
        raise click.UsageError(f"-o {printable(folder)}: is a file; name a folder")
    try:
        illustrator = Illustrator(
            Model.load(model, engine="onnxruntime", precision=precision),
            folder,
            head=head,
            target=target,
            scale=scale,
            workers=workers,
            hdu=hdu,
            plane=plane,
            frame=frame,
        )
    except ValueError as error:
        raise click.UsageError(f"{'--class' if target else '--head'}: {error}") from error
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror}") from error
    tabulate(paths, None, illustrator.columns, illustrator.stream, "explained", quiet, json=json)
