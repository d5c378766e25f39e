"""The loop from sources to pictures of the evidence: what ``galedge explain`` runs."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from galedge._version import __version__
from galedge.errors import GaledgeError
from galedge.images.facts import Facts
from galedge.images.inputs import Rejected
from galedge.images.prepare import prepare
from galedge.network.explain import Explainer
from galedge.network.heads import Answer
from galedge.network.model import Model
from galedge.support.atomic import AtomicFile
from galedge.support.log import unforeseen
from galedge.support.machine import usable_cpus
from galedge.support.say import printable
from galedge.support.workers import ordered_map
from galedge.tables.columns import Column
from galedge.tables.rows import Cell

__all__ = ["Illustrated", "Illustrator", "cover", "draw"]

_BATCH = 8  # images that a worker takes at a time
# From nothing over violet and orange to pale yellow: as bright as it is hot.
_COLOURS = np.array([(38, 12, 82), (125, 26, 109), (212, 69, 71), (249, 148, 27), (252, 240, 160)])


_BEFORE = ("path", "picture", "hdu", "x", "y")
_AFTER = ("explained", "flags", "status", "error", "model", "model_sha256", "version")


@dataclass(frozen=True, slots=True)
class Illustrated:
    """What the network says of one galaxy and where the picture of it is, or why there is none."""

    path: str
    picture: str | None = None
    facts: Facts | None = None
    says: Mapping[str, Cell] = field(default_factory=dict)  # by column of the heads
    explained: str | None = None
    error: str | None = None
    model: str | None = None
    model_sha256: str | None = None

    def as_row(self) -> dict[str, Cell]:
        """Return a table's row: the cells of `Illustrator.columns`, flags joined by ';'."""
        row: dict[str, Cell] = dict.fromkeys((*_BEFORE, *_AFTER))
        row |= {"path": self.path, "picture": self.picture, **self.says}
        row |= {"explained": self.explained, "error": self.error, "version": __version__}
        row |= {"model": self.model, "model_sha256": self.model_sha256}
        if self.facts is not None:
            row |= {"hdu": self.facts.hdu, "x": self.facts.x, "y": self.facts.y}
            row["flags"] = ";".join(self.facts.flags)
        row["status"] = "ok" if self.error is None else "error"
        return row


class Illustrator:
    """Draws galaxies with what speaks for their answers, on several threads.

    Parameters
    ----------
    model : Model
    folder : str
        Where the pictures go, as ``<name of the file>.explain.png``; a name that
        is taken, by an input or by this run, gets a number.
    head : str, optional
        Which of the model's answers is explained; see `Explainer`.
    target : str, optional
        The class, or the label, that is explained. Default: each galaxy's most probable.
    scale : int
        Pixels on the picture for each of the network's.
    workers, hdu, plane, order, frame, any_kind
        As in `galedge.Classifier`.

    Raises
    ------
    ModelError
        If the network is of a kind that `Explainer` cannot take apart.
    ValueError
        If `target` is no class of the model, or `head` no head of it.

    Attributes
    ----------
    columns : list of str or Column
        Of the rows, in order: of what the heads say not each class's probability.
    """

    def __init__(
        self,
        model: Model,
        folder: str,
        *,
        head: str | None = None,
        target: str | None = None,
        scale: int = 4,
        workers: int | None = None,
        hdu: int | str | None = None,
        plane: int | None = None,
        order: str | None = None,
        frame: str | int | None = None,
        any_kind: bool = False,
    ) -> None:
        self._model = model
        self._explainer = Explainer(model, head)
        targets = self._explainer.head.targets
        if target is not None and target not in targets:
            kind = self._explainer.head.kind
            raise ValueError(f"{target!r} is none of the model's {kind}: {', '.join(targets)}")
        self._target = None if target is None else targets.index(target)
        told = [column for column in model.heads.columns if column.role not in ("class", "yes")]
        if self._explainer.head is model.heads.labels or not told:
            told = list(model.heads.columns)
        self.columns: list[str | Column] = [*_BEFORE, *told, *_AFTER]
        self._nothing: dict[str, Cell] = {column.name: None for column in model.heads.columns}
        self._folder = folder
        self._scale = scale
        self._workers = usable_cpus() if workers is None else workers
        self._reading: dict[str, Any] = {
            "hdu": hdu,
            "plane": plane,
            "order": order,
            "any_kind": any_kind,
        }
        recipe = model.card.recipe
        self._recipe = recipe if frame is None else recipe.replace(framing=frame)

    def stream(self, sources: list[str | Rejected]) -> Iterator[Illustrated]:
        """Draw any number of galaxies and yield a row for each, in their order.

        Raises
        ------
        OutputError
            If a picture cannot be written.
        """
        named = iter(zip(sources, self._names(sources), strict=True))
        chunks = iter(lambda: list(islice(named, _BATCH)), [])
        for rows in ordered_map(self._chunk, chunks, self._workers):
            yield from rows

    def _names(self, sources: Iterable[str | Rejected]) -> Iterator[str]:
        """Yield a name for each picture: neither an input's nor another picture's."""
        taken = {_place(source) for source in sources if isinstance(source, str)}
        for source in sources:
            path = source if isinstance(source, str) else source.path
            stem, number = os.path.join(self._folder, os.path.basename(path)), 1
            name = f"{stem}.explain.png"
            while _place(name) in taken:
                number += 1
                name = f"{stem}-{number}.explain.png"
            taken.add(_place(name))
            yield name

    def _chunk(self, sources: list[tuple[str | Rejected, str]]) -> list[Illustrated]:
        usable = [source for source, _ in sources if isinstance(source, str)]
        batch = prepare(usable, self._recipe, **self._reading)
        good = [i for i, facts in enumerate(batch.facts) if facts.error is None]
        drawn: dict[int, tuple[Any, ...]] = {}
        if good:
            found = self._explainer.explain(batch.pixels[good], self._target)
            seen = [batch.facts[i] for i in good]
            said = found.prediction.told(
                np.array([facts.mirrored for facts in seen]), [facts.flags for facts in seen]
            )
            for facts, flags in zip(seen, said.flags, strict=True):
                facts.flags = flags
            per_image = zip(said.finite, said.answers, found.target, found.heat, strict=True)
            drawn = dict(zip(good, per_image, strict=True))
        rows, i = [], 0
        for source, name in sources:
            if isinstance(source, Rejected):
                rows.append(Illustrated(source.path, says=self._nothing, error=source.reason))
                continue
            facts = batch.facts[i]
            reason = facts.error
            if i in drawn:
                try:
                    rows.append(self._one(source, name, facts, batch.pixels[i], *drawn[i]))
                except GaledgeError:  # nowhere to write
                    raise
                except Exception as error:  # one picture's, not the run's
                    reason = unforeseen(error, source)
            if reason is not None:
                rows.append(Illustrated(source, None, facts, self._nothing, error=reason))
            i += 1
        return rows

    def _one(
        self,
        path: str,
        name: str,
        facts: Facts,
        pixels: NDArray[np.uint8],
        finite: bool,
        answers: tuple[Answer, ...],
        target: int,
        heat: NDArray[np.float32],
    ) -> Illustrated:
        if not finite:
            reason = "the network gave no finite answer"
            return Illustrated(path, None, facts, self._nothing, error=reason)
        words: list[str] = []
        row: dict[str, Cell] = {}
        for head, cells in zip(self._model.heads, answers, strict=True):
            words.append(head.say(cells))
            row.update(zip(head.column_names, cells, strict=True))
            if head is self._explainer.head:
                words.append(head.shown(cells, target))
        if facts.upwards:  # as viewers show it
            pixels, heat = pixels[:, ::-1], heat[::-1]
        content = BytesIO()
        words = [word for word in words if word] or list(facts.flags)  # which say why not
        lines = os.path.basename(path), "   ".join(words)
        draw(pixels, heat, lines, self._scale).save(content, "PNG")
        with AtomicFile(name) as file:
            try:
                file.file.write(content.getbuffer())
            except OSError as error:
                raise file.failure(error) from error
        return Illustrated(
            path,
            picture=name,
            facts=facts,
            says=row,
            explained=self._explainer.head.targets[target],
            model=self._model.card.name,
            model_sha256=self._model.sha256,
        )


