"""Cameras: bundles side by side through the fixed cameras, in a table."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from galedge._version import __version__
from galedge.errors import GaledgeError
from galedge.network.card import Card
from galedge.network.engine import start
from galedge.support.machine import cpu_name
from training.data.pack import Pack
from training.score import lines
from training.score.answers import Answers, run
from training.score.through import through
from training.ship.bundle import calibration_of
from training.words.fields import TaskError
from training.words.heads import titled

__all__ = ["Seen", "machine", "markdown", "side_by_side", "table"]


class Seen:
    """What a bundle answers through every camera of a pack of its recipe.

    Parameters
    ----------
    bundle : Path
    pack : Pack
        Opened for the bundle's task.
    split, precision : str
    files : set of str, optional
        Only these pictures: what another pack holds, too.

    Attributes
    ----------
    result : dict
        What `measure` found, ready for JSON.
    """

    def __init__(
        self,
        bundle: Path,
        pack: Pack,
        split: str,
        precision: str,
        files: set[str] | None = None,
    ) -> None:
        self.card = Card.read(bundle)
        self.pack = pack
        rows = pack.demand(split)
        self.rows = rows if files is None else rows[np.isin(pack.file[rows], list(files))]
        self.fitted = calibration_of(self.card)
        self.network = bundle / f"model.{precision}.onnx"
        # The plain picture, and each camera's.
        views = pack.kinds(cameras=False)
        first = next(iter(views))
        self.views = {first: views[first]} | {name: name for name in pack.cameras}
        self.kinds = self._answers(self.network)
        other = bundle / "model.fp32.onnx"
        self.exact = None if precision == "fp32" or not other.exists() else self._answers(other)
        self.result: dict[str, Any] = {
            "model": self.card.name,
            "version": self.card.version,
            "file": self.network.name,
            "sha256": hashlib.sha256(self.network.read_bytes()).hexdigest(),
            "recipe": pack.info["recipe"],
            "split": split,
        }

    def _answers(self, network: Path) -> dict[str, Answers]:
        return {kind: run(network, self.pack, self.rows, view) for kind, view in self.views.items()}

    def measure(self, draws: int) -> dict[str, Any]:
        """Return `result` with what `training.score.through` finds, of all sources and of each."""
        source = self.pack.source[self.rows]
        parts = {"all": np.ones(len(source), bool)}
        if len(names := sorted(set(source))) > 1:
            parts |= {name: source == name for name in names}
        sets = {}
        for name, member in parts.items():
            here = np.flatnonzero(member)
            kinds, exact = (
                of and {kind: answers.take(here) for kind, answers in of.items()}
                for of in (self.kinds, self.exact)
            )
            assert kinds is not None
            sets[name] = through(kinds, self.pack.cameras, self.fitted, draws, exact)
        self.result["sets"] = sets
        if engines := self._engines():
            self.result["openvino_as_onnxruntime"] = engines
        return self.result

    def _engines(self, batch: int = 64) -> dict[str, float]:
        """Return the share of labels on which OpenVINO agrees: of all pictures, and the least."""
        head = self.pack.task.classes
        if head is None:
            return {}
        try:
            engine = start("openvino", self.network.read_bytes(), str(self.network))
        except GaledgeError:  # not installed
            return {}
        shares = []
        for kind, view in self.views.items():
            parts = np.split(self.rows, range(batch, len(self.rows), batch))
            pixels = (np.ascontiguousarray(self.pack.exact[view][part]) for part in parts)
            logits = np.concatenate([engine.run(part)[head.output] for part in pixels])
            theirs = self.kinds[kind].said[head.name].argmax(1)
            shares.append(float((logits.argmax(1) == theirs).mean()))
        return {"labels": round(float(np.mean(shares)), 4), "least": round(min(shares), 4)}


def side_by_side(
    asked: Sequence[tuple[Path, Pack]], split: str, precision: str, draws: int
) -> list[Seen]:
    """Return bundles measured through the cameras of their packs; of one without cameras none.

    Only pictures are measured that every pack holds in the split.

    Raises
    ------
    TaskError
        If one of several was packed without cameras, or they have no picture in common.
    """
    lacking = [pack.folder for _, pack in asked if not pack.cameras]
    if lacking and len(asked) > 1:
        raise TaskError(f"{lacking[0]}: holds no cameras; pack it anew with --cameras")
    if lacking:
        return []
    files = set.intersection(*(set(pack.file[pack.demand(split)]) for _, pack in asked))
    if not files:
        folders = " and ".join(str(pack.folder) for _, pack in asked)
        raise TaskError(f"{folders}: have no picture of {split} in common; pack one data set twice")
    seen = [Seen(bundle, pack, split, precision, files) for bundle, pack in asked]
    for one in seen:
        one.measure(draws)
    return seen


def machine() -> dict[str, str]:
    """Return what the numbers were measured with."""
    import onnxruntime

    return {
        "processor": cpu_name(),
        "python": platform.python_version(),
        "galedge": __version__,
        "onnxruntime": onnxruntime.__version__,
        "numpy": np.__version__,
    }


def markdown(results: Sequence[dict[str, Any]]) -> list[str]:
    """Return what `table` does as lines of Markdown, and on how many labels engines agree."""
    told = lines.table(*table(results))
    for result in results:
        if engines := result.get("openvino_as_onnxruntime"):
            told += [
                "",
                f"{result['model']}: OpenVINO gives the label of ONNX Runtime to "
                f"{engines['labels']:.4f} of the pictures, to {engines['least']:.4f} through the "
                "camera that tells them apart most",
            ]
    return told


def table(results: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Return what `Seen.measure` found of bundles, side by side, as the head and rows of a table.

    First the plain pictures of each source, then every camera, of all sources together, and
    the mean and the worst of them; last these of each source.
    """
    models = [result["model"] for result in results]
    keys = _keys(results)
    words = [_word(key) + (f", {model}" if models[1:] else "") for key in keys for model in models]
    rows = []
    for title, name, kind in _places(results[0]):
        told = [result["sets"].get(name, {}).get(kind, {}) for result in results]
        rows.append([title, *(_cell(row, key) for key in keys for row in told)])
    return ["camera", *words], rows


