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
    std::vector<float> luminance, few;
};

// bands: `count` (1 or 3) sky-subtracted planes of n pixels each. out: three
// planes of n bytes; a single band is repeated. `noise` is that of a luminance
// pixel, `softening` counts in it, `white` is the quantile that becomes 1.
// Returns white over noise: the signal-to-noise of the galaxy's bright part.
template <class Out>
double stretch_asinh(const float* const* bands, int count, std::size_t n, double noise,
                     double softening, double white, Out* out, StretchScratch& scratch);

// Lupton et al. (2004), as astropy's make_lupton_rgb: f(I) = asinh(Q I / stretch)
// 0.1 / asinh(0.1 Q). A single band takes its own f.
template <class Out>
void stretch_lupton(const float* const* bands, int count, std::size_t n, double stretch, double q,
                    Out* out);

// Linear between the zscale limits of the luminance (zscale.hpp).
template <class Out>
void stretch_zscale(const float* const* bands, int count, std::size_t n, Out* out,
                    StretchScratch& scratch);

// Pictures, already stretched: values 0..255 stay what they are.
template <class Out>
void keep_picture(const float* const* bands, int count, std::size_t n, Out* out);

}  // namespace galedge
