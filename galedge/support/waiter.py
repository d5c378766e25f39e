"""Waiting that a signal ends, or an event in a folder where the system tells of them."""

from __future__ import annotations

import os
from contextlib import suppress

from galedge.errors import GaledgeError
from galedge.support import system

__all__ = ["Waiter"]


class Waiter:
    """Waits, until a time is over or something happens.

    Attributes
    ----------
    stopped : bool
        Whether `stop` was called.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._bell = system.Bell()
        self._events = -1

    def stop(self, *_: object) -> None:
        """End all waiting, now and later; fit to handle a signal."""
        if self.stopped:
            raise KeyboardInterrupt  # asked twice: at once, then
        self.stopped = True
        self._bell.ring()

    def wait(self, seconds: float) -> None:
        """Wait so long; less if stopped, or if something happens in a folder."""
        if self.stopped:
            return
        if self._bell.wait(seconds, *[self._events] * (self._events >= 0)):
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
        if self._events < 0:
            self._events = system.events()
        if self._events < 0:
            raise GaledgeError("inotify is not to be had on this system; leave --inotify out")
        system.follow(self._events, folder)
