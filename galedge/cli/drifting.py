"""What a run's rows are compared with: a table of the same camera, or the model's card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galedge.errors import ModelError

if TYPE_CHECKING:
    from galedge.answers.classifier import Classifier
    from galedge.cli.settings import Writing
    from galedge.tables.drift import Monitor
    from galedge.tables.reference import Reference

__all__ = ["monitor", "reference_in"]


def monitor(writing: Writing, classifier: Classifier) -> Monitor | None:
    """Return what watches a run's rows; None where there is nothing to compare them with."""
    from galedge.tables.drift import Monitor
    from galedge.tables.reference import Reference

    if writing.reference is not None:
        return Monitor(reference_in(writing.reference))
    card = classifier.model.card
    if "reference" not in card.fields:
        return None
    try:
        name = f"any camera that {card.name} was calibrated through"
        return Monitor(Reference.from_json(name, card.fields["reference"]))
    except ValueError as error:
        raise ModelError(f"{card.folder / 'card.json'}: {error}") from None


def reference_in(path: str) -> Reference:
    """Read a table that rows are compared with."""
    from galedge.tables.readtable import read_table
    from galedge.tables.reference import Reference

    return Reference.of_table(read_table(path))
