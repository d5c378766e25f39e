"""Adapters: galedge's place in what runs an observatory; one a module, which has it as `ADAPTER`.

Packages of others bring theirs by entry points of the group ``galedge.adapters``, each of
which names such a class.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, ClassVar, Protocol

from galedge.errors import GaledgeError
from galedge.support.places import everything

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from galedge.answers.classifier import Classifier
    from galedge.answers.result import Result

__all__ = ["Adapter", "Speaker", "adapters"]


class Adapter(Protocol):
    """Speaks to one kind of observatory; the module's documentation says how it is set up."""

    about: ClassVar[str]
    """What it is for, in a line."""
    packages: ClassVar[tuple[str, ...]]
    """What it imports, when it is used."""
    install: ClassVar[str]
    """The line that installs that."""

    @staticmethod
    def tell(result: Result) -> str:
        """Return what the observatory is told of one galaxy, as text."""
        ...


class Speaker(Adapter, Protocol):
    """An adapter that is called by other things than images: by alerts, tables, arguments."""

    @staticmethod
    def speak(classifier: Classifier, paths: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Yield what is printed, for what the command was called with, and whether it is an answer.

        Raises
        ------
        GaledgeError
            If it was called with what it cannot make sense of.
        """
        ...


def adapters() -> dict[str, type[Adapter]]:
    """Return the adapters by name: galedge's own, then those of other packages.

    Raises
    ------
    GaledgeError
        If another package's cannot be imported.
    """
    found: dict[str, type[Adapter]] = everything(__name__, "ADAPTER")
    for point in sorted(entry_points(group="galedge.adapters"), key=lambda point: point.name):
        try:
            found.setdefault(point.name, point.load())
        except Exception as error:
            raise GaledgeError(
                f"adapter {point.name} ({point.value}) cannot be imported: {error}; repair or "
                "uninstall the package that brings it"
            ) from error
    return found
