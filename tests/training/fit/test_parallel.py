"""Several processes train one network, each on its share."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from training.fit.parallel import Team

# Run by every process. The pack is made of noise: what is trained does not matter here.
TRAIN = """
import atexit, os, sys
from pathlib import Path
import numpy as np, torch
sys.path.insert(0, sys.argv[1])
from training.fit.batches import Group
from training.fit.config import Config
from training.data.pack import Pack
from training.words.hubble import HUBBLE
from training.fit.parallel import Team
from training.fit.train import train

def left():
    names = [open(f"/proc/self/task/{i}/comm").read() for i in os.listdir("/proc/self/task")]
    (out / f"{team.rank}.left").write_text("".join(names))

atexit.register(left)  # called when the team has ended
team, out = Team("cpu"), Path(sys.argv[2])
random = np.random.default_rng(0)
n = 51  # no multiple of two
label, names = np.arange(n) % 7, np.arange(n).astype(str)
pack = Pack(
    folder=out, info={}, file=names, galaxy=names, source=np.full(n, "made"),
    split=np.full(n, "train"), task=HUBBLE, told={
        "hubble": np.eye(7, dtype="f4")[label], "features": np.full((n, 18), np.nan, "f4"),
        "t_type": np.stack([label, np.ones(n)], 1).astype("f4"),
    },
    views={"auto": random.integers(0, 255, (n, 3, 40, 40), np.uint8)},
    frames={"auto": np.tile(np.array([0.8, 0, 0], "f4"), (n, 1))}, exact={},
)
config = Config(network="galaxy:4,4,8,8", size=32, batch=8, epochs=2, ema=0.0)
net = train(config, Group(pack, np.arange(n)), out / "run", threads=1, check=0)
slope = torch.zeros(3, requires_grad=True)
slope.grad = torch.tensor([1.0, 2.0, 3.0]) * (team.rank + 1)
team.average([slope])
torch.save(
    {"weights": dict(net.named_parameters()), "share": list(team.share(range(n))),
     "slope": slope.grad, "agreed": team.agreed(float(team.rank + 5), "cpu")},
    out / f"{team.rank}.pt",
)
"""


def test_two_processes_train_one_network(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(TRAIN)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [*launch, "--nproc-per-node", "2", script, root, tmp_path], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    # A thread that is left aborts its process now and then, as it ends.
    assert not any("gloo" in (tmp_path / f"{rank}.left").read_text() for rank in (0, 1))
    one, two = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    for name, value in one["weights"].items():
        torch.testing.assert_close(two["weights"][name], value, rtol=0, atol=0)
    assert len(one["share"]) == len(two["share"]) == 25
    assert not set(one["share"]) & set(two["share"])
    for told in (one, two):
        torch.testing.assert_close(told["slope"], torch.tensor([1.5, 3.0, 4.5]))
        assert told["agreed"] == 5
    lines = done.stdout.splitlines()  # of the first process alone
    assert [json.loads(line)["epoch"] for line in lines if line.startswith("{")] == [1, 2]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["processes"] == 2


def test_alone_nothing_is_shared(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    team = Team("cpu")
    weight = torch.zeros(2, requires_grad=True)
    weight.grad = torch.tensor([1.0, 2.0])
    team.average([weight])
    np.testing.assert_array_equal(weight.grad, [1, 2])
    assert team.share([3, 1, 2]) == [3, 1, 2]
    assert team.agreed(0.25, "cpu") == 0.25
    assert team.first
