// From a file's big-endian pixels to physical values.
//
// The arithmetic is astropy's, so that results agree bit for bit: 8- and 16-bit
// integers and 32-bit floats are scaled in single precision, the others in
// double precision, and the result is rounded once to the type wanted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "header.hpp"

namespace galedge {

struct Scaling {
    int bitpix = 0;
    double bscale = 1, bzero = 0;
    bool has_blank = false;  // integers only
    std::int64_t blank = 0;

    // BSCALE, BZERO and BLANK of an image with this BITPIX.
    static Scaling from(const Header& header, int bitpix);
    // Stored values are the physical values.
    bool identity() const { return bscale == 1 && bzero == 0 && !has_blank; }
};

inline std::size_t bytes_per_pixel(int bitpix) {
    return static_cast<std::size_t>(bitpix < 0 ? -bitpix : bitpix) / 8;
}

// `out` must not overlap `raw`.
void convert(const std::uint8_t* raw, std::size_t pixels, const Scaling& scaling, float* out);
void convert(const std::uint8_t* raw, std::size_t pixels, const Scaling& scaling, double* out);
// The same from pixels in the machine's byte order.
void convert_native(const void* raw, std::size_t pixels, const Scaling& scaling, float* out);
void convert_native(const void* raw, std::size_t pixels, const Scaling& scaling, double* out);

}  // namespace galedge
