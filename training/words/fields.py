"""Fields: what a task's file may hold, read with suspicion, and refused in a sentence."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields
from typing import Any

__all__ = ["TaskError", "filled", "identifier", "known", "read_fields"]


class TaskError(ValueError):
    """A task that cannot be learned, or data that does not hold what it asks for."""


def identifier(name: str, what: str) -> None:
    """Refuse a name that could not stand in a table's head or a network's file."""
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise TaskError(
            f"{what} must be small letters, digits and underscores, a letter first, not {name!r}"
        )


def known(name: str, names: Iterable[str], where: str) -> None:
    """Refuse a name that is none of some, and say which one was perhaps meant."""
    offered = list(names)
    if name not in offered:
        near = difflib.get_close_matches(name, offered, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise TaskError(f"{where}: {name!r} is none of {', '.join(offered) or 'nothing'}{hint}")


def filled(value: Any) -> bool:
    """Return whether a field holds anything."""
    return value not in (None, "", (), {})


def read_fields(told: dict[str, Any], kind: type, where: str, skip: Iterable[str] = ()) -> Any:
    """Return JSON's values as the fields of a dataclass, by their annotations.

    Raises
    ------
    TaskError
        For a field that is not there, one that is missing, and a value of another form.
    """
    wanted = {field.name: field for field in fields(kind) if field.name not in skip}
    for key in told:
        known(key, wanted, where)
    for key, field in wanted.items():
        if key not in told and field.default is field.default_factory is MISSING:
            raise TaskError(f"{where}: {key!r} is missing")
    found = {}
    for key, value in told.items():
        form = str(wanted[key].type)
        try:
            found[key] = _FORMS[form](value)
        except (TypeError, ValueError):
            raise TaskError(f"{where}: {key!r} must be {_WORDS[form]}, not {value!r}") from None
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _list(of: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise TypeError
        return tuple(of(one) for one in value)

    return read


def _table(of: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise TypeError
        return {_text(key): of(one) for key, one in value.items()}

    return read


def _perhaps(of: Callable[[Any], Any]) -> Callable[[Any], Any]:
    # TOML has no null: there an empty text says nothing.
    return lambda value: None if value is None or value == "" else of(value)


_FORMS: dict[str, Callable[[Any], Any]] = {
    "str": _text,
    "bool": _truth,
    "float": _number,
    "int": _whole,
    "tuple[str, ...]": _list(_text),
    "tuple[float, ...]": _list(_number),
    "dict[str, str]": _table(_text),
    "dict[str, str | None]": _table(_perhaps(_text)),
    "dict[str, tuple[str, ...]]": _table(_list(_text)),
    "dict[str, dict[str, float | None]]": _table(_table(_perhaps(_number))),
}
_WORDS = {
    "str": "a text",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "tuple[str, ...]": "a list of texts",
    "tuple[float, ...]": "a list of numbers",
    "dict[str, str]": "a table of texts",
    "dict[str, str | None]": "a table of texts, empty ones for nothing",
    "dict[str, tuple[str, ...]]": "a table of lists of texts",
    "dict[str, dict[str, float | None]]": "a table of tables of numbers",
}
