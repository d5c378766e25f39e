"""What programs of the night are told in one line, and their arguments as they really come."""

from __future__ import annotations

import re
from typing import ClassVar
from urllib.parse import unquote

from galedge.answers.result import Result
from galedge.support.say import printable

__all__ = ["Plain", "plain", "shown", "tidy"]


def plain(result: Result, name: str = "") -> str:
    """Return an answer as one line of ASCII: path, class, probability, T-type, flags.

    ``a.fits: Sb 0.83, T 3.1 +- 1.2 [small]`` or ``a.fits: rejected: ...``; what the model
    does not tell is left out.
    """
    said = []
    if result.error is not None:
        said = [f"rejected: {result.error}"]
    elif result.label is not None:
        said = [f"{result.label} {result.probability or 0:.2f}"]
    else:
        said = ["no label"]
    if result.error is None and result.t_type is not None:
        said.append(f"T {result.t_type:.1f} +- {result.t_type_error or 0:.1f}")
    flags = f" [{' '.join(result.flags)}]" if result.flags else ""
    line = f"{name or result.path}: {', '.join(said)}{flags}"
    return shown(line)


def shown(text: str) -> str:
    """Return a text as any console can show it."""
    return printable(text).encode("ascii", "backslashreplace").decode()


def tidy(argument: str) -> str:
    r"""Return a path as it was meant, of an argument that went through Windows' command line.

    ``"C:\Images\"`` arrives as ``C:\Images"``, since the backslash takes the quote's meaning;
    some programs hand over quotes or a file's URL. What is no such thing is left alone.
    """
    text = argument.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    windows = re.match(r"[A-Za-z]:[\\/]|\\\\", text)
    if windows:
        text = text.rstrip('"')
    if text.lower().startswith("file:"):
        text = unquote(text[5:])
        text = re.sub(r"^/*(?=/)", "", text)  # file:///home/me, file:/home/me
        text = re.sub(r"^/(?=[A-Za-z]:[\\/])", "", text)  # file:///C:/Images
    return text


class Plain:
    """What adapters share that need no package and tell an answer in one line."""

    packages: ClassVar[tuple[str, ...]] = ()
    install: ClassVar[str] = ""

    @staticmethod
    def tell(result: Result) -> str:
        """Return the line."""
        return plain(result)
