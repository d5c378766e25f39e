"""An ONNX file's graph, read, cut and added to without the onnx package.

A file is a protobuf message: fields, each a key, a length and bytes. Two
properties of the encoding are all that is used. Messages that follow one
another merge, repeated fields adding up, so outputs can be appended to a file
as they are to a list; and fields may be copied without being understood. The
numbers of the fields are those of onnx.proto (ModelProto, GraphProto,
NodeProto, TensorProto, ValueInfoProto), which never change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Node",
    "Step",
    "add_outputs",
    "cut",
    "folded_as_floats",
    "grafted",
    "nodes",
    "with_gains",
]

_GRAPH = 7  # of a model
_NODE, _NAME, _INITIALIZER, _INPUT, _OUTPUT = 1, 2, 5, 11, 12  # of a graph
_NODE_INPUT, _NODE_OUTPUT, _NODE_OP = 1, 2, 4
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5  # how a field is stored
# A type: a tensor (field 1) of floats (field 1, value 1) and of any shape.
_FLOAT_TENSOR = b"\x0a\x02\x08\x01"
_TENSOR_DIMS, _TENSOR_KIND, _TENSOR_NAME, _TENSOR_RAW = 1, 2, 8, 9
_FLOAT, _BYTE = 1, 2  # of a tensor's kinds


@dataclass(frozen=True, slots=True)
class Step:
    """An operation to be added: its attributes are what the operator takes them to be.

    Attributes
    ----------
    op : str
    inputs : tuple of str
        Tensors of the network, constants, or what steps before it give.
    output : str
    axis, to : int or None
        The attributes that are given where they are a number, for ``Concat`` and ``Cast``.
    """

    op: str
    inputs: tuple[str, ...]
    output: str
    axis: int | None = None
    to: int | None = None


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
                found.append(_operation(message))
    return found


def add_outputs(network: bytes, names: Sequence[str]) -> bytes:
    """Return a network that also gives the tensors of these names."""
    given = set(_outputs(network))  # which no engine takes twice
    new = [name for name in names if name not in given]
    values = b"".join(_field(_OUTPUT, _field(1, name.encode())) for name in new)
    return network + _field(_GRAPH, values)


def grafted(
    network: bytes,
    steps: Sequence[Step],
    constants: Mapping[str, NDArray[np.float32]],
    outputs: Mapping[str, int],
) -> bytes:
    """Return a network with more operations, and more outputs of shape (N, W).

    What was there stays as it is, bit for bit; the graph is written in one piece.

    Parameters
    ----------
    network : bytes
    steps : sequence of Step
        In the order in which they run.
    constants : mapping of str to ndarray
        What they read beside tensors of the network.
    outputs : mapping of str to int
        Names, with W; those that the network gives already are left out.

    Raises
    ------
    ValueError
        If a name is taken, or the bytes are no network.
    """
    taken = _tensors(network)
    made = [*(step.output for step in steps), *constants]
    if taken & set(made) or len(set(made)) < len(made):
        raise ValueError(f"a name is taken, of {', '.join(made)}")
    rest, graph = _apart(network)
    given = set(_outputs(network))
    parts = [
        graph,
        *(_field(_NODE, _node(step)) for step in steps),
        *(_field(_INITIALIZER, _tensor(name, each)) for name, each in constants.items()),
        *(_field(_OUTPUT, _value(n, w)) for n, w in outputs.items() if n not in given),
    ]
    return rest + _field(_GRAPH, b"".join(parts))


def with_gains(network: bytes, gains: NDArray[np.float32], pixels: str = "pixels") -> bytes:
    """Return a network whose input's planes are multiplied first, and rounded to bytes again.

    Parameters
    ----------
    network : bytes
        Whose input `pixels` is of bytes (N, C, S, S).
    gains : ndarray, shape (C,)
    """
    taken = _tensors(network)
    stem = next(each for each in (f"gains{k or ''}" for k in range(100)) if each not in taken)
    constants = {
        f"{stem}_of": np.asarray(gains, np.float32).reshape(1, -1, 1, 1),
        f"{stem}_half": np.array(0.5, np.float32),
        f"{stem}_least": np.array(0, np.float32),
        f"{stem}_most": np.array(255, np.float32),
    }
    of, half, least, most = constants
    steps = [
        Step("Cast", (pixels,), f"{stem}_float", to=_FLOAT),
        Step("Mul", (f"{stem}_float", of), f"{stem}_times"),
        Step("Add", (f"{stem}_times", half), f"{stem}_more"),
        Step("Floor", (f"{stem}_more",), f"{stem}_whole"),
        Step("Clip", (f"{stem}_whole", least, most), f"{stem}_within"),
        Step("Cast", (f"{stem}_within",), stem, to=_BYTE),
    ]
    rest, graph = _apart(network)
    parts = [
        *(_field(_NODE, _node(step)) for step in steps),
        *(
            _field(_NODE, _renamed(message, _NODE_INPUT, pixels, stem))
            if kind == _NODE and message is not None
            else part
            for part, kind, message in _every(graph)
        ),
        *(_field(_INITIALIZER, _tensor(name, each)) for name, each in constants.items()),
    ]
    return rest + _field(_GRAPH, b"".join(parts))


def folded_as_floats(network: bytes) -> bytes:
    """Return a network that moves pixels to channels (``SpaceToDepth``) as floats, not as bytes.

    ONNX Runtime does so with bytes since 1.28. Floats hold every byte: answers are the same.
    """
    rest, graph = _apart(network)
    parts = []
    for part, kind, message in _every(graph):
        node = _operation(message) if kind == _NODE and message is not None else None
        if node is None or node.op != "SpaceToDepth":
            parts.append(part)
            continue
        (given,), (made,) = node.inputs, node.outputs
        before, after = f"{made}_float", f"{made}_folded"
        fold = _renamed(node.message, _NODE_INPUT, given, before)
        steps = (
            _node(Step("Cast", (given,), before, to=_FLOAT)),
            _renamed(fold, _NODE_OUTPUT, made, after),
            _node(Step("CastLike", (after, given), made)),
        )
        parts += [_field(_NODE, step) for step in steps]
    return rest + _field(_GRAPH, b"".join(parts))


def _operation(message: bytes) -> Node:
    """Return what a message says of an operation."""
    node = list(_fields(message))
    return Node(
        next((value.decode() for n, value in node if n == _NODE_OP), ""),
        tuple(value.decode() for n, value in node if n == _NODE_INPUT),
        tuple(value.decode() for n, value in node if n == _NODE_OUTPUT),
        message,
    )


def _tensors(network: bytes) -> set[str]:
    """Return the names of the tensors that operations read and give."""
    return {name for node in nodes(network) for name in (*node.inputs, *node.outputs)}


def _apart(network: bytes) -> tuple[bytes, bytes]:
    """Return all of a network but its graph, and what the graph holds, in one piece."""
    rest, graph = [], []
    for whole, number, content in _every(network):
        if number == _GRAPH and content is not None:
            graph.append(content)
        else:
            rest.append(whole)
    return b"".join(rest), b"".join(graph)


def _renamed(node: bytes, kind: int, old: str, new: str) -> bytes:
    """Return an operation that reads or gives another tensor in place of one."""
    return b"".join(
        _field(kind, new.encode()) if number == kind and content == old.encode() else whole
        for whole, number, content in _every(node)
    )


def _node(step: Step) -> bytes:
    parts = [_field(_NODE_INPUT, name.encode()) for name in step.inputs]
    parts += [_field(_NODE_OUTPUT, step.output.encode()), _field(_NODE_OP, step.op.encode())]
    for name, value in ((b"axis", step.axis), (b"to", step.to)):
        if value is not None:  # an attribute: name, the number, and that it is one (kind 2)
            number = _encoded(3 << 3) + _encoded(value) + _encoded(20 << 3) + _encoded(2)
            parts.append(_field(5, _field(1, name) + number))
    return b"".join(parts)


def _tensor(name: str, values: NDArray[np.float32]) -> bytes:
    dims = b"".join(_encoded(_TENSOR_DIMS << 3) + _encoded(side) for side in values.shape)
    kind = _encoded(_TENSOR_KIND << 3) + _encoded(_FLOAT)
    raw = np.ascontiguousarray(values, "<f4").tobytes()
    return dims + kind + _field(_TENSOR_NAME, name.encode()) + _field(_TENSOR_RAW, raw)


def _value(name: str, width: int) -> bytes:
    """Return an output's name and type: floats of shape (N, width)."""
    shape = _field(1, _field(2, b"N")) + _field(1, _encoded(1 << 3) + _encoded(width))
    kind = _field(1, _encoded(1 << 3) + _encoded(_FLOAT) + _field(2, shape))
    return _field(1, name.encode()) + _field(2, kind)


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
    """Return the field that holds the format's version."""
    for whole, number, content in _every(network):
        if number == 1 and content is None:
            return whole
    raise ValueError("no version of the format")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of the fields that hold bytes: text, messages, arrays."""
    for _, number, content in _every(message):
        if content is not None:
            yield number, content


def _every(message: bytes) -> Iterator[tuple[bytes, int, bytes | None]]:
    """Yield each field as it is, its number, and its content where that is bytes."""
    at = 0
    while at < len(message):
        begin = at
        key, at = _varint(message, at)
        start, at = _skip(message, at, key & 7)
        content = message[start:at] if key & 7 == _BYTES else None
        yield message[begin:at], key >> 3, content


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
