"""A command that is run for each image, or one that is kept: for RTS2, NINA, Ekos, shell scripts.

What runs the telescope starts

    galedge adapters command IMAGE

and gets a line of JSON, the row of `galedge classify --json`, and an exit code: 0
classified, 3 rejected (the row says why), 1 galedge itself failed, 2 wrong usage. Starting
takes longer than an answer, so a script that can hold a pipe open starts

    galedge adapters command -

once, writes a path a line, and reads a line for each as soon as it is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from galedge.answers.result import columns
from galedge.nights.adapters import Adapter
from galedge.tables.formats.jsonl import json_line

if TYPE_CHECKING:
    from galedge.answers.result import Result

__all__ = ["ADAPTER", "Command"]


class Command:
    """Path in, JSON out."""

    about: ClassVar[str] = "programs that run a command for each image: RTS2, NINA, Ekos, scripts"
    packages: ClassVar[tuple[str, ...]] = ()
    install: ClassVar[str] = ""

    @staticmethod
    def tell(result: Result) -> str:
        """Return the row as a JSON object."""
        return json_line(columns(result.heads), result.as_row())


ADAPTER: type[Adapter] = Command
