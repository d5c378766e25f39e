"""A stream of stamps through Kafka: consume, classify, produce, flush, commit.

Offsets are committed only after the answers to them were delivered, so a crash
repeats a batch and loses nothing: answers come at least once, keyed as their
messages were, and are the same each time. Consumers of one group share a topic's
partitions, and hand them over between batches; start as many as there are cores.
A broker that is away for a while is waited for.

    python -m galedge.scale.kafka --brokers host:9092 --topic stamps --to morphology
"""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import click

from galedge.errors import GaledgeError
from galedge.nights.alerts import Alert
from galedge.nights.alerts import decoder as avro
from galedge.support.extras import need
from galedge.support.say import say
from galedge.support.system import STOPS

__all__ = ["Decoder", "Troubles", "avro", "consume", "main", "raw"]

Decoder = Callable[[bytes], "Alert | bytes | str"]
"""Returns a message's stamp: the bytes of an image file, or why there is none; or an alert's."""


def raw(value: bytes) -> bytes | str:
    """Take the message itself as an image file."""
    return value


# Why a commit may fail and nothing be wrong: the group shares its partitions out anew, or the
# broker is away. The batch comes again, here or elsewhere, or the next commit covers it.
_PASSING = {
    *("_ALL_BROKERS_DOWN", "_ASSIGNMENT_LOST", "_NO_OFFSET", "_STATE", "_TIMED_OUT"),
    *("_TRANSPORT", "_WAIT_COORD", "COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE"),
    *("ILLEGAL_GENERATION", "NOT_COORDINATOR", "REBALANCE_IN_PROGRESS", "REQUEST_TIMED_OUT"),
    "UNKNOWN_MEMBER_ID",
}


# What the client says of a topic that its broker does not have.
_LOST = {"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"}
_TRIES, _JOINING = 5, 10.0  # to join a group anew, and seconds that one may take


class Troubles:
    """Says what Kafka's client complains of, each thing once a minute at most.

    While a broker is away the client complains of it twenty times a second.
    """

    def __init__(self, every: float = 60.0) -> None:
        self._every = every
        self._said: dict[str, float] = {}

    def __call__(self, error: Any, about: str = "Kafka") -> None:
        """Say what an error is, as `confluent_kafka` hands them over."""
        now = time.monotonic()
        if now - self._said.get(error.name(), -self._every) >= self._every:
            self._said[error.name()] = now
            say(f"{about}: {error.str()}")


class _Subscription:
    """Joins a group, and joins it anew when a topic that was missing has come.

    The client looks for topics every five minutes, and does not see that one went and came in
    between, as where a broker kept it in memory: it would wait without partitions for ever. Nor
    does one try do each time, since it may still take the topic for missing; but of a group
    that has more consumers than partitions some rightly have none.
    """

    def __init__(self, consumer: Any, topic: str) -> None:
        self._consumer, self._topic = consumer, topic
        self._tries, self._next = 0, 0.0
        consumer.subscribe([topic])

    def heed(self, error: Any) -> None:
        """Take note of an error of the client, which may tell of a lost topic before any look."""
        if error.name() in _LOST:
            self._tries = _TRIES

    def renewed(self) -> bool:
        """Look for the topic, every other second without partitions; tell if it joined anew."""
        now = time.monotonic()
        if self._consumer.assignment():
            self._tries = 0
            return False
        if now < self._next:
            return False
        self._next = now + 2
        kafka = need("confluent_kafka", "kafka", "galedge.scale.kafka")
        try:
            there = self._consumer.list_topics(timeout=1).topics
        except kafka.KafkaException:
            return False  # the broker is away
        pattern = self._topic.startswith("^")
        found = any(re.match(self._topic, t) if pattern else t == self._topic for t in there)
        if not found:
            self._tries = _TRIES
        elif self._tries:
            if self._tries == _TRIES:
                say(f"{self._topic}: is there")
            self._tries, self._next = self._tries - 1, now + _JOINING
            self._consumer.unsubscribe()
            self._consumer.subscribe([self._topic])
            return True
        return False


def consume(
    consumer: Any,
    producer: Any,
    topic: str,
    classifier: Any,
    decode: Decoder = raw,
    *,
    batch: int = 1000,
    wait: float = 1.0,
    patience: float = 300.0,
    keep_on: Callable[[], bool] = lambda: True,
    trouble: Callable[..., None] | None = None,
) -> int:
    """Classify what a consumer is subscribed to until told to stop.

    Parameters
    ----------
    consumer, producer : confluent_kafka.Consumer, confluent_kafka.Producer
        The consumer without automatic commits (``enable.auto.commit`` false).
    topic : str
        Where answers go: JSON rows, with the keys of their messages; of a message without a
        key, its place, ``topic[partition]@offset``.
    classifier : galedge.Classifier
    decode : callable
        See `Decoder`.
    batch : int
        Messages classified together at most.
    wait : float
        Seconds that a batch waits to be filled.
    patience : float
        Seconds that answers may take to be delivered, if the broker is away.
    keep_on : callable
        Asked before each batch.
    trouble : callable, optional
        Told what goes wrong in passing: the client's error, and what it is about. Default:
        standard error, by `Troubles`.

    Returns
    -------
    int
        How many messages were answered.

    Raises
    ------
    GaledgeError
        If answers could not be delivered: nothing of the batch is committed. Also if Kafka
        refuses for good, such as a group that one may not join.
    """
    trouble = trouble or Troubles()
    answered = 0
    while keep_on():
        messages = [m for m in consumer.consume(batch, wait) if _is_data(m, trouble)]
        if not messages:
            continue
        _deliver(producer, topic, messages, _rows(messages, decode, classifier), patience)
        _commit(consumer, trouble)
        answered += len(messages)
    return answered


