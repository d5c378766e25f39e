// DATASUM and CHECKSUM (FITS 4.0, appendix J), on request only.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

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

// The sum that a card promises, as text; empty where there is no such card or,
// as the standard allows, a blank one.
std::optional<std::string> promise(const Header& header, const char* keyword) {
    const Value value = header.value(keyword).value_or(Value());
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) return std::nullopt;
    const std::size_t first = text->find_first_not_of(' ');
    if (first == std::string::npos) return std::nullopt;
    return text->substr(first);
}

}  // namespace

FitsFile::Sums FitsFile::verify(const Hdu& hdu) {
    Sums sums;
    const auto promised = promise(hdu.header, "DATASUM");
    const bool has_checksum = promise(hdu.header, "CHECKSUM").has_value();
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
