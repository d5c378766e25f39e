"""What ``galedge info`` prints of galedge itself: all that has a name, and what is missing here."""

from __future__ import annotations

from collections.abc import Iterator

from galedge._version import __version__
from galedge.core.backend import _core, is_compiled
from galedge.network.engine import absent
from galedge.network.engines import engines
from galedge.network.heads import kinds
from galedge.nights.adapters import adapters
from galedge.support.extras import lacking
from galedge.tables.formats import formats

__all__ = ["abilities", "names"]


def names() -> dict[str, list[str]]:
    """Return what this galedge knows by name, each kind of thing from its one place."""
    return {
        "codecs": list(_core.codecs()),
        "framings": _core.framings(),
        "stretches": _core.stretches(),
        "heads": list(kinds()),
        "tables": list(formats()),
        "engines": list(engines()),
        "adapters": list(adapters()),
    }


def abilities() -> Iterator[str]:
    """Yield the names, and what is missing for any of them here, line by line."""
    core = f"compiled core ({_core.isa()})" if is_compiled else "no compiled core"
    yield f"galedge {__version__}, {core}"
    for kind, known in names().items():
        yield f"  {kind:<11} {' '.join(known)}"
    for codec, package in _core.codecs().items():
        if package and (reason := lacking([package], "pip install 'galedge[codecs]'")):
            yield f"  not here: codec {codec} {reason}"
    if reason := lacking(["imagecodecs"], "pip install 'galedge[pictures]'"):
        yield f"  not here: PNG and TIFF in colour of 16 bits {reason}"
    for extension, written_as in formats().items():
        if reason := lacking(written_as.needs, "pip install 'galedge[tables]'"):
            yield f"  not here: {extension} {reason}"
    for engine in engines():
        if reason := absent(engine):
            yield f"  not here: {reason}"
    for name, adapter in adapters().items():
        if reason := lacking(adapter.packages, adapter.install):
            yield f"  not here: adapter {name} {reason}"
