"""Figures of the report, drawn by matplotlib without a display."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from training.score.answers import Answers, calibrated, probabilities
from training.words.card import Calibration
from training.words.heads import Quantity

__all__ = [
    "calibration",
    "confusion",
    "disagreement",
    "embed",
    "evidence",
    "precision_recall",
    "residuals",
    "sheet",
    "strata",
    "values",
]

COLOURS = ("#1b5e9b", "#c4541d", "#2f7d4f", "#7b4ea3")  # of kinds; legible for the colour-blind
FAINT = "#b9c0c8"

Keyed = dict[tuple[str, str], Any]  # by source and kind of input
Sets = dict[tuple[str, str], Answers]


def embed(figure: Figure, kind: str = "svg") -> str:
    """Return a figure as the source of an HTML image: nothing lies outside the page."""
    file = BytesIO()
    figure.savefig(file, format=kind, dpi=110, bbox_inches="tight", metadata={})
    mime = {"svg": "image/svg+xml", "png": "image/png"}[kind]
    return f"data:{mime};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def grid(rows: int, columns: int, width: float, height: float) -> tuple[Figure, np.ndarray]:
    """Return a figure with rows x columns panels of the given size in inches."""
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=8)
    return figure, axes


def panels(sets: Keyed, width: float, height: float) -> tuple[Figure, dict[Any, Any]]:
    """Return a figure with a row a source and a column a kind, and its panels by set."""
    sources = list(dict.fromkeys(source for source, _ in sets))
    kinds = list(dict.fromkeys(kind for _, kind in sets))
    figure, axes = grid(len(sources), len(kinds), width, height)
    places = {}
    for i, source in enumerate(sources):
        for j, kind in enumerate(kinds):
            places[source, kind] = axes[i, j]
            axes[i, j].set_title(f"{source}, {kind}", fontsize=9)
            if (source, kind) not in sets:
                axes[i, j].set_axis_off()
    return figure, places


def confusion(counts: dict[tuple[str, str], np.ndarray], names: Sequence[str]) -> Figure:
    """Draw confusion matrices of named classes: counts as numbers, shares of the row as shades."""
    side = max(2.9, 0.42 * len(names))
    figure, places = panels(counts, side, side)
    turned = 90 if max(map(len, names)) > 4 else 0
    for name, table in counts.items():
        ax = places[name]
        share = table / table.sum(1, keepdims=True).clip(1)
        ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (i, j), count in np.ndenumerate(table):
            if count:
                colour = "white" if share[i, j] > 0.55 else "black"
                ax.text(j, i, str(count), ha="center", va="center", fontsize=8, color=colour)
        ax.set_xticks(range(len(names)), names, rotation=turned)
        ax.set_yticks(range(len(names)), names)
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
    figure.supxlabel("answer", fontsize=9)
    figure.supylabel("label", fontsize=9)
    return figure


def precision_recall(sets: Sets, card: Calibration) -> Figure:
    """Draw a precision-recall curve for each class, source and kind of input."""
    names = next(iter(sets.values())).classes.names
    columns = min(4, len(names) + 1)
    figure, axes = grid(-(-(len(names) + 1) // columns), columns, 2.7, 2.5)  # one for the legend
    kinds = list(dict.fromkeys(kind for _, kind in sets))
    sources = list(dict.fromkeys(source for source, _ in sets))
    for c, ax in enumerate(axes.flat):
        if c >= len(names):
            ax.set_axis_off()
            continue
        for (source, kind), answers in sets.items():
            if not (answers.label == c).any():
                continue
            score = calibrated(answers, card)[:, c]
            precision, recall, _ = precision_recall_curve(answers.label == c, score)
            ax.plot(
                recall,
                precision,
                color=COLOURS[kinds.index(kind) % len(COLOURS)],
                linestyle=("-", "--", ":")[sources.index(source) % 3],
                linewidth=1.6 if kind == kinds[0] else 0.8,
                label=f"{source}, {kind}",
            )
        ax.set_title(names[c], fontsize=9)
        ax.set_xlim(0, 1.01)
        ax.set_ylim(0, 1.03)
    drawn = [ax.get_legend_handles_labels() for ax in axes.flat]
    handles, labels = max(drawn, key=lambda pair: len(pair[0]))
    axes.flat[-1].legend(handles, labels, fontsize=8, loc="center", frameon=False)
    figure.supxlabel("recall", fontsize=9)
    figure.supylabel("precision", fontsize=9)
    return figure


def calibration(sets: Sets, card: Calibration, bins: int = 10) -> Figure:
    """Draw how often answers of each certainty are right, before and after the temperature."""
    figure, places = panels(sets, 2.6, 2.5)
    for name, answers in sets.items():
        ax = places[name]
        ax.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
        for p, colour, label in (
            (probabilities(answers), COLOURS[1], "before"),
            (calibrated(answers, card), COLOURS[0], "after"),
        ):
            sure, right = p.max(1), p.argmax(1) == answers.label
            place = np.minimum((sure * bins).astype(int), bins - 1)
            points = [
                (sure[place == b].mean(), right[place == b].mean(), (place == b).sum())
                for b in range(bins)
                if (place == b).sum() >= 5
            ]
            if points:
                x, y, n = np.array(points).T
                spread = 1.96 * np.sqrt(np.clip(y * (1 - y), 0.02, None) / n)
                ax.errorbar(
                    x, y, spread, color=colour, marker="o", ms=3, lw=1, elinewidth=0.5, label=label
                )
        ax.set_xlim(1 / answers.classes.width, 1.02)
        ax.set_ylim(0, 1.03)
    drawn = [ax for ax in places.values() if ax.get_legend_handles_labels()[0]]
    for ax in drawn[:1]:  # of a few pictures there may be none
        ax.legend(fontsize=7, frameon=False, loc="upper left")
    figure.supxlabel("certainty (probability of the answer)", fontsize=9)
    figure.supylabel("share that is right", fontsize=9)
    return figure


def _ends(head: Quantity) -> tuple[float, float]:
    """Return the range of a quantity with half a bin's room."""
    return head.range[0] - head.step / 2, head.range[1] + head.step / 2


