"""What can go wrong, as one tree.

::

    GaledgeError
    ├── ReadError            a file or buffer could not be turned into pixels
    │   ├── Truncated        fewer bytes than its header promises
    │   ├── Unsupported      valid, but not something galedge reads
    │   ├── TooLarge         over a limit that the caller can raise
    │   └── Blank            no usable pixels: all NaN, or all of one value
    ├── ModelError           a model bundle is missing, damaged or foreign
    └── OutputError          a result could not be written

Messages name the file, the cause and, where there is one, the remedy.
"""

from __future__ import annotations

__all__ = [
    "Blank",
    "GaledgeError",
    "ModelError",
    "OutputError",
    "ReadError",
    "TooLarge",
    "Truncated",
    "Unsupported",
]


class GaledgeError(Exception):
    """Base class of every error that galedge raises on purpose."""


class ReadError(GaledgeError):
    """A file or buffer could not be turned into pixels."""


class Truncated(ReadError):
    """Fewer bytes than the header promises."""


class Unsupported(ReadError):
    """Valid, but not something galedge reads; the message says what would."""


class TooLarge(ReadError):
    """Over a limit that the caller can raise."""


class Blank(ReadError):
    """No usable pixels: all NaN, or all of one value."""


class ModelError(GaledgeError):
    """A model bundle is missing, damaged or foreign."""


class OutputError(GaledgeError):
    """A result could not be written."""
