// From linear flux to the 8-bit picture that the network sees.
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
double stretch_asinh(const float* const* bands, int count, std::size_t n, double noise,
                     double softening, double white, std::uint8_t* out, StretchScratch& scratch);

// Lupton et al. (2004), as astropy's make_lupton_rgb: f(I) = asinh(Q I / stretch)
// 0.1 / asinh(0.1 Q). A single band takes its own f.
void stretch_lupton(const float* const* bands, int count, std::size_t n, double stretch, double q,
                    std::uint8_t* out);

// Linear between the zscale limits of the luminance (zscale.hpp).
void stretch_zscale(const float* const* bands, int count, std::size_t n, std::uint8_t* out,
                    StretchScratch& scratch);

// The same for pictures, already stretched: values 0..255 are rounded.
void round_picture(const float* const* bands, int count, std::size_t n, std::uint8_t* out);

}  // namespace galedge
