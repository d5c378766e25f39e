"""Celestial coordinates in every form that headers have them, and where astropy puts them."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

S = 1.5e-4  # degrees a pixel


class Form(NamedTuple):
    """A header's cards, and the same in words that astropy reads as they are meant."""

    cards: dict[str, Any]
    truth: dict[str, Any]
    #: Whether the core knows them by itself.
    in_core: bool = True
    flags: tuple[str, ...] = ()


def _named(stem: str, matrix: NDArray[np.float64], old: bool = False) -> dict[str, float]:
    place = "{stem}00{i}00{j}" if old else "{stem}{i}_{j}"
    return {
        place.format(stem=stem, i=i + 1, j=j + 1): float(matrix[i, j])
        for i in range(2)
        for j in range(2)
    }


_C, _N = np.cos(0.5), np.sin(0.5)
_TURN = np.array([[_C, -_N], [_N, _C]])
_CDELT = {"CDELT1": -S, "CDELT2": 1.2 * S}
_MATRICES = {
    "cdelt": _CDELT,
    "cd": _named("CD", S * _TURN),
    "cd001": _named("CD", S * _TURN, old=True),
    "cd-diagonal": {"CD1_1": -S, "CD2_2": S},
    "cd-off-diagonal": {"CD1_2": S, "CD2_1": S},
    "cd-cdelt": {**_CDELT, **_named("CD", S * _TURN)},
    "pc": {**_CDELT, **_named("PC", _TURN)},
    "pc001": {**_CDELT, **_named("PC", _TURN, old=True)},
    "pc-part": {**_CDELT, "PC1_2": 0.2},
    "crota1": {**_CDELT, "CROTA1": 33.0},
    "crota2": {**_CDELT, "CROTA2": 33.0},
    "crota-both": {**_CDELT, "CROTA1": 10.0, "CROTA2": 33.0},
    "cd-crota": {**_CDELT, **_named("CD", S * _TURN), "CROTA1": 50.0, "CROTA2": 50.0},
    "pc-crota": {**_CDELT, **_named("PC", _TURN), "CROTA1": 50.0, "CROTA2": 50.0},
    "pc-cd": {**_CDELT, **_named("PC", _TURN), **_named("CD", S * _TURN)},
    "pc001-cd": {**_CDELT, **_named("PC", _TURN, old=True), **_named("CD", S * _TURN)},
    "flipped": {"CDELT1": S, "CDELT2": S},
}

_REFERENCE = {"CRPIX1": 131.5, "CRPIX2": 92.25}


def _axes(
    names: tuple[str, str] = ("RA---TAN", "DEC--TAN"),
    place: tuple[float, float] = (187.7, 32.39),
    swapped: bool = False,
) -> dict[str, Any]:
    if swapped:
        names, place = names[::-1], place[::-1]
    return {
        **_REFERENCE, "CTYPE1": names[0], "CTYPE2": names[1], "CRVAL1": place[0], "CRVAL2": place[1]
    }  # fmt: skip


_CD = _MATRICES["cd"]
_PLAIN = _axes() | _CD
_SIP = {
    "A_ORDER": 3, "B_ORDER": 2, "A_2_0": 3e-5, "A_1_1": -1e-5, "A_3_0": 2e-8, "A_1_0": 1e-4,
    "B_0_2": 2e-5, "B_1_1": 1e-5,
}  # fmt: skip
_SIP_AXES = ("RA---TAN-SIP", "DEC--TAN-SIP")
_TPV = {"PV1_0": 0.0, "PV1_1": 1.0, "PV1_2": 0.001, "PV1_5": 0.3, "PV2_1": 1.0, "PV2_7": 0.4}
_GALACTIC, _ECLIPTIC = ("GLON-TAN", "GLAT-TAN"), ("ELON-TAN", "ELAT-TAN")


