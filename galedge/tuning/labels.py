"""Labels: which picture is what, from a table or from folders named by class."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galedge.errors import GaledgeError
from galedge.images.inputs import is_image
from galedge.support.system import slashed
from galedge.tables.columns import RESERVED
from galedge.tables.readtable import Column, Table, is_missing, read_table
from galedge.tables.rows import Cell

__all__ = ["KINDS", "Labels", "Question", "read_labels"]

KINDS = ("classes", "yesno", "number")
"""What a column of labels may be."""

FOLDERS = "type"
"""What the question is called of folders, which have no column's name."""

MOST = 30
"""Classes; a column of more different texts is one of names."""

_FILES = ("file", "path", "filename", "file_name", "filepath", "image", "image_path")
_GROUPS = ("group", "galaxy", "object", "objid", "dr7objid", "name", "id")
_PLACES = ("x", "y", "ra", "dec")
_YES = {"yes": 1.0, "true": 1.0, "y": 1.0, "t": 1.0, "1": 1.0, "1.0": 1.0}
_NO = {"no": 0.0, "false": 0.0, "n": 0.0, "f": 0.0, "0": 0.0, "0.0": 0.0}
_FEW = 10  # different whole numbers are classes, more are a scale


@dataclass(frozen=True)
class Question:
    """One column of labels.

    Attributes
    ----------
    name : str
        The column's.
    kind : {"classes", "yesno", "number"}
    names : tuple of str
        Of classes, in order.
    values : ndarray of float64, shape (N,)
        A class's place, 1 for yes and 0 for no, or the number; NaN where there is no label.
    """

    name: str
    kind: str
    names: tuple[str, ...]
    values: NDArray[np.float64]

    def said(self, value: float) -> str:
        """Return a label as the user wrote it, or nearly."""
        if self.kind == "classes":
            return self.names[int(value)]
        return ("no", "yes")[int(value)] if self.kind == "yesno" else f"{value:g}"


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
    table : Table or None
        Whence they are, for places in frames.
    """

    path: str
    files: list[str]
    where: list[str]
    questions: tuple[Question, ...]
    groups: list[str] | None
    sha256: str
    table: Table | None = None

    def __len__(self) -> int:
        return len(self.files)


def read_labels(
    path: str | os.PathLike[str],
    *,
    columns: Sequence[str] = (),
    file: str | None = None,
    group: str | None = None,
    images: str | os.PathLike[str] | None = None,
    kinds: Mapping[str, str] | None = None,
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
    files = _named(table, file) if file else _usual(by_lower, _FILES)
    if files is None:
        raise GaledgeError(
            f"{path}: has no column of files; name it by --file, of {', '.join(table.columns)}"
        )
    groups = _named(table, group) if group else None
    chosen = [_named(table, name) for name in columns] or [
        name
        for name in table.columns
        if name not in (files, groups)
        and name.lower() not in (*_GROUPS, *_PLACES)
        and name not in RESERVED
    ]
    if not chosen:
        raise GaledgeError(f"{path}: has no column of labels beside {files!r}; add one")
    told = dict(kinds or {})
    for name in told:
        _named(table, name)
    with open(path, "rb") as content:
        digest = hashlib.sha256(content.read())
    start = os.path.dirname(path) if images is None else os.fspath(images)
    names = _texts(table.columns[files])
    missing = [str(place) for place, name in enumerate(names, 1) if name is None]
    if missing:
        raise GaledgeError(f"{path}: {files}: row {missing[0]} names no file; fill it or delete it")
    return Labels(
        path,
        [os.path.join(start, name or "") for name in names],
        [f"row {place} ({name})" for place, name in enumerate(names, 1)],
        tuple(_question(path, name, table.columns[name], told.get(name)) for name in chosen),
        None if groups is None else _grouped(table.columns[groups]),
        digest.hexdigest(),
        table,
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


def _texts(column: Column) -> list[str | None]:
    if column.texts is not None:
        return [None if text is None or is_missing(text) else text for text in column.texts]
    return [None if _is_nothing(cell) else str(cell) for cell in column.cells]


def _is_nothing(cell: Cell) -> bool:
    if isinstance(cell, float):
        return not math.isfinite(cell)
    return cell is None or (isinstance(cell, str) and is_missing(cell))


def _grouped(column: Column) -> list[str]:
    """Return the group of each row; a row without one stands alone."""
    return [text or f"\0{place}" for place, text in enumerate(_texts(column))]


def _question(path: str, name: str, column: Column, kind: str | None) -> Question:
    cells = [None if _is_nothing(cell) else cell for cell in column.cells]
    texts = _texts(column)
    known = [text for text in texts if text is not None]
    if not known:
        raise GaledgeError(f"{path}: {name}: holds no label; fill it, or choose by --column")
    kind = kind or _kind(known, [cell for cell in cells if cell is not None])
    if kind == "classes" and column.texts is not None:
        # What shows no ring is often called none, which elsewhere is no value.
        texts = [
            text if text and (text.lower() == "none" or not is_missing(text)) else None
            for text in column.texts
        ]
    make = {"classes": _classes, "yesno": _yesno, "number": _numbers}[kind]
    return make(f"{path}: {name}", name, texts)


def _kind(texts: list[str], cells: list[Cell]) -> str:
    """Tell what a column is by its cells."""
    if all(text.lower() in _YES | _NO for text in texts):
        return "yesno"
    numbers = [cell for cell in cells if isinstance(cell, int | float)]
    if len(numbers) < len(cells):
        return "classes"
    whole = all(float(number).is_integer() for number in numbers)
    return "classes" if whole and len(set(numbers)) <= _FEW else "number"


def _classes(where: str, name: str, texts: Sequence[str | None]) -> Question:
    count = Counter(text for text in texts if text is not None)
    names = tuple(sorted(count))
    if len(names) > MOST:
        raise GaledgeError(
            f"{where}: holds {len(names)} different texts, too many for classes; choose the "
            "columns of labels by --column"
        )
    if len(names) < 2:
        raise GaledgeError(f"{where}: says {names[0]!r} of all; label some of another class")
    if bad := [
        each for each in names if not re.fullmatch(r"[^;,\s\x00-\x1f][^;,\x00-\x1f]*", each)
    ]:
        raise GaledgeError(f"{where}: {bad[0]!r} cannot name a class; leave out ; and ,")
    places = {each: float(place) for place, each in enumerate(names)}
    return Question(name, "classes", names, _values(texts, places.__getitem__))


def _yesno(where: str, name: str, texts: Sequence[str | None]) -> Question:
    words = _YES | _NO
    wrong = next((text for text in texts if text and text.lower() not in words), None)
    if wrong is not None:
        raise GaledgeError(f"{where}: {wrong!r} is neither yes nor no")
    values = _values(texts, lambda text: words[text.lower()])
    if len(set(values[np.isfinite(values)])) < 2:
        said = "yes" if np.nanmax(values) else "no"
        raise GaledgeError(f"{where}: says {said} of all; label some otherwise, too")
    return Question(name, "yesno", ("no", "yes"), values)


def _numbers(where: str, name: str, texts: Sequence[str | None]) -> Question:
    try:
        values = _values(texts, float)
    except ValueError as error:
        raise GaledgeError(f"{where}: holds what is no number: {error}") from None
    if np.nanmin(values) == np.nanmax(values):
        raise GaledgeError(f"{where}: holds one number only; label some of another")
    return Question(name, "number", (), values)


def _values(texts: Sequence[str | None], of: Callable[[str], float]) -> NDArray[np.float64]:
    return np.array([math.nan if text is None else of(text) for text in texts], float)
