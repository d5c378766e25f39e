"""Alert packets, as ZTF and Rubin write them: what is read of them, and what a bad one costs."""

import gzip
import io
import json
import tarfile

import numpy as np
import pytest
from helpers.made import galaxy, write_fits

from galedge.errors import ReadError
from galedge.nights.alerts import alerts_in, decoder

fastavro = pytest.importorskip("fastavro")

STAMP = {
    "type": "record",
    "name": "cutout",
    "fields": [{"name": "fileName", "type": "string"}, {"name": "stampData", "type": "bytes"}],
}
ZTF = {
    "type": "record",
    "name": "alert",
    "namespace": "ztf",
    "fields": [
        {"name": "objectId", "type": "string"},
        {"name": "candid", "type": "long"},
        {"name": "cutoutScience", "type": ["null", STAMP]},
        {"name": "cutoutTemplate", "type": ["null", "ztf.cutout"]},
    ],
}
RUBIN = {
    "type": "record",
    "name": "alert",
    "namespace": "lsst.v9_0",
    "fields": [
        {"name": "diaSourceId", "type": "long"},
        {
            "name": "diaSource",
            "type": {
                "type": "record",
                "name": "diaSource",
                "fields": [
                    {"name": "diaSourceId", "type": "long"},
                    {"name": "diaObjectId", "type": ["null", "long"]},
                ],
            },
        },
        {"name": "cutoutScience", "type": ["null", "bytes"]},
    ],
}


@pytest.fixture(scope="module")
def stamp(tmp_path_factory):
    path = tmp_path_factory.mktemp("stamp") / "stamp.fits"
    write_fits(path, galaxy(side=63))
    return path.read_bytes()


def ztf(stamp, number=0):
    cutout = {"fileName": f"candid{number}_pid-sci.fits.gz", "stampData": gzip.compress(stamp)}
    return {
        "objectId": "ZTF18abcdefg",
        "candid": 2**53 + 1 + number,
        "cutoutScience": cutout,
        "cutoutTemplate": None,
    }


def rubin(stamp, number=0):
    source = {"diaSourceId": 2**60 + number, "diaObjectId": 7}
    return {"diaSourceId": 2**60 + number, "diaSource": source, "cutoutScience": stamp}


def container(schema, records, **options):
    file = io.BytesIO()
    fastavro.writer(file, schema, records, **options)
    return file.getvalue()


def plain(schema, record):
    file = io.BytesIO()
    fastavro.schemaless_writer(file, schema, record)
    return file.getvalue()


def test_a_packet(stamp):
    field = "cutoutScience.stampData"
    packed = gzip.compress(stamp)
    for found in (decoder(field), decoder("cutoutScience"), decoder("science")):
        alert = found(container(ZTF, [ztf(stamp)]))
        assert alert == ("9007199254740993", "ZTF18abcdefg", packed)
    assert decoder("science", ZTF)(plain(ZTF, ztf(stamp))).stamp == packed
    # As a schema registry sends it, and Rubin.
    alert = decoder("science", RUBIN)(b"\0\0\0\0\7" + plain(RUBIN, rubin(stamp)))
    assert alert == (str(2**60), "7", stamp)


def test_a_packet_without_the_stamp(stamp):
    assert decoder("template")(container(ZTF, [ztf(stamp)])).stamp == (
        "the alert has no stamp 'template'"
    )
    assert decoder("objectId")(container(ZTF, [ztf(stamp)])).stamp == (
        "the alert has no stamp 'objectId'"
    )


@pytest.mark.parametrize("junk", [b"", b"junk", b"Obj\1", b"Obj\1" + bytes(40)])
def test_what_is_no_packet(junk):
    for found in (decoder("science"), decoder("science", RUBIN)):
        assert found(junk).stamp.startswith("not an Avro alert: ")


def test_files_of_alerts(galedge, bundle, stamp, tmp_path):
    (tmp_path / "rubin.avro").write_bytes(container(RUBIN, [rubin(stamp, i) for i in range(3)]))
    with tarfile.open(tmp_path / "ztf.tar.gz", "w:gz") as archive:
        for i, content in enumerate([container(ZTF, [ztf(stamp)]), b"junk"]):
            member = tarfile.TarInfo(f"{i}.avro")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    done = galedge("adapters", "alerts", "rubin.avro", "ztf.tar.gz", "--model", bundle)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 3
    assert [row["alert_id"] for row in rows[:4]] == [
        *(str(2**60 + i) for i in range(3)),
        str(2**53 + 1),
    ]
    assert [row["status"] for row in rows] == ["ok"] * 4 + ["error"]
    assert rows[3]["object_id"] == "ZTF18abcdefg"
    assert rows[3]["path"] == "ztf.tar.gz"
    assert len({row["label"] for row in rows[:4]}) == 1
    assert rows[4]["error"].startswith("not an Avro alert: ")
    done = galedge("adapters", "alerts", "template", "ztf.tar.gz", "--model", bundle)
    assert "the alert has no stamp 'template'" in json.loads(done.stdout.splitlines()[0])["error"]


def test_a_stamp_with_its_mask_and_noise(galedge, bundle, stamp, tmp_path):
    """Rubin's stamps are what astropy's CCDData writes."""
    nddata = pytest.importorskip("astropy.nddata")
    image = nddata.CCDData(
        galaxy(side=41),
        unit="nJy",
        mask=np.zeros((41, 41), bool),
        uncertainty=nddata.StdDevUncertainty(np.ones((41, 41))),
    )
    file = io.BytesIO()
    image.to_hdu().writeto(file)
    (tmp_path / "a.avro").write_bytes(container(RUBIN, [rubin(file.getvalue())]))
    done = galedge("adapters", "alerts", "a.avro", "--model", bundle)
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["status"], row["hdu"]) == ("ok", 0)


def test_a_damaged_block_costs_itself(stamp, tmp_path):
    """Each record is a block of its own here; the damage is inside the second."""
    content = container(RUBIN, [rubin(stamp, i) for i in range(3)], sync_interval=1)
    second = content.index(plain(RUBIN, rubin(stamp, 1)))
    broken = bytearray(content)
    broken[second + 20 : second + 30] = b"\xff" * 10  # the length of the stamp
    (tmp_path / "a.avro").write_bytes(broken)
    found = list(alerts_in(tmp_path / "a.avro"))
    assert [alert.id for alert in found if alert.id] == [str(2**60), str(2**60 + 2)]
    assert [isinstance(alert.stamp, str) for alert in found] == [False, True, False]


def test_a_file_that_ends_early(stamp, tmp_path):
    content = container(RUBIN, [rubin(stamp, i) for i in range(3)], sync_interval=1)
    (tmp_path / "a.avro").write_bytes(content[:-100])
    first, second, third = alerts_in(tmp_path / "a.avro")
    assert first.stamp == second.stamp == stamp
    assert third.stamp.startswith("not an Avro alert: ")


def test_what_is_no_file_of_alerts(galedge, bundle, tmp_path):
    (tmp_path / "a.avro").write_bytes(b"SIMPLE  =")
    with pytest.raises(ReadError, match="neither an Avro container nor a tar archive"):
        list(alerts_in(tmp_path / "a.avro"))
    done = galedge("adapters", "alerts", "science", "a.avro", "none.avro", "--model", bundle)
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 3
    assert "neither an Avro container" in first["error"]
    assert "No such file" in second["error"]