def _is_data(message: Any, trouble: Callable[..., None]) -> bool:
    """Tell a message from an event, raising what cannot be waited out."""
    error = message.error()
    if error is None:
        return True
    if error.fatal() or error.name().endswith("AUTHORIZATION_FAILED"):
        raise GaledgeError(f"{message.topic()}: {error.str()}")
    trouble(error, message.topic() or "Kafka")
    return False


def _deliver(
    producer: Any,
    topic: str,
    messages: Sequence[Any],
    rows: Sequence[dict[str, Any]],
    patience: float,
) -> None:
    """Send answers and wait until the broker has them."""
    lost: list[str] = []

    def told(error: Any, _: Any) -> None:
        if error is not None:
            lost.append(str(error))

    for message, row in zip(messages, rows, strict=True):
        answer = json.dumps(row, allow_nan=False).encode()
        key = row["path"].encode() if message.key() is None else message.key()
        while True:
            try:
                producer.produce(topic, answer, key, on_delivery=told)
                break
            except BufferError:  # the queue is full: let it drain
                producer.poll(0.1)
    left = producer.flush(patience)
    if left or lost:
        why = lost[0] if lost else f"no answer from the broker for {patience:.0f} seconds"
        raise GaledgeError(
            f"{topic}: {left + len(lost)} answers could not be delivered ({why}); "
            "nothing was committed, start again to repeat the batch"
        )


def _commit(consumer: Any, trouble: Callable[..., None]) -> None:
    """Say that all is done that was consumed, of the partitions that are still ours."""
    kafka = need("confluent_kafka", "kafka", "galedge.scale.kafka")
    try:
        parts = consumer.commit(asynchronous=False)
        errors = [part.error for part in parts if part.error is not None]
    except kafka.KafkaException as raised:
        errors = [raised.args[0]]
    for error in errors:
        if error.fatal() or error.name() not in _PASSING:
            raise GaledgeError(
                f"what was answered could not be committed: {error.str()}; the answers are "
                "there, and come again when this is started again"
            )
        trouble(error, "a batch was answered and not committed, so its answers may come twice")


def _rows(messages: Sequence[Any], decode: Decoder, classifier: Any) -> list[dict[str, Any]]:
    """Return each message's row; `path` says where it came from."""
    from galedge.images.inputs import Rejected

    rows, stamps = [], []
    for message in messages:
        place = f"{message.topic()}[{message.partition()}]@{message.offset()}"
        stamp = decode(message.value() or b"")
        own = {}
        if isinstance(stamp, Alert):
            own = {"alert_id": stamp.id, "object_id": stamp.object}
            stamp = stamp.stamp
        rows.append((own, place))
        stamps.append(Rejected(place, stamp) if isinstance(stamp, str) else stamp)
    results = classifier.classify(stamps)
    return [
        {**own, **result.as_row(), "path": place}
        for result, (own, place) in zip(results, rows, strict=True)
    ]


@click.command()
@click.option("--brokers", required=True, metavar="HOST:PORT,...", help="Where Kafka answers.")
@click.option("--topic", required=True, help="Topic with stamps; a pattern begins with ^.")
@click.option("--to", "answers", required=True, help="Topic for the answers.")
@click.option("--group", default="galedge", show_default=True, help="Consumers that share work.")
@click.option("--field", help="Stamp of Avro alerts: science, ... or a field. Default: raw files.")
@click.option("--schema", type=click.File("rb"), help="Avro schema (JSON) of the alerts.")
@click.option("--model", help="Model bundle. Default: the shipped one.")
@click.option("--workers", type=click.IntRange(1), help="Threads. Default: all CPUs.")
@click.option("--batch", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Kafka settings.")
def main(
    brokers: str,
    topic: str,
    answers: str,
    group: str,
    field: str | None,
    schema: Any,
    model: str | None,
    workers: int | None,
    batch: int,
    settings: tuple[str, ...],
) -> None:
    """Classify a Kafka topic of stamps until SIGINT or SIGTERM."""
    kafka = need("confluent_kafka", "kafka", "galedge.scale.kafka")
    from galedge.answers.classifier import Classifier

    trouble = Troubles()
    # The client's own log says each failure to connect; `trouble` says it now and then.
    common = {"bootstrap.servers": brokers, "error_cb": trouble, "log_level": "2"}
    common |= dict(item.split("=", 1) for item in settings)
    own = {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    decode = avro(field, json.load(schema) if schema else None) if field else raw
    classifier = Classifier(model, workers=workers)
    going = True

    def stop(signum: int, _: object) -> None:
        nonlocal going
        going = False
        signal.signal(signum, signal.SIG_DFL)  # who asks again need not wait for the batch

    for each in STOPS:
        signal.signal(each, stop)
    consumer = kafka.Consumer({**common, **own})
    subscription = _Subscription(consumer, topic)

    def told(error: Any, about: str = "Kafka") -> None:
        subscription.heed(error)
        trouble(error, about)

    count = 0
    try:
        while going:  # a broker that lost its topics does not know its producers either
            count += consume(
                consumer,
                kafka.Producer({**common, "enable.idempotence": True}),
                answers,
                classifier,
                decode,
                batch=batch,
                keep_on=lambda: going and not subscription.renewed(),
                trouble=told,
            )
        say(f"answered {count:,} messages")
    finally:
        consumer.close()


def run() -> None:
    """Run the command line; a refusal is one sentence and exit code 1."""
    try:
        main(prog_name="python -m galedge.scale.kafka")
    except GaledgeError as error:
        say(str(error))
        sys.exit(1)
