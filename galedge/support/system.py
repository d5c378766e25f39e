"""What operating systems do differently, under one set of names.

`galedge.support.posix` and `galedge.support.windows` have the same names; nothing else in
galedge asks which system it runs on, save what only asks Linux about its processor.
"""

from __future__ import annotations

import sys

# A twin is taken by its name, as `sys.platform` is known to type checkers for one system only.
if sys.platform == "win32":
    from galedge.support import windows as _own
else:
    from galedge.support import posix as _own

__all__ = [
    "STOPS",
    "Bell",
    "append_to",
    "as_typed",
    "cache_root",
    "decoded",
    "events",
    "follow",
    "is_deaf",
    "lock",
    "open_read",
    "read_at",
    "remove",
    "remove_left",
    "remove_open",
    "replace",
    "slashed",
    "sync_folder",
]

STOPS = _own.STOPS
Bell = _own.Bell
append_to = _own.append_to
as_typed = _own.as_typed
cache_root = _own.cache_root
decoded = _own.decoded
events = _own.events
follow = _own.follow
is_deaf = _own.is_deaf
lock = _own.lock
open_read = _own.open_read
read_at = _own.read_at
remove = _own.remove
remove_left = _own.remove_left
remove_open = _own.remove_open
replace = _own.replace
slashed = _own.slashed
sync_folder = _own.sync_folder
