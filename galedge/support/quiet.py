"""Libraries that talk: what they say belongs neither into a table nor before a user's eyes."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet"]

# Python's list of warning filters is one for all threads: who changes and restores
# it alone leaves it as it was.
_alone = threading.RLock()


class _NotThisThread(logging.Filter):
    """Lets pass what other threads say."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record may be shown."""
        return record.thread != self._thread


@contextmanager
def quiet() -> Iterator[None]:
    """Keep astropy from saying anything while it works for us.

    It warns of much that is no concern of a user's, and its log tells other things
    on standard *output*, where tables go. One thread at a time; those that wait are
    held up no longer than astropy, which lets none work beside it anyway.
    """
    with _alone, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log = logging.getLogger("astropy") if "astropy" in sys.modules else None
        silent = _NotThisThread()
        if log is not None:
            log.addFilter(silent)
        try:
            yield
        finally:
            if log is not None:
                log.removeFilter(silent)
