"""The public name of `galedge.nights.scale.kafka`: streams of alert stamps."""

from galedge.nights.scale.kafka import *  # noqa: F403
from galedge.nights.scale.kafka import __all__ as __all__
from galedge.nights.scale.kafka import run

if __name__ == "__main__":
    run()
