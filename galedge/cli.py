"""The command line: parse, call, print.

Results go to standard output, everything else to standard error. Whatever is
heavy is imported inside the commands, so that ``galedge --help`` is quick.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TextIO

import click

from galedge._version import __version__
from galedge.errors import GaledgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from galedge.inputs import Rejected
    from galedge.result import Cell

__all__ = ["cli", "main"]

FATAL, REJECTED, INTERRUPTED = 1, 3, 130  # 2 is click's, for wrong usage

_SHOWN_REJECTIONS = 10  # on standard error; the table has them all


def _frame(context: click.Context, option: click.Parameter, value: str | None) -> str | int | None:
    """Check ``--frame``: auto, full or a number of pixels."""
    if value is None or value in ("auto", "full"):
        return value
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is none of auto, full, or a number of pixels")
    return int(value)


_paths = click.argument("paths", metavar="PATH...", nargs=-1, required=True)
_output = click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the table here, whole or not at all: .csv or .jsonl. "
    "Default: CSV on standard output, row by row.",
)
_workers = click.option(
    "--workers",
    type=click.IntRange(1),
    metavar="N",
    help="Threads. Default: the CPUs this process may use.",
)
_quiet = click.option("-q", "--quiet", is_flag=True, help="Nothing on standard error but failures.")
_hdu = click.option(
    "--hdu",
    type=click.IntRange(0),
    metavar="N",
    help="HDU of FITS files. Default: the first with an image.",
)
_plane = click.option(
    "--plane",
    type=click.IntRange(0),
    metavar="N",
    help="Plane of cubes. Default: a cube of three is a colour image.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="galedge")
def cli() -> None:
    """Galaxy morphology at the telescope."""


@cli.command()
@_paths
@_output
@click.option("--model", metavar="NAME|FOLDER", help="Model bundle. Default: the shipped one.")
@_workers
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    metavar="N",
    help="Images a worker takes at a time.",
)
@_hdu
@_plane
@click.option(
    "--frame",
    callback=_frame,
    metavar="auto|full|PIXELS",
    help="Find the galaxy and frame it, take the largest square, or a centred "
    "square of so many pixels. Default: as the model was trained.",
)
@click.option(
    "--precision",
    type=click.Choice(["int8", "fp32"]),
    help="Default: int8 where the model has it.",
)
@_quiet
def classify(
    paths: tuple[str, ...],
    output: str | None,
    model: str | None,
    workers: int | None,
    batch: int,
    hdu: int | None,
    plane: int | None,
    frame: str | int | None,
    precision: str | None,
    quiet: bool,
) -> None:
    """Classify images: files, and folders to the bottom.

    One row for each image, also for one that had to be rejected. FITS (plain
    or compressed), JPEG, PNG, TIFF and NumPy files.
    """
    _refuse_overwriting(output, paths)
    from galedge.classify import Classifier
    from galedge.result import columns

    classifier = Classifier(
        model,
        workers=workers,
        batch=batch,
        hdu=hdu,
        plane=plane,
        frame=frame,
        precision=precision,
    )
    names = columns(classifier.model.card.classes)
    _tabulate(paths, output, names, classifier.stream, "classified", quiet)


@cli.command()
@_paths
@_output
@_workers
@_hdu
@_plane
@_quiet
def measure(
    paths: tuple[str, ...],
    output: str | None,
    workers: int | None,
    hdu: int | None,
    plane: int | None,
    quiet: bool,
) -> None:
    """Measure structure: concentration, asymmetry, smoothness, Gini, M20, shape.

    Images are found, and rows written, as by classify. Needs linear pixels, and
    Numba: pip install 'galedge[measure]'.
    """
    _refuse_overwriting(output, paths)
    from galedge.measure import COLUMNS, Measurer

    measurer = Measurer(workers=workers, hdu=hdu, plane=plane)
    _tabulate(paths, output, COLUMNS, measurer.stream, "measured", quiet)


class _Row(Protocol):
    """What a command says about one image."""

    @property
    def path(self) -> str: ...
    @property
    def error(self) -> str | None: ...
    def as_row(self) -> dict[str, Cell]: ...


def _tabulate(
    paths: Sequence[str],
    output: str | None,
    columns: Sequence[str],
    stream: Callable[[list[str | Rejected]], Iterable[_Row]],
    done: str,
    quiet: bool,
) -> None:
    """Write one row for each image that `paths` stand for, and leave by its exit code."""
    from galedge._backend import SLOW, is_compiled
    from galedge.catalog import open_table
    from galedge.inputs import find

    log = _Log(done, quiet, bar=output is not None or not _is_terminal(sys.stdout))
    if not is_compiled:
        log.note(SLOW)
    try:
        with open_table(output, columns) as table:
            inputs = list(find(paths))
            for result in log.watch(stream(inputs), len(inputs)):
                table.write(result.as_row())
    except KeyboardInterrupt:
        kept = "no table was written" if output else "the rows so far are complete"
        log.end(f"interrupted after {log.done:,} images; {kept}")
        raise click.exceptions.Exit(INTERRUPTED) from None
    except BrokenPipeError:  # as in `galedge classify ... | head`
        return
    finally:
        log.close()
    log.end(log.summary())
    if log.rejected:
        raise click.exceptions.Exit(REJECTED)


def _refuse_overwriting(output: str | None, paths: Sequence[str]) -> None:
    """Refuse an output that is a folder or one of the inputs."""
    if output is None or not os.path.exists(output):
        return
    if os.path.isdir(output):
        raise click.UsageError(f"-o {_printable(output)}: is a folder; name a file in it")
    if any(os.path.exists(path) and os.path.samefile(path, output) for path in paths):
        raise click.UsageError(
            f"-o {_printable(output)}: is also an input; raw data are never replaced"
        )


class _Log:
    """What a run says on standard error: progress, rejections, a summary."""

    def __init__(self, verb: str, quiet: bool, bar: bool) -> None:
        self.done = self.rejected = 0
        self._verb = verb
        self._quiet = quiet
        self._start = time.perf_counter()
        self._wants_bar = bar and not quiet and _is_terminal(sys.stderr)
        self._bar: Any = None

    def watch(self, results: Iterable[_Row], total: int) -> Iterable[_Row]:
        """Pass results on, and say how it goes."""
        if self._wants_bar:
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit=" images", leave=False, dynamic_ncols=True)
        for result in results:
            yield result
            self.done += 1
            if self._bar is not None:
                self._bar.update()
            if result.error is not None:
                self.rejected += 1
                self._reject(result.path, result.error)

    def _reject(self, path: str, error: str) -> None:
        if self._quiet or self.rejected > _SHOWN_REJECTIONS + 1:
            return
        if self.rejected > _SHOWN_REJECTIONS:
            message = "further rejected files are listed in the table only"
        else:
            message = f"{path}: {error}"
        if self._bar is not None:
            self._bar.clear()
        _say(message)

    def summary(self) -> str:
        """Return how many, how long, how fast."""
        seconds = time.perf_counter() - self._start
        count = self.done - self.rejected
        text = f"{self._verb} {count:,} image{'s' * (count != 1)} in {_duration(seconds)}"
        text += f" ({self.done / max(seconds, 1e-9):,.0f}/s)"
        return text + (f"; {self.rejected:,} rejected" if self.rejected else "")

    def close(self) -> None:
        """Take the progress bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def note(self, text: str) -> None:
        """Say something unless told to be quiet."""
        if not self._quiet:
            _say(text)

    def end(self, text: str) -> None:
        """Say the last word."""
        self.close()
        self.note(text)