def values(sets: Sets) -> Figure:
    """Draw the quantity that the network gives against the one that was told."""
    figure, places = panels(sets, 2.6, 2.6)
    random = np.random.default_rng(0)
    for name, answers in sets.items():
        ax, head = places[name], answers.quantity
        ax.plot(head.range, head.range, color=FAINT, linewidth=1)
        x = answers.value + random.uniform(-0.25, 0.25, len(answers.value)) * head.step
        ax.scatter(x, answers.mean, s=5, color=COLOURS[0], alpha=0.45, linewidths=0)
        ax.set_xlim(_ends(head))
        ax.set_ylim(_ends(head))
        ax.set_aspect("equal")
    figure.supxlabel(f"{head.title} as labelled (jittered)", fontsize=9)
    figure.supylabel(f"{head.title} of the network", fontsize=9)
    return figure


def residuals(sets: Sets) -> Figure:
    """Draw the residuals by the quantity: median, and the range that holds 68 %."""
    figure, places = panels(sets, 2.6, 1.9)
    for name, answers in sets.items():
        ax, head = places[name], answers.quantity
        rest = answers.mean - answers.value
        ax.axhline(0, color=FAINT, linewidth=1)
        ax.scatter(answers.value, rest, s=3, color=FAINT, linewidths=0)
        place = np.array([head.bin_of(value) for value in answers.value])
        for one in np.unique(place):
            here = rest[place == one]
            if len(here) >= 5:
                at = head.centres[one]
                low, middle, high = np.percentile(here, [16, 50, 84])
                ax.plot([at, at], [low, high], color=COLOURS[0], linewidth=1.5)
                ax.plot([at], [middle], "o", color=COLOURS[0], markersize=3)
        ax.set_xlim(_ends(head))
        most = 0.45 * (head.range[1] - head.range[0])
        ax.set_ylim(-most, most)
    figure.supxlabel(f"{head.title} as labelled", fontsize=9)
    figure.supylabel("network - label", fontsize=9)
    return figure


