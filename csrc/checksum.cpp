// DATASUM and CHECKSUM (FITS 4.0, appendix J), on request only.
#include <algorithm>
#include <cstdint>
#include <string>

#include "fits.hpp"
#include "hdu.hpp"

namespace galedge {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{256} << 10;

// The 32-bit ones'-complement sum of whole words: HDUs are whole blocks.
std::uint32_t ones_complement_sum(const std::uint8_t* bytes, std::size_t count, std::uint32_t sum) {
    std::uint64_t total = sum;
    for (std::size_t i = 0; i + 4 <= count; i += 4)
        total += static_cast<std::uint32_t>(bytes[i]) << 24 |
                 static_cast<std::uint32_t>(bytes[i + 1]) << 16 |
                 static_cast<std::uint32_t>(bytes[i + 2]) << 8 | bytes[i + 3];
    while (total >> 32) total = (total & 0xffffffffu) + (total >> 32);
    return static_cast<std::uint32_t>(total);
}

}  // namespace

FitsFile::Sums FitsFile::verify(const Hdu& hdu) {
    Sums sums;
    const auto promised = hdu.header.string("DATASUM");
    const bool has_checksum = hdu.header.value("CHECKSUM").has_value();
    if (!promised && !has_checksum) return sums;
    const auto add = [this](std::uint64_t from, std::uint64_t to, std::uint32_t sum) {
        while (from < to) {
            const auto now =
                static_cast<std::size_t>(std::min<std::uint64_t>(to - from, kChunkBytes));
            sum = ones_complement_sum(view(from, now), now, sum);
            from += now;
        }
        return sum;
    };
    const std::uint64_t end = hdu.data_offset + to_block_end(hdu.data_bytes);
    const std::uint32_t data = add(hdu.data_offset, end, 0);
    if (promised) sums.datasum = *promised == std::to_string(data);
    // CHECKSUM is chosen so that the sum over the whole HDU is all ones.
    if (has_checksum) {
        const std::uint32_t all = add(hdu.header_offset, hdu.data_offset, data);
        sums.checksum = all == 0xffffffffu || all == 0;
    }
    return sums;
}

}  // namespace galedge
