// Samples of tiles on their way to one type in the machine's byte order.
#pragma once

#include <cstddef>
#include <cstdint>

namespace galedge {

// Big-endian samples of `size` bytes (1, 2, 4 or 8) to native ones. Shuffled:
// first all most significant bytes, last all least significant ones (GZIP_2).
void to_native(const std::uint8_t* in, std::size_t size, std::size_t pixels, bool shuffled,
               std::uint8_t* out);

// Native samples of one BITPIX to another. Integers wrap as in C; floats go to
// floats only.
void cast_samples(const std::uint8_t* in, int from, std::size_t pixels, int to, std::uint8_t* out);

}  // namespace galedge
