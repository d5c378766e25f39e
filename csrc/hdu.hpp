// What a header says about the HDU it heads: its kind, the geometry of its
// image and the length of its data unit, all by checked arithmetic.
#pragma once

#include "fits.hpp"

namespace galedge {

constexpr int kMaxAxes = 9;

// Parses a header that starts at `offset`; the data unit begins at `data`.
Hdu parse_hdu(Header header, int index, std::uint64_t offset, std::uint64_t data);

// a * b, or Error Read when the product does not fit into 63 bits.
std::uint64_t checked_product(std::uint64_t a, std::uint64_t b);

// Up to the end of the 2880-byte block.
constexpr std::uint64_t to_block_end(std::uint64_t bytes) {
    return (bytes + Header::kBlockBytes - 1) / Header::kBlockBytes * Header::kBlockBytes;
}

// "3 x 40 x 30" in FITS order (NAXIS1 first).
std::string axes_text(const std::vector<std::int64_t>& axes);

}  // namespace galedge
