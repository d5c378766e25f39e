"""INDI: answers to the images that a camera's driver sends, as they come.

    pip install 'galedge[indi]'
    galedge adapters indi localhost:7624                    # of every device
    galedge adapters indi localhost:7624 "CCD Simulator" >> night.jsonl

It asks the server for BLOBs and answers each with the row of `galedge classify --json`; `path` is
device, property and element. Compressed ones (`.fits.z`, `.fits.fz`) are taken as well; what is
no image is answered with the reason. It goes on until it is interrupted, also while the server is
away. The driver must send images to clients: Upload in Ekos's Capture module is Client or Both.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from galedge.answers.result import columns
from galedge.errors import GaledgeError
from galedge.nights.adapters import Adapter
from galedge.support.extras import need
from galedge.tables.formats.jsonl import json_line

if TYPE_CHECKING:
    from galedge.answers.classifier import Classifier
    from galedge.answers.result import Result

__all__ = ["ADAPTER", "Blob", "Indi", "blobs"]

_MOST = 4 << 30  # bytes of an image, inflated


class Blob(NamedTuple):
    """An image that a driver sent.

    Attributes
    ----------
    name : str
        Device, property and element, joined by dots.
    content : bytes or str
        The file, or why there is none.
    """

    name: str
    content: bytes | str


def unpacked(content: bytes, form: str, size: int) -> bytes | str:
    """Return a BLOB's file; `form` and `size` are what INDI says of it."""
    if not form.lower().endswith(".z"):
        return content
    if not 0 < size <= _MOST:
        return f"an image of {size} bytes"
    inflate = zlib.decompressobj()
    try:
        found = inflate.decompress(content, size)
    except zlib.error as error:
        return f"its compression is damaged: {error}"
    return found if len(found) == size else f"it has {len(found)} bytes, not {size}"


def blobs(host: str, port: int, devices: Sequence[str] = ()) -> Iterator[Blob]:
    """Yield the images that an INDI server's drivers send, without end.

    Parameters
    ----------
    host, port
        Where the server is.
    devices : sequence of str
        Whose; by default all.
    """
    package: Any = need("indipyclient", "indi", "galedge adapters indi")
    arrived: queue.Queue[Blob | BaseException] = queue.Queue()

    class Client(package.IPyClient):  # type: ignore[misc]
        async def rxevent(self, event: Any) -> None:
            if event.eventtype != "SetBLOB" or (devices and event.devicename not in devices):
                return
            for element, content in event.items():
                size, form = event.sizeformat[element]
                name = f"{event.devicename}.{event.vectorname}.{element}"
                arrived.put(Blob(name, unpacked(content, form, size)))

    async def listen() -> None:
        client = Client(indihost=host, indiport=port)
        client.enableBLOBdefault = "Also"
        await client.asyncrun()

    def run() -> None:
        try:
            asyncio.run(listen())
        except BaseException as error:  # which whoever waits must hear of
            arrived.put(error)

    threading.Thread(target=run, daemon=True).start()
    while True:
        try:
            found = arrived.get(timeout=1)  # without end Windows would not hear Ctrl-C
        except queue.Empty:
            continue
        if isinstance(found, BaseException):
            raise GaledgeError(f"{host}:{port}: {found}") from found
        yield found


class Indi:
    """BLOBs in, JSON out."""

    about: ClassVar[str] = "INDI: answers to the images that a camera's driver sends"
    packages: ClassVar[tuple[str, ...]] = ("indipyclient",)
    install: ClassVar[str] = "pip install 'galedge[indi]'"

    @staticmethod
    def tell(result: Result) -> str:
        """Return the row as a JSON object."""
        return json_line(columns(result.heads), result.as_row())

    @staticmethod
    def speak(classifier: Classifier, paths: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Yield a line for each image that arrives."""
        from galedge.images.inputs import Rejected

        server, *devices = paths
        host, _, port = server.partition(":")
        if not host or not (port or "7624").isdigit():
            raise GaledgeError(f"{server!r} is no INDI server; give HOST or HOST:PORT")
        for name, content in blobs(host, int(port or 7624), devices):
            source: Any = Rejected(name, content) if isinstance(content, str) else content
            (result,) = classifier.classify([source])
            row = {**result.as_row(), "path": name}
            yield json_line(columns(result.heads), row), result.ok


ADAPTER: type[Adapter] = Indi
