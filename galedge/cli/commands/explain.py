"""``galedge explain``."""

from __future__ import annotations

import click

from galedge.cli import options
from galedge.cli.run import tabulate
from galedge.cli.settings import Reading, Running, Writing, folder, paths

__all__ = ["explain"]


@options.command
@paths
@folder("Write the pictures here; made if need be.")
@options.takes(Writing, "json", "quiet")
@click.option(
    "--head",
    metavar="NAME",
    help="Head of the model to explain; `galedge models` names them. Default: its class.",
)
@click.option(
    "target", "--class", metavar="NAME", help="Class or label to explain. Default: the answer."
)
@click.option(
    "--scale",
    type=options.Whole(1, 16),
    default=4,
    show_default=True,
    metavar="N",
    help="Pixels drawn for each of the network's.",
)
@options.takes(Reading, without=["verify"])
@options.takes(Running, "model", "precision", "workers")
def explain(
    paths: tuple[str, ...],
    folder: str,
    writing: Writing,
    head: str | None,
    target: str | None,
    scale: int,
    reading: Reading,
    running: Running,
) -> None:
    """Draw what in each image speaks for its class.

    Writes a picture for each image: as the network sees it, and under the
    evidence for the class. Images are found as by classify; a table of what was
    drawn, and of what was rejected, goes to standard output.
    """
    from galedge.answers.illustrate import Illustrator
    from galedge.network.model import Model
    from galedge.support.atomic import make_folder

    try:
        illustrator = Illustrator(
            Model.load(running.model, engine="onnxruntime", precision=running.precision),
            folder,
            head=head,
            target=target,
            scale=scale,
            workers=running.workers,
            **reading.asked(),
        )
    except ValueError as error:
        raise click.UsageError(f"{'--class' if target else '--head'}: {error}") from error
    make_folder(folder)
    tabulate(paths, writing, illustrator.columns, illustrator.stream, "explained")