def _forms() -> dict[str, Form]:
    forms: dict[str, Form] = {}

    def put(
        name: str,
        cards: dict[str, Any],
        truth: dict[str, Any] | None = None,
        in_core: bool = True,
        flags: tuple[str, ...] = (),
    ) -> None:
        forms[name] = Form(cards, cards if truth is None else truth, in_core, flags)

    for name, matrix in _MATRICES.items():
        put(name, _axes() | matrix)
        put(f"{name}-swapped", _axes(swapped=True) | matrix)
    fk5 = {"RADESYS": "FK5", "EQUINOX": 2000.0}
    for name, words in {
        "icrs": {"RADESYS": "ICRS"},
        "icrs-1950": {"RADESYS": "ICRS", "EQUINOX": 1950.0},
        "icrs-lower": {"RADESYS": "icrs"},
    }.items():
        put(name, _PLAIN | words, _PLAIN | {"RADESYS": "ICRS"})
    for name, words in {
        "fk5": {"RADESYS": "FK5"},
        "fk5-2000": fk5,
        "fk5-lower": {"RADESYS": "fk5", "EQUINOX": 2000},
        "radecsys": {"RADECSYS": "FK5"},
        "radecsys-empty": {"RADECSYS": "FK5", "RADESYS": ""},
        "radesys-fk5-j2000": {"RADESYS": "FK5 (J2000.0)"},
        "radesys-fk-5": {"RADESYS": "FK-5", "EQUINOX": "2000"},
        "radesys-j2000": {"RADESYS": "J2000", "EQUINOX": 2000.0},
        "radecsys-j2000": {"RADECSYS": "j2000"},
        "equinox": {"EQUINOX": 2000.0},
        "equinox-text": {"EQUINOX": "2000.0"},
        "equinox-j": {"EQUINOX": "J2000"},
        "equinox-fk5-text": {"EQUINOX": "J2000.0", "RADESYS": "FK5"},
        "epoch": {"EPOCH": 2000.0},
        "equinox-epoch": {"EQUINOX": 2000.0, "EPOCH": 1950.0},
    }.items():
        put(name, _PLAIN | words, _PLAIN | fk5)
    fk4 = {"RADESYS": "FK4", "EQUINOX": 1950.0}
    for name, words in {
        "fk4": fk4,
        "fk4-lower": {"RADESYS": "fk4"},
        "radesys-fk4-b1950": {"RADESYS": "FK4/B1950"},
        "radesys-b1950": {"RADESYS": "B1950"},
        "equinox-1950": {"EQUINOX": 1950.0},
        "equinox-b1950": {"EQUINOX": "B1950"},
        "epoch-1950": {"EPOCH": "1950"},
    }.items():
        put(name, _PLAIN | words, _PLAIN | fk4, in_core=False)
    put("fk4-no-e", _PLAIN | {"RADESYS": "FK4-NO-E", "EQUINOX": 1950.0}, in_core=False)
    put("fk4-1975", _PLAIN | {"EQUINOX": 1975.0}, in_core=False)
    put("fk5-2024", _PLAIN | {"RADESYS": "FK5", "EQUINOX": 2024.5}, in_core=False)
    put("epoch-2024", _PLAIN | {"EPOCH": 2024.5}, _PLAIN | {"EQUINOX": 2024.5}, in_core=False)
    for swapped in (False, True):
        end = "-swapped" * swapped
        put(f"galactic{end}", _axes(_GALACTIC, (237.1, 42.1), swapped) | _CD)
        put(f"ecliptic{end}", _axes(_ECLIPTIC, (151.2, -9.5), swapped) | _CD)
        put(f"sip{end}", _axes(_SIP_AXES, swapped=swapped) | _CD | _SIP)
    put("galactic-fk5", _axes(_GALACTIC, (237.1, 42.1)) | _CD | fk5)
    put("galactic-sip", _axes(("GLON-TAN-SIP", "GLAT-TAN-SIP"), (237.1, 42.1)) | _CD | _SIP)
    put("ecliptic-2000", _axes(_ECLIPTIC, (151.2, -9.5)) | _CD | {"EQUINOX": 2000.0})
    put("ecliptic-1990", _axes(_ECLIPTIC, (151.2, -9.5)) | _CD | {"EQUINOX": 1990.0}, in_core=False)
    put("supergalactic", _axes(("SLON-TAN", "SLAT-TAN"), (104.0, -22.5)) | _CD)
    put("fk5-sip", _axes(_SIP_AXES) | _CD | _SIP | fk5)
    put("fk4-sip", _axes(_SIP_AXES) | _CD | _SIP | fk4, in_core=False)
    put("sip-crota", _axes(_SIP_AXES) | _MATRICES["crota2"] | _SIP)
    put("sip-none", _axes(_SIP_AXES) | _CD)
    put("sip-order-1", _axes(_SIP_AXES) | _CD | _SIP | {"A_ORDER": 1, "B_ORDER": 1})
    put(
        "sip-inverse", _axes(_SIP_AXES) | _CD | _SIP | {"AP_ORDER": 2, "BP_ORDER": 2, "AP_1_0": 0.1}
    )
    quoted = {key: str(value) for key, value in _SIP.items()}
    put("sip-quoted", _axes(_SIP_AXES) | _CD | quoted, _axes(_SIP_AXES) | _CD | _SIP)
    ignored = ("sip_ignored",)
    put("sip-ignored", _PLAIN | _SIP, _PLAIN, flags=ignored)
    put("sip-half-named", _PLAIN | _SIP | {"CTYPE1": _SIP_AXES[0]}, _PLAIN, False, ignored)
    tpv_axes = ("RA---TPV", "DEC--TPV")
    put("tpv", _axes(tpv_axes) | _CD | _TPV, in_core=False)
    put(
        "tpv-sip", _axes(tpv_axes) | _CD | _TPV | _SIP, _axes(tpv_axes) | _CD | _TPV, False, ignored
    )
    put("scamp", _PLAIN | _TPV, in_core=False)
    fiducial = {"PV1_1": 0.0, "PV1_2": 90.0}
    put("pv", _PLAIN | fiducial)
    put("pv-poles", _PLAIN | fiducial | {"PV1_3": 180.0, "PV1_4": 90.0})
    put("pv-quoted", _PLAIN | {"PV1_1": "0.0", "PV1_2": "90.0"}, _PLAIN)
    put("pv-lonpole", _PLAIN | {"PV1_3": 120.0, "LONPOLE": 60.0})
    put("pv-swapped", _axes(swapped=True) | _CD | {"PV2_3": 120.0, "PV1_3": 70.0})
    put("pv-latitude", _PLAIN | {"PV2_1": 0.3})
    put("pv-alternate", _PLAIN | {"PV1_1A": 0.5, "CTYPE1A": "LINEAR"}, _PLAIN)
    put("pv-fiducial", _PLAIN | {"PV1_1": 0.1, "PV1_2": 89.0}, in_core=False)
    for name, angle in {"lonpole": 155.0, "lonpole-999": 999.0}.items():
        put(name, _PLAIN | {"LONPOLE": angle})
    put("latpole", _PLAIN | {"LATPOLE": 20.0})
    put("latpole-quoted", _PLAIN | {"LATPOLE": "2.0"}, _PLAIN)
    put("pole", _axes(place=(10.0, 90.0)) | _CD)
    put("south-pole", _axes(place=(10.0, -90.0)) | _CD)
    put("at-0h", _axes(place=(0.002, -1.0)) | _CD)
    put("crval-510", _axes(place=(510.0, 2.0)) | _CD)
    put("crval-negative", _axes(place=(-210.0, 2.0)) | _CD)
    for name in ("SIN", "ZEA", "ARC", "STG", "CAR", "AIT"):
        put(name.lower(), _axes((f"RA---{name}", f"DEC--{name}")) | _CD, in_core=False)
    put("sin-swapped", _axes(("RA---SIN", "DEC--SIN"), swapped=True) | _CD, in_core=False)
    put("sin-sip", _axes(("RA---SIN-SIP", "DEC--SIN-SIP")) | _CD | _SIP, in_core=False)
    put("galactic-car", _axes(("GLON-CAR", "GLAT-CAR"), (237.1, 0.0)) | _CD, in_core=False)
    lower = _axes(("ra---tan", "dec--tan")) | _CD
    put("ctype-lower", lower, _PLAIN)
    quoted = {key: str(value) for key, value in _PLAIN.items()}
    put("quoted", quoted, _PLAIN)
    put("quoted-d", _PLAIN | {"CRVAL1": " 1.877D2 "}, _PLAIN)
    for name, unit in {"deg": "deg", "degrees": "degrees", "upper": "DEGREE"}.items():
        put(f"cunit-{name}", _PLAIN | {"CUNIT1": unit, "CUNIT2": unit}, _PLAIN)
    arcsec = {
        key: 3600 * value for key, value in (_CD | {"CRVAL1": 187.7, "CRVAL2": 32.39}).items()
    }
    units = {"CUNIT1": "arcsec", "CUNIT2": "arcsec"}
    put("cunit-arcsec", _axes() | arcsec | units, in_core=False)
    return forms


