"""Sources by the handful: what a worker takes at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from galedge.images.image import Image

__all__ = ["CHUNK_BYTES", "chunks", "in_turn"]

CHUNK_BYTES = 64 << 20  # of sources in memory; two chunks a worker are in flight

Source = TypeVar("Source")


def in_turn(sources: Any) -> Any:
    """Return sources to go through: of a single path, bytes or image that, not its letters."""
    return [sources] if isinstance(sources, str | bytes | os.PathLike | Image) else sources


def chunks(sources: Iterable[Source], size: int) -> Iterator[list[Source]]:
    """Yield lists of at most `size` sources, of fewer where they are large."""
    chunk: list[Source] = []
    held = 0
    for source in sources:
        chunk.append(source)
        held += _bytes(source)
        if len(chunk) >= size or held >= CHUNK_BYTES:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk


def _bytes(source: object) -> int:
    """Return how much memory a source holds before it is read."""
    if isinstance(source, Image):
        source = source.data
    held = getattr(source, "nbytes", 0)  # of whatever library's arrays
    return len(source) if isinstance(source, bytes) else held if isinstance(held, int) else 0
