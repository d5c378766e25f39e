"""Answers beside what each was asked of: a row of a catalogue, an alert, a group of bands."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from galedge.answers.classifier import Classifier
    from galedge.answers.result import Result

__all__ = ["paired"]

Asked = TypeVar("Asked")


def paired(
    classifier: Classifier, asked: Iterable[tuple[Asked, Any]]
) -> Iterator[tuple[Asked, Result]]:
    """Yield what images are of with their answers, while further ones are still being read.

    Parameters
    ----------
    asked : iterable of pairs
        What an image is of, and the image, as `Classifier.stream` takes it.
    """
    waiting: deque[Asked] = deque()

    def sources() -> Iterator[Any]:
        for of, source in asked:
            waiting.append(of)
            yield source

    for result in classifier.stream(sources()):
        yield waiting.popleft(), result
