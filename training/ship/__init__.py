"""From a run to a bundle: export, quantization, calibration."""
