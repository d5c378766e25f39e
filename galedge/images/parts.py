"""All images of a file, each a source of its own: what ``hdu="all"`` asks for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from galedge.errors import GaledgeError
from galedge.images.arrays import images_in
from galedge.images.image import describe
from galedge.images.inputs import Rejected
from galedge.images.kinds import is_plane

__all__ = ["ALL", "Part", "parted", "parts_of"]

#: The choice of all HDUs; one of that name can still be asked for as ``"ALL"``.
ALL = "all"

_FILES = 256  # whose headers are read before their images are classified

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Part:
    """One image of a source that holds several."""

    source: Any
    hdu: int

    @property
    def path(self) -> str:
        """The file's path; empty for what has none."""
        return _path(self.source)


def parts_of(source: Any, any_kind: bool = False) -> list[Any]:
    """Return a source's images; itself, where it has no several, or why they cannot be told.

    Weights, masks and noise of others are left out, unless `any_kind`.
    """
    numbers = images_in(source, any_kind)
    if numbers is None:
        if not isinstance(source, str | os.PathLike | bytes):
            return [source]
        try:
            numbers = [
                found.index
                for found in describe(source)
                if found.kind.endswith("image")
                and len(found.shape) > 1
                and 0 not in found.shape
                and (any_kind or not is_plane(found.header.text))
            ]
        except GaledgeError as error:
            path = _path(source)
            return [Rejected(path, str(error).removeprefix(f"{path}: "))]
    return [source] if len(numbers) < 2 else [Part(source, number) for number in numbers]


def parted(
    stream: Callable[[list[Any]], Iterable[_Row]], any_kind: bool
) -> Callable[[list[Any]], Iterator[_Row]]:
    """Return a stream of files that has `stream` do all their images."""

    def each(files: list[Any]) -> Iterator[_Row]:
        for start in range(0, len(files), _FILES):
            few = files[start : start + _FILES]
            yield from stream([part for file in few for part in parts_of(file, any_kind)])

    return each


def _path(source: Any) -> str:
    return os.fspath(source) if isinstance(source, str | os.PathLike) else ""
