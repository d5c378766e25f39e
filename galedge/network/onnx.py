"""An ONNX file's graph, read and cut without the onnx package.

A file is a protobuf message: fields, each a key, a length and bytes. Two
properties of the encoding are all that is used. Messages that follow one
another merge, repeated fields adding up, so outputs can be appended to a file
as they are to a list; and fields may be copied without being understood. The
numbers of the fields are those of onnx.proto (ModelProto, GraphProto,
NodeProto, ValueInfoProto), which never change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Node", "add_outputs", "cut", "nodes"]

_GRAPH = 7  # of a model
_NODE, _NAME, _INITIALIZER, _INPUT, _OUTPUT = 1, 2, 5, 11, 12  # of a graph
_NODE_INPUT, _NODE_OUTPUT, _NODE_OP = 1, 2, 4
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5  # how a field is stored
# A type: a tensor (field 1) of floats (field 1, value 1) and of any shape.
_FLOAT_TENSOR = b"\x0a\x02\x08\x01"


@dataclass(frozen=True, slots=True)
class Node:
    """One operation; names of its tensors, and the bytes that say all the rest."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    message: bytes


def nodes(network: bytes) -> list[Node]:
    """Return a network's operations in the order in which they run.

    Raises
    ------
    ValueError
        If the bytes are not a protobuf message.
    """
    found = []
    for number, graph in _fields(network):
        if number != _GRAPH:
            continue
        for part, message in _fields(graph):
            if part == _NODE:
                node = list(_fields(message))
                found.append(
                    Node(
                        next((value.decode() for n, value in node if n == _NODE_OP), ""),
                        tuple(value.decode() for n, value in node if n == _NODE_INPUT),
                        tuple(value.decode() for n, value in node if n == _NODE_OUTPUT),
                        message,
                    )
                )
    return found


def add_outputs(network: bytes, names: Sequence[str]) -> bytes:
    """Return a network that also gives the tensors of these names."""
    given = set(_outputs(network))  # which no engine takes twice
    new = [name for name in names if name not in given]
    values = b"".join(_field(_OUTPUT, _field(1, name.encode())) for name in new)
    return network + _field(_GRAPH, values)


def _outputs(network: bytes) -> Iterator[str]:
    """Yield the names of a network's outputs."""
    for number, graph in _fields(network):
        for part, message in _fields(graph) if number == _GRAPH else ():
            if part == _OUTPUT:
                yield from (value.decode() for n, value in _fields(message) if n == 1)


def cut(network: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """Return the part of a network between float tensors and some of its outputs."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes(network)):
        if wanted & set(node.outputs) - set(inputs):
            kept.append(_field(_NODE, node.message))
            wanted |= set(node.inputs)
    graph = list(reversed(kept))
    model = [_version(network)]
    for number, message in _fields(network):
        if number != _GRAPH:
            model.append(_field(number, message))
            continue
        for part, value in _fields(message):
            if part in (_NAME, _INITIALIZER):
                graph.append(_field(part, value))
    for name in inputs:
        graph.append(_field(_INPUT, _field(1, name.encode()) + _field(2, _FLOAT_TENSOR)))
    for name in outputs:
        graph.append(_field(_OUTPUT, _field(1, name.encode())))
    return b"".join(model) + _field(_GRAPH, b"".join(graph))


def _version(network: bytes) -> bytes:
    """Return the field that holds the format's version: a number, so `_fields` passes it over."""
    at = 0
    while at < len(network):
        start = at
        key, at = _varint(network, at)
        if key == 1 << 3 | _VARINT:
            _, at = _varint(network, at)
            return network[start:at]
        at = _skip(network, at, key & 7)[1]
    raise ValueError("no version of the format")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of the fields that hold bytes: text, messages, arrays."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        start, at = _skip(message, at, key & 7)
        if key & 7 == _BYTES:
            yield key >> 3, message[start:at]


def _skip(message: bytes, at: int, kind: int) -> tuple[int, int]:
    """Return where a field's content starts and ends."""
    if kind == _VARINT:
        return at, _varint(message, at)[1]
    if kind == _BYTES:
        length, at = _varint(message, at)
    elif kind in (_EIGHT, _FOUR):
        length = 8 if kind == _EIGHT else 4
    else:
        raise ValueError(f"a field of unknown kind {kind}")
    if at + length > len(message):
        raise ValueError("a field reaches beyond the end")
    return at, at + length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError("a number without an end")
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _field(number: int, content: bytes) -> bytes:
    """Return a field that holds bytes."""
    return _encoded(number << 3 | _BYTES) + _encoded(len(content)) + content


def _encoded(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
