#include "tiles.hpp"

#include <algorithm>
#include <cstring>

#include "hdu.hpp"
#include "pixels.hpp"
#include "rice.hpp"

namespace galedge {
namespace {

// Compressed tiles lie one behind the other as a rule: read some at a time.
constexpr std::uint64_t kReadAhead = std::uint64_t{128} << 10;

[[noreturn]] void damaged(std::int64_t number, const std::string& how) {
    throw Error(ErrorKind::Read, "tile " + std::to_string(number + 1) + " " + how);
}

template <class T>
T load_big(const std::uint8_t* bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) value = value << 8 | bytes[i];
    const auto bits = static_cast<T>(value);
    return bits;
}

// Big-endian or byte-shuffled samples of Bytes bytes to native ones. Shuffled:
// first all most significant bytes, last all least significant ones.
template <class T>
void to_native(const std::uint8_t* in, std::size_t pixels, bool shuffled, std::uint8_t* out) {
    if (shuffled) {
        for (std::size_t i = 0; i < pixels; ++i) {
            T value = 0;
            for (std::size_t b = 0; b < sizeof(T); ++b)
                value = static_cast<T>(static_cast<std::uint64_t>(value) << 8 | in[b * pixels + i]);
            std::memcpy(out + i * sizeof(T), &value, sizeof(T));
        }
        return;
    }
    for (std::size_t i = 0; i < pixels; ++i) {
        const T value = load_big<T>(in + i * sizeof(T));
        std::memcpy(out + i * sizeof(T), &value, sizeof(T));
    }
}

void to_native(const std::uint8_t* in, std::size_t size, std::size_t pixels, bool shuffled,
               std::uint8_t* out) {
    switch (size) {
        case 1: std::memcpy(out, in, pixels); break;
        case 2: to_native<std::uint16_t>(in, pixels, shuffled, out); break;
        case 4: to_native<std::uint32_t>(in, pixels, shuffled, out); break;
        default: to_native<std::uint64_t>(in, pixels, shuffled, out); break;
    }
}

template <class From, class To>
void cast_samples(const std::uint8_t* in, std::size_t pixels, std::uint8_t* out) {
    for (std::size_t i = 0; i < pixels; ++i) {
        From from;
        std::memcpy(&from, in + i * sizeof(From), sizeof from);
        const To to = static_cast<To>(from);
        std::memcpy(out + i * sizeof(To), &to, sizeof to);
    }
}

template <class From>
void cast_from(const std::uint8_t* in, std::size_t pixels, int bitpix, std::uint8_t* out) {
    switch (bitpix) {
        case 8: return cast_samples<From, std::uint8_t>(in, pixels, out);
        case 16: return cast_samples<From, std::int16_t>(in, pixels, out);
        case 32: return cast_samples<From, std::int32_t>(in, pixels, out);
        case 64: return cast_samples<From, std::int64_t>(in, pixels, out);
        case -32: return cast_samples<From, float>(in, pixels, out);
        default: return cast_samples<From, double>(in, pixels, out);
    }
}

int bitpix_of(char type) {
    switch (type) {
        case 'B': return 8;
        case 'I': return 16;
        case 'J': return 32;
        case 'K': return 64;
        case 'E': return -32;
        case 'D': return -64;
        default: return 0;
    }
}

}  // namespace

TiledImage::TiledImage(FitsFile& file, const Hdu& hdu) : file_(file), hdu_(hdu), table_(hdu) {}

TiledImage::Box TiledImage::box(std::int64_t plane, std::int64_t planes,
                                const Window& window) const {
    const TileGrid& grid = table_.grid;
    Box box{std::vector<std::int64_t>(grid.axes(), 0), grid.length};
    box.first[0] = window.x;
    box.last[0] = window.x + window.width;
    box.first[1] = window.y;
    box.last[1] = window.y + window.height;
    if (planes > 1) return box;  // all of them
    for (std::size_t a = 2; a < grid.axes(); ++a) {
        box.first[a] = plane % grid.length[a];
        box.last[a] = box.first[a] + 1;
        plane /= grid.length[a];
    }
    return box;
}

// Calls visit(number, first, last, pixels) for each tile that touches the box;
// [first, last) are the tile's own pixels along each axis.
template <class Visit>
void TiledImage::each_tile(const Box& box, Visit&& visit) {
    const TileGrid& grid = table_.grid;
    const std::size_t axes = grid.axes();
    std::vector<std::int64_t> at(axes), first(axes), last(axes);
    for (std::size_t a = 0; a < axes; ++a) at[a] = box.first[a] / grid.tile[a];
    for (;;) {
        std::int64_t number = 0, stride = 1;
        std::uint64_t pixels = 1;
        for (std::size_t a = 0; a < axes; ++a) {
            number += at[a] * stride;
            stride *= grid.count[a];
            first[a] = at[a] * grid.tile[a];
            last[a] = std::min(first[a] + grid.tile[a], grid.length[a]);
            pixels *= static_cast<std::uint64_t>(last[a] - first[a]);
        }
        visit(number, first, last, pixels);
        std::size_t a = 0;
        for (; a < axes; ++a) {
            if ((++at[a]) * grid.tile[a] < box.last[a]) break;
            at[a] = box.first[a] / grid.tile[a];
        }
        if (a == axes) return;
    }
}