FORMS = _forms()

#: Coordinates that nobody can know.
UNREAD = {
    "gappt": _PLAIN | {"RADESYS": "GAPPT"},
    "sexagesimal": _PLAIN | {"CRVAL1": "10:00:00.0", "CRVAL2": "+02:00:00"},
    "words": _PLAIN | {"CRVAL1": "here"},
    "beyond-the-pole": _PLAIN | {"CRVAL2": 91.0},
    "flat": _axes() | {"CDELT1": 0.0, "CDELT2": 1.0},
    "unit": _PLAIN | {"CUNIT1": "parsnip"},
    "infinite": _PLAIN | {"CRPIX1": "1E999"},
    "half-sip": _axes(_SIP_AXES) | _CD | {"A_ORDER": 2, "A_2_0": 1e-5},
    "projections": _PLAIN | {"CTYPE2": "DEC--SIN"},
    "projection": _axes(("RA---XYZ", "DEC--XYZ")) | _CD,
    "equinox": _PLAIN | {"EQUINOX": "now"},
}

#: No celestial coordinates at all.
NONE = {
    "nothing": {},
    "no-ctype": {key: value for key, value in _PLAIN.items() if not key.startswith("CTYPE")},
    "linear": _PLAIN | {"CTYPE1": "LINEAR", "CTYPE2": "LINEAR"},
    "twice": _PLAIN | {"CTYPE2": "RA---TAN"},
    "mixed": _PLAIN | {"CTYPE2": "GLAT-TAN"},
    "sun": _axes(("HPLN-TAN", "HPLT-TAN"), (0.1, 0.1)) | _CD,
    "number": _PLAIN | {"CTYPE1": 5},
}


