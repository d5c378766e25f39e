"""Zoobot: its catalogues in, and a table like its predictions out.

    galedge adapters zoobot catalogue.csv > predictions.csv

A catalogue has the columns `id_str` and `file_loc`, as `predict_on_catalog` takes it, in any
format that galedge reads. The table has a column for each number that the model tells, `p_E` to
`p_bar`, where Zoobot has its `label_cols`, then `id_str`; `error` comes last and is empty where
there is an answer, whose numbers are empty where there is none. What `FILE` is relative to is
where you are, as for Zoobot, or else the catalogue's folder.

    predictions = pd.read_csv("predictions.csv", dtype={"id_str": str})
    catalogue.merge(predictions, on="id_str")
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from galedge.nights.adapters import Adapter
from galedge.nights.adapters.catalogue import answers, line, numbers, read, told

if TYPE_CHECKING:
    from galedge.answers.classifier import Classifier
    from galedge.answers.result import Result

__all__ = ["ADAPTER", "Zoobot"]


class Zoobot:
    """Catalogue in, predictions out."""

    about: ClassVar[str] = "Zoobot: catalogues of id_str and file_loc in, predictions out"
    packages: ClassVar[tuple[str, ...]] = ()
    install: ClassVar[str] = ""

    @staticmethod
    def tell(result: Result) -> str:
        """Return a line of predictions, named by the file."""
        return line([*numbers(result), result.path, result.error])

    @staticmethod
    def speak(classifier: Classifier, paths: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Yield the line of names, then one for each row of catalogues."""
        names = [column.name for column in told(classifier.heads)]
        yield line([*names, "id_str", "error"]), True
        for path in paths:
            for (name, _), result in answers(classifier, read(path, ["id_str", "file_loc"])):
                yield line([*numbers(result), name, result.error]), result.ok


ADAPTER: type[Adapter] = Zoobot
