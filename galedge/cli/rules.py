"""What goes with what: one table, which the errors, the help and docs/cli.md read.

Options and arguments are written as a user sees them. With a word behind it,
``--bands FILES``, an option counts only in that form: see `galedge.cli.options.Option`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

__all__ = ["RULES", "Rule", "broken", "sentence", "that_concern"]

Has = Callable[[str], bool]
"""Tells whether a command, or what was given to it, has an option, by its spelling."""


class Rule(NamedTuple):
    """What some options have to do with others, and why."""

    kind: str
    """``excludes``: none of the options goes with any of the others. ``needs``: each of
    them says something only beside one of the others."""
    options: tuple[str, ...]
    others: tuple[str, ...]
    because: str = ""

    def phrase(self) -> str:
        """Return what is true of the options, as a verb with its objects."""
        one = len(self.options) == 1
        reason = f": {self.because}" if self.because else ""
        if self.kind == "needs":
            verb = "need" if self.because else "go with"
            if one:
                verb = "needs" if self.because else "goes with"
            return f"{verb} {' or '.join(self.others)}{reason}"
        if len(self.others) == 1:
            verb = f"{'does' if one else 'do'} not go with"
        else:
            verb = f"{'goes' if one else 'go'} with none of"
        return f"{verb} {', '.join(self.others)}{reason}"

    def breaks(self, given: Has) -> bool:
        """Tell whether options that were given break it."""
        beside = any(map(given, self.others))
        return any(map(given, self.options)) and beside == (self.kind == "excludes")


_FRAMES = ("--catalog", "--detect")

RULES: tuple[Rule, ...] = (
    Rule(
        "needs",
        ("galedge classify", "galedge cutout", "galedge embed", "galedge label"),
        ("PATH", "--bands"),
        "they name the images",
    ),
    Rule("needs", ("galedge similar",), ("QUERY", "--odd"), "they say what to look for"),
    Rule("excludes", ("--odd",), ("QUERY", *_FRAMES), "what is odd is so among all"),
    Rule("needs", ("galedge cutout",), _FRAMES, "they say which sources"),
    Rule("excludes", ("--bands FILES",), ("PATH",), "it names the files itself; leave PATH out"),
    Rule(
        "excludes",
        ("galedge watch",),
        ("--bands FILES",),
        "more are to come; give a pattern, '{name}_{g,r,i}.fits'",
    ),
    Rule(
        "excludes",
        ("--prior fit",),
        ("--resume", "--write-back", "--dask", "--overlay"),
        "it knows no answer before all are there; give the shares that it tells",
    ),
    Rule(
        "excludes",
        ("--prior fit",),
        ("--suggest",),
        "pictures are chosen before all answers are there; give the shares",
    ),
    Rule(
        "excludes",
        ("galedge watch", "galedge adapters"),
        ("--prior fit",),
        "more are to come; give the shares",
    ),
    Rule("excludes", ("--catalog",), ("--detect",), "the sources are listed, or found"),
    Rule("needs", ("--columns", "--one-based", "--keep"), ("--catalog",)),
    Rule("needs", ("--threshold", "--min-area"), ("--detect",)),
    Rule("needs", ("--size", "--fwhm"), _FRAMES),
    Rule("excludes", ("--psf",), ("--fwhm",), "it has the width"),
    Rule("excludes", ("--order",), ("--plane",), "one plane has no order"),
    Rule("excludes", ("--order",), ("--bands",), "it lists the bands from blue to red itself"),
    Rule("needs", ("--hdu", "--plane", "--order", "--verify", "--any-kind"), ("FILE",)),
    Rule(
        "excludes",
        ("--hdu all",),
        ("--bands", "--overlay", "--dask", "--write-back", "--quarantine-move"),
        "it makes rows of a file's images, which share the file",
    ),
    Rule("needs", ("--overlay",), _FRAMES, "it draws the sources of one frame"),
    Rule("needs", ("--dask",), ("-o",), "a new folder, for the parts of a Parquet data set"),
    Rule(
        "excludes",
        ("--dask",),
        ("--json", "--gallery", "--reference", *_FRAMES, "--bands"),
        "its workers write Parquet, one row a file",
    ),
    Rule(
        "excludes",
        ("--json",),
        ("-o FILE",),
        "it is for standard output; name a .jsonl file instead",
    ),
    Rule(
        "excludes",
        ("--verify",),
        (*_FRAMES, "--bands"),
        "it adds up whole files; ask galedge info --verify first",
    ),
    Rule("needs", ("--resume",), ("-o FILE",), "the table to go on with"),
    Rule("excludes", ("--resume",), ("--gallery",), "a journal holds rows, not thumbnails"),
    Rule("needs", ("--quarantine-move",), ("--quarantine FOLDER",), "where they are moved to"),
    Rule(
        "excludes",
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
            yield rule._replace(options=options, others=others)


def sentence(rule: Rule) -> str:
    """Return a rule as a sentence."""
    *most, last = rule.options
    subject = f"{', '.join(most)} and {last}" if most else last
    return f"{subject} {rule.phrase()}"


def broken(has: Has, given: Has) -> Rule | None:
    """Return the first rule that what was given breaks, of what breaks it, or None."""
    for rule in that_concern(has):
        if rule.breaks(given):
            return rule._replace(options=tuple(filter(given, rule.options)))
    return None
