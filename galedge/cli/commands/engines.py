"""``galedge engines``."""

from __future__ import annotations

from galedge.cli import options
from galedge.cli.settings import Running
from galedge.support.say import print_text, say

__all__ = ["engines"]


@options.command
@options.takes(Running, "model")
def engines(running: Running) -> None:
    """Measure which engine is fastest on this machine, and remember it.

    Takes a second or two for each engine that is installed. `galedge classify`
    then uses the fastest, until the CPU, a version or the model changes.
    """
    from galedge.errors import ModelError
    from galedge.network.choose import choose
    from galedge.network.model import find_card
    from galedge.network.speeds import keep, measure_all
    from galedge.support.machine import cpu_name, int8_instructions, usable_cpus

    card = find_card(running.model)
    speeds, missing = measure_all(card)
    count = usable_cpus()
    int8 = ", ".join(int8_instructions()) or "no instructions of its own"
    print_text(f"{cpu_name()}, {count} CPU{'s' * (count > 1)}, int8 by {int8}; {card.name}\n")
    print_text("engine       device  precision    start   an image  images/s")
    for speed in speeds:
        print_text(
            f"{speed.engine:<12} {speed.device:<7} {speed.precision:<9} {speed.start:>6.2f} s "
            f"{speed.image * 1e6:>7.0f} us {1 / speed.image:>9,.0f}"
        )
    for reason in missing:
        print_text(f"not here: {reason}")
    if not speeds:
        raise ModelError("no engine runs here; see above")
    if keep(card, speeds):
        best = choose(card)
        print_text(f"\nauto is {best.engine} with {best.precision} from now on, for many images")
    else:
        say("this user's cache cannot be written: auto stays with ONNX Runtime")
