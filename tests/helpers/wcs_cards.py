"""Cards of celestial coordinates in several forms."""

ROTATED = {"CD1_1": 3e-5, "CD1_2": 9e-5, "CD2_1": 8e-5, "CD2_2": -2e-5, "LONPOLE": 150.0}
POLE = {"CRVAL2": 89.999, "CRVAL1": 10.0}
SOUTH = {"CRVAL2": -90.0, "LONPOLE": 180.0}
SIP = {
    "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "B_ORDER": 2,
    "A_2_0": 3e-5, "A_1_1": -1e-5, "B_0_2": 2e-5, "B_1_1": 1e-5,
}  # fmt: skip
TPV = {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "PV1_1": 1.0, "PV1_7": 0.4, "PV2_1": 1.0}
GALACTIC = {"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"}
B1950 = {"RADESYS": "FK4", "EQUINOX": 1950.0}
