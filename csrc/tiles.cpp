#include "tiles.hpp"

#include <algorithm>

#include "hdu.hpp"
#include "pixels.hpp"
#include "samples.hpp"

namespace galedge {
namespace {

// Compressed tiles lie one behind the other as a rule: read some at a time.
constexpr std::uint64_t kReadAhead = std::uint64_t{128} << 10;

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
    Box box{Axes(grid.axes(), 0), grid.length};
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
    Axes at(axes), first(axes), last(axes);
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
        return table_rows_.data() +
               static_cast<std::uint64_t>(first - first_row_) * table_.row_bytes;
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
            throw Error(ErrorKind::TooLarge,
                        "tiles of " + std::to_string(pixels) + " pixels are more than " +
                            std::to_string(file_.max_pixels()) + "; raise max_pixels to read them");
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

Samples TiledImage::decode(const TileTable::Tile& tile, std::int64_t number,
                           std::uint64_t pixels) {
    const bool gzip = tile.packing == TileTable::Packing::Gzip;
    const bool raw = tile.packing == TileTable::Packing::Raw;
    const bool real = hdu_.bitpix < 0;
    const int stored = real && table_.quantized ? 32 : hdu_.bitpix;
    const PackedTile packed{heap(tile),
                            tile.bytes,
                            pixels,
                            number,
                            raw ? bitpix_of(tile.type) : stored,
                            real && (gzip || !table_.quantized),
                            table_.parameters};
    if (gzip) return decode_gzip(packed, scratch_);
    if (raw) return decode_raw(packed, scratch_);
    return table_.codec.decode(packed, scratch_);
}

Samples TiledImage::cast_to(int bitpix, Samples samples, std::uint64_t pixels) {
    if (samples.bitpix == bitpix) return samples;
    if (samples.bitpix < 0 && bitpix > 0)
        throw Error(ErrorKind::Read,
                    "a tile holds floats, but ZBITPIX = " + std::to_string(bitpix));
    std::uint8_t* out = cast_.reserve(pixels * bytes_per_pixel(bitpix));
    cast_samples(samples.data, samples.bitpix, pixels, bitpix, out);
    return {bitpix, out};
}

Quantization TiledImage::quantization(const TileTable::Tile& tile, std::int64_t number) const {
    Quantization q{table_.dither, table_.seed + number, tile.scale, tile.zero, false, 0};
    q.has_blank = tile.has_blank && tile.blank == static_cast<std::int32_t>(tile.blank);
    q.blank = static_cast<std::int32_t>(tile.blank);
    return q;
}

// Calls visit(from, to, run) for each run of pixels that the tile shares with
// the box: from pixel `from` of the tile to pixel `to` of the box.
template <class Visit>
void TiledImage::each_run(const Axes& first, const Axes& last, const Box& box, Visit&& visit) {
    const std::size_t axes = first.size();
    Axes low(axes), high(axes);
    for (std::size_t a = 0; a < axes; ++a) {
        low[a] = std::max(first[a], box.first[a]);
        high[a] = std::min(last[a], box.last[a]);
    }
    Axes at = low;
    for (;;) {
        std::int64_t from = 0, to = 0, tile_step = 1, box_step = 1;
        for (std::size_t a = 0; a < axes; ++a) {
            from += (at[a] - first[a]) * tile_step;
            to += (at[a] - box.first[a]) * box_step;
            tile_step *= last[a] - first[a];
            box_step *= box.last[a] - box.first[a];
        }
        visit(static_cast<std::size_t>(from), static_cast<std::size_t>(to),
              static_cast<std::size_t>(high[0] - low[0]));
        std::size_t a = 1;
        for (; a < axes; ++a) {
            if (++at[a] < high[a]) break;
            at[a] = low[a];
        }
        if (a == axes) return;
    }
}

template <class Out>
void TiledImage::read(std::int64_t plane, std::int64_t planes, const Window& window, Out* out) {
    const Box wanted = box(plane, planes, window);
    const Scaling header_scaling = Scaling::from(hdu_.header, hdu_.bitpix);
    const std::size_t size = bytes_per_pixel(hdu_.bitpix);
    const bool same_type = hdu_.bitpix < 0 && size == sizeof(Out);

    each_tile(wanted, [&](std::int64_t number, const Axes& first, const Axes& last,
                          std::uint64_t pixels) {
        const TileTable::Tile tile = table_.tile(number, rows(number, number + 1), pixels);
        Samples samples = decode(tile, number, pixels);
        Scaling scaling = header_scaling;
        if (table_.quantized && tile.packing == TileTable::Packing::Codec) {
            const auto* stored =
                reinterpret_cast<const std::int32_t*>(cast_to(32, samples, pixels).data);
            const Quantization q = quantization(tile, number);
            std::size_t place = 0, longest = 0;
            each_run(first, last, wanted, [&](std::size_t, std::size_t to, std::size_t run) {
                place = to;
                longest = run;
            });
            // A tile of one row, all of it wanted, goes straight to its place.
            if (same_type && scaling.identity() && longest == pixels)
                return dequantize(stored, pixels, q, out + place);
            std::uint8_t* values = values_.reserve(pixels * size);
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
        each_run(first, last, wanted, [&](std::size_t from, std::size_t to, std::size_t run) {
            convert_native(samples.data + from * size, run, scaling, out + to);
        });
    });
}

template void TiledImage::read(std::int64_t, std::int64_t, const Window&, float*);
template void TiledImage::read(std::int64_t, std::int64_t, const Window&, double*);

}  // namespace galedge
