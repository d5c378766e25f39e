// From linear flux to the picture that the network sees, as bytes or as floats
// 0..1 (Out is std::uint8_t or float).
//
// All bands are scaled alike, which keeps colours (Lupton et al. 2004, PASP 116,
// 133): band' = band * f(L) / L, divided by the largest band where that exceeds
// one; zscale alone is linear.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace galedge {

struct StretchScratch {
    std::vector<float> luminance, largest, few;
    std::vector<std::int32_t> keys;  // of values that are ranked
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

// What a stretch is given besides the luminance that measure_luminance left.
struct Light {
    const float* const* bands;
    int count;
    std::size_t n;
    double noise;          // of an output pixel
    double white_level;    // what measure_luminance returned
    double softening, q, knee;  // of the recipe
};

// A stretch by its name in recipes. All of them stand in the table in stretch.cpp: a
// new one is a function and an entry there.
struct Stretch {
    const char* name;
    void (*bytes)(const Light&, std::uint8_t*, StretchScratch&);
    void (*floats)(const Light&, float*, StretchScratch&);

    void operator()(const Light& light, std::uint8_t* out, StretchScratch& scratch) const {
        bytes(light, out, scratch);
    }
    void operator()(const Light& light, float* out, StretchScratch& scratch) const {
        floats(light, out, scratch);
    }
};

const std::vector<Stretch>& stretches();

// Pictures, already stretched: values 0..255 stay what they are.
template <class Out>
void keep_picture(const float* const* bands, int count, std::size_t n, Out* out);

}  // namespace galedge