// Rows [first, last) of the table.
const std::uint8_t* TiledImage::rows(std::int64_t first, std::int64_t last) {
    if (first >= first_row_ && last <= last_row_)
        return table_rows_.data() + static_cast<std::uint64_t>(first - first_row_) * table_.row_bytes;
    const std::uint64_t bytes = static_cast<std::uint64_t>(last - first) * table_.row_bytes;
    const std::uint64_t offset =
        hdu_.data_offset + static_cast<std::uint64_t>(first) * table_.row_bytes;
    first_row_ = last_row_ = 0;
    file_.load(offset, bytes, table_rows_.reserve(bytes));
    first_row_ = first;
    last_row_ = last;
    return table_rows_.data();
}

void TiledImage::check(std::int64_t plane, std::int64_t planes, const Window& window) {
    file_.require(hdu_.data_offset, hdu_.data_bytes);
    const Box wanted = box(plane, planes, window);
    std::int64_t lowest = table_.grid.tiles, highest = -1;
    each_tile(wanted, [&](std::int64_t number, const auto&, const auto&, std::uint64_t pixels) {
        if (pixels > file_.max_pixels())
            throw Error(ErrorKind::TooLarge, "tiles of " + std::to_string(pixels) +
                                                 " pixels are more than " +
                                                 std::to_string(file_.max_pixels()) +
                                                 "; raise max_pixels to read them");
        lowest = std::min(lowest, number);
        highest = std::max(highest, number);
    });
    const std::uint8_t* table = rows(lowest, highest + 1);
    each_tile(wanted, [&](std::int64_t number, const auto&, const auto&, std::uint64_t pixels) {
        table_.tile(number, table + static_cast<std::uint64_t>(number - lowest) * table_.row_bytes,
                    pixels);
    });
}

const std::uint8_t* TiledImage::heap(const TileTable::Tile& tile) {
    if (const std::uint8_t* here = file_.resident(tile.offset, tile.bytes)) return here;
    if (tile.offset < heap_first_ || tile.offset + tile.bytes > heap_last_) {
        const bool follows = tile.offset >= heap_first_ && tile.offset <= heap_last_;
        const std::uint64_t end = table_.heap_offset + table_.heap_bytes;
        // Ahead only once reading has turned out to be in order.
        std::uint64_t bytes = tile.bytes;
        if (follows && heap_last_ > 0) bytes = std::max(bytes, kReadAhead);
        bytes = std::min(bytes, end - tile.offset);
        heap_last_ = 0;
        file_.load(tile.offset, bytes, heap_.reserve(bytes));
        heap_first_ = tile.offset;
        heap_last_ = tile.offset + bytes;
    }
    return heap_.data() + (tile.offset - heap_first_);
}

TiledImage::Samples TiledImage::inflate(const std::uint8_t* in, const TileTable::Tile& tile,
                                        std::int64_t number, std::uint64_t pixels, bool shuffled) {
    std::size_t in_used = 0, out_used = 0;
    std::uint8_t* packed = packed_.reserve(pixels * 8);
    if (inflater_.some(in, tile.bytes, packed, pixels * 8, in_used, out_used) !=
        Inflater::Result::Complete)
        damaged(number, "is a damaged gzip stream");
    // The length tells the type: integers may be stored shorter than ZBITPIX.
    const std::size_t size = out_used / pixels;
    if (out_used % pixels != 0 || (size != 1 && size != 2 && size != 4 && size != 8))
        damaged(number, "inflates to " + std::to_string(out_used) + " bytes, not to " +
                            std::to_string(pixels) + " pixels");
    const bool lossless = !table_.quantized || tile.packing == TileTable::Packing::Gzip;
    const bool real = hdu_.bitpix < 0 && lossless && size >= 4;
    to_native(packed, size, pixels, shuffled, samples_.reserve(pixels * size));
    return {static_cast<int>(real ? -8 : 8) * static_cast<int>(size), samples_.data()};
}

TiledImage::Samples TiledImage::decode(const TileTable::Tile& tile, std::int64_t number,
                                       std::uint64_t pixels) {
    const std::uint8_t* in = heap(tile);
    if (tile.packing == TileTable::Packing::Gzip) return inflate(in, tile, number, pixels, false);
    const bool raw = tile.packing == TileTable::Packing::Raw;
    if (raw || table_.codec == Codec::None) {
        const int stored = hdu_.bitpix < 0 && table_.quantized ? 32 : hdu_.bitpix;
        const int bitpix = raw ? bitpix_of(tile.type) : stored;
        if (bitpix == 0 || tile.bytes != pixels * bytes_per_pixel(bitpix))
            damaged(number, "does not hold " + std::to_string(pixels) + " pixels");
        to_native(in, bytes_per_pixel(bitpix), pixels, false, samples_.reserve(tile.bytes));
        return {bitpix, samples_.data()};
    }
    if (table_.codec != Codec::Rice)
        return inflate(in, tile, number, pixels, table_.codec == Codec::Gzip2);
    std::uint8_t* out = samples_.reserve(pixels * static_cast<std::uint64_t>(table_.bytepix));
    bool good = false;
    if (table_.bytepix == 1)
        good = rice_decode(in, tile.bytes, out, pixels, table_.block);
    else if (table_.bytepix == 2)
        good = rice_decode(in, tile.bytes, reinterpret_cast<std::int16_t*>(out), pixels,
                           table_.block);
    else
        good = rice_decode(in, tile.bytes, reinterpret_cast<std::int32_t*>(out), pixels,
                           table_.block);
    if (!good) damaged(number, "ends before its " + std::to_string(pixels) + " pixels do");
    return {8 * table_.bytepix, out};
}

