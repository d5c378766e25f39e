// From linear flux to the picture that the network sees, as bytes or as floats
// 0..1 (Out is std::uint8_t or float).
//
// Luminance is stretched by asinh in units of the noise of an output pixel, and
// all bands are scaled alike, which keeps colours (Lupton et al. 2004, PASP
// 116, 133): band' = band * f(L) / L, divided by the largest band where that
// exceeds one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace galedge {

struct StretchScratch {
    std::vector<float> luminance, largest, few;
};

// In what follows, bands are `count` (1 or 3) sky-subtracted planes of n pixels
// each, and out is three planes of n; a single band is repeated.

// Leaves the luminance in the scratch and returns its quantile `white`.
double measure_luminance(const float* const* bands, int count, std::size_t n, double white,
                         StretchScratch& scratch);

// The noise that stretches count in: that of a luminance pixel, and at least a
// small share of the white level, since a noise-free image (a simulation, a
// padded mosaic) would otherwise have its faintest gradients stretched to white.
double stretching_noise(double noise, double white_level);

// `softening` counts in the noise; `white_level` becomes 1.
template <class Out>
void stretch_asinh(const float* const* bands, int count, std::size_t n, double noise,
                   double softening, double white_level, Out* out);

// Lupton et al. (2004), as astropy's make_lupton_rgb: f(I) = asinh(Q I / stretch)
// 0.1 / asinh(0.1 Q). A single band takes its own f.
template <class Out>
void stretch_lupton(const float* const* bands, int count, std::size_t n, double stretch, double q,
                    Out* out);

// Linear between the zscale limits (zscale.hpp) of the luminance that
// measure_luminance left.
template <class Out>
void stretch_zscale(const float* const* bands, int count, std::size_t n, Out* out,
                    StretchScratch& scratch);

// Pictures, already stretched: values 0..255 stay what they are.
template <class Out>
void keep_picture(const float* const* bands, int count, std::size_t n, Out* out);

}  // namespace galedge
