"""``python -m galedge`` is the command ``galedge``."""

from galedge.cli import main

main()
