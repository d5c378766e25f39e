"""``galedge adapters``."""

from __future__ import annotations

import inspect
import os
import sys
from typing import TYPE_CHECKING

import click

from galedge.cli import options
from galedge.cli.load import load_classifier
from galedge.cli.run import REJECTED
from galedge.cli.settings import Reading, Running, Writing
from galedge.support.extras import lacking
from galedge.support.say import print_text
from galedge.support.system import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from galedge.answers.classifier import Classifier
    from galedge.answers.result import Result
    from galedge.nights.adapters import Adapter

__all__ = ["adapters"]


@options.command
@click.argument("name", required=False)
@click.argument("paths", metavar="[PATH...]", nargs=-1)
@options.takes(Reading)
@options.takes(Running, without=["batch"])
@options.takes(Writing, "quiet")
def adapters(
    name: str | None, paths: tuple[str, ...], reading: Reading, running: Running, writing: Writing
) -> None:
    """List what galedge fits into, or speak as one of these.

    Without NAME it lists the adapters. With one it says how that is set up, and with
    images it answers for each as the adapter does; command and pyobs take paths
    from standard input for `-`, a line each, and answer one by one.
    """
    from galedge.nights.adapters import adapters as all_adapters

    known = all_adapters()
    if name is None:
        for each, adapter in known.items():
            print_text(f"{each:<12} {adapter.about}")
            if lack := lacking(adapter.packages, adapter.install):
                print_text(f"{'':<12} not here: {lack}")
        return
    if name not in known:
        raise click.BadParameter(f"{name!r} is none of {', '.join(known)}", param_hint="NAME")
    adapter = known[name]
    if not paths:
        print_text(inspect.getdoc(inspect.getmodule(adapter)) or adapter.about)
        if lack := lacking(adapter.packages, adapter.install):
            print_text(f"\nNot here: {lack}")
        return
    classifier = load_classifier(reading, running, quiet=writing.quiet)
    rejected = False
    try:
        for text, ok in _spoken(adapter, classifier, paths):
            print_text(text)
            rejected = rejected or not ok
    except BrokenPipeError:  # nobody listens any more; what is still buffered goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if rejected:
        raise click.exceptions.Exit(REJECTED)


def _spoken(
    adapter: type[Adapter], classifier: Classifier, paths: tuple[str, ...]
) -> Iterator[tuple[str, bool]]:
    if hasattr(adapter, "speak"):
        yield from adapter.speak(classifier, paths)
        return
    for result in _results(classifier, paths):
        yield adapter.tell(result), result.ok


def _results(classifier: Classifier, paths: tuple[str, ...]) -> Iterator[Result]:
    if paths != ("-",):
        from galedge.images.inputs import find

        yield from classifier.stream(find(paths))
        return
    for line in sys.stdin.buffer:
        if path := decoded(line.rstrip(b"\r\n")):
            yield classifier.classify(path)
