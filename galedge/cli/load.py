"""The classifier that a command's options ask for."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from galedge.support.say import counted, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from galedge.answers.classifier import Classifier
    from galedge.cli.settings import Reading, Running

    Rows = Callable[[list[Any]], Iterable[Any]]

__all__ = ["arguments", "fitting", "load_classifier", "provenance"]


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
