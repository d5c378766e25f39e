"""The page: tables and figures in one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from matplotlib.figure import Figure

from training.report.figures import embed, strata

__all__ = ["Page", "number", "value"]

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2126; max-width: 1180px;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid #e3e7ea; }
th { font-weight: 600; border-bottom-color: #9aa4ad; } .left { text-align: left; }
small { color: #66707a; } img { max-width: 100%; } figure { margin: .6rem 0; }
figcaption, .note { color: #48515a; max-width: 52rem; } summary { cursor: pointer; }
.scroll { overflow-x: auto; }
"""


UNKNOWN = (None, None, None)


def number(value: float | None, digits: int = 3) -> str:
    """Return a number as text; a dash for what is unknown."""
    return "–" if value is None else f"{value:.{digits}f}"


def value(three: Sequence[float | None], digits: int = 3) -> str:
    """Return [value, low, high] as HTML."""
    middle, low, high = three
    if middle is None:
        return "–"
    if low is None or high is None or low != low:
        return number(middle, digits)
    return f"{number(middle, digits)} <small>{low:.{digits}f}..{high:.{digits}f}</small>"


class Page:
    """Collects sections.

    Parameters
    ----------
    title : str
    result : dict
        What `training.report.report` writes as metrics.json.
    """

    def __init__(self, title: str, result: dict[str, Any]) -> None:
        self.title = title
        self.result = result
        self.parts: list[str] = []

    def heading(self, text: str) -> None:
        """Start a section."""
        self.parts.append(f"<h2>{escape(text)}</h2>")

    def note(self, text: str) -> None:
        """Add a paragraph."""
        self.parts.append(f'<p class="note">{escape(text)}</p>')

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> None:
        """Add a table of HTML cells; its first `left` columns hold words."""

        def line(cells: Sequence[str], tag: str) -> str:
            marks = (' class="left"' if i < left else "" for i in range(len(cells)))
            texts = zip(cells, marks, strict=True)
            return "<tr>" + "".join(f"<{tag}{m}>{text}</{tag}>" for text, m in texts) + "</tr>"

        body = "".join(line(row, "td") for row in rows)
        self.parts.append(f'<div class="scroll"><table>{line(head, "th")}{body}</table></div>')

    def picture(self, figure: Figure, caption: str = "", kind: str = "svg") -> None:
        """Add a figure."""
        text = escape(caption)
        source = embed(figure, kind)
        self.parts.append(
            f'<figure><figcaption>{text}</figcaption><img alt="{text}" src="{source}"></figure>'
        )

    def figure(self, title: str, figure: Figure, caption: str) -> None:
        """Add a section with one figure."""
        self.heading(title)
        self.picture(figure, caption)

    def overview(self) -> None:
        """Add the table of all sets."""
        result = self.result
        self.note(
            f"{result['model']} {result['version']}, {result['network']['file']} (SHA-256 "
            f"{result['network']['sha256'][:12]}), on the {result['split']} split of "
            f"{result['pack']['source']}. Small print: {result['interval']}."
        )
        words = {
            "accuracy": "accuracy",
            "balanced_accuracy": "balanced accuracy",
            "macro_f1": "macro-F1",
            "mcc": "MCC",
            "within_one": "within one class",
        }
        if quantity := result["quantity"]:
            words[quantity["rms"]] = f"RMS {quantity['title']}"
        measured = [values for kinds in result["sets"].values() for values in kinds.values()]
        keys = {key: word for key, word in words.items() if any(key in one for one in measured)}
        self.table(
            ["source", "input", "pictures", *keys.values()],
            (
                [source, kind, str(values["pictures"])]
                + [value(values.get(key, UNKNOWN)) for key in keys]
                for source, kinds in result["sets"].items()
                for kind, values in kinds.items()
            ),
            left=2,
        )

    def classes(self, keys: Sequence[str]) -> None:
        """Add a table of the classes of each set."""
        self.heading("Classes")
        for source, kinds in self.result["sets"].items():
            for i, (kind, values) in enumerate(kinds.items()):
                opened = "" if i else " open"
                self.parts.append(f"<details{opened}><summary>{source}, {kind}</summary>")
                self.table(
                    ["class", "pictures", *(key.replace("_", " ") for key in keys)],
                    (
                        [name, str(row["pictures"]), *(value(row[key]) for key in keys)]
                        for name, row in values.get("classes", {}).items()
                    ),
                )
                self.parts.append("</details>")

    def calibration(self, figure: Figure) -> None:
        """Add what the temperature does."""
        self.heading("Calibration")
        fitted = self.result["calibration"][self.result["classes"]]
        slope, quantity = fitted.get("temperature_slope"), self.result["quantity"]
        by = f" times sigma({quantity['title']}) to the power of {slope:.3f}" if slope else ""
        self.note(
            f"Temperature {fitted.get('temperature', 1):.3f}{by}, fitted on val over all kinds of "
            "input. ECE: expected calibration error, 15 bins; drawing again adds to it, so its "
            "interval lies above it."
        )
        self.table(
            ["source", "input", "ECE before", "ECE after", "log loss after"],
            (
                [
                    source,
                    kind,
                    value(values["ece_before"]),
                    value(values["ece_after"]),
                    number(values["nll"]),
                ]
                for source, kinds in self.result["sets"].items()
                for kind, values in kinds.items()
                if "ece_before" in values
            ),
            left=2,
        )
        self.picture(figure)

    def quantity(self, scatter: Figure, residuals: Figure) -> None:
        """Add the quantity."""
        about = self.result["quantity"]
        symbol, rms = about["symbol"], about["rms"]
        self.heading(about["name"])
        names = {
            f"{symbol}_bias": "mean error",
            f"{symbol}_median_error": "median |error|",
            f"{symbol}_within_sigma": "within 1 sigma (0.68)",
            f"{symbol}_within_two_sigma": "within 2 sigma (0.95)",
        }
        self.table(
            ["source", "input", "RMS", *names.values()],
            (
                [source, kind, value(values[rms]), *(number(values[key]) for key in names)]
                for source, kinds in self.result["sets"].items()
                for kind, values in kinds.items()
                if rms in values
            ),
            left=2,
        )
        self.picture(scatter)
        self.picture(residuals, "Points: medians; bars: the range that holds 68 %.")

    def labels(self, head: str) -> None:
        """Add the labels of a head, where they are told."""
        rows = [
            [source, kind, name, f"{row['yes']} · {row['no']}"]
            + [number(row[key]) for key in ("roc_auc", "balanced_accuracy")]
            for source, kinds in self.result["sets"].items()
            for kind, values in kinds.items()
            for name, row in values[head].items()
        ]
        if rows:
            self.heading(f"Labels: {head}")
            self.table(
                ["source", "input", "label", "yes · no", "ROC area", "balanced accuracy"], rows, 3
            )

    def found(self, heads: dict[str, Any]) -> None:
        """Add how many of each class are found when few of the first class are lost."""
        for name, values in heads.items():
            self.heading(f"Found: {name}")
            self.note(f"When {values['lost']:.0%} of the first class is lost, all inputs together.")
            self.table(
                ["class", "pictures", "found"],
                (
                    [text, str(row["pictures"]), value(row["share"])]
                    for text, row in values["classes"].items()
                ),
            )

    def strata_of(self, told: dict[str, Any], words: dict[str, str]) -> None:
        """Add the errors by strata of what is known of the pictures; `words` name each quantity."""
        drawn = False
        for quantity, label in words.items():
            tables = {
                (source, kind): table
                for source, kinds in told.items()
                for kind, values in kinds.items()
                if len(table := values["strata"].get(quantity, [])) > 1
            }
            if tables and not drawn:
                self.heading("Error by what is known of the pictures")
                self.note(
                    "Size and noise are those of the image that was prepared; pictures that were "
                    "framed before us have one size, and light in the border where the noise is "
                    "taken."
                )
                drawn = True
            if tables:
                self.picture(strata(tables, label))

    def transitions(self, source: str, pairs: dict[str, Any]) -> None:
        """Add the confusion of neighbouring types."""
        self.heading(f"Transition types: {source}")
        self.note(
            "Of the galaxies labelled as one of the two. Mixed up: taken for the other of the "
            "pair. Told apart: area under the ROC curve of the two probabilities. Doubt: the "
            "smaller of the two shares, 0 to 0.5, where the answer was right and where the two "
            "were mixed up."
        )
        rows = []
        for names, values in pairs.items():
            one, two = values["confusion"]
            rows.append(
                [
                    names,
                    f"{one[0]} · {one[1]} · {one[2]}",
                    f"{two[0]} · {two[1]} · {two[2]}",
                    value(values["accuracy"]),
                    value(values["mixed_up"]),
                    value(values["told_apart"]),
                    value(values["doubt_right"]),
                    value(values["doubt_wrong"]),
                ]
            )
        self.table(
            [
                "pair",
                "first: as first · second · other",
                "second: as first · second · other",
                "accuracy",
                "mixed up",
                "told apart",
                "doubt, right",
                "doubt, mixed up",
            ],
            rows,
        )

    def catalogues(self, sources: Sequence[str], values: dict[str, Any], figure: Figure) -> None:
        """Add how the model's doubt compares with the catalogues' disagreement."""
        title = self.result["quantity"]["title"]
        self.heading("The model's doubt and the catalogues' disagreement")
        self.note(
            f"{values['galaxies']} galaxies lie in both catalogues; the model's answer is the "
            "mean of what it says of both pictures."
        )
        names = {
            "same_class": "catalogues give the same class",
            "rms": f"RMS difference of their {title}",
            "model_as_first": f"model agrees with {sources[0]}",
            "model_as_second": f"model agrees with {sources[1]}",
            "model_as_either": "model agrees with either",
            "doubt_and_difference": f"rank correlation of entropy and |difference in {title}|",
            "sigma_and_difference": f"rank correlation of the error it gives {title} and it",
            "doubt_tells_difference": "entropy as a test for another class (ROC area)",
        }
        self.table(["", ""], ([text, value(values[key])] for key, text in names.items()))
        self.picture(figure)
        self.table(
            ["the model wavers between", "galaxies", "catalogues differ", "mean doubt"],
            (
                [
                    names,
                    str(row["galaxies"]),
                    value(row["catalogues_differ"]),
                    value(row["doubt"]),
                ]
                for names, row in values["by_pair"].items()
            ),
        )

    def html(self) -> str:
        """Return the whole page."""
        title = escape(self.title)
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
            f"<style>{STYLE}</style></head><body><h1>{title}</h1>"
            + "\n".join(self.parts)
            + "</body></html>\n"
        )
