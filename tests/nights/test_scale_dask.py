"""Folders over a Dask cluster of local processes: parts, rejections, a lost worker."""

import os
import signal
import time

import pytest
from helpers.made import galaxy, write_fits

from galedge.errors import GaledgeError, OutputError
from galedge.images.inputs import find
from galedge.nights.scale.dask import classify_parts

distributed = pytest.importorskip("distributed")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        yield cluster


@pytest.fixture
def stamps(tmp_path):
    folder = tmp_path / "stamps"
    folder.mkdir()
    write_fits(folder / "0000.fits", galaxy(side=32))
    for i in range(1, 120):
        os.link(folder / "0000.fits", folder / f"{i:04}.fits")
    (folder / "0050.fits").unlink()
    (folder / "0050.fits").write_bytes(b"torn")
    return folder


def test_parts_hold_every_image_once(cluster, stamps, tmp_path, bundle):
    options = {"model": str(bundle), "workers": 1}
    parts = list(
        classify_parts(
            cluster.scheduler_address,
            list(find([stamps])),
            tmp_path / "out",
            options,
            {"command": "a test"},
            per_task=25,
        )
    )
    assert sum(rows for _, rows, _ in parts) == 120
    assert [path for _, _, rejected in parts for path, _ in rejected] == [str(stamps / "0050.fits")]
    assert sorted(os.listdir(tmp_path / "out")) == [f"part-{i:06}.parquet" for i in range(5)]
    table = parquet.read_table(tmp_path / "out").sort_by("path").to_pydict()
    assert table["path"] == [str(stamps / f"{i:04}.fits") for i in range(120)]
    assert table["status"].count("error") == 1


def test_parts_of_another_question(cluster, stamps, tmp_path, other):
    options = {"model": str(other), "workers": 1}
    found = list(find([stamps]))[:30]
    list(classify_parts(cluster.scheduler_address, found, tmp_path / "out", options, {}))
    table = parquet.read_table(tmp_path / "out")
    assert {"p_ring", "p_signs_ring"} <= set(table.column_names)
    assert "t_type" not in table.column_names
    assert set(table["label"].to_pylist()) <= {"ring", "lens", "blob"}


def test_a_lost_worker_costs_only_time(stamps, tmp_path, bundle):
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        options = {"model": str(bundle), "workers": 1}
        parts = classify_parts(
            cluster.scheduler_address, list(find([stamps])), tmp_path / "out", options, per_task=4
        )
        done = [next(parts)]
        victim = next(iter(cluster.workers.values())).process.pid
        os.kill(victim, signal.SIGKILL)
        done += parts
        assert len({path for path, _, _ in done}) == 30
        table = parquet.read_table(tmp_path / "out").sort_by("path").to_pydict()
        assert table["path"] == [str(stamps / f"{i:04}.fits") for i in range(120)]
        deadline = time.monotonic() + 30
        while victim in {worker.process.pid for worker in cluster.workers.values()}:
            assert time.monotonic() < deadline, "the worker was not lost"
            time.sleep(0.1)


def test_refusals(cluster, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    with pytest.raises(OutputError, match="holds something already"):
        list(classify_parts(cluster.scheduler_address, [], tmp_path / "full"))
    with pytest.raises(GaledgeError, match="no Dask scheduler answers"):
        list(classify_parts("nonsense://nowhere", ["a.fits"], tmp_path / "out"))


def test_the_command(galedge, cluster, stamps, tmp_path, bundle):
    address = cluster.scheduler_address
    process = galedge("classify", stamps, "--model", bundle, "--dask", address, "-o", "parts")
    assert process.returncode == 3
    assert "0050.fits: " in process.stderr
    assert "classified 119 images" in process.stderr
    assert parquet.read_table(tmp_path / "parts").num_rows == 120
    process = galedge("classify", stamps, "--dask", address)
    assert process.returncode == 2
    assert "-o" in process.stderr
