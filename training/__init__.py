"""Training: from labelled galaxies to a model bundle. `python -m training --help`."""

import galedge.network.engines  # noqa: F401 - turns ONNX Runtime's telemetry off
