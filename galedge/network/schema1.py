"""Cards of schema 1, which knew one question: brought into the form of schema 2."""

from __future__ import annotations

from typing import Any

from galedge.network.heads.base import CardError, different, field, number, positive

__all__ = ["lifted"]

# What those cards could take for granted.
_TYPES = {
    "kind": "quantity",
    "name": "t_type",
    "output": "t_type",
    "primary": True,
    "range": [-6.0, 11.0],
    "ucd": "src.morph.type",
    "symbol": "T",
    "description": "de Vaucouleurs T-type, -6 to 11",
}
_DESCRIPTIONS = {
    "bar": "probability of a bar",
    "arms": "probability of spiral arms",
    "clockwise": "probability that arms wind clockwise on the sky",
    "edge_on": "probability of a disc seen edge-on",
    "disturbed": "probability that the galaxy is disturbed or merging",
}


def lifted(fields: dict[str, Any]) -> dict[str, Any]:
    """Return a card of schema 1 as one of schema 2.

    Raises
    ------
    CardError
        If it is none of schema 1 either.
    """
    task = field(fields, "task", str)
    if task != "hubble":
        raise CardError(f"task {task!r} is not 'hubble', the only one of cards without 'schema'")
    classes = different(fields, "classes", least=2)
    try:
        calibration = field(fields, "calibration", dict)
        temperature = positive(calibration, "temperature")
        slope = number(calibration, "temperature_slope", 0.0)
        sigma_scale = positive(calibration, "t_sigma_scale")
    except CardError as error:
        raise CardError(f"'calibration': {error}") from error
    heads: list[dict[str, Any]] = [
        {
            "kind": "classes",
            "name": "hubble",
            "output": "hubble",
            "primary": True,
            "names": list(classes),
            "temperature": temperature,
            "temperature_slope": slope,
            "temperature_by": "t_type",
            **{key: fields[key] for key in ("prior", "sets") if key in fields},
        },
        {**_TYPES, "sigma_scale": sigma_scale},
    ]
    told = fields.get("heads")
    features = told.get("features") if isinstance(told, dict) else None
    if features is not None:
        try:
            names = different(features, "names")
        except CardError as error:
            raise CardError(f"'heads': 'features': {error}") from error
        head = {
            "kind": "labels",
            "name": "features",
            "output": "features",
            "primary": not set(names) & set(classes),  # else both would fill one column
            "names": list(names),
            "descriptions": {name: _DESCRIPTIONS[name] for name in names if name in _DESCRIPTIONS},
        }
        if "clockwise" in names:
            head["mirror"] = {"clockwise": "complement"}
        heads.append(head)
    rest = {
        key: value
        for key, value in fields.items()
        if key not in ("task", "classes", "calibration", "heads", "inputs", "prior", "sets")
    }
    return {"schema": 2, **rest, "heads": heads}
