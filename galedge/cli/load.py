"""The classifier that a command's options ask for."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from galedge.support.say import say

if TYPE_CHECKING:
    from galedge.answers.classifier import Classifier
    from galedge.cli.settings import Reading, Running

__all__ = ["arguments", "load_classifier", "provenance"]


def arguments(reading: Reading, running: Running) -> dict[str, Any]:
    """Return what the options ask of a classifier, as its arguments."""
    return asdict(reading) | asdict(running)


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
    return {
        "model": classifier.model.card.name,
        "model_sha256": classifier.model.sha256,
        "recipe_sha256": classifier.recipe.sha256,
    }
