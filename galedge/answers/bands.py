"""One galaxy in three files: which file is which band of what."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from galedge.answers.classifier import Classifier
from galedge.answers.paired import paired
from galedge.answers.result import Result
from galedge.errors import ReadError
from galedge.images.inputs import Rejected
from galedge.images.wavelengths import wavelength
from galedge.support.system import slashed

__all__ = ["MISSING", "Group", "Pattern", "classify_groups", "group_of", "parse_bands"]

#: The flag of what lacks a band.
MISSING = "missing_band"

_CHOICE = re.compile(r"\{([^{}/]*,[^{}/]*)\}")
_NAME = "{name}"


@dataclass(frozen=True, slots=True)
class Group:
    """The files of one galaxy or field.

    Attributes
    ----------
    path : str
        The file that stands for all: the middle band, or the one that is there.
    paths : tuple of str
        Red, green and blue; or one file, alone or because bands are missing.
    flags : tuple of str
        What may spoil the answer.
    """

    path: str
    paths: tuple[str, ...]
    flags: tuple[str, ...] = ()

    @property
    def source(self) -> str | tuple[str, str, str]:
        """What a classifier takes for it."""
        if len(self.paths) != 3:
            return self.path
        red, green, blue = self.paths
        return red, green, blue


@dataclass(frozen=True, slots=True)
class Pattern:
    """Names of files such as ``{name}_{g,r,i}.fits``.

    Attributes
    ----------
    text : str
        The pattern; ``{name}`` stands for what the three files share.
    bands : tuple of three str
        From blue to red.
    """

    text: str
    bands: tuple[str, str, str]

    @property
    def folder(self) -> str:
        """The folder that the pattern itself names."""
        return os.path.dirname(self.text.partition("{")[0]) or "."

    def group(self, files: Iterable[str | Rejected]) -> Iterator[Group | Rejected]:
        """Bring files together; what matches the pattern nowhere is passed over.

        Raises
        ------
        ReadError
            If no file matches.
        """
        found: dict[tuple[str, str], dict[str, str]] = {}
        rejected: dict[tuple[str, str], Rejected] = {}
        others = False
        for file in files:
            path = file.path if isinstance(file, Rejected) else file
            folder, match = self._matched(path)
            key = folder, match["name"] if match else ""
            if match and isinstance(file, Rejected):
                rejected[key] = file
            elif match:
                found.setdefault(key, {})[match["band"]] = path
            elif isinstance(file, Rejected):
                others = True
                yield file
        if not (found or rejected or others):
            raise ReadError(f"no file matches the pattern {self.text}")
        for key in sorted(found.keys() | rejected.keys()):
            yield rejected.get(key) or _group([found[key].get(band) for band in self.bands])

    def around(self, path: str) -> Group | Rejected:
        """Return the files of a galaxy of which one is told, or only what is shared: a name."""
        folder, match = self._matched(path)
        name = match["name"] if match else os.path.basename(path)
        folder = folder if match else os.path.dirname(path)
        before, _, after = _CHOICE.split(self.text)
        files = [(before + band + after).replace(_NAME, name) for band in self.bands]
        paths = [os.path.join(folder, file) for file in files]
        there = [one if os.path.exists(one) else None for one in paths]
        if not any(there):
            return Rejected(path, f"there is no file of it that matches {self.text}")
        return _group(there)

    def _matched(self, path: str) -> tuple[str, re.Match[str] | None]:
        """Return the folder that the pattern starts from, and how the rest of a path matches."""
        parts, depth = slashed(path).split("/"), slashed(self.text).count("/") + 1
        rest = _expression(self.text, self.bands).fullmatch("/".join(parts[-depth:]))
        return "/".join(parts[:-depth]), rest


@cache
def _expression(text: str, bands: tuple[str, ...]) -> re.Pattern[str]:
    before, after = (re.escape(part) for part in _CHOICE.split(slashed(text))[::2])
    band = f"(?P<band>{'|'.join(map(re.escape, sorted(bands, key=len, reverse=True)))})"
    name, escaped = "(?P<name>[^/]+)", re.escape(_NAME)
    whole = (before + band + after).replace(escaped, name, 1).replace(escaped, "(?P=name)")
    return re.compile(whole)


def parse_bands(text: str) -> Group | Pattern:
    """Understand what ``--bands`` says.

    Parameters
    ----------
    text : str
        Three files, ``g.fits,r.fits,i.fits`` or ``frame-{g,r,i}.fits``; or a
        pattern with ``{name}``. From blue to red, as bands are listed.

    Raises
    ------
    ValueError
        If it is none of these, or well-known bands are not in this order.
    """
    choices = _CHOICE.findall(text)
    if len(choices) > 1:
        raise ValueError("more than one list of bands in braces")
    names = [name.strip() for name in (choices[0] if choices else text).split(",")]
    if len(names) != 3 or not all(names) or len(set(names)) != 3:
        raise ValueError("needs three bands: g.fits,r.fits,i.fits or '{name}_{g,r,i}.fits'")
    if choices:
        _check_order(names)
    if _NAME in text:
        if not choices:
            raise ValueError("with {name} the bands stand in braces: '{name}_{g,r,i}.fits'")
        return Pattern(text, (names[0], names[1], names[2]))
    if not choices:
        return _group(names)
    before, _, after = _CHOICE.split(text)
    return _group([before + name + after for name in names])


def group_of(path: str, bands: Group | Pattern | None) -> Group | Rejected:
    """Return the files of the galaxy or field that one of them stands for, by ``--bands``."""
    if isinstance(bands, Pattern):
        return bands.around(path)
    if bands is None:
        return Group(path, (path,))
    if os.path.abspath(path) in map(os.path.abspath, bands.paths):
        return bands
    return Rejected(path, f"is none of the three files {', '.join(reversed(bands.paths))}")


def classify_groups(classifier: Classifier, groups: Iterable[Group | Rejected]) -> Iterator[Result]:
    """Classify galaxies in three bands, one a group; a missing band is a flag of the row.

    Yields
    ------
    Result
        One for each group, in their order; its path is the group's.
    """
    asked = ((each, each if isinstance(each, Rejected) else each.source) for each in groups)
    for group, result in paired(classifier, asked):
        if isinstance(group, Group):
            result = replace(result, path=group.path, flags=result.flags + group.flags)
        yield result


def _check_order(names: list[str]) -> None:
    known = {name: found for name in names if (found := wavelength(name)) is not None}
    right = sorted(known, key=lambda name: known[name])
    if len(known) == 3 and names != right and len(set(known.values())) == 3:
        raise ValueError(f"bands go from blue to red: {','.join(right)}, not {','.join(names)}")


def _group(paths: list[str | None] | list[str]) -> Group:
    """Return the group of three files, blue first, of which some may be missing."""
    blue, green, red = paths
    if blue and green and red:
        return Group(green, (red, green, blue))
    one = green or red or blue  # red shows the stars that make up a galaxy's shape
    assert one is not None
    return Group(one, (one,), (MISSING,))
