"""Ekos: its script after each capture, which answers for the file that it wrote.

Save this as a file, make it executable, and choose it in the Capture module (Scripts,
Post-Capture):

    #!/bin/sh
    [ $# -gt 0 ] || set -- -
    exec galedge adapters ekos -- "$@" >> "$HOME/galedge.txt" 2>&1

Ekos hands over JSON with the image's path: behind `-metadata`, or, newer, on standard input,
which is what the second line is for. Paths that stand there plainly do as well. Ekos goes on
whatever the exit code is, and shows it in its log: 0 classified, 3 rejected, 1 galedge itself
failed, 2 wrong usage.

Ekos waits for the script, about a second. `galedge watch FOLDER` on the folder of its images does
not keep it waiting, answers in milliseconds, and is the better choice for a whole night; images
that stay with the camera's driver are met by `galedge adapters indi`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from galedge.errors import GaledgeError
from galedge.nights.adapters import Adapter
from galedge.nights.adapters.plain import Plain, plain, tidy

if TYPE_CHECKING:
    from galedge.answers.classifier import Classifier

__all__ = ["ADAPTER", "Ekos", "images_of"]

_NAMES = ("image", "filename", "file", "path")


def images_of(arguments: Sequence[str]) -> list[str]:
    """Return the paths that a capture script was told of.

    Raises
    ------
    GaledgeError
        If there is none.
    """
    paths: list[str] = []
    given = list(arguments)
    while given:
        word = given.pop(0)
        if word == "-":
            given = [*_words(sys.stdin.read()), *given]
        elif word in ("-metadata", "--metadata"):
            continue  # what follows is JSON
        elif word.lstrip().startswith("{"):
            paths += _in_json(word)
        else:
            paths.append(tidy(word))
    if not paths:
        raise GaledgeError(f"Ekos named no image; it said {' '.join(arguments)[:200]!r}")
    return paths


def _words(text: str) -> list[str]:
    """Return JSON as one word, or a path a line."""
    text = text.strip()
    return [text] if text.startswith("{") else text.splitlines()


def _in_json(text: str) -> list[str]:
    try:
        told: Any = json.loads(text)
    except ValueError as error:
        raise GaledgeError(f"what Ekos said is no JSON: {error}") from None
    # Beside others may be one level down, such as "capture".
    for part in (told, *(value for value in told.values() if isinstance(value, dict))):
        for name in _NAMES:
            for key in (name, f"-{name}"):
                if isinstance(part.get(key), str) and part[key]:
                    return [tidy(part[key])]
    return []


class Ekos(Plain):
    """A line for the captured image."""

    about: ClassVar[str] = "Ekos: its script after each capture; a line for the image"

    @staticmethod
    def speak(classifier: Classifier, paths: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Yield a line for each image that the arguments name."""
        for path in images_of(paths):
            result = classifier.classify(path)
            yield plain(result), result.ok


ADAPTER: type[Adapter] = Ekos