def strata(tables: dict[tuple[str, str], list[dict[str, Any]]], label: str) -> Figure:
    """Draw what `by_stratum` measures, accuracy and RMS for instance, against a quantity."""
    first = next(iter(tables.values()))[0]
    measures = [key for key, value in first.items() if isinstance(value, list)]
    figure, axes = grid(1, len(measures), 4.2, 2.7)
    kinds = list(dict.fromkeys(kind for _, kind in tables))
    sources = list(dict.fromkeys(source for source, _ in tables))
    for ax, measure in zip(axes.flat, measures, strict=True):
        for (source, kind), table in tables.items():
            x = np.array([row["middle"] for row in table])
            y, low, high = np.array([row[measure] for row in table], float).T
            ax.errorbar(
                x,
                y,
                (y - low, high - y),
                color=COLOURS[kinds.index(kind) % len(COLOURS)],
                linestyle=("-", "--", ":")[sources.index(source) % 3],
                marker="o",
                markersize=3,
                linewidth=1.2,
                elinewidth=0.5,
                label=f"{source}, {kind}",
            )
        ax.set_title(measure.replace("_", " "), fontsize=9)
        ax.set_xlabel(label, fontsize=8)
    axes[0, -1].legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def disagreement(
    points: dict[str, list[float]], thirds: list[dict[str, Any]], difference: str
) -> Figure:
    """Draw the difference of the catalogues against the model's doubt."""
    figure, axes = grid(1, 2, 4.2, 2.7)
    random = np.random.default_rng(0)
    jitter = random.uniform(-0.12, 0.12, len(points["doubt"]))
    left, right = axes.flat
    left.scatter(
        points["doubt"], np.array(points["difference"]) + jitter, s=8, color=COLOURS[0], alpha=0.6
    )
    left.set_xlabel("doubt (entropy, 0 sure .. 1 no idea)", fontsize=8)
    left.set_title(difference, fontsize=9)
    x = [third["doubt"] for third in thirds]
    y, low, high = np.array([third["catalogues_differ"] for third in thirds], float).T
    right.errorbar(x, y, (y - low, high - y), color=COLOURS[1], marker="o", lw=1.2)
    right.set_xlabel("mean doubt of each third", fontsize=8)
    right.set_ylim(0, 1)
    right.set_title("share to which they give different classes", fontsize=9)
    return figure


def sheet(pixels: np.ndarray, captions: Sequence[str], columns: int = 8) -> Figure:
    """Draw prepared pictures (N, 3, S, S) with a caption under each."""
    rows = max(1, -(-len(pixels) // columns))
    figure, axes = grid(rows, columns, 1.45, 1.95)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, picture, caption in zip(axes.flat, pixels, captions, strict=False):
        ax.imshow(picture.transpose(1, 2, 0), interpolation="nearest")
        ax.text(0.5, -0.04, caption, fontsize=6.5, ha="center", va="top", transform=ax.transAxes)
    return figure


def evidence(
    pixels: np.ndarray, maps: dict[str, np.ndarray], masks: np.ndarray, captions: Sequence[str]
) -> Figure:
    """Draw pictures (N, 3, S, S), a row each: with the isophote, and under each method's map."""
    from galedge.answers.illustrate import cover

    figure, axes = grid(len(pixels), 1 + len(maps), 1.9, 2.05)
    for i, (line, picture, mask) in enumerate(zip(axes, pixels, masks, strict=True)):
        plain = np.asarray(cover(picture, np.zeros(mask.shape, np.float32), 3)[0])
        side = (-0.5, plain.shape[1] - 0.5, plain.shape[0] - 0.5, -0.5)
        line[0].imshow(plain, extent=side)
        if mask.any() and not mask.all():
            line[0].contour(
                np.kron(mask, np.ones((3, 3))), levels=[0.5], colors="#7fe0ff", linewidths=0.7
            )
        line[0].set_title(captions[i], fontsize=8)
        for ax, (name, heat) in zip(line[1:], maps.items(), strict=True):
            ax.imshow(np.asarray(cover(picture, heat[i], 3)[1]))
            ax.set_title(name, fontsize=8)
    for ax in axes.flat:
        ax.set_axis_off()
    return figure
