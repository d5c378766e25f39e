"""A bundle's card: what ``card.json`` says, read with suspicion."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galedge.errors import ModelError
from galedge.images.recipe import Recipe
from galedge.network.heads import CardError, Heads
from galedge.network.heads.base import field
from galedge.network.schema1 import lifted

__all__ = ["Card", "NetworkFile"]

SCHEMA = 2  # of the cards that are written now

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
    heads : Heads
        What the network answers, and how its outputs are read.
    weight_bits : int
        Of the int8 network's weights; 8 where the card does not say. With 7
        every CPU computes alike, see `galedge.support.machine.saturates_int8`.
    fields : dict
        The whole card in the form of schema 2, for what is only shown: metrics,
        credits, limits.
    """

    folder: Path
    name: str
    version: str
    default: bool
    heads: Heads
    recipe: Recipe
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
        except CardError as error:
            raise ModelError(f"{path}: {error}") from error

    @classmethod
    def _from_fields(cls, folder: Path, fields: Any) -> Card:
        schema = fields.get("schema", 1) if isinstance(fields, dict) else 1
        if schema == 1:
            fields = lifted(fields)
        elif schema != SCHEMA:
            raise CardError(
                f"'schema' {schema!r}: this galedge reads 1 and {SCHEMA}; a newer one may"
            )
        try:
            recipe = Recipe.from_json(field(fields, "recipe", dict))
        except (TypeError, ValueError) as error:
            raise CardError(f"'recipe': {error}") from error
        quantization = field(fields, "quantization", dict) if "quantization" in fields else {}
        return cls(
            folder=folder,
            name=field(fields, "name", str),
            version=field(fields, "version", str),
            default=fields.get("default") is True,
            heads=Heads.parse(field(fields, "heads", list), fields.get("subject")),
            recipe=recipe,
            networks=_networks(field(fields, "files", dict)),
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


def _networks(files: dict[str, Any]) -> dict[str, NetworkFile]:
    """Return the networks that a card lists, by precision."""
    networks = {}
    for precision in PRECISIONS:
        name = f"model.{precision}.onnx"
        if name not in files:
            continue
        entry = files[name]
        sha256 = field(entry, "sha256", str)
        size = entry.get("bytes")
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise CardError(f"'files': {name}: 'bytes' must be a whole number")
        networks[precision] = NetworkFile(name, sha256.lower(), size)
    if not networks:
        raise CardError("'files' lists neither model.int8.onnx nor model.fp32.onnx")
    return networks
