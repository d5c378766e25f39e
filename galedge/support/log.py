"""The logger ``galedge``: what the command line says, and what nobody foresaw."""

from __future__ import annotations

import logging
import threading
from traceback import extract_tb

__all__ = ["LOG", "unforeseen"]

LOG = logging.getLogger("galedge")

_told: set[tuple[type, str, int]] = set()
_lock = threading.Lock()


def unforeseen(error: Exception, name: str) -> str:
    """Log an exception that is a fault of galedge's, and return the sentence for its row.

    One image or frame must not end a run, whatever it raises. The traceback is logged
    once for each place that raises: a night of such images does not fill the disk.

    Parameters
    ----------
    error : Exception
        What was caught, of any kind but galedge's own.
    name : str
        The file or source; may be empty.
    """
    if isinstance(error, MemoryError):
        return "there is not enough memory for this image"
    sentence = f"internal error: {type(error).__name__}: {error}; please report it"
    frames = extract_tb(error.__traceback__)
    place = (type(error), frames[-1].filename, frames[-1].lineno or 0) if frames else None
    with _lock:
        known = place in _told
        if place is not None:
            _told.add(place)
    LOG.error("%s: %s", name or "a source", sentence, exc_info=None if known else error)
    return sentence
