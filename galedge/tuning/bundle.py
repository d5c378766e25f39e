"""Bundle: a tuned one is the base's, whose networks have more heads and whose card says so."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.errors import GaledgeError, OutputError
from galedge.network.card import SCHEMA, Card
from galedge.network.heads import CardError, Heads
from galedge.network.onnx import Step, grafted, nodes
from galedge.support.atomic import AtomicFile, make_folder
from galedge.tuning.base import Base

__all__ = ["Graft", "fit_name", "spare", "write_bundle"]


@dataclass(frozen=True)
class Graft:
    """A head that is added to a network.

    Attributes
    ----------
    entry : dict
        Of the card, without ``output``.
    weights, bias : ndarray of float32, shapes (D, W) and (W,)
        Of what the base gives new heads to read.
    onto : str
        The output that it is added to, or empty.
    """

    entry: dict[str, Any]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    onto: str = ""


def spare(folder: str, base: Card) -> None:
    """Refuse a folder that holds something else than a bundle, or the base itself.

    Raises
    ------
    OutputError
    """
    if os.path.isdir(folder):
        if os.path.samefile(folder, base.folder):
            raise OutputError(f"{folder}: is the model that is tuned; choose another folder")
        if os.listdir(folder) and not os.path.exists(os.path.join(folder, "card.json")):
            raise OutputError(f"{folder}: holds files, and is no bundle; choose another folder")
    elif os.path.exists(folder):
        raise OutputError(f"{folder}: is no folder; choose another name")


def fit_name(text: str, entries: Sequence[dict[str, Any]], entry: dict[str, Any]) -> str:
    """Return a name for a head whose columns are nobody else's: the user's, or nearly."""
    stem = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "own"
    if not stem[0].isalpha():
        stem = f"own_{stem}"
    for name in (stem, f"own_{stem}", *(f"{stem}_{number}" for number in range(2, 100))):
        try:
            Heads.parse([*entries, {**entry, "name": name, "output": name}])
        except CardError:
            continue
        return name
    raise OutputError(f"{text}: the model has a hundred heads of that name; tune another one")


def _with_primary(
    entries: Sequence[dict[str, Any]], name: str, subject: Any, notes: list[str]
) -> list[dict[str, Any]]:
    """Return heads of which one of classes gives ``label`` and ``probability``.

    Labels that would share a column with its classes, ``p_ring``, bear their head's name then,
    which `notes` are told.

    Raises
    ------
    GaledgeError
        If another head needs it to be what it was.
    """
    chosen = [
        {**entry, "primary": entry["name"] == name} if entry["kind"] == "classes" else entry
        for entry in entries
    ]
    try:
        Heads.parse(chosen, subject)
        return chosen
    except CardError as error:
        reason = str(error)
    apart = [{**each, "primary": False} if each["kind"] == "labels" else each for each in chosen]
    try:
        Heads.parse(apart, subject)
    except CardError:
        raise GaledgeError(f"{name} cannot give the label: {reason}; choose another head") from None
    notes += [
        f"{each['name']}: its columns are p_{each['name']}_..., since {name} has classes of the "
        "same names"
        for each in chosen
        if each["kind"] == "labels" and each.get("primary")
    ]
    return apart


def write_bundle(
    folder: str,
    base: Base,
    grafts: Sequence[Graft],
    fields: dict[str, Any],
    embedding: int,
    primary: str | None,
    notes: list[str],
) -> dict[str, Any]:
    """Write the tuned bundle, its card last, and return the card.

    Parameters
    ----------
    folder : str
        Made if need be.
    base : Base
    grafts : sequence of Graft
        One of a name that the base has takes the place of that head.
    fields : dict
        Of the card, beside or in place of the base's.
    embedding : int
        How many numbers the base pools.
    primary : str or None
        The head of classes that gives the label; None: that of the base.
    notes : list of str
        Is told what a user should know.
    """
    entries = base.entries()
    taken = {
        name
        for precision in base.tensors
        for node in nodes(base.network(precision))
        for name in (*node.inputs, *node.outputs)
    }
    outputs = []
    for graft in grafts:
        name = str(graft.entry["name"])
        output = next(
            each
            for each in (f"tuned_{name}", *(f"tuned_{name}_{k}" for k in range(2, 100)))
            if each not in taken
        )
        taken.add(output)
        outputs.append(output)
        entry = {**graft.entry, "output": output}
        places = [place for place, each in enumerate(entries) if each["name"] == name]
        if places:
            entries[places[0]] = entry
        else:
            entries.append(entry)
    tensors = set(base.tensors.values())
    if base.card.heads.embedding is None and len(tensors) == 1:
        heads = Heads.parse(entries).with_embedding(tensors.pop(), embedding)
        head = heads.embedding
        assert head is not None
        entries.append(
            {"kind": "embedding", "name": head.name, "output": head.output, "size": head.size}
        )
    if primary is not None:
        subject = fields.get("subject", base.card.fields.get("subject"))
        entries = _with_primary(entries, primary, subject, notes)
    make_folder(folder)
    files = {}
    for precision, network in base.card.networks.items():
        content = _network(base, precision, grafts, outputs, embedding)
        _write(os.path.join(folder, network.name), content)
        files[network.name] = _file(content)
    for entry in entries:  # such as that of a typicality
        if "file" in entry:
            _write(
                os.path.join(folder, entry["file"]), (base.card.folder / entry["file"]).read_bytes()
            )
    card = {
        **{key: value for key, value in base.card.fields.items() if key != "default"},
        "schema": SCHEMA,
        "name": Path(os.path.abspath(folder)).name,
        "version": "1",
        "created": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "heads": entries,
        "files": files,
        **fields,
    }
    _write(os.path.join(folder, "card.json"), (json.dumps(card, indent=1) + "\n").encode())
    return card


def _network(
    base: Base, precision: str, grafts: Sequence[Graft], outputs: Sequence[str], embedding: int
) -> bytes:
    tensor = base.tensors[precision]
    network = base.network(precision)
    taken = {name for node in nodes(network) for name in (*node.inputs, *node.outputs)}
    steps: list[Step] = []
    constants: dict[str, NDArray[np.float32]] = {}
    reads = tensor
    if base.further:
        reads = next(
            each for each in (f"tuned_inputs{k or ''}" for k in range(100)) if each not in taken
        )
        steps.append(Step("Concat", (tensor, *base.further), reads, axis=1))
    for graft, output in zip(grafts, outputs, strict=True):
        weights, bias, alone = f"{output}_weights", f"{output}_bias", f"{output}_alone"
        constants |= {weights: graft.weights, bias: graft.bias}
        steps.append(Step("Gemm", (reads, weights, bias), alone if graft.onto else output))
        if graft.onto:
            steps.append(Step("Add", (graft.onto, alone), output))
    widths = dict(zip(outputs, (len(graft.bias) for graft in grafts), strict=True))
    return grafted(network, steps, constants, {tensor: embedding, **widths})


def _file(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _write(path: str, content: bytes) -> None:
    with AtomicFile(path) as target:
        try:
            target.file.write(content)
        except OSError as error:
            raise target.failure(error) from error
