"""What to classify: from the names a user gives to the files they stand for."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["EXTENSIONS", "NO_IMAGES", "Rejected", "Stamp", "find", "is_image", "stamp_of"]

_FITS = (".fits", ".fit", ".fts")
EXTENSIONS = (
    *(*_FITS, ".fz"),
    *(name + packed for name in _FITS for packed in (".gz", ".bz2")),
    *(".jpg", ".jpeg", ".png", ".tif", ".tiff", ".npy"),
)


NO_IMAGES = "a folder without images; name the files themselves"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A name that cannot be opened as an image, and why."""

    path: str
    reason: str


class Stamp(NamedTuple):
    """What tells one state of a file from another."""

    size: int
    mtime_ns: int


def stamp_of(path: str) -> Stamp | None:
    """Return the stamp of a file; None where there is no regular file."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Stamp(status.st_size, status.st_mtime_ns)


def is_image(name: str) -> bool:
    """Tell whether a file's name is that of an image."""
    return name.lower().endswith(EXTENSIONS)


def find(
    paths: Iterable[str | os.PathLike[str]],
    *,
    chosen: Callable[[str], bool] = is_image,
    recursive: bool = True,
    entered: Callable[[str], object] | None = None,
    passed: Callable[[str], object] | None = None,
) -> Iterator[str | Rejected]:
    """Yield the files that `paths` stand for, one by one.

    Folders are walked to the bottom in the order of their names. In them,
    files are chosen by extension (`EXTENSIONS`, in any case) and hidden names
    are passed over; links to folders are followed, each folder once. A file
    that is named itself is always taken.

    Parameters
    ----------
    paths : iterable of str or path
        Files and folders.
    chosen : function of a name
        Which files in folders are taken. Default: those with an image's extension.
    recursive : bool
        Whether folders in folders are walked, too.
    entered : function of a path, optional
        Called with each folder before it is listed.
    passed : function of a path, optional
        Called with each file in a folder that is passed over for its name; hidden
        ones are nobody's business.

    Yields
    ------
    str or Rejected
        A path; or, for what is no regular file, cannot be listed, or does not
        exist, the path with the reason. Names that are not UTF-8 come as
        `os.fsdecode` spells them.
    """
    for path in [os.fspath(path) for path in paths]:
        if os.path.isdir(path):
            empty = True
            for found in _walk(path, chosen, recursive, entered, passed):
                empty = False
                yield found
            if empty:
                yield Rejected(path, NO_IMAGES)
        else:
            yield _checked(path)


def _walk(
    top: str,
    chosen: Callable[[str], bool],
    recursive: bool,
    entered: Callable[[str], object] | None,
    passed: Callable[[str], object] | None,
) -> Iterator[str | Rejected]:
    """Yield the images below a folder."""
    visited = set()
    pending = [(top, _FOLDER)]  # a stack with the next name on top
    while pending:
        path, kind = pending.pop()
        if kind is not _FOLDER:
            yield path if kind is _FILE else _checked(path)
            continue
        if entered is not None:
            entered(path)
        try:
            status = os.stat(path)
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name, reverse=True)
        except OSError as error:
            yield Rejected(path, f"cannot be listed: {_reason(error)}")
            continue
        if (status.st_dev, status.st_ino) in visited:
            continue
        visited.add((status.st_dev, status.st_ino))
        below = [(entry.path, sort) for entry in entries if (sort := _kind(entry, chosen))]
        if passed is not None:
            taken = {name for name, _ in below}
            for entry in entries:
                if entry.path not in taken and not entry.name.startswith("."):
                    passed(entry.path)
        if not recursive:
            below = [(name, sort) for name, sort in below if sort is not _FOLDER]
        if not below and path != top and chosen(os.path.basename(path)):
            yield Rejected(path, "a folder, though its name is that of an image")
        pending += below


_FOLDER, _FILE, _OTHER = "folder", "file", "other"


def _kind(entry: os.DirEntry[str], chosen: Callable[[str], bool]) -> str | None:
    """Return what to do with a folder's entry; None is to pass it over."""
    if entry.name.startswith("."):
        return None
    try:
        if entry.is_symlink():
            folder, file = os.path.isdir(entry.path), False  # a link may point anywhere
        else:
            folder, file = entry.is_dir(), entry.is_file()  # mostly known without a stat
    except OSError:
        folder, file = False, False  # its row will say why
    if folder:
        return _FOLDER
    if not chosen(entry.name):
        return None
    return _FILE if file else _OTHER


def _checked(path: str) -> str | Rejected:
    """Return the path of a regular file, or why it is none."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        if os.path.islink(path):
            return Rejected(path, "a link to a file that does not exist")
        return Rejected(path, "no such file")
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        return Rejected(path, _reason(error))
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in _KINDS if test(mode)), "a special file")
        return Rejected(path, f"{kind}, not a regular file")
    return path


_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def _reason(error: Exception) -> str:
    """Return what the system says, in lower case."""
    text = getattr(error, "strerror", None) or str(error)
    return text[:1].lower() + text[1:]