@cli.command()
@click.argument("file")
@_hdu
@_plane
def info(file: str, hdu: int | None, plane: int | None) -> None:
    """Show what galedge sees in a file, and how it would frame it."""
    from galedge.show import describe_file

    for line in describe_file(file, hdu, plane):
        _print(line)


@cli.command()
def models() -> None:
    """List the shipped models with their metrics."""
    from galedge.show import describe_models

    _print(describe_models())


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()  # None: closed before we came


def _print(text: str) -> None:
    """Print to standard output, whatever names and headers hold."""
    click.echo(text.encode("utf-8", "backslashreplace"))


def _say(message: str) -> None:
    """Print a line on standard error."""
    click.echo(f"galedge: {_printable(message)}", err=True)


def _printable(text: str) -> str:
    """Escape what a terminal would obey and what UTF-8 cannot hold."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def _terminate(signum: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.
    """
    # Said as a line of the run's log instead, see _tabulate.
    warnings.filterwarnings("ignore", "this galedge has no compiled core")
    signal.signal(signal.SIGTERM, _terminate)  # ends as Ctrl-C does: cleanly
    try:
        code = cli.main(arguments, prog_name="galedge", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except GaledgeError as error:
        _say(str(error))
        code = FATAL
    except Exception as error:
        if os.environ.get("GALEDGE_DEBUG"):
            raise
        kind = type(error).__name__
        _say(f"internal error: {kind}: {error}; GALEDGE_DEBUG=1 shows where: please report it")
        code = FATAL
    if code == INTERRUPTED:
        # A worker may hang on a disk that is gone, and leaving would wait for it.
        with suppress(OSError):
            if sys.stdout is not None:
                sys.stdout.flush()
        os._exit(code)
    sys.exit(code)
