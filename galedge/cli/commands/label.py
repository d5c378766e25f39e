"""``galedge label``."""

from __future__ import annotations

import click

from galedge.cli import checks, options
from galedge.cli.options import Option, Whole
from galedge.cli.settings import HDUS, Reading, Running, Writing
from galedge.cli.where import Where

__all__ = ["label"]

_SECTION = "Labels"


def _asked(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> dict[str, list[str]]:
    """Check ``--ask``: NAME=CLASS,CLASS,... or NAME alone, which is yes or no."""
    asked: dict[str, list[str]] = {}
    for value in values:
        name, equals, classes = (text.strip() for text in value.partition("="))
        names = [each.strip() for each in classes.split(",")] if equals else ["yes", "no"]
        if not name or not all(names) or len(set(names)) < max(len(names), 2) or name in asked:
            raise click.BadParameter(
                f"{value!r} is not of the form NAME=CLASS,CLASS,... with names that differ"
            )
        if name in ("file", "path", "hdu", "x", "y", "side"):
            raise click.BadParameter(f"{name!r} tells which picture a label is of; rename it")
        asked[name] = names
    return asked


@options.command
@click.option(
    "output",
    "-o",
    "--output",
    cls=Option,
    section=_SECTION,
    metavar="FILE.html",
    required=True,
    callback=checks.named(".html", ".htm"),
    help="Write the page here.",
)
@click.option(
    "ask",
    "--ask",
    cls=Option,
    section=_SECTION,
    metavar="NAME=CLASS,...",
    multiple=True,
    callback=_asked,
    help="Column of labels and its classes; NAME alone is yes or no. May be repeated. Default: "
    "label, of the model's classes.",
)
@click.option(
    "labels",
    "--labels",
    cls=Option,
    section=_SECTION,
    metavar="FILE",
    help="Begin with these labels, as a page exported them.",
)
@click.option(
    "suggest",
    "--suggest",
    cls=Option,
    section=_SECTION,
    type=Whole(1),
    metavar="N",
    help="Show only the N that are most useful next to a model that galedge tune made: those it "
    "is least sure of, of all kinds, without labels so far.",
)
@click.option(
    "hide",
    "--hide",
    cls=Option,
    section=_SECTION,
    is_flag=True,
    help="Hide the model's answers at first.",
)
@options.takes(Writing, "quiet")
@options.takes(Where)
@options.takes(Reading, hdu=HDUS)
@options.takes(Running)
def label(
    output: str,
    ask: dict[str, list[str]],
    labels: str | None,
    suggest: int | None,
    hide: bool,
    writing: Writing,
    where: Where,
    reading: Reading,
    running: Running,
) -> None:
    """Write a page to label images on, in any browser, with nothing else.

    Keys give classes, arrows move, u takes back; the page remembers, and exports a CSV that
    galedge tune reads. Images are found as by classify.
    """
    writing = Writing(gallery=output, quiet=writing.quiet)
    writing.spare([*where.named, *([labels] if labels else [])])
    from galedge.cli.asking import Asking
    from galedge.cli.load import load_classifier

    classifier = load_classifier(
        reading,
        running,
        quiet=writing.quiet,
        keep_pixels=suggest is None,
        keep_embedding=True,
    )
    fit = running.prior == "fit"
    Asking(classifier, where, ask, labels).write(writing, suggest, shown=not hide, fit=fit)
