"""From arrays to answers, in one process; and how long a process takes to begin."""

from __future__ import annotations

import subprocess
import sys

import galedge
from galedge.cli.specimens import galaxy

PYTHON = [sys.executable, "-m", "galedge"]


class Answer:
    """The shipped models on arrays of 128 x 128."""

    params = ("hubble-2", "hubble-1")
    param_names = ("model",)

    def setup(self, model: str) -> None:
        """Load the model and answer once."""
        self.classifier = galedge.Classifier(model, engine="onnxruntime")
        self.images = [galaxy(128, i) for i in range(64)]
        self.classifier.classify(self.images)

    def time_one(self, model: str) -> None:
        """Answer for one image."""
        self.classifier.classify(self.images[0])

    def time_64(self, model: str) -> None:
        """Answer for 64 together."""
        self.classifier.classify(self.images)


class Start:
    """Cold starts."""

    def time_help(self) -> None:
        """Print the help."""
        subprocess.run([*PYTHON, "--help"], check=True, stdout=subprocess.DEVNULL)

    def track_import_modules(self) -> int:
        """Count the modules that `import galedge` brings."""
        script = "import sys; n = len(sys.modules); import galedge; print(len(sys.modules) - n)"
        said = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
        return int(said.stdout)
