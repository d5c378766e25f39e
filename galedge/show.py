"""What ``galedge models`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from galedge.card import Card

__all__ = ["describe_models"]


def describe_models() -> str:
    """Return a paragraph for every shipped model: files, hashes, metrics."""
    from galedge.model import shipped

    cards = shipped()
    if not cards:
        return "No model came with this galedge."
    default = next((card for card in cards if card.default), cards[0])
    return "\n\n".join("\n".join(_model_lines(card, card is default)) for card in cards)


def _model_lines(card: Card, default: bool) -> Iterator[str]:
    yield f"{card.name} {card.version}" + (" (default)" if default else "")
    parameters = card.fields.get("parameters")
    if isinstance(parameters, int):
        yield f"  parameters  {parameters:,}"
    yield f"  classes     {' '.join(card.classes)}"
    yield f"  input       {card.recipe.size} x {card.recipe.size}, framing {card.recipe.framing}"
    for precision, network in card.networks.items():
        yield f"  {precision:<11} {network.size / 1e6:.2f} MB, SHA-256 {network.sha256}"
    yield f"  folder      {card.folder}"
    metrics = card.fields.get("metrics")
    if isinstance(metrics, dict) and metrics:
        yield "  metrics"
        yield from _metric_lines(metrics, "    ")


def _metric_lines(metrics: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yield numbers and names, level by level; curves and matrices stay in the card."""
    for name, value in metrics.items():
        if isinstance(value, dict):
            yield f"{indent}{name}"
            yield from _metric_lines(value, indent + "  ")
        elif isinstance(value, list):
            if len(value) <= 3 and all(_is_number(number) for number in value):
                yield f"{indent}{name}  {' '.join(_number(number) for number in value)}"
        elif _is_number(value):
            yield f"{indent}{name}  {_number(value)}"
        else:
            yield f"{indent}{name}  {value}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
