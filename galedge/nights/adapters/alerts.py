"""Alert packets of ZTF and Rubin: a line of JSON for the science stamp of each.

    pip install 'galedge[kafka]'
    galedge adapters alerts night.avro ztf_public_20260101.tar.gz > morphology.jsonl
    galedge adapters alerts template night.avro > morphology.jsonl

Files are Avro object containers, or tar archives of them. A line is the row of `galedge classify
--json` behind the alert's `alert_id` (diaSourceId or candid) and `object_id`; `path` is the file.
`template` or `difference` in front takes the other stamps, or a field such as
`cutoutTemplate.stampData`. A packet that cannot be read is a line too, with the reason, and so is
one without that stamp. Streams are read from Kafka by `python -m galedge.scale.kafka --field
science`.

In Python `galedge.nights.alerts.alerts_in` yields the stamps.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from galedge.answers.paired import paired
from galedge.answers.result import columns
from galedge.errors import GaledgeError
from galedge.nights.adapters import Adapter
from galedge.tables.columns import Column
from galedge.tables.formats.jsonl import json_line

if TYPE_CHECKING:
    from galedge.answers.classifier import Classifier
    from galedge.answers.result import Result

__all__ = ["ADAPTER", "Alerts"]

_OWN = [Column("alert_id", "text"), Column("object_id", "text")]


class Alerts:
    """Packets in, JSON out."""

    about: ClassVar[str] = "alert packets of ZTF and Rubin (Avro): answers for their stamps"
    packages: ClassVar[tuple[str, ...]] = ("fastavro",)
    install: ClassVar[str] = "pip install 'galedge[kafka]'"

    @staticmethod
    def tell(result: Result) -> str:
        """Return the row as a JSON object, of an alert without numbers."""
        return _line(result, "", "", result.path)

    @staticmethod
    def speak(classifier: Classifier, paths: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Yield a line for each alert of files, and whether it has an answer."""
        from galedge.images.inputs import Rejected
        from galedge.nights.alerts import alerts_in

        field = "science"
        if len(paths) > 1 and not os.path.exists(paths[0]):
            field, *paths = paths

        def stamps() -> Iterator[tuple[tuple[str, str, str], Any]]:
            for path in paths:
                try:
                    for alert in alerts_in(path, field):
                        stamp = alert.stamp
                        source = Rejected(path, stamp) if isinstance(stamp, str) else stamp
                        yield (alert.id, alert.object, path), source
                except GaledgeError as error:
                    yield ("", "", path), Rejected(path, str(error).removeprefix(f"{path}: "))

        for of, result in paired(classifier, stamps()):
            yield _line(result, *of), result.ok


def _line(result: Result, alert: str, of: str, path: str) -> str:
    row = {"alert_id": alert, "object_id": of, **result.as_row(), "path": path}
    return json_line([*_OWN, *columns(result.heads)], row)


ADAPTER: type[Adapter] = Alerts
