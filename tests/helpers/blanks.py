"""Images that lack something, and images that only look so: noise, counts, saturation."""

from __future__ import annotations

import numpy as np

SIDE = 160
_y, _x = np.mgrid[:SIDE, :SIDE].astype(float)


def disc(peak=300.0, scale=14.0):
    """Render an inclined exponential disc, without sky or noise."""
    u = (_x - 79.5) * 0.88 + (_y - 79.5) * 0.48
    v = (-(_x - 79.5) * 0.48 + (_y - 79.5) * 0.88) / 0.6
    return peak * np.exp(-np.hypot(u, v) / scale)


def turned(degrees, half):
    """Return what lies outside a square that is turned about the centre."""
    t = np.radians(degrees)
    u = (_x - 79.5) * np.cos(t) + (_y - 79.5) * np.sin(t)
    v = -(_x - 79.5) * np.sin(t) + (_y - 79.5) * np.cos(t)
    return (np.abs(u) > half) | (np.abs(v) > half)


def _circle(x, y, radius):
    return np.hypot(_x - x, _y - y) < radius


#: Where pixels may be missing.
SHAPES = {
    "edge": _x < 50,
    "most of the border": (_x + _y < 130) | (_x > 140),
    "corners": turned(15, 76),
    "large corners": turned(45, 76),
    "padding": (np.abs(_x - 79.5) > 60) | (np.abs(_y - 79.5) > 60),
    "outside a circle": ~_circle(79.5, 79.5, 62),
    "masked star": _circle(118, 122, 14),
    "gap": (_x > 110) & (_x < 119),
    "slanted gap": np.abs(_x - _y - 60) < 4,
    "dead column": _x == 50,
    "four dead rows": (_y >= 40) & (_y < 44),
}

#: Numbers that stand for none.
FILLS = (0.0, -999.0, -32768.0, 1e30, -1e30)


def _rng(name):
    return np.random.default_rng(len(name))


def _counts(mean):
    return _rng("counts").poisson(disc(3) + mean)


def _cut_off(sigmas):
    return np.clip(disc() + _rng("cut").normal(-5 * sigmas, 5, disc().shape), 0, None)


def _rounded(step, noise=5):
    return np.round((disc() + _rng("round").normal(100, noise, disc().shape)) / step) * step


def _saturated(most):
    return np.minimum(disc() + _rng("saturated").normal(20, 5, disc().shape), most)


def _star():
    light = 3e7 * (1 + ((_x - 30) ** 2 + (_y - 30) ** 2) / 9) ** -2.5
    return np.minimum(disc() + light + _rng("star").normal(20, 5, disc().shape), 65535)


def _particles():
    image = np.zeros((SIDE, SIDE))
    x, y = _rng("p").normal(79.5, 15, (2, 20000)).astype(int).clip(0, SIDE - 1)
    np.add.at(image, (y, x), 1.0)
    return image


#: Images in which nothing is missing, much as they are of one value here and there.
WHOLE = {
    "noise": _rng("n").normal(size=(SIDE, SIDE)),
    "no noise": disc(),
    "no noise, cut off": np.where(disc() < 10, 0, disc()),
    "no noise, rounded": np.round(disc()),
    **{f"{mean} counts": _counts(mean) for mean in (0.005, 0.05, 0.2, 1, 3)},
    **{f"cut off at {k} sigma": _cut_off(k) for k in (0, 1, 2, 3)},
    **{f"cut off at {k} sigma, rounded": np.round(_cut_off(k)) for k in (0, 1, 2, 3)},
    **{f"rounded to {step}": _rounded(step) for step in (1, 5, 10, 20)},
    "rounded, hardly any noise": _rounded(1, 0.2),
    **{f"saturated at {most}": _saturated(most) for most in (100, 200)},
    "saturated star": _star(),
    "particles": _particles(),
    "eight bits": np.clip(np.round(40 * np.arcsinh(_saturated(1e9) / 10)), 0, 255),
    "repeated pixels": np.kron(_rng("r").normal(100, 5, (40, 40)), np.ones((4, 4))),
}
