"""What a command says: results on standard output, all else on standard error."""

from __future__ import annotations

import io
import sys
from typing import TextIO

import click

from galedge.errors import OutputError
from galedge.support.system import is_deaf

__all__ = ["counted", "duration", "is_terminal", "print_text", "printable", "say", "speak_utf8"]


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether somebody watches a stream."""
    return stream is not None and stream.isatty()  # None: closed before we came


def print_text(text: str) -> None:
    """Print to standard output, whatever names and headers hold.

    Raises
    ------
    BrokenPipeError
        If nobody reads it any more.
    OutputError
        If there is no room.
    """
    try:
        click.echo(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        if is_deaf(error):
            raise BrokenPipeError(*error.args) from error
        raise OutputError(f"standard output: {error.strerror}") from error


def speak_utf8() -> None:
    """Let help and messages be UTF-8, as tables are, whatever a system's code page.

    A console shows characters itself; what another program reads would be of the code page
    else, and help would end with an error at the first character that is not in that.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def say(message: str) -> None:
    """Print a line on standard error; whoever listens to the logger hears it too."""
    from galedge.support.log import LOG  # here, because help says nothing

    text = printable(message)
    click.echo(f"galedge: {text}", err=True)
    LOG.info("%s", text)


def printable(text: str) -> str:
    """Escape what a terminal would obey and what UTF-8 cannot hold."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def counted(number: int, noun: str) -> str:
    """Return a number of things."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
