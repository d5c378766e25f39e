"""Hyrax: the catalogues of its FitsImageDataset in, and a table for its HyraxCSVDataset out.

    galedge adapters hyrax catalogue.csv FOLDER > answers.csv

A catalogue has the columns `object_id` and `filename`, and `filter` where an object has several
images; FOLDER is the dataset's `data_location`, by default the catalogue's own folder. The table
has `object_id` and `filter`, a column for each number that the model tells, `label` and `error`,
a row for each row of the catalogue. Objects of several filters have a row for each image. What
is no letter, digit or _ in a class's name is a _ in its column's, as hyrax asks for columns.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from galedge.nights.adapters import Adapter
from galedge.nights.adapters.catalogue import answers, line, numbers, read, told

if TYPE_CHECKING:
    from galedge.answers.classifier import Classifier
    from galedge.answers.result import Result

__all__ = ["ADAPTER", "Hyrax"]


class Hyrax:
    """Catalogue in, table out."""

    about: ClassVar[str] = "hyrax: catalogues of object_id and filename in, a table out"
    packages: ClassVar[tuple[str, ...]] = ()
    install: ClassVar[str] = ""

    @staticmethod
    def tell(result: Result) -> str:
        """Return a line of the table, named by the file."""
        return _line(result.path, "", result)

    @staticmethod
    def speak(classifier: Classifier, paths: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Yield the line of names, then one for each row of a catalogue."""
        path, folder = paths[0], paths[1] if len(paths) > 1 else os.path.dirname(paths[0])
        names = [re.sub(r"\W", "_", column.name) for column in told(classifier.heads)]
        yield line(["object_id", "filter", *names, "label", "error"]), True
        rows = read(path, ["object_id", "filter?", "filename"], folder)
        for (name, band, _), result in answers(classifier, rows):
            yield _line(name, band, result), result.ok


def _line(name: str, band: str, result: Result) -> str:
    return line([name, band, *numbers(result), result.label, result.error])


ADAPTER: type[Adapter] = Hyrax