TiledImage::Samples TiledImage::cast_to(int bitpix, Samples samples, std::uint64_t pixels) {
    if (samples.bitpix == bitpix) return samples;
    // Into the range of a narrower integer only floats could fail to go.
    if (samples.bitpix < 0 && bitpix > 0)
        throw Error(ErrorKind::Read, "a tile holds floats, but ZBITPIX = " + std::to_string(bitpix));
    std::uint8_t* out = cast_.reserve(pixels * bytes_per_pixel(bitpix));
    switch (samples.bitpix) {
        case 8: cast_from<std::uint8_t>(samples.data, pixels, bitpix, out); break;
        case 16: cast_from<std::int16_t>(samples.data, pixels, bitpix, out); break;
        case 32: cast_from<std::int32_t>(samples.data, pixels, bitpix, out); break;
        case 64: cast_from<std::int64_t>(samples.data, pixels, bitpix, out); break;
        case -32: cast_samples<float, double>(samples.data, pixels, out); break;
        default: cast_samples<double, float>(samples.data, pixels, out); break;
    }
    return {bitpix, out};
}

template <class Out>
void TiledImage::read(std::int64_t plane, std::int64_t planes, const Window& window, Out* out) {
    const Box wanted = box(plane, planes, window);
    const std::size_t axes = table_.grid.axes();
    std::vector<std::int64_t> stride(axes), at(axes), low(axes), high(axes);
    stride[0] = 1;
    for (std::size_t a = 1; a < axes; ++a)
        stride[a] = stride[a - 1] * (wanted.last[a - 1] - wanted.first[a - 1]);
    const Scaling header_scaling = Scaling::from(hdu_.header, hdu_.bitpix);

    each_tile(wanted, [&](std::int64_t number, const auto& first, const auto& last,
                          std::uint64_t pixels) {
        const TileTable::Tile tile = table_.tile(number, rows(number, number + 1), pixels);
        Samples samples = decode(tile, number, pixels);
        Scaling scaling = header_scaling;
        if (table_.quantized && tile.packing == TileTable::Packing::Codec) {
            samples = cast_to(32, samples, pixels);
            Quantization q{table_.dither, table_.seed + number, tile.scale, tile.zero, false, 0};
            q.has_blank = tile.has_blank && tile.blank == static_cast<std::int32_t>(tile.blank);
            q.blank = static_cast<std::int32_t>(tile.blank);
            const auto* stored = reinterpret_cast<const std::int32_t*>(samples.data);
            std::uint8_t* values = values_.reserve(pixels * bytes_per_pixel(hdu_.bitpix));
            if (hdu_.bitpix == -32)
                dequantize(stored, pixels, q, reinterpret_cast<float*>(values));
            else
                dequantize(stored, pixels, q, reinterpret_cast<double*>(values));
            samples = {hdu_.bitpix, values};
        } else {
            samples = cast_to(hdu_.bitpix, samples, pixels);
            scaling.has_blank = hdu_.bitpix > 0 && tile.has_blank;
            scaling.blank = tile.blank;
        }
        // The part of the tile inside the box, row by row.
        for (std::size_t a = 0; a < axes; ++a) {
            low[a] = std::max(first[a], wanted.first[a]);
            high[a] = std::min(last[a], wanted.last[a]);
        }
        at = low;
        const auto run = static_cast<std::size_t>(high[0] - low[0]);
        for (;;) {
            std::int64_t from = 0, to = 0, step = 1;
            for (std::size_t a = 0; a < axes; ++a) {
                from += (at[a] - first[a]) * step;
                step *= last[a] - first[a];
                to += (at[a] - wanted.first[a]) * stride[a];
            }
            convert_native(samples.data + static_cast<std::size_t>(from) *
                                              bytes_per_pixel(hdu_.bitpix),
                           run, scaling, out + to);
            std::size_t a = 1;
            for (; a < axes; ++a) {
                if (++at[a] < high[a]) break;
                at[a] = low[a];
            }
            if (a == axes) break;
        }
    });
}

template void TiledImage::read(std::int64_t, std::int64_t, const Window&, float*);
template void TiledImage::read(std::int64_t, std::int64_t, const Window&, double*);

}  // namespace galedge
