"""The command line: parse, call, print; one command a module.

Results go to standard output, everything else to standard error. Whatever is
heavy is imported inside the commands, so that ``galedge --help`` is quick.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

import click

from galedge._version import __version__
from galedge.cli.run import FATAL, INTERRUPTED
from galedge.errors import GaledgeError
from galedge.support.places import names
from galedge.support.say import say, speak_utf8
from galedge.support.system import STOPS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cli", "main"]


_PLACE = "galedge.cli.commands"


class _Commands(click.Group):
    """A group that imports a command when it is asked for.

    Each is the function of that name in the module of that name.
    """

    def list_commands(self, context: click.Context) -> list[str]:
        return list(names(_PLACE))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in names(_PLACE):
            return None
        command = getattr(importlib.import_module(f"{_PLACE}.{name}"), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="galedge")
def cli() -> None:
    """Galaxy morphology at the telescope."""


_stopped = False


def _terminate(signum: int, frame: object) -> NoReturn:
    global _stopped
    _stopped = True
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.
    """
    # Said as a line of the run's log instead, see tabulate.
    warnings.filterwarnings("ignore", "this galedge has no compiled core")
    warnings.filterwarnings("ignore", module=r"PIL\.")  # what is wrong with a picture its row says
    for each in STOPS:
        if each != signal.SIGINT or signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, _terminate)  # all end cleanly
    speak_utf8()
    try:
        # The arguments are kept for tables, which say what made them.
        given = sys.argv[1:] if arguments is None else list(arguments)
        code = cli.main(given, prog_name="galedge", standalone_mode=False, obj=given)
    except (KeyboardInterrupt, click.Abort):
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except GaledgeError as error:
        say(str(error))
        code = FATAL
    except Exception as error:
        if _stopped:  # in the middle of a library's import, say, which is then half there
            code = INTERRUPTED
        elif os.environ.get("GALEDGE_DEBUG"):
            raise
        else:
            kind = type(error).__name__
            say(f"internal error: {kind}: {error}; GALEDGE_DEBUG=1 shows where: please report it")
            code = FATAL
    if code == INTERRUPTED:
        # A worker may hang on a disk that is gone, and leaving would wait for it.
        with suppress(OSError):
            if sys.stdout is not None:
                sys.stdout.flush()
        os._exit(code)
    sys.exit(code)
