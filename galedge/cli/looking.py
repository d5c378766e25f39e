"""Which images a watched folder holds, and whether they are all there."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from galedge.cli.options import Number, setting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from galedge.answers.bands import Group
    from galedge.cli.where import Where
    from galedge.images.inputs import Rejected
    from galedge.nights.watch import Found

__all__ = ["Looking"]


def _seconds(name: str, default: float, help: str) -> Any:
    return setting(
        name,
        type=Number(0, min_open=True),
        default=default,
        show_default=True,
        metavar="SECONDS",
        help=help,
    )


@dataclass(frozen=True, eq=False, repr=False)
class Looking:
    """Which files of a folder are taken, and when."""

    SECTION: ClassVar[str] = "Looking"

    pattern: str | None = setting(
        "--pattern", metavar="GLOB", help="Take files of such names. Default: all images."
    )
    recursive: bool = setting(
        "--recursive/--flat", default=True, help="Look into folders within. Default: yes."
    )
    once: bool = setting(
        "--once",
        is_flag=True,
        default=False,
        help="Take what is there and complete now, and leave.",
    )
    interval: float = _seconds("--interval", 0.1, "Between two looks at the folder.")
    settle: float = _seconds("--settle", 0.3, "A file must have stayed as it is for so long.")
    patience: float = _seconds(
        "--patience",
        60.0,
        "One that is not complete is rejected after staying as it is for so long.",
    )
    inotify: bool = setting(
        "--inotify",
        is_flag=True,
        default=False,
        help="Let Linux tell of new files; not on NFS.",
    )

    def over(
        self,
        folder: str,
        where: Where,
        entered: Callable[[str], object] | None,
        note: Callable[[str], None],
    ) -> Callable[[], Iterator[Found]]:
        """Return what lists the images that are there, telling once of what is none.

        Parameters
        ----------
        folder : str
        where : Where
            Which files are one image.
        entered : function of a path, optional
            Called with each folder before it is listed.
        note : function of a sentence
            Told what is passed over.
        """
        from fnmatch import fnmatchcase

        from galedge.errors import ReadError
        from galedge.images.inputs import NO_IMAGES, Rejected, find, is_image
        from galedge.nights.watch import Found, state_of

        told: set[Rejected] = set()

        def chosen(name: str) -> bool:
            return is_image(name) if self.pattern is None else fnmatchcase(name, self.pattern)

        def groups() -> Iterator[Group | Rejected]:
            files = find([folder], chosen=chosen, recursive=self.recursive, entered=entered)
            try:
                yield from where.groups(files)
            except ReadError:  # no file matches the pattern of the bands, so far
                return

        def look() -> Iterator[Found]:
            missed = set()
            for item in groups():
                if not isinstance(item, Rejected):
                    state = state_of(item)
                    if state is not None:
                        yield Found(item, state)
                elif item.reason != NO_IMAGES:
                    missed.add(item)
                    if item not in told:
                        note(f"{item.path}: {item.reason}; passed over")
            told.clear()
            told.update(missed)

        return look

    def is_complete(self, group: Group, hdu: int | str | None) -> bool:
        """Tell whether an image is all there, with all its bands."""
        from galedge.answers.bands import MISSING
        from galedge.images.complete import is_complete

        if MISSING not in group.flags and all(is_complete(path, hdu) for path in group.paths):
            return True
        # Once, there is no time for patience but the files' own.
        return self.once and min(map(_age, group.paths)) > self.patience


def _age(path: str) -> float:
    """Return how many seconds ago a file was changed, by the clocks of file and machine."""
    try:
        return time.time() - os.stat(path).st_mtime
    except OSError:
        return 0
