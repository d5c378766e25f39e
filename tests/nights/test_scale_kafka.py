"""Stamps through Kafka, on the mock cluster of Kafka's own client library."""

import gzip
import io
import json
import time
from functools import partial

import pytest
from helpers.made import galaxy, write_fits

from galedge.answers.classifier import Classifier
from galedge.errors import GaledgeError
from galedge.nights.alerts import decoder
from galedge.nights.scale.kafka import consume, raw

kafka = pytest.importorskip("confluent_kafka")
fastavro = pytest.importorskip("fastavro")

SCHEMA = {
    "type": "record",
    "name": "alert",
    "fields": [
        {"name": "objectId", "type": "string"},
        {
            "name": "cutoutTemplate",
            "type": [
                "null",
                {
                    "type": "record",
                    "name": "cutout",
                    "fields": [{"name": "stampData", "type": "bytes"}],
                },
            ],
        },
    ],
}


@pytest.fixture(scope="module")
def brokers():
    """Return the addresses of a cluster that lives as long as its first client."""
    owner = kafka.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none"})
    found = owner.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in found)
    owner.flush(1)


@pytest.fixture
def stamp(tmp_path):
    write_fits(tmp_path / "stamp.fits", galaxy(side=32))
    return gzip.compress((tmp_path / "stamp.fits").read_bytes())


def consumer_of(brokers, topic, group):
    """Return a consumer that goes on where its group stopped.

    Partitions are assigned by hand: the mock cluster lets nobody join a group
    again that somebody left.
    """
    consumer = kafka.Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    partitions = consumer.list_topics(topic, 10).topics[topic].partitions
    consumer.assign([kafka.TopicPartition(topic, i, kafka.OFFSET_STORED) for i in partitions])
    return consumer


def run(brokers, topic, answers, classifier, expected, decode=raw, group="g", **options):
    """Consume until so many messages were answered, or for half a minute."""
    consumer = consumer_of(brokers, topic, group)
    producer = kafka.Producer({"bootstrap.servers": brokers})
    end, count = time.monotonic() + 30, 0
    while count < expected and time.monotonic() < end:
        once = partial(next, iter([True, False]))
        count += consume(consumer, producer, answers, classifier, decode, wait=0.5, keep_on=once)
    consumer.close()
    assert count == expected


def read(brokers, topic, number):
    consumer = consumer_of(brokers, topic, "reader")
    messages, end = [], time.monotonic() + 30
    while len(messages) < number and time.monotonic() < end:
        messages += [m for m in consumer.consume(number, 0.5) if m.error() is None]
    consumer.close()
    return [(m.key(), json.loads(m.value())) for m in messages]


def send(brokers, topic, messages):
    producer = kafka.Producer({"bootstrap.servers": brokers})
    for key, value in messages:
        producer.produce(topic, value, key)
    assert producer.flush(10) == 0


def test_raw_stamps_get_keyed_answers_and_bad_ones_a_reason(brokers, classifier, stamp):
    send(brokers, "raw", [(b"a", stamp), (b"b", b"no image"), (b"c", stamp), (b"d", b"")])
    run(brokers, "raw", "raw-out", classifier, 4)
    answers = dict(read(brokers, "raw-out", 4))
    assert {key: row["status"] for key, row in answers.items()} == {
        b"a": "ok",
        b"b": "error",
        b"c": "ok",
        b"d": "error",
    }
    assert answers[b"a"]["path"].startswith("raw[")
    assert answers[b"a"]["label"] == classifier.classify(stamp).label


def test_answers_to_another_question(brokers, other, stamp):
    send(brokers, "other", [(b"a", stamp)])
    run(brokers, "other", "other-out", Classifier(other, workers=1), 1)
    ((_, row),) = read(brokers, "other-out", 1)
    assert row["label"] in ("ring", "lens", "blob")
    assert {"p_ring", "p_signs_ring"} <= set(row)
    assert "t_type" not in row


def test_what_was_committed_is_not_read_again(brokers, classifier, stamp):
    send(brokers, "twice", [(b"a", stamp)])
    run(brokers, "twice", "twice-out", classifier, 1, group="t")
    send(brokers, "twice", [(b"b", stamp)])
    run(brokers, "twice", "twice-out", classifier, 1, group="t")
    assert sorted(key for key, _ in read(brokers, "twice-out", 2)) == [b"a", b"b"]


def test_nothing_is_committed_before_answers_are_delivered(brokers, classifier, stamp):
    class Broken:
        def produce(self, topic, value, key, on_delivery):
            on_delivery("message lost", None)

        def flush(self, timeout):
            return 0

    send(brokers, "lossy", [(b"a", stamp)])
    consumer = consumer_of(brokers, "lossy", "l")
    end = time.monotonic() + 30
    with pytest.raises(GaledgeError, match="nothing was committed"):
        consume(
            consumer,
            Broken(),
            "lossy-out",
            classifier,
            wait=0.5,
            keep_on=lambda: time.monotonic() < end,
        )
    consumer.close()
    run(brokers, "lossy", "lossy-out", classifier, 1, group="l")
    assert len(read(brokers, "lossy-out", 1)) == 1


def container(record):
    file = io.BytesIO()
    fastavro.writer(file, SCHEMA, [record])
    return file.getvalue()


def test_avro_alerts_through_kafka(brokers, classifier, stamp):
    record = {"objectId": "ZTF1", "cutoutTemplate": {"stampData": stamp}}
    send(brokers, "avro", [(b"1", container(record)), (b"2", b"junk")])
    run(brokers, "avro", "avro-out", classifier, 2, decoder("cutoutTemplate.stampData"))
    answers = dict(read(brokers, "avro-out", 2))
    assert answers[b"1"]["status"] == "ok"
    assert answers[b"1"]["object_id"] == "ZTF1"
    assert answers[b"2"]["error"].startswith("not an Avro alert")
