// RICE_1: differences of neighbouring pixels, coded in small blocks by the
// scheme of Rice, Yeh & Miller 1993 (FITS 4.0, section 10.4.1).
#pragma once

#include <cstddef>
#include <cstdint>

namespace galedge {

// The bits that a block of pixels takes at the least: its coding parameter.
constexpr int rice_parameter_bits(int bytes_per_pixel) {
    return bytes_per_pixel == 1 ? 3 : bytes_per_pixel == 2 ? 4 : 5;
}

// Decodes `pixels` pixels of 1 (unsigned), 2 or 4 bytes; false when `in` ends
// before they do. Reads nothing outside `in`.
bool rice_decode(const std::uint8_t* in, std::size_t bytes, std::uint8_t* out, std::size_t pixels,
                 int block);
bool rice_decode(const std::uint8_t* in, std::size_t bytes, std::int16_t* out, std::size_t pixels,
                 int block);
bool rice_decode(const std::uint8_t* in, std::size_t bytes, std::int32_t* out, std::size_t pixels,
                 int block);

}  // namespace galedge
