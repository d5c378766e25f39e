"""A bundle's card: what ``card.json`` says, read with suspicion."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galedge.errors import ModelError
from galedge.images.recipe import Recipe

__all__ = ["Card", "NetworkFile"]

PRECISIONS = ("int8", "fp32")  # the preferred one first

_CARD_LIMIT = 1 << 20  # bytes; a card is a few kilobytes


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """One ONNX file of a bundle, as its card describes it."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Card:
    """What ``card.json`` says, checked.

    Attributes
    ----------
    folder : Path
        The bundle.
    networks : dict of str to NetworkFile
        By precision, the preferred one first.
    weight_bits : int
        Of the int8 network's weights; 8 where the card does not say. With 7
        every CPU computes alike, see `galedge.support.machine.saturates_int8`.
    features : tuple of str
        What the head ``features`` tells the probability of, in its order;
        empty if the network has no such head.
    temperature, temperature_slope : float
        The logits are divided by ``temperature * sigma ** temperature_slope``
        before the softmax, sigma being the network's own T-type sigma.
    t_sigma_scale : float
        Multiplies the network's own T-type sigma.
    fields : dict
        The whole card, for what is only shown: metrics, credits, limits.
    """

    folder: Path
    name: str
    version: str
    default: bool
    classes: tuple[str, ...]
    recipe: Recipe
    features: tuple[str, ...]
    temperature: float
    temperature_slope: float
    t_sigma_scale: float
    networks: Mapping[str, NetworkFile]
    weight_bits: int
    fields: Mapping[str, Any]

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Card:
        """Read and check the card of the bundle in `folder`.

        Raises
        ------
        ModelError
            If there is no card, or it is not one that this galedge understands.
        """
        folder = Path(folder)
        path = folder / "card.json"
        try:
            with path.open("rb") as file:
                text = file.read(_CARD_LIMIT + 1)
        except OSError as error:
            raise ModelError(
                f"{folder}: not a model bundle: card.json: {error.strerror}; "
                "name a folder that holds card.json and model.fp32.onnx"
            ) from error
        if len(text) > _CARD_LIMIT:
            raise ModelError(f"{path}: longer than any card; is it really one?")
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{path}: not JSON ({error}); copy the bundle again") from error
        try:
            return cls._from_fields(folder, fields)
        except _CardError as error:
            raise ModelError(f"{path}: {error}") from error

    @classmethod
    def _from_fields(cls, folder: Path, fields: Any) -> Card:
        task = _field(fields, "task", str)
        if task != "hubble":
            raise _CardError(f"task {task!r} is not 'hubble', the one this galedge knows")
        classes = _field(fields, "classes", list)
        if (
            len(classes) < 2
            or not all(isinstance(name, str) and name for name in classes)
            or len(set(classes)) < len(classes)
        ):
            raise _CardError("'classes' must list two or more different names")
        try:
            recipe = Recipe.from_json(_field(fields, "recipe", dict))
        except (TypeError, ValueError) as error:
            raise _CardError(f"'recipe': {error}") from error
        calibration = _field(fields, "calibration", dict)
        quantization = _field(fields, "quantization", dict) if "quantization" in fields else {}
        return cls(
            folder=folder,
            name=_field(fields, "name", str),
            version=_field(fields, "version", str),
            default=fields.get("default") is True,
            classes=tuple(classes),
            recipe=recipe,
            features=_features(fields.get("heads")),
            temperature=_positive(calibration, "temperature"),
            temperature_slope=_number(calibration, "temperature_slope", 0.0),
            t_sigma_scale=_positive(calibration, "t_sigma_scale"),
            networks=_networks(_field(fields, "files", dict)),
            weight_bits=7 if quantization.get("weight_bits") == 7 else 8,
            fields=fields,
        )

    def network(self, precision: str) -> bytes:
        """Read a network whose size and hash are those on the card.

        Raises
        ------
        ModelError
            If the bundle has no such network, or another file in its place.
        """
        if precision not in self.networks:
            raise ModelError(
                f"{self.folder}: has no {precision} network, only {', '.join(self.networks)}"
            )
        network = self.networks[precision]
        path = self.folder / network.name
        try:
            with path.open("rb") as file:
                # The size first: a wrong file may be of any length.
                fits = os.fstat(file.fileno()).st_size == network.size
                content = file.read() if fits else b""
        except OSError as error:
            raise ModelError(f"{path}: {error.strerror}; copy the bundle again") from error
        if not fits or hashlib.sha256(content).hexdigest() != network.sha256:
            raise ModelError(
                f"{path}: not the file that card.json describes (size or SHA-256 differ); "
                "copy the bundle again"
            )
        return content


class _CardError(Exception):
    """What is wrong with a card, without its path."""


def _field(fields: Any, key: str, kind: type) -> Any:
    """Return ``fields[key]``, which must be of the given JSON type."""
    if not isinstance(fields, dict) or key not in fields:
        raise _CardError(f"{key!r} is missing")
    if not isinstance(fields[key], kind):
        raise _CardError(f"{key!r} must be a JSON {_JSON_NAMES[kind]}")
    return fields[key]


_JSON_NAMES: dict[type, str] = {str: "string", list: "array", dict: "object"}


def _features(heads: Any) -> tuple[str, ...]:
    """Return the names of the head ``features``, where there is one."""
    head = heads.get("features") if isinstance(heads, dict) else None
    if head is None:
        return ()
    names = _field(head, "names", list)
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise _CardError("'heads': 'features' must list different names")
    return tuple(names)


def _positive(fields: dict[str, Any], key: str) -> float:
    """Return a positive number."""
    value = _number(fields, key)
    if value <= 0:
        raise _CardError(f"'calibration': {key!r} must be positive, not {value:g}")
    return value


def _number(fields: dict[str, Any], key: str, default: float | None = None) -> float:
    """Return a finite number."""
    value = fields.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _CardError(f"'calibration' needs a number {key!r}")
    if not math.isfinite(value):
        raise _CardError(f"'calibration': {key!r} must be finite, not {value}")
    return float(value)


def _networks(files: dict[str, Any]) -> dict[str, NetworkFile]:
    """Return the networks that a card lists, by precision."""
    networks = {}
    for precision in PRECISIONS:
        name = f"model.{precision}.onnx"
        if name not in files:
            continue
        entry = files[name]
        sha256 = _field(entry, "sha256", str)
        size = entry.get("bytes")
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise _CardError(f"'files': {name}: 'bytes' must be a whole number")
        networks[precision] = NetworkFile(name, sha256.lower(), size)
    if not networks:
        raise _CardError("'files' lists neither model.int8.onnx nor model.fp32.onnx")
    return networks
