"""What commands are told, in four groups: what to read, what to run, what to keep, what to write.

Where galaxies are in frames is the fifth, `galedge.cli.where.Where`. An option that
several commands share stands here or there, once.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import click

from galedge.cli import checks
from galedge.cli.options import Option, Whole, setting
from galedge.support.say import printable

if TYPE_CHECKING:
    from galedge.answers.prior import Shares

__all__ = ["HDUS", "Keeping", "Reading", "Running", "Writing", "folder", "paths"]

_HDU = (
    "HDU of FITS files, by number or EXTNAME: SCI or SCI,2. Default: the first with an image, "
    "weights and masks last."
)

#: What ``--hdu`` is where a file may have a row for each of its images.
HDUS = {"metavar": "N|NAME|all", "help": f"{_HDU} With all a row for each image."}

paths = click.argument("paths", metavar="PATH...", nargs=-1, required=True)


def folder(help: str) -> Callable[[Any], Any]:
    """Return the option ``-o`` of a command that writes files into a folder."""
    return click.option(
        "folder",
        "-o",
        "--output",
        cls=Option,
        section=Writing.SECTION,
        metavar="FOLDER",
        required=True,
        callback=checks.folder,
        help=help,
    )


@dataclass(frozen=True, eq=False, repr=False)
class Reading:
    """What is read of a file, and how it is framed."""

    SECTION: ClassVar[str] = "Pixels"

    hdu: int | str | None = setting(
        "--hdu",
        callback=checks.hdu,
        form=checks.hdu_form,
        metavar="N|NAME",
        help=_HDU,
    )
    plane: int | None = setting(
        "--plane",
        type=Whole(0),
        metavar="N",
        help="Plane of cubes. Default: a cube of three is a colour image.",
    )
    order: str | None = setting(
        "--order",
        callback=checks.order,
        metavar="BANDS",
        help="Bands of the planes of a cube of three, in the order of the file: grz, or "
        "F435W,F606W,F814W, or BGR. Default: as the header says.",
    )
    frame: str | int | None = setting(
        "--frame",
        callback=checks.framing,
        names=checks.framings_known,
        metavar="{names}",
        help="Find the galaxy and frame it, take the largest square, or a centred "
        "square of so many pixels. Default: as the model was trained.",
    )
    verify: bool = setting(
        "--verify",
        is_flag=True,
        default=False,
        help="Compare the CHECKSUM and DATASUM of FITS files, where they have them.",
    )
    any_kind: bool = setting(
        "--any-kind",
        is_flag=True,
        default=False,
        help="Take also what its header calls a dark, flat or bias, or weights, mask or noise.",
    )

    def asked(self) -> dict[str, Any]:
        """Return which pixels are asked for, by the names that all who read images give them."""
        return {name: value for name, value in asdict(self).items() if name != "verify"}


@dataclass(frozen=True, eq=False, repr=False)
class Running:
    """What answers, and on what."""

    SECTION: ClassVar[str] = "Model and machine"

    model: str | None = setting(
        "--model", metavar="NAME|FOLDER", help="Model bundle. Default: the shipped one."
    )
    engine: str = setting(
        "--engine",
        callback=checks.engine,
        default="auto",
        show_default=True,
        names=checks.engines_known,
        metavar="{names}",
        help="What runs the network; auto is what `galedge engines` found fastest here.",
    )
    device: str | None = setting(
        "--device",
        callback=checks.device,
        metavar="cpu|cuda|cuda:N",
        help="Where it runs. Default: the CPU; for --engine cuda the first GPU.",
    )
    precision: str | None = setting(
        "--precision",
        type=click.Choice(["int8", "fp32"]),
        help="Default: on a CPU int8, where the model has it and the CPU can.",
    )
    views: int | Literal["auto"] = setting(
        "--views",
        type=click.Choice(["auto", "1", "8"]),
        default=1,
        show_default=True,
        callback=checks.views,
        help="Average over so many rotations and reflections; auto: 8 where 1 leaves doubt.",
    )
    label_all: bool = setting(
        "--label-all",
        is_flag=True,
        default=False,
        help="Label also where there is no source, or none of the kind that the model knows.",
    )
    sets: float | Literal["auto"] | None = setting(
        "--sets",
        default="auto",
        callback=checks.sets,
        metavar="LEVEL|none",
        help="Column of the classes that hold the true one in this share of galaxies. "
        "Default: 0.9, where the model has such sets.",
    )
    prior: Shares | Literal["fit"] | None = setting(
        "--prior",
        callback=checks.prior,
        form=checks.prior_form,
        metavar="SHARES|FILE|fit",
        help="Shares of the classes among these galaxies, E=0.1,S0=0.2,..., or a file of them, "
        "which answers then go by; fit: as the answers themselves tell. Default: the model's own.",
    )
    workers: int | None = setting(
        "--workers",
        type=Whole(1),
        metavar="N",
        help="Threads. Default: the CPUs this process may use.",
    )
    batch: int | None = setting(
        "--batch",
        type=Whole(1),
        metavar="N",
        help="Images a worker takes at a time. Default: 64, on a GPU 1024.",
    )


@dataclass(frozen=True, eq=False, repr=False)
class Keeping:
    """What makes a run over many files safe, and what becomes of the files."""

    SECTION: ClassVar[str] = "Safety"

    resume: bool = setting(
        "--resume",
        is_flag=True,
        default=False,
        help="Go on where a killed run of this command stopped.",
    )
    quarantine: str | None = setting(
        "--quarantine",
        metavar="FOLDER",
        help="List rejected files, with reasons, in rejected.jsonl in this folder.",
    )
    quarantine_move: bool = setting(
        "--quarantine-move",
        is_flag=True,
        default=False,
        help="Also move them there. Default: raw data stay where they are.",
    )
    write_back: str | None = setting(
        "--write-back",
        metavar="FOLDER",
        help="Put copies of the FITS files here, with the answer in their headers.",
    )

    def spare(self, roots: Sequence[str]) -> None:
        """Refuse folders for results that lie where images are looked for.

        Raises
        ------
        click.UsageError
            With the option and both folders.
        """
        if self.write_back is not None:
            _refuse_inside("--write-back", self.write_back, roots)
        if self.quarantine is not None and self.quarantine_move:
            _refuse_inside("--quarantine", self.quarantine, roots)


def _refuse_inside(option: str, folder: str, roots: Sequence[str]) -> None:
    from galedge.nights.quarantine import holds

    for root in roots:
        if os.path.isdir(root) and holds(root, folder):
            raise click.UsageError(
                f"{option} {printable(folder)}: lies in {printable(root)}, where images are looked "
                "for; choose a folder outside"
            )


@dataclass(frozen=True, eq=False, repr=False)
class Writing:
    """What is written, and what is said meanwhile."""

    SECTION: ClassVar[str] = "Results"

    output: str | None = setting(
        "-o",
        "--output",
        names=checks.formats_known,
        metavar="FILE",
        help="Write the table here, whole or not at all: {names}. Default: CSV on standard "
        "output, row by row.",
    )
    json: bool = setting(
        "--json",
        is_flag=True,
        default=False,
        help="JSON lines, not CSV, on standard output: one object an image.",
    )
    gallery: str | None = setting(
        "--gallery",
        callback=checks.named(".html", ".htm"),
        metavar="FILE.html",
        help="Write a page of thumbnails with the answers here, to sort and filter in a browser.",
    )
    overlay: str | None = setting(
        "--overlay",
        callback=checks.named(".png"),
        metavar="FILE.png",
        help="Draw the sources over the frame, coloured by class.",
    )
    reference: str | None = setting(
        "--reference",
        metavar="FILE",
        help="Say when these rows are not like those of this table, of the same camera on other "
        "nights. Default: like the galaxies of the model's card, where it has them.",
    )
    quiet: bool = setting(
        "-q", "--quiet", is_flag=True, default=False, help="Nothing on standard error but failures."
    )

    def spare(self, inputs: Sequence[Any]) -> None:
        """Refuse outputs that are folders, or one of the inputs.

        Raises
        ------
        click.UsageError
            With the option and its value.
        """
        outputs = {"-o": self.output, "--gallery": self.gallery, "--overlay": self.overlay}
        for option, path in outputs.items():
            if path is None:
                continue
            try:
                this = os.stat(path)  # one look: what is gone at the next is no hindrance
            except (OSError, ValueError):
                continue
            if stat.S_ISDIR(this.st_mode):
                raise click.UsageError(
                    f"{option} {printable(path)}: is a folder; name a file in it"
                )
            if any(isinstance(each, str) and _is_file(each, this) for each in inputs):
                raise click.UsageError(
                    f"{option} {printable(path)}: is also an input; raw data are never replaced"
                )


def _is_file(path: str, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), status)
    except (OSError, ValueError):
        return False
