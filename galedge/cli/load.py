"""The classifier that a command's options ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from galedge.support.say import say

if TYPE_CHECKING:
    from galedge.answers.classifier import Classifier

__all__ = ["load_classifier"]


def load_classifier(*, quiet: bool, **options: Any) -> Classifier:
    """Return a classifier; say what a user should know who did not ask for its engine."""
    from galedge.answers.classifier import Classifier

    try:
        classifier = Classifier(**options)
    except ValueError as error:  # two options that contradict each other
        raise click.UsageError(str(error)) from None
    if classifier.model.choice.warning and not quiet:
        say(classifier.model.choice.warning)
    return classifier
