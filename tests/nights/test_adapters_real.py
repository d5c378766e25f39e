"""Adapters with the packages that they are for, where these are installed.

pip install 'galedge[pyobs]' && pip install --no-deps lsst-alert-packet
"""

import asyncio
import importlib.util
import io
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.made import CLASSES, command, galaxy, write_fits

# --- pyobs -----------------------------------------------------------------------------------


@pytest.fixture
def pipeline(bundle):
    """Return what makes a pipeline as pyobs does, of the lines of a configuration."""
    pytest.importorskip("pyobs")
    from pyobs.mixins.pipeline import PipelineMixin
    from pyobs.object import Object

    class Host(Object, PipelineMixin):
        pass

    def make(**settings):
        kind = "galedge.nights.adapters.pyobs.Morphology"
        return Host(steps=[{"class": kind, "model": str(bundle), **settings}])

    return make


def test_pyobs_runs_the_step(pipeline):
    from pyobs.images import Image

    image = asyncio.run(pipeline().run_pipeline(Image(galaxy())))
    assert image.header["GECLASS"] in CLASSES
    assert 0 < image.header["GEPROB"] <= 1
    # What pyobs writes has the cards.
    again = Image.from_bytes(image.to_bytes())
    assert again.header["GECLASS"] == image.header["GECLASS"]


def test_pyobs_settings_and_masks(pipeline):
    from pyobs.images import Image

    run = pipeline(views=8, on_error="info").run_pipeline
    masks = np.zeros((64, 64), bool), np.ones((64, 64), bool)
    seen, hidden = (asyncio.run(run(Image(galaxy(), mask=mask))).header for mask in masks)
    assert seen["GECLASS"] in CLASSES
    assert hidden["GEERROR"]


def test_pyobs_images_without_an_answer_pass(pipeline):
    from pyobs.images import Image

    image = asyncio.run(pipeline().run_pipeline(Image(np.full((64, 64), np.nan))))
    assert "GECLASS" not in image.header
    assert image.header["GEERROR"]


def test_pyobs_modules_take_the_step(bundle):
    module = pytest.importorskip("pyobs.modules.image")
    step = {"class": "galedge.nights.adapters.pyobs.Morphology", "model": str(bundle)}
    assert module.Pipeline(pipeline=[step], sources=["camera"])


# --- Rubin's alerts --------------------------------------------------------------------------


def rubin_schemas():
    try:
        found = importlib.util.find_spec("lsst.alert.packet")
    except ModuleNotFoundError:
        return []
    folder = Path(found.origin).parent / "schema"
    return sorted(folder.glob("[0-9]*/*/lsst.v*.alert.avsc"))


def test_there_are_rubins_schemas():
    if importlib.util.find_spec("lsst") is None:
        pytest.skip("lsst-alert-packet is not installed")
    assert len(rubin_schemas()) > 8


@pytest.mark.parametrize("path", rubin_schemas(), ids=lambda path: path.stem)
def test_alerts_by_rubins_own_schemas(path, classifier, tmp_path):
    """Its sample alert with a stamp put in: as a file, and as a message of its stream."""
    fastavro = pytest.importorskip("fastavro")
    from galedge.nights.alerts import alerts_in, decoder

    schema = fastavro.schema.load_schema(str(path))
    (sample,) = fastavro.reader((path.parent / "sample_data" / "fakeAlert.avro").open("rb"))
    names = [field["name"] for field in schema["fields"]]
    field = "science" if "cutoutScience" in names else "template"
    write_fits(tmp_path / "stamp.fits", galaxy(side=51))
    stamp = (tmp_path / "stamp.fits").read_bytes()
    sample[f"cutout{field.title()}"] = stamp
    with (tmp_path / "a.avro").open("wb") as file:
        fastavro.writer(file, schema, [sample])
    (alert,) = alerts_in(tmp_path / "a.avro", field)
    number = sample.get("diaSourceId") or sample["diaSource"]["diaSourceId"]
    assert (alert.id, alert.stamp) == (str(number), stamp)
    fastavro.schemaless_writer(message := io.BytesIO(), schema, sample)
    message = b"\0\0\0\3\1" + message.getvalue()
    assert decoder(field, schema)(message)[:2] == alert[:2]
    assert classifier.classify(alert.stamp).ok


# --- INDI ------------------------------------------------------------------------------------

CAMERA = """
import asyncio, sys, zlib
from indipydriver import BLOBMember, BLOBVector, Device, IPyDriver
from indipyserver import IPyServer

content = open(sys.argv[1], "rb").read()

class Driver(IPyDriver):
    async def hardware(self):
        vector = self["Camera"]["CCD1"]
        member = vector.data["CCD1"]
        while True:
            packed = zlib.compress(content)
            for form, value in ((".fits", content), (".fits.z", packed), (".fits", b"x")):
                member.membervalue, member.blobsize, member.blobformat = value, len(content), form
                await vector.send_setVectorMembers(members=["CCD1"])
                await asyncio.sleep(0.3)

vector = BLOBVector("CCD1", "Image", "Image", "ro", "Ok", [BLOBMember("CCD1", blobformat=".fits")])
server = IPyServer(Driver(Device("Camera", [vector])), port=int(sys.argv[2]))
asyncio.run(server.asyncrun())
"""


def test_a_camera_of_indi(bundle, tmp_path):
    """A server with a driver that sends an image, the same compressed, and what is none."""
    for name in ("indipyclient", "indipydriver", "indipyserver"):
        pytest.importorskip(name)
    write_fits(tmp_path / "a.fits", galaxy(), OBJECT="M51")
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    server = [sys.executable, "-c", CAMERA, tmp_path / "a.fits", str(port)]
    listening = command("adapters", "indi", f"localhost:{port}", "Camera", "--model", bundle)
    with subprocess.Popen(server, **pipes) as camera, subprocess.Popen(listening, **pipes) as heard:
        try:
            rows = [json.loads(heard.stdout.readline()) for _ in range(5)]
            heard.send_signal(signal.SIGINT)
            assert heard.wait(20) == 130
        finally:
            heard.kill()
            camera.kill()
    assert {row["path"] for row in rows} == {"Camera.CCD1.CCD1"}
    good = [row for row in rows if row["status"] == "ok"]
    assert 3 <= len(good) < 5
    assert {row["object"] for row in good} == {"M51"}
    assert len({row["p_E"] for row in good}) == 1
    assert all(row["error"] for row in rows if row not in good)
