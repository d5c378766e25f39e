"""One of several classes: a softmax, calibrated by a temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.network.heads.base import (
    Answer,
    CardError,
    Head,
    Outputs,
    different,
    field,
    mirror,
    number,
    positive,
    reflected,
)
from galedge.network.heads.sets import Sets, members
from galedge.tables.columns import Column, keyword

__all__ = ["HEAD", "Classes"]


@dataclass(frozen=True)
class Classes(Head):
    """The most probable of several classes, and the probability of each.

    The output holds logits, shape (N, C).

    Attributes
    ----------
    names : tuple of str
    temperature, temperature_slope, temperature_by : float, float, str
        The logits are divided by ``temperature * sigma ** temperature_slope``
        before the softmax, sigma being the network's own of the quantity
        `temperature_by`; where that is empty, by the temperature.
    prior : tuple of float
        The classes' shares that the probabilities go by, or empty.
    places : tuple of int
        What a mirrored picture exchanges; see `galedge.network.heads.base.mirror`.
    sets : Sets or None
        What the card has of label sets.
    least : tuple of float
        The thresholds of the level that was chosen of them; empty for no column of sets.
    level : float or None
        That level.
    weights : tuple of float
        What a prior other than the card's makes of the probabilities that rows tell: they are
        multiplied by these and scaled to one. Empty for nothing.
    """

    names: tuple[str, ...]
    temperature: float
    temperature_slope: float
    temperature_by: str
    prior: tuple[float, ...]
    places: tuple[int, ...]
    sets: Sets | None = None
    least: tuple[float, ...] = ()
    level: float | None = None
    weights: tuple[float, ...] = ()
    sigma_output: str = ""

    kind = "classes"
    alone_is_primary = True
    contrast = True

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> Classes:
        """Understand the entry of a card."""
        names = different(fields, "names", least=2)
        by = field(fields, "temperature_by", str) if "temperature_by" in fields else ""
        prior = field(fields, "prior", list) if "prior" in fields else []
        shares = tuple(number({"prior": share}, "prior") for share in prior)
        if shares and (len(shares) != len(names) or min(shares) < 0 or sum(shares) <= 0):
            raise CardError("'prior' must give each class its share")
        return cls(
            name=field(fields, "name", str),
            output=field(fields, "output", str),
            primary=fields.get("primary") is True,
            names=names,
            temperature=positive(fields, "temperature", 1.0),
            temperature_slope=number(fields, "temperature_slope", 0.0) if by else 0.0,
            temperature_by=by,
            prior=shares,
            places=mirror(fields, names, complement=False),
            sets=_sets(fields, names),
        )

    def linked(self, heads: Mapping[str, Head]) -> Classes:
        """Return it with the output that its temperature follows."""
        if not self.temperature_by:
            return self
        by = heads.get(self.temperature_by)
        if by is None or by.kind != "quantity":
            raise CardError(f"{self.name}: 'temperature_by' {self.temperature_by!r} is no quantity")
        return replace(self, sigma_output=by.output)

    def with_sets(self, level: float) -> Classes:
        """Return it with a column of sets at a level; as it is where the card lacks that."""
        least = None if self.sets is None else self.sets.least(level)
        return self if least is None else replace(self, least=least, level=level)

    def with_prior(self, shares: Mapping[str, float]) -> Classes:
        """Return it with rows for other shares of classes than the card's prior.

        Raises
        ------
        ValueError
            If they are not shares of these classes, or the card has no prior.
        """
        if not self.prior:
            raise ValueError(
                "prior: the model's card does not say what shares its probabilities go by; "
                "`python -m training calibrate` gives a bundle of your own that"
            )
        if unknown := [name for name in shares if name not in self.names]:
            raise ValueError(f"prior: {unknown[0]!r} is none of {', '.join(self.names)}")
        if lacking := [name for name in self.names if name not in shares]:
            raise ValueError(
                f"prior: says nothing of {', '.join(lacking)}; give every class its share, or 0"
            )
        wanted = [shares[name] for name in self.names]
        if not all(0 <= share < float("inf") for share in wanted) or not sum(wanted) > 0:
            raise ValueError("prior: shares must be 0 or more, and not all 0")
        for name, share, own in zip(self.names, wanted, self.prior, strict=True):
            if share and not own:
                raise ValueError(f"prior: the model gives {name} no share; only 0 is possible")
        ratios = [share and share / own for share, own in zip(wanted, self.prior, strict=True)]
        return replace(self, weights=tuple(ratio / max(ratios) for ratio in ratios))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the output, for one image."""
        return (len(self.names),)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The class, its probability, and the probability of each class."""
        label, start = ("label", "") if self.primary else (self.name, f"{self.name}_")
        key = "GECLASS" if self.primary else keyword(self.name)
        best = "calibrated probability of that class"
        return (
            Column(
                label,
                "text",
                ucd="src.morph.type",
                description="the most probable class"
                if self.primary
                else f"the most probable of {self.name}",
                role="label",
                keyword=key,
            ),
            self.column(
                f"{start}probability",
                best,
                ucd="stat.probability",
                role="probability",
                keyword="GEPROB" if self.primary else "",
            ),
            *self._set_column(),
            *(
                self.column(
                    f"p_{start}{name}",
                    f"calibrated probability of {name}",
                    ucd="stat.probability",
                    role="class",
                    symbol=name,
                )
                for name in self.names
            ),
        )

    def _set_column(self) -> tuple[Column, ...]:
        if not self.least:
            return ()
        name, key = ("label_set", "GESET") if self.primary else (f"{self.name}_set", "")
        about = f"classes that hold the true one in {100 * (self.level or 0):g} % of galaxies"
        return (
            Column(
                name,
                "text",
                ucd="src.morph.type",
                description=f"{about}, the most probable first, joined by ;",
                role="set",
                keyword=key,
            ),
        )

    def decode(self, outputs: Outputs) -> NDArray[np.float32]:
        """Return probabilities, shape (N, C), which sum to one."""
        logits = outputs[self.output]
        if self.sigma_output:
            # e**10 is already far beyond any scale; the limit keeps it finite.
            log_sigma = np.minimum(outputs[self.sigma_output][:, 1], 10)
            softening = np.exp(np.float32(self.temperature_slope) * log_sigma)
            logits = logits / (np.float32(self.temperature) * softening)[:, np.newaxis]
        else:
            logits = logits / np.float32(self.temperature)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def cells(self, values: NDArray[np.float32]) -> Sequence[Answer]:
        """Return each image's class, its probability, perhaps its set, and all probabilities."""
        names = self.names
        shown = self._adjusted(values)
        sets: list[tuple[str, ...]] = [()] * len(values)
        if self.least:
            chosen = members(values, shown, self.least)
            sets = [(";".join(names[place] for place in places),) for places in chosen]
        found = []
        for row, its in zip(shown.tolist(), sets, strict=True):
            best = max(row)
            # NaN is equal to nothing; the caller refuses such rows.
            name = names[row.index(best)] if best == best else None
            found.append((name, best, *its, *row))
        return found

    def _adjusted(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities that rows tell: by the prior that was asked for."""
        if not self.weights:
            return values
        # A galaxy of what the prior rules out would have none: so little is left of each.
        weighed = np.maximum(values, np.float32(1e-12)) * np.asarray(self.weights, np.float32)
        return np.asarray(weighed / weighed.sum(axis=1, keepdims=True))

    def mirrored(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the probabilities would be of the mirrored pictures."""
        return reflected(values, self.places)

    def in_doubt(self, values: NDArray[np.float32], doubt: float) -> NDArray[np.bool_] | None:
        """Tell where the best class is less probable than `doubt`."""
        return values.max(axis=1, initial=0) < doubt if self.primary else None

    @property
    def targets(self) -> tuple[str, ...]:
        """The classes."""
        return self.names

    def say(self, answer: Answer) -> str:
        """Return the class and its probability; nothing where they are withheld."""
        return "" if answer[0] is None else f"{answer[0]} {answer[1]:.2f}"

    def shown(self, answer: Answer, target: int) -> str:
        """Return the class that was explained, if it is not the answer."""
        name = self.names[target]
        return "" if name == answer[0] else f"shown: {name} {answer[target - len(self.names)]:.2f}"

    @property
    def about(self) -> str:
        """The classes' names."""
        return " ".join(self.names)

    @property
    def notes(self) -> tuple[str, ...]:
        """The levels of its sets, and its prior."""
        found = []
        if self.sets is not None:
            levels = ", ".join(f"{level:g}" for level, _ in self.sets.levels)
            found.append(f"label sets of level {levels}")
        if self.prior:
            shares = zip(self.names, self.prior, strict=True)
            found.append("prior " + " ".join(f"{name} {share:.2f}" for name, share in shares))
        return tuple(found)


def _sets(fields: Mapping[str, Any], names: Sequence[str]) -> Sets | None:
    if "sets" not in fields:
        return None
    try:
        if any(";" in name for name in names):
            raise CardError("a class has ';' in its name, which stands between those of a set")
        return Sets.parse(field(fields, "sets", dict), len(names))
    except CardError as error:
        raise CardError(f"'sets': {error}") from error


HEAD = Classes
