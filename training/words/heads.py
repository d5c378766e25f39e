"""Heads: the questions of a task, one kind of answer each, and where the answers are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from training.words.fields import TaskError, identifier, known

__all__ = ["KINDS", "Classes", "Head", "Labels", "Quantity", "titled"]


def titled(symbol: str) -> str:
    """Return a quantity's symbol as figures and tables write it: T of t."""
    return symbol.upper() if len(symbol) == 1 else symbol.replace("_", " ")


@dataclass(frozen=True, kw_only=True)
class Head:
    """What all heads have.

    Attributes
    ----------
    name : str
        Of the head; small letters, digits and underscores.
    output : str
        Of the exported network. Default: the name.
    layer : str
        Of the trained network. Default: made of the name.
    weight : float
        Of its loss in the sum of all.
    primary : bool
        Whether its columns go by short names; one head of each kind may say so.
    taught : bool
        Whether a teacher's answers are learned too (`distil`).
    optional : bool
        Whether a training may do without a picture that tells of it.
    description : str
        For the card.
    """

    name: str
    output: str = ""
    layer: str = ""
    weight: float = 1.0
    primary: bool = False
    taught: bool = True
    optional: bool = False
    description: str = ""

    kind: ClassVar[str]
    ending: ClassVar[str]  # of a layer's name: no word that torch's modules have for themselves

    def __post_init__(self) -> None:
        identifier(self.name, "a head's name")
        self._default("output", self.name)
        self._default("layer", f"{self.name}_{self.ending}")
        for key in ("output", "layer"):
            identifier(getattr(self, key), f"{self}: its {key}")
        if not self.weight > 0:
            raise TaskError(f"{self}: its weight must be positive, not {self.weight:g}")

    def _default(self, key: str, value: object) -> None:
        object.__setattr__(self, key, getattr(self, key) or value)

    def __str__(self) -> str:
        return f"head {self.name!r}"

    @property
    def width(self) -> int:
        """How many numbers its layer gives."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Classes(Head):
    """One of several classes.

    Attributes
    ----------
    names : tuple of str
        Of the classes. Empty: what the column holds when a data set is packed.
    column : str
        Whose values are classes. Default: the head's name.
    values : dict
        Of other values of the column the class; None says nothing.
    shares : dict
        In place of a column: of each class the column of its share, of votes for instance.
        They are divided by their sum; where one is missing nothing is told.
    of, upto
        In place of a column: a quantity head, or a column of numbers, and the largest value of
        each class, ascending.
    ordered : bool
        Whether the classes are stages of a sequence: the next one is less wrong than others.
    mirror : dict
        Of a class the one that its mirror image has, where that is another.
    subject : str
        The class that the task's other heads speak of, where this one tells what a source is.
    flags : dict
        Of other classes what their rows are flagged besides.
    """

    names: tuple[str, ...] = ()
    column: str = ""
    values: dict[str, str | None] = field(default_factory=dict)
    shares: dict[str, str] = field(default_factory=dict)
    of: str = ""
    upto: tuple[float, ...] = ()
    ordered: bool = False
    mirror: dict[str, str] = field(default_factory=dict)
    subject: str = ""
    flags: dict[str, str] = field(default_factory=dict)

    kind = "classes"
    ending = "classes"

    def __post_init__(self) -> None:
        super().__post_init__()
        if sum(map(bool, (self.column, self.shares, self.of))) > 1:
            raise TaskError(f"{self}: learns from one of 'column', 'shares' and 'of'")
        self._default("column", "" if self.shares or self.of else self.name)
        self._default("names", tuple(self.shares))
        if bool(self.of) != bool(self.upto) or (self.of and len(self.upto) != len(self.names)):
            raise TaskError(f"{self}: 'of' wants 'upto', a number for each of 'names'")
        if any(a >= b for a, b in zip(self.upto, self.upto[1:], strict=False)):
            raise TaskError(f"{self}: 'upto' must ascend")
        if not self.names:
            return
        if len(self.names) < 2 or not all(self.names) or len(set(self.names)) < len(self.names):
            raise TaskError(f"{self}: 'names' must be two or more different names")
        told = [*self.shares, *self.mirror, *self.mirror.values(), *self.values.values()]
        told += [self.subject or None, *self.flags]
        for name in told:
            if name is not None:
                known(name, self.names, f"{self}")
        if self.shares and set(self.shares) != set(self.names):
            raise TaskError(f"{self}: 'shares' must name a column for each of 'names'")

    @property
    def width(self) -> int:
        """How many classes there are."""
        return len(self.names)

    def of_value(self, value: float) -> int:
        """Return the class of a number, by `upto`; -1 beyond the last."""
        return next((i for i, last in enumerate(self.upto) if value <= last + 1e-9), -1)


@dataclass(frozen=True, kw_only=True)
class Quantity(Head):
    """A number, learned as shares of bins, so that its error is learned with it.

    Attributes
    ----------
    column : str
        Default: the head's name.
    range : tuple of two float
        Centres of the first and the last bin. A picture whose value lies half a bin or more
        beyond is left out. Empty: what the data set that is packed spans.
    bins : int
    limits : tuple of two str
        Columns of the lower and the upper limit of a value, where there are such.
    error : str
        Or the column of its error.
    share, least, most, usual : float
        A value is learned as a Gaussian whose width is `share` of half the distance of its
        limits, or of its error: at least `least`, at most `most`, and `usual` where nothing is
        told. Default: 0.6, half a bin, a quarter of the range, 0.8 of a bin.
    symbol : str
        What measures and figures call it. Default: the name.
    unit, ucd : str
        For the card.
    """

    column: str = ""
    range: tuple[float, ...] = ()
    bins: int = 20
    limits: tuple[str, ...] = ()
    error: str = ""
    share: float = 0.6
    least: float = 0.0
    most: float = 0.0
    usual: float = 0.0
    symbol: str = ""
    unit: str = ""
    ucd: str = ""

    kind = "quantity"
    ending = "bins"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._default("column", self.name)
        self._default("symbol", self.name)
        identifier(self.symbol, f"{self}: its symbol")
        if self.bins < 2:
            raise TaskError(f"{self}: 'bins' must be 2 or more, not {self.bins}")
        if len(self.limits) not in (0, 2) or (self.limits and self.error):
            raise TaskError(f"{self}: takes two columns as 'limits', or one as 'error'")
        if not self.range:
            return
        if len(self.range) != 2 or not self.range[0] < self.range[1]:
            raise TaskError(f"{self}: 'range' must be two numbers, the smaller one first")
        self._default("least", 0.5 * self.step)
        self._default("most", (self.range[1] - self.range[0]) / 4)
        self._default("usual", 0.8 * self.step)

    @property
    def title(self) -> str:
        """Its symbol as figures and tables write it."""
        return titled(self.symbol)

    @property
    def width(self) -> int:
        """How many bins there are."""
        return self.bins

    @property
    def step(self) -> float:
        """Distance of two bins."""
        return (self.range[1] - self.range[0]) / (self.bins - 1)

    @property
    def centres(self) -> np.ndarray:
        """Centres of the bins (B,)."""
        return np.linspace(*self.range, self.bins)

    def bin_of(self, value: float) -> int:
        """Return the bin of a value, -1 outside of all."""
        place = round((value - self.range[0]) / self.step)
        return place if 0 <= place < self.bins else -1


@dataclass(frozen=True, kw_only=True)
class Labels(Head):
    """Things that are there or not, each for itself.

    Attributes
    ----------
    names : tuple of str
    columns : dict
        Of a label its column. Default: the label's name. A column holds 0 to 1, or yes and no;
        nothing, and a negative number, says nothing.
    values : dict of dict
        Of a label, whose column holds other words, what each means: 0 to 1, or None.
    weights : dict
        Of a label the column that says how much what is told of it counts, such as the share
        of volunteers who were asked. Default, and where it is empty: 1.
    beside : tuple of str
        Columns that are learned beside the labels, and not exported.
    rule : str
        In place of columns: one of `training.words.targets.RULES`, functions of a row.
    mirror : dict
        What a label becomes in a mirror image: "complement" (no in place of yes), or another.
    excludes : dict
        Of a label the classes that it rules out, which corrects a teacher (`distil`).
    denies : tuple of str
        Those of them that speak against their classes in the exported network, too.
    given : dict
        Of a label others that must be there for it to mean anything, or must not: "not" and the
        other. That is the card's ``if``: what does not hold is not shown.
    descriptions : dict
        Of labels, for the card.
    """

    names: tuple[str, ...]
    columns: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, float | None]] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    rule: str = ""
    mirror: dict[str, str] = field(default_factory=dict)
    excludes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    denies: tuple[str, ...] = ()
    given: dict[str, tuple[str, ...]] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)

    kind = "labels"
    ending = "labels"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.names or not all(self.trained) or len(set(self.trained)) < self.width:
            raise TaskError(f"{self}: 'names' must be one or more different names")
        others = [other for other in self.mirror.values() if other != "complement"]
        others += [other.removeprefix("not ") for some in self.given.values() for other in some]
        named = (self.columns, self.values, self.weights, self.mirror, self.excludes)
        tables = (*named, self.given, self.descriptions, others)
        for table in tables:
            for name in table:
                known(name, self.names, f"{self}")
        for name in self.denies:
            known(name, self.excludes, f"{self}: 'denies'")

    @property
    def width(self) -> int:
        """How many columns its layer learns, those beside the labels included."""
        return len(self.trained)

    @property
    def trained(self) -> tuple[str, ...]:
        """What the layer tells: the labels, after what is learned beside them."""
        return (*self.beside, *self.names)

    def place(self, name: str) -> int:
        """Return where a label stands among what the layer tells."""
        return self.trained.index(name)


KINDS: dict[str, type[Head]] = {head.kind: head for head in (Classes, Quantity, Labels)}