def by_astropy(truth: dict[str, Any], x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    """Return right ascension and declination (ICRS) of pixels, shape (2, N)."""
    from astropy import coordinates
    from astropy.io import fits
    from astropy.wcs import WCS
    from astropy.wcs.utils import wcs_to_celestial_frame

    header = fits.Header()
    header.update(truth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wcs = WCS(header)
        frames = {
            "ELON": coordinates.BarycentricMeanEcliptic(equinox=f"J{truth.get('EQUINOX', 2000)}"),
            "SLON": coordinates.Supergalactic(),
        }
        name = next((axis for axis in frames if axis in truth["CTYPE1"] + truth["CTYPE2"]), None)
        frame = wcs_to_celestial_frame(wcs) if name is None else frames[name]
        # pixel_to_skycoord exchanges x and y where the first axis is the latitude.
        pair = wcs.all_pix2world(x, y, 0)[:: 1 if wcs.wcs.lng == 0 else -1]
        place = coordinates.SkyCoord(*pair, unit="deg", frame=frame)
        return np.array([place.icrs.ra.deg, place.icrs.dec.deg])


def apart(first: Any, second: Any) -> Any:
    """Return the angles between places (ra, dec) in arcsec."""
    (a, b), (c, d) = (np.radians(np.asarray(each, float)) for each in (first, second))
    along = np.sin((a - c) / 2) ** 2 * np.cos(b) * np.cos(d)
    return np.degrees(2 * np.arcsin(np.sqrt(np.sin((b - d) / 2) ** 2 + along))) * 3600
