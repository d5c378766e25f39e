// Undoing the quantization of floating-point tiles (FITS 4.0, section 10.2):
// value = (integer - dither + 0.5) * scale + zero.
#pragma once

#include <cstddef>
#include <cstdint>

namespace galedge {

// Random numbers in the standard's list; a tile starts at a place of it.
constexpr int kRandoms = 10000;

enum class Dither { None, Subtractive1, Subtractive2 };

struct Quantization {
    Dither dither = Dither::None;
    std::int64_t seed = 1;  // ZDITHER0 plus the number of the tile, from 0
    double scale = 1, zero = 0;
    bool has_blank = false;
    std::int32_t blank = 0;
};

// Blank integers become NaN. The arithmetic is CFITSIO's, in double precision.
void dequantize(const std::int32_t* stored, std::size_t pixels, const Quantization& q, float* out);
void dequantize(const std::int32_t* stored, std::size_t pixels, const Quantization& q, double* out);

}  // namespace galedge
