"""Options from a TOML file."""

import pytest

from galedge.errors import GaledgeError
from galedge.support.config import read_config

OPTIONS = ["output", "quarantine_move", "interval"]


def test_read(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("[watch]\nquarantine-move = true\ninterval = 2\n[classify]\nbatch = 3\n")
    found = {"quarantine_move": True, "interval": 2}
    assert read_config(str(path), "watch", OPTIONS) == found
    assert read_config(str(path), "measure", OPTIONS) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[watch", r"c\.toml: not TOML"),
        ("\xff", r"c\.toml: not TOML"),
        ("watch = 3", r"watch must be a table; write \[watch\]"),
        ("[watch]\nintervall = 1", r"has no option intervall; did you mean interval\?"),
        ("interval = 1", r"interval stands in no table; write it under \[watch\]"),
        ("[wacth]\ninterval = 1", r"has no \[watch\]; did you mean that by \[wacth\]\?"),
        ("[watch]\nzzz = 1", r"\[watch\] has no option zzz$"),
    ],
)
def test_refusals(tmp_path, text, message):
    path = tmp_path / "c.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(GaledgeError, match=message):
        read_config(str(path), "watch", OPTIONS)
    with pytest.raises(GaledgeError, match="cannot be read: No such file"):
        read_config(str(tmp_path / "none.toml"), "watch", OPTIONS)
