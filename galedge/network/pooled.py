"""Where a network's embedding is: what its card names, or else what its heads read.

A card without an embedding is one of an older bundle. Its network has one all the same
where it pools maps over the sky in one place, and that tensor can be made an output
when the file is read: the file, and its hash, stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from galedge.network.onnx import Node, nodes

__all__ = ["Pool", "embedding_tensor", "pools"]

_MEAN, _MAX = ("ReduceMean", "GlobalAveragePool"), ("ReduceMax", "GlobalMaxPool")


@dataclass(frozen=True, slots=True)
class Pool:
    """A pooled tensor: its name, that of its map, and how it is pooled."""

    name: str
    map: str
    is_mean: bool


def pools(graph: list[Node]) -> list[Pool]:
    """Return the pooled tensors of a graph."""
    return [
        Pool(node.outputs[0], node.inputs[0], node.op in _MEAN)
        for node in graph
        if node.op in (*_MEAN, *_MAX) and node.inputs and node.outputs
    ]


def embedding_tensor(network: bytes) -> str | None:
    """Return the name of the tensor that holds all that a network pools.

    That is the only pooled tensor, or the one that joins them all, as it is in the
    networks that `training` exports; None where there is neither.

    Raises
    ------
    ValueError
        If the bytes are not an ONNX file.
    """
    graph = nodes(network)
    pooled = {pool.name for pool in pools(graph)}
    if len(pooled) == 1:
        return pooled.pop()
    joined = [
        node.outputs[0] for node in graph if node.op == "Concat" and set(node.inputs) == pooled
    ]
    return joined[0] if pooled and len(joined) == 1 else None
