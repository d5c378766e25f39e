"""What goes with what: one table, which the errors, the help and docs/cli.md read.

Options and arguments are written as a user sees them. With a word behind it,
``--bands FILES``, an option counts only in that form: see `galedge.cli.options.Option`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

__all__ = ["RULES", "Excludes", "Needs", "Rule", "broken", "sentence", "that_concern"]

Has = Callable[[str], bool]
"""Tells whether a command, or what was given to it, has an option, by its spelling."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What some options have to do with others, and why."""

    options: tuple[str, ...]
    others: tuple[str, ...]
    because: str = ""

    def phrase(self) -> str:
        """Return what is true of the options, as a verb with its objects."""
        raise NotImplementedError

    def breaks(self, given: Has) -> bool:
        """Tell whether options that were given break it."""
        raise NotImplementedError

    def _because(self) -> str:
        return f": {self.because}" if self.because else ""


@dataclass(frozen=True, slots=True)
class Excludes(Rule):
    """None of the options goes with any of the others."""

    def phrase(self) -> str:
        """Return what is true of the options, as a verb with its objects."""
        one = len(self.options) == 1
        if len(self.others) == 1:
            verb = f"{'does' if one else 'do'} not go with"
        else:
            verb = f"{'goes' if one else 'go'} with none of"
        return f"{verb} {', '.join(self.others)}{self._because()}"

    def breaks(self, given: Has) -> bool:
        """Tell whether options that were given break it."""
        return any(map(given, self.options)) and any(map(given, self.others))


@dataclass(frozen=True, slots=True)
class Needs(Rule):
    """Each of the options says something only beside one of the others."""

    def phrase(self) -> str:
        """Return what is true of the options, as a verb with its objects."""
        verb = "need" if self.because else "go with"
        if len(self.options) == 1:
            verb = "needs" if self.because else "goes with"
        return f"{verb} {' or '.join(self.others)}{self._because()}"

    def breaks(self, given: Has) -> bool:
        """Tell whether options that were given break it."""
        return any(map(given, self.options)) and not any(map(given, self.others))


_FRAMES = ("--catalog", "--detect")

RULES: tuple[Rule, ...] = (
    Needs(("galedge classify", "galedge cutout"), ("PATH", "--bands"), "they name the images"),
    Needs(("galedge cutout",), _FRAMES, "they say which sources"),
    Excludes(("--bands FILES",), ("PATH",), "it names the files itself; leave PATH out"),
    Excludes(
        ("galedge watch",),
        ("--bands FILES",),
        "more are to come; give a pattern, '{name}_{g,r,i}.fits'",
    ),
    Excludes(("--catalog",), ("--detect",), "the sources are listed, or found"),
    Needs(("--columns", "--one-based", "--keep"), ("--catalog",)),
    Needs(("--threshold", "--min-area"), ("--detect",)),
    Needs(("--size",), _FRAMES),
    Needs(("--hdu", "--plane", "--verify"), ("FILE",)),
    Needs(("--overlay",), _FRAMES, "it draws the sources of one frame"),
    Needs(("--dask",), ("-o",), "a new folder, for the parts of a Parquet data set"),
    Excludes(
        ("--dask",),
        ("--json", "--gallery", *_FRAMES, "--bands"),
        "its workers write Parquet, one row a file",
    ),
    Excludes(("--json",), ("-o FILE",), "it is for standard output; name a .jsonl file instead"),
    Excludes(
        ("--verify",),
        (*_FRAMES, "--bands"),
        "it adds up whole files; ask galedge info --verify first",
    ),
    Needs(("--resume",), ("-o FILE",), "the table to go on with"),
    Excludes(("--resume",), ("--gallery",), "a journal holds rows, not thumbnails"),
    Needs(("--quarantine-move",), ("--quarantine FOLDER",), "where they are moved to"),
    Excludes(
        ("--resume", "--quarantine", "--write-back"),
        ("--dask", *_FRAMES, "--bands"),
        "there a row must be a whole file",
    ),
)
"""The order is that in which a command line is judged: the first rule that it breaks is told."""


def that_concern(has: Has) -> Iterator[Rule]:
    """Yield the rules with something to say in a command, of its options alone."""
    for rule in RULES:
        options = tuple(filter(has, rule.options))
        others = tuple(filter(has, rule.others))
        if options and others:
            yield replace(rule, options=options, others=others)


def sentence(rule: Rule) -> str:
    """Return a rule as a sentence."""
    *most, last = rule.options
    subject = f"{', '.join(most)} and {last}" if most else last
    return f"{subject} {rule.phrase()}"


def broken(has: Has, given: Has) -> Rule | None:
    """Return the first rule that what was given breaks, of what breaks it, or None."""
    for rule in that_concern(has):
        if rule.breaks(given):
            return replace(rule, options=tuple(filter(given, rule.options)))
    return None
