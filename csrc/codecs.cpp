#include "codecs.hpp"

#include <string>

#include "named.hpp"
#include "pixels.hpp"
#include "rice.hpp"
#include "samples.hpp"

namespace galedge {
namespace {

[[noreturn]] void damaged(std::int64_t number, const std::string& how) {
    throw Error(ErrorKind::Read, "tile " + std::to_string(number + 1) + " " + how);
}

// The value of ZVALn where ZNAMEn is `name`.
std::int64_t parameter(const Header& header, const char* name, std::int64_t fallback) {
    for (int i = 1; i < 1000; ++i) {
        const auto found = header.string(numbered("ZNAME", i));
        if (!found) break;
        if (*found == name) return header.integer(numbered("ZVAL", i)).value_or(fallback);
    }
    return fallback;
}

CodecParameters no_parameters(const Header&) { return {}; }

CodecParameters rice_parameters(const Header& header) {
    const std::int64_t block = parameter(header, "BLOCKSIZE", 32);
    const std::int64_t bytepix = parameter(header, "BYTEPIX", 4);
    if (block < 1 || block > 256)
        throw Error(ErrorKind::Read,
                    "RICE_1 with BLOCKSIZE = " + std::to_string(block) + " is not 1 to 256");
    if (bytepix != 1 && bytepix != 2 && bytepix != 4)
        throw Error(ErrorKind::Read,
                    "RICE_1 with BYTEPIX = " + std::to_string(bytepix) + " is not 1, 2 or 4");
    return {static_cast<int>(block), static_cast<int>(bytepix)};
}

std::uint64_t rice_pixels(std::uint64_t bytes, const CodecParameters& p) {
    return bytes * 8 / static_cast<std::uint64_t>(rice_parameter_bits(p.bytepix)) *
           static_cast<std::uint64_t>(p.block);
}

std::uint64_t gzip_pixels(std::uint64_t bytes, const CodecParameters&) {
    return bytes * kMaxInflation;
}

std::uint64_t raw_pixels(std::uint64_t bytes, const CodecParameters&) { return bytes; }

Samples decode_rice(const PackedTile& tile, CodecScratch& scratch) {
    const auto [block, bytepix] = tile.parameters;
    std::uint8_t* out = scratch.samples.reserve(tile.pixels * static_cast<std::uint64_t>(bytepix));
    const auto decode = [&, block = block](auto* samples) {
        return rice_decode(tile.data, tile.bytes, samples, tile.pixels, block);
    };
    const bool good = bytepix == 1   ? decode(out)
                      : bytepix == 2 ? decode(reinterpret_cast<std::int16_t*>(out))
                                     : decode(reinterpret_cast<std::int32_t*>(out));
    if (!good) damaged(tile.number, "ends before its " + std::to_string(tile.pixels) + " pixels do");
    return {8 * bytepix, out};
}

Samples inflate(const PackedTile& tile, CodecScratch& scratch, bool shuffled) {
    std::size_t in_used = 0, out_used = 0;
    std::uint8_t* packed = scratch.packed.reserve(tile.pixels * 8);
    if (scratch.inflater.some(tile.data, tile.bytes, packed, tile.pixels * 8, in_used, out_used) !=
        Inflater::Result::Complete)
        damaged(tile.number, "is a damaged gzip stream");
    // The length tells the type: integers may be stored shorter than ZBITPIX.
    const std::size_t size = out_used / tile.pixels;
    if (out_used % tile.pixels != 0 || (size != 1 && size != 2 && size != 4 && size != 8))
        damaged(tile.number, "inflates to " + std::to_string(out_used) + " bytes, not to " +
                                 std::to_string(tile.pixels) + " pixels");
    std::uint8_t* out = scratch.samples.reserve(tile.pixels * size);
    to_native(packed, size, tile.pixels, shuffled, out);
    const bool real = tile.floats && size >= 4;
    return {static_cast<int>(real ? -8 : 8) * static_cast<int>(size), out};
}

Samples decode_gzip_2(const PackedTile& tile, CodecScratch& scratch) {
    return inflate(tile, scratch, true);
}

}  // namespace

Samples decode_gzip(const PackedTile& tile, CodecScratch& scratch) {
    return inflate(tile, scratch, false);
}

Samples decode_raw(const PackedTile& tile, CodecScratch& scratch) {
    if (tile.bitpix == 0 || tile.bytes != tile.pixels * bytes_per_pixel(tile.bitpix))
        damaged(tile.number, "does not hold " + std::to_string(tile.pixels) + " pixels");
    std::uint8_t* out = scratch.samples.reserve(tile.bytes);
    to_native(tile.data, bytes_per_pixel(tile.bitpix), tile.pixels, false, out);
    return {tile.bitpix, out};
}

const std::vector<Codec>& codecs() {
    static const std::vector<Codec> all = {
        {"RICE_1", nullptr, true, rice_parameters, rice_pixels, decode_rice},
        {"RICE_ONE", nullptr, true, rice_parameters, rice_pixels, decode_rice},
        {"GZIP_1", nullptr, false, no_parameters, gzip_pixels, decode_gzip},
        {"GZIP_2", nullptr, false, no_parameters, gzip_pixels, decode_gzip_2},
        {"NOCOMPRESS", nullptr, false, no_parameters, raw_pixels, decode_raw},
        {"HCOMPRESS_1", "rustfits", true, nullptr, nullptr, nullptr},
        {"PLIO_1", "rustfits", true, nullptr, nullptr, nullptr},
    };
    return all;
}

const Codec& codec_of(const Header& header) {
    const std::string name = header.string("ZCMPTYPE").value_or("");
    if (name.empty()) throw Error(ErrorKind::Read, "the header has no ZCMPTYPE");
    const Codec* codec = find(codecs(), name);
    if (codec && !codec->package) return *codec;
    const std::string how = codec ? std::string("needs ") + codec->package + ": pip install " +
                                        codec->package + ", galedge.read()"
                                  : "is not read";
    throw Error(ErrorKind::Unsupported, "is compressed by " + name + ", which " + how);
}

}  // namespace galedge
