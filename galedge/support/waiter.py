"""Waiting that a signal ends, or an event in a folder where the system tells of them."""

from __future__ import annotations

import ctypes
import os
import select
from contextlib import suppress

from galedge.errors import GaledgeError

__all__ = ["Waiter"]

# From <sys/inotify.h>.
_CREATE, _CLOSE_WRITE, _MOVED_TO, _ONLYDIR = 0x100, 0x8, 0x80, 0x01000000


class Waiter:
    """Waits, until a time is over or something happens.

    Attributes
    ----------
    stopped : bool
        Whether `stop` was called.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._libc = ctypes.CDLL(None)
        self._events = -1

    def stop(self, *_: object) -> None:
        """End all waiting, now and later; fit to handle a signal."""
        if self.stopped:
            raise KeyboardInterrupt  # asked twice: at once, then
        self.stopped = True
        with suppress(OSError):
            os.write(self._writer, b"x")

    def wait(self, seconds: float) -> None:
        """Wait so long; less if stopped, or if something happens in a folder."""
        if self.stopped:
            return
        sources = [self._reader] + [self._events] * (self._events >= 0)
        happened, _, _ = select.select(sources, [], [], seconds)
        if self._events in happened:
            with suppress(BlockingIOError):
                while os.read(self._events, 1 << 16):
                    pass

    def follow(self, folder: str) -> None:
        """Wake when files come into a folder.

        Raises
        ------
        GaledgeError
            If the system does not tell of events.
        """
        if self._events < 0 and hasattr(self._libc, "inotify_init1"):
            self._events = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._events < 0:
            raise GaledgeError("inotify is not to be had on this system; leave --inotify out")
        mask = _CREATE | _CLOSE_WRITE | _MOVED_TO | _ONLYDIR
        # Twice is once; a folder that is gone, or one too many, is left to the polling.
        self._libc.inotify_add_watch(self._events, os.fsencode(folder), mask)
