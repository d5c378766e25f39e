"""The classifier that a command's options ask for."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from galedge.support.say import counted, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from galedge.answers.classifier import Classifier
    from galedge.cli.settings import Reading, Running

    Rows = Callable[[list[Any]], Iterable[Any]]

__all__ = ["arguments", "fitting", "load_classifier", "measured_if_long", "provenance"]

LONG = 50_000  # images for which a few seconds of measuring engines are earned back


def arguments(reading: Reading, running: Running) -> dict[str, Any]:
    """Return what the options ask of a classifier, as its arguments."""
    asked = asdict(reading) | asdict(running)
    if running.prior == "fit":  # which is done with the answers, when all are there
        asked["prior"] = None
    return asked


def load_classifier(
    reading: Reading, running: Running, *, quiet: bool, **further: Any
) -> Classifier:
    """Return a classifier; say what a user should know who did not ask for its engine."""
    from galedge.answers.classifier import Classifier

    try:
        classifier = Classifier(**arguments(reading, running), **further)
    except ValueError as error:  # two options that contradict each other
        raise click.UsageError(str(error)) from None
    if classifier.model.choice.warning and not quiet:
        say(classifier.model.choice.warning)
    return classifier


def measured_if_long(running: Running, paths: Sequence[str], *, quiet: bool) -> Running:
    """Measure the engines before a long run that leaves the choice to galedge; return what runs.

    Once for a machine, a model and its engines: what is found is remembered as that of
    `galedge engines` is. Nothing is measured where there is but one engine.
    """
    from galedge.images.inputs import find
    from galedge.network.engine import absent
    from galedge.network.engines import engines
    from galedge.network.model import find_card
    from galedge.network.speeds import keep, measure_all, recall

    names = [
        name for name, kind in engines().items() if "cpu" in kind.devices and absent(name) is None
    ]
    if running.engine != "auto" or running.device not in (None, "cpu") or len(names) < 2:
        return running
    card = find_card(running.model)
    if next(islice(find(paths), LONG - 1, None), None) is None or recall(card):
        return running
    begin = time.perf_counter()
    speeds, _ = measure_all(card, ("cpu",))
    usable = [speed for speed in speeds if running.precision in (None, speed.precision)]
    if not usable:
        return running
    best = usable[0]
    if not quiet:
        say(
            f"{counted(LONG, 'image')} or more: measured {' and '.join(names)} in "
            f"{time.perf_counter() - begin:.1f} s; {best.engine} is fastest here, "
            f"{best.image * 1e6:.0f} us an image"
        )
    if keep(card, speeds):
        return running  # and `auto` is what was measured
    return replace(running, engine=best.engine)


def provenance(classifier: Classifier) -> dict[str, str]:
    """Return what makes the rows of a table, for tables and pages that say so."""
    made_by = {
        "model": classifier.model.card.name,
        "model_sha256": classifier.model.sha256,
        "recipe_sha256": classifier.recipe.sha256,
    }
    if classifier.prior is not None:
        from galedge.answers.prior import shown

        made_by["prior"] = shown(tuple(classifier.prior.items()))
    return made_by


def fitting(classifier: Classifier, about: dict[str, str], quiet: bool, stream: Rows) -> Rows:
    """Return a stream whose rows go by the prior that they tell, which `about` is told, too."""
    from galedge.answers.prior import Shares, fitted, shown

    try:
        head = classifier.heads.adjustable
    except ValueError as error:
        raise click.UsageError(f"--{error}") from None

    def told(shares: Shares, number: int) -> None:
        about["prior"] = shown(shares)
        about["prior_by"] = f"fit to {number} answers"
        if not quiet:
            say(f"prior, as {counted(number, 'answer')} tell it: {about['prior']}")
            if number < 5 * len(head.names):
                say("prior: so few answers say little; most of it is the model's own")

    return lambda inputs: fitted(stream(inputs), classifier.heads, told)
