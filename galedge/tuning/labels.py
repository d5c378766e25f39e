"""Labels: which picture, or which source of which frame, is what."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from galedge.errors import GaledgeError
from galedge.frames.sources import PLACE_NAMES
from galedge.images.inputs import is_image
from galedge.support.system import slashed
from galedge.tables.columns import RESERVED
from galedge.tables.readtable import Column, Table, read_table
from galedge.tuning.places import Places, read_places
from galedge.tuning.questions import Question, read_question, texts_of

__all__ = ["Labels", "read_labels"]

FOLDERS = "type"
"""What the question is called of folders, which have no column's name."""

_FILES = ("file", "path", "filename", "file_name", "filepath", "image", "image_path")
_GROUPS = ("group", "galaxy", "object", "objid", "dr7objid", "name", "id")


@dataclass(frozen=True)
class Labels:
    """Pictures and what a user says of them.

    Attributes
    ----------
    path : str
        Of the table, or of the folder.
    files : list of str
        One for each row, as it can be opened.
    where : list of str
        What a row is called in a message.
    questions : tuple of Question
    groups : list of str or None
        What rows of one galaxy share.
    sha256 : str
        Of the table; of folders that of their files' names and classes.
    places : Places or None
        Of sources in frames, one for each row.
    """

    path: str
    files: list[str]
    where: list[str]
    questions: tuple[Question, ...]
    groups: list[str] | None
    sha256: str
    places: Places | None = None

    def __len__(self) -> int:
        return len(self.files)

    @property
    def noun(self) -> str:
        """What a row is of."""
        return "picture" if self.places is None else "source"


def read_labels(
    path: str | os.PathLike[str],
    *,
    columns: Sequence[str] = (),
    file: str | None = None,
    group: str | None = None,
    images: str | os.PathLike[str] | None = None,
    kinds: Mapping[str, str] | None = None,
    within: str | os.PathLike[str] | None = None,
    roles: Mapping[str, str] | None = None,
    one_based: bool = False,
    in_frames: bool = False,
) -> Labels:
    """Read labels.

    Parameters
    ----------
    path : str or path
        A table that galedge reads (`galedge.tables.readtable`), or a folder whose folders
        are named by class.
    columns : sequence of str
        Of labels. Default: all but those of files, groups and places.
    file, group : str, optional
        Columns of the file's name, and of what tells which rows are of one galaxy.
    images : str or path, optional
        Folder that names of files start from. Default: the table's own.
    kinds : mapping of str to str, optional
        Which of `KINDS` a column is, where its cells do not tell.
    within : str or path, optional
        The frame that all rows are sources of, of a table without files.
    roles, one_based
        Of places in frames, as `galedge.frames.sources.read_catalogue` takes them.
    in_frames : bool
        Whether rows are sources of frames. Default: as the table tells, see `read_places`.

    Raises
    ------
    GaledgeError
        If there is no such column, or one holds no labels.
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        return _folders(path)
    table = read_table(path)
    by_lower = {name.lower(): name for name in reversed(table.columns)}
    files = _named(table, file) if file else None if within else _usual(by_lower, _FILES)
    if files is None and within is None:
        raise GaledgeError(
            f"{path}: has no column of files; name it by --file, of {', '.join(table.columns)}, or "
            "by --in the frame that all lie in"
        )
    groups = _named(table, group) if group else None
    chosen = [_named(table, name) for name in columns] or [
        name
        for name in table.columns
        if name not in (files, groups, *(roles or {}).values())
        and name.lower() not in (*_FILES, *_GROUPS, *PLACE_NAMES, "side")
        and name not in RESERVED
    ]
    if not chosen:
        beside = files or "places"
        raise GaledgeError(f"{path}: has no column of labels beside {beside!r}; add one")
    told = dict(kinds or {})
    for name in told:
        _named(table, name)
    with open(path, "rb") as content:
        digest = hashlib.sha256(content.read())
    start = os.path.dirname(path) if images is None else os.fspath(images)
    if files is None:
        assert within is not None
        names: list[str | None] = [os.path.basename(within)] * len(table)
        paths = [os.fspath(within)] * len(table)
    else:
        names = texts_of(table.columns[files])
        paths = [os.path.join(start, name or "") for name in names]
    missing = [str(place) for place, name in enumerate(names, 1) if name is None]
    if missing:
        raise GaledgeError(f"{path}: {files}: row {missing[0]} names no file; fill it or delete it")
    asked = in_frames or within is not None or bool(roles) or one_based
    return Labels(
        path,
        paths,
        [f"row {place} ({name})" for place, name in enumerate(names, 1)],
        tuple(read_question(path, name, table.columns[name], told.get(name)) for name in chosen),
        None if groups is None else _grouped(table.columns[groups]),
        digest.hexdigest(),
        read_places(table, paths, roles, one_based=one_based, asked=asked),
    )


def _folders(top: str) -> Labels:
    """Return what folders named by class hold, to the bottom."""
    found: list[tuple[str, str]] = []
    for each in sorted(os.scandir(top), key=lambda entry: entry.name):
        if each.is_dir() and not each.name.startswith("."):
            for folder, inner, files in os.walk(each.path):
                inner.sort()
                found += [
                    (os.path.join(folder, name), each.name)
                    for name in sorted(files)
                    if is_image(name) and not name.startswith(".")
                ]
    names = tuple(sorted({name for _, name in found}))
    if len(names) < 2:
        raise GaledgeError(
            f"{top}: holds images in {len(names)} folders; one folder for each class, two or more"
        )
    relative = [slashed(os.path.relpath(path, top)) for path, _ in found]
    values = np.array([names.index(name) for _, name in found], float)
    told = "\n".join(relative).encode("utf-8", "surrogateescape")
    return Labels(
        top,
        [path for path, _ in found],
        relative,
        (Question(FOLDERS, "classes", names, values),),
        None,
        hashlib.sha256(told).hexdigest(),
    )


def _named(table: Table, name: str) -> str:
    if name not in table.columns:
        raise GaledgeError(
            f"{table.path}: has no column {name!r}; it has {', '.join(table.columns)}"
        )
    return name


def _usual(by_lower: Mapping[str, str], names: Iterable[str]) -> str | None:
    return next((by_lower[name] for name in names if name in by_lower), None)


def _grouped(column: Column) -> list[str]:
    """Return the group of each row; a row without one stands alone."""
    return [text or f"\0{place}" for place, text in enumerate(texts_of(column))]
