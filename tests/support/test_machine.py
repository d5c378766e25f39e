"""What the machine says about itself, and what is made of it."""

import os
from pathlib import Path

import pytest

from galedge.support import machine

READ = Path.read_text


@pytest.fixture
def cpu(monkeypatch):
    """Return a function that replaces /proc/cpuinfo by a CPU with given flags."""

    def replace(**values: str) -> None:
        machine.int8_instructions.cache_clear()
        found = {key.replace("_", " "): value for key, value in values.items()}
        monkeypatch.setattr(machine, "_cpuinfo", lambda key: [found[key]] if key in found else [])

    yield replace
    machine.int8_instructions.cache_clear()


@pytest.mark.parametrize(
    ("flags", "instructions", "saturates"),
    [
        ("fpu avx2", (), True),
        ("avx2 avx512f avx512bw", (), True),
        ("avx2 avx_vnni", ("avx_vnni",), False),
        ("avx512f avx512_vnni amx_int8", ("amx_int8", "avx512_vnni"), False),
    ],
)
def test_x86(cpu, flags, instructions, saturates):
    cpu(flags=flags, model_name="Some CPU")
    assert machine.int8_instructions() == instructions
    assert machine.saturates_int8() is saturates
    assert machine.cpu_name() == "Some CPU"


def test_arm_does_not_saturate(cpu):
    cpu(Features="fp asimd asimddp")
    assert machine.int8_instructions() == ("asimddp",)
    assert not machine.saturates_int8()


def test_a_system_that_does_not_say(cpu):
    cpu()
    assert machine.int8_instructions() == ()
    assert not machine.saturates_int8()
    assert machine.cpu_name()


@pytest.mark.parametrize(
    ("quota", "cpus"),
    [("max 100000", 8), ("150000 100000", 2), ("1000 100000", 1), ("9900000 100000", 8), ("", 8)],
)
def test_a_containers_share(monkeypatch, quota, cpus):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(
        Path, "read_text", lambda self, *_: quota if self.name == "cpu.max" else READ(self)
    )
    assert machine.usable_cpus() == cpus


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = machine.cache_folder("speeds")
    assert folder == tmp_path / "cache" / "galedge" / "speeds"
    assert folder.is_dir()
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert machine.cache_folder("speeds") == tmp_path / ".cache" / "galedge" / "speeds"
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert machine.cache_folder("speeds") is None
