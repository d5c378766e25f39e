"""Commands of training, run in this process."""

from click.testing import CliRunner


def training(*words: object, code: int = 0) -> str:
    """Run a command of training and return what it said."""
    from training.__main__ import main

    done = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output