def _places(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the rows of a table: title, set and kind."""
    sets = result["sets"]
    sources = [name for name in sets if name != "all"]
    plain = next(iter(sets["all"]))
    rows = [(f"{plain}, {name}", name, plain) for name in sources]
    for name in ("all", *sources):
        of = "" if name == "all" else f", {name}"
        if not of:
            rows += [(kind, name, kind) for kind in sets[name] if kind not in ("mean", "worst")]
        rows += [(f"{kind}{of}", name, kind) for kind in ("mean", "worst")]
    return rows


def _keys(results: Sequence[dict[str, Any]]) -> list[str]:
    """Return what a table tells of a camera, in its order."""
    rows = [row for result in results for row in result["sets"]["all"].values()]
    told = dict.fromkeys(key for row in rows for key in row)
    order = ["macro_f1", "accuracy"]
    for symbol in (key[4:] for key in told if key.startswith("rms_")):
        order += [f"rms_{symbol}", f"{symbol}_bias", f"{symbol}_within_sigma"]
    order += ["ece", "same_label", *(key for key in told if key.endswith("_roc_auc")), "over_fp32"]
    return [key for key in order if key in told]


def _word(key: str) -> str:
    words = {
        "macro_f1": "macro-F1",
        "ece": "ECE (by chance)",
        "same_label": "label as of the plain picture",
        "over_fp32": "int8 - fp32: macro-F1, same label",
    }
    if key.endswith("_bias"):
        return f"bias of {titled(key.removesuffix('_bias'))}"
    if key.endswith("_within_sigma"):
        return f"{titled(key.removesuffix('_within_sigma'))} within its error"
    if key.endswith("_roc_auc"):
        return f"{key.removesuffix('_roc_auc')}: mean ROC area"
    return f"RMS {titled(key[4:])}" if key.startswith("rms_") else words.get(key, key)


def _cell(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if value is None:
        return "–"
    if key == "over_fp32":
        forms = {"macro_f1": "+.3f", "labels": ".3f"}
        return ", ".join(f"{value[name]:{form}}" for name, form in forms.items() if name in value)
    if isinstance(value, list):
        return lines.three(value)
    if key == "ece":
        return f"{value:.3f} ({row['ece_by_chance']:.3f})"
    return f"{value:+.2f}" if key.endswith("_bias") else f"{value:.3f}"
