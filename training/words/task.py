"""Task: the questions that a network is taught to answer, as data that a file can hold.

A task is a name and heads (`training.words.heads`). `training.words.hubble` and `morphology` hold
the shipped models'; any other comes from a file, or from a data set's own classes
(`training.words.derive`). A pack, a run and a bundle's card carry their task with them, so that
every step after packing knows what is asked.
"""

from __future__ import annotations

import json
import sys
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

from training.words.fields import TaskError, known, read_fields
from training.words.heads import KINDS, Classes, Head, Labels, Quantity

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Task"]

RESERVED = {"embedding", "pooled", "typicality"}  # of what an exported network tells besides


@dataclass(frozen=True)
class Task:
    """A name, heads, and what the card of a model of this task says.

    Attributes
    ----------
    name : str
    heads : tuple of Head
    data : str
        What the pictures are.
    credits, limits : tuple of str
    licence : str

    Raises
    ------
    TaskError
        If two heads go by one name, or one speaks of another that is not there.
    """

    name: str
    heads: tuple[Head, ...]
    data: str = ""
    credits: tuple[str, ...] = ()
    limits: tuple[str, ...] = ("Anything is given an answer, a star or an artefact too.",)
    licence: str = ""

    def __post_init__(self) -> None:
        if not self.heads:
            raise TaskError(f"task {self.name!r} has no heads")
        for key in ("name", "output", "layer"):
            held = [getattr(head, key) for head in self.heads]
            for value in held:
                if held.count(value) > 1:
                    raise TaskError(f"task {self.name!r}: two heads have the {key} {value!r}")
        for kind in KINDS:
            chosen = [head.name for head in self.heads if head.kind == kind and head.primary]
            if len(chosen) > 1:
                raise TaskError(f"task {self.name!r}: {' and '.join(chosen)} are both primary")
        for head in self.heads:
            for key in RESERVED & {head.name, head.output}:
                raise TaskError(f"{head}: {key!r} is a name of galedge's own; take another")
        for head in self.every(Classes):
            if any(other.name == head.of and other.kind != "quantity" for other in self.heads):
                raise TaskError(f"{head}: {head.of!r}, which it is 'of', is no quantity")
        for head in self.every(Labels):
            for name in (name for names in head.excludes.values() for name in names):
                known(name, self.classes.names if self.classes else (), f"{head}: 'excludes'")

    def every(self, kind: type[Any]) -> tuple[Any, ...]:
        """Return the heads of a kind."""
        return tuple(head for head in self.heads if isinstance(head, kind))

    def _first(self, kind: type[Any]) -> Any:
        heads = self.every(kind)
        return next((head for head in heads if head.primary), heads[0] if heads else None)

    @property
    def classes(self) -> Classes | None:
        """The classes that pictures are drawn and counted by: the primary ones, or the first."""
        return self._first(Classes)  # type: ignore[no-any-return]

    @property
    def quantity(self) -> Quantity | None:
        """The primary quantity, or the first."""
        return self._first(Quantity)  # type: ignore[no-any-return]

    @property
    def teller(self) -> Classes | None:
        """The head that tells what a source is: whose `subject` the others speak of."""
        return next((head for head in self.every(Classes) if head.subject), None)

    @property
    def layers(self) -> dict[str, int]:
        """How many numbers each layer of a network of this task gives."""
        return {head.layer: head.width for head in self.heads}

    @property
    def main(self) -> tuple[Head, ...]:
        """The heads that make a picture a labelled one: all but labels, or these alone."""
        return tuple(head for head in self.heads if head.kind != "labels") or self.heads

    @property
    def answers(self) -> list[tuple[Any, ...]]:
        """What the answers of a network of this task mean: networks of the same can be joined."""
        return [
            (head.kind, head.name, head.layer, getattr(head, "trained", getattr(head, "names", ())))
            for head in self.heads
        ]

    def only(self, name: str) -> Task:
        """Return the task of one head alone, and of the quantity that its classes are parts of."""
        (head,) = (head for head in self.heads if head.name == name)
        if isinstance(head, Labels):
            return replace(self, heads=(replace(head, excludes={}, denies=()),))
        of = getattr(head, "of", "")
        return replace(self, heads=tuple(one for one in self.heads if one.name in (name, of)))

    def binned(self, head: Classes) -> Quantity | None:
        """Return the quantity that a head's classes are parts of, if it is a head too."""
        return next((other for other in self.every(Quantity) if other.name == head.of), None)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads, without what is as it is by default."""
        told = _told(self)
        told["heads"] = [{"kind": head.kind, **_told(head)} for head in self.heads]
        return dict(json.loads(json.dumps(told)))

    @classmethod
    def from_json(cls, told: Any) -> Task:
        """Read a task, checked; TaskError says what is wrong."""
        if not isinstance(told, dict) or not isinstance(told.get("heads"), list):
            raise TaskError("a task is a name and a list of heads")
        heads = []
        for place, one in enumerate(told["heads"], 1):
            kind = one.get("kind") if isinstance(one, dict) else None
            if kind not in KINDS:
                offered = ", ".join(KINDS)
                raise TaskError(f"head {place}: its 'kind' must be one of {offered}, not {kind!r}")
            rest = {key: value for key, value in one.items() if key != "kind"}
            where = f"head {rest.get('name', place)!r}"
            heads.append(KINDS[kind](**read_fields(rest, KINDS[kind], where)))
        rest = {key: value for key, value in told.items() if key != "heads"}
        return cls(heads=tuple(heads), **read_fields(rest, cls, "the task", ("heads",)))

    @classmethod
    def read(cls, path: Path) -> Task:
        """Read a task's file, .toml or JSON; TaskError says what is wrong in which file."""
        form = "TOML" if path.suffix == ".toml" else "JSON"
        try:
            text = path.read_text()
            told = tomllib.loads(text) if form == "TOML" else json.loads(text)
        except OSError as error:
            raise TaskError(f"{path}: {error.strerror}") from error
        except ValueError as error:
            raise TaskError(f"{path}: not {form}: {error}") from error
        try:
            return cls.from_json({"name": path.stem, **told} if isinstance(told, dict) else told)
        except TaskError as error:
            raise TaskError(f"{path}: {error}") from error


def _told(one: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that are not as by default."""
    told = {}
    for key in fields(one):
        usual = key.default if key.default_factory is MISSING else key.default_factory()
        if getattr(one, key.name) != usual:
            told[key.name] = getattr(one, key.name)
    return told