def _place(path: str) -> str:
    """Return what is the same for two names of one file; some file systems know no case."""
    return os.path.realpath(path).casefold()


def cover(
    pixels: NDArray[np.uint8], heat: NDArray[np.float32], scale: int = 4
) -> tuple[Image.Image, Image.Image]:
    """Return a prepared picture enlarged, and the same under the evidence for its answer.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (3, S, S)
    heat : ndarray, shape (S, S)
        See `Explanation`; only what is positive is drawn, relative to its peak.
    scale : int
        Pixels drawn for each.
    """
    side = (pixels.shape[2] * scale, pixels.shape[1] * scale)
    picture = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    picture = picture.resize(side, Image.Resampling.BICUBIC)
    warmth = np.maximum(heat, 0) / max(float(heat.max()), 1e-12)
    smooth = Image.fromarray(warmth.astype(np.float32)).resize(side, Image.Resampling.BICUBIC)
    hot = np.clip(np.asarray(smooth), 0, 1)
    stops = np.linspace(0, 1, len(_COLOURS))
    colour = np.stack([np.interp(hot, stops, channel) for channel in _COLOURS.T], -1)
    veil = 0.75 * hot[..., np.newaxis] ** 0.8
    covered = np.asarray(picture) * (1 - veil) + colour * veil
    return picture, Image.fromarray(covered.round().astype(np.uint8))


def draw(
    pixels: NDArray[np.uint8],
    heat: NDArray[np.float32],
    lines: tuple[str, ...] = (),
    scale: int = 4,
) -> Image.Image:
    """Draw what `cover` returns side by side, with lines of text below."""
    picture, covered = cover(pixels, heat, scale)
    size = max(11, scale * 3)
    font = ImageFont.load_default(size)
    gap, step = scale, math.ceil(size * 1.4)
    foot = gap + step * len(lines) if lines else 0
    canvas = Image.new("RGB", (2 * picture.width + gap, picture.height + foot), "black")
    canvas.paste(picture, (0, 0))
    canvas.paste(covered, (picture.width + gap, 0))
    pen = ImageDraw.Draw(canvas)
    for i, line in enumerate(lines):
        text = printable(line).encode("latin-1", "replace").decode("latin-1")  # what the font has
        while len(text) > 7 and pen.textlength(text, font) > canvas.width - 2 * gap:
            half = (len(text) - 4) // 2
            text = f"{text[:half]}...{text[-half:]}"
        pen.text((gap, picture.height + gap + i * step), text, "#dddddd", font)
    return canvas
