#include "tile_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "hdu.hpp"

namespace galedge {
namespace {

std::uint64_t big_endian(const std::uint8_t* bytes, std::uint64_t count) {
    std::uint64_t value = 0;
    for (std::uint64_t i = 0; i < count; ++i) value = value << 8 | bytes[i];
    return value;
}

double read_real(const std::uint8_t* bytes, char type) {
    if (type == 'E') {
        const auto bits = static_cast<std::uint32_t>(big_endian(bytes, 4));
        float value;
        std::memcpy(&value, &bits, sizeof value);
        return static_cast<double>(value);
    }
    const std::uint64_t bits = big_endian(bytes, 8);
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

std::int64_t read_integer(const std::uint8_t* bytes, char type) {
    switch (type) {
        case 'B': return bytes[0];
        case 'I': return static_cast<std::int16_t>(big_endian(bytes, 2));
        case 'J': return static_cast<std::int32_t>(big_endian(bytes, 4));
        default: return static_cast<std::int64_t>(big_endian(bytes, 8));
    }
}

Dither read_dither(const Header& header) {
    const std::string name = header.string("ZQUANTIZ").value_or("NO_DITHER");
    if (name == "NO_DITHER" || name == "NONE" || name.empty()) return Dither::None;
    if (name == "SUBTRACTIVE_DITHER_1") return Dither::Subtractive1;
    if (name == "SUBTRACTIVE_DITHER_2") return Dither::Subtractive2;
    throw Error(ErrorKind::Unsupported, "ZQUANTIZ = " + name + " is not read");
}

std::uint64_t non_negative(const Header& header, const std::string& keyword) {
    const auto value = header.integer(keyword);
    if (!value) throw Error(ErrorKind::Read, "the header has no " + keyword);
    if (*value < 0)
        throw Error(ErrorKind::Read, keyword + " = " + std::to_string(*value) + " is negative");
    return static_cast<std::uint64_t>(*value);
}

}  // namespace

std::uint64_t element_bytes(char type) {
    switch (type) {
        case 'L':
        case 'B':
        case 'A': return 1;
        case 'I': return 2;
        case 'J':
        case 'E': return 4;
        case 'K':
        case 'D':
        case 'C':
        case 'P': return 8;
        case 'M':
        case 'Q': return 16;
        default: return 0;
    }
}

TileTable::TileTable(const Hdu& hdu) : codec(codec_of(hdu.header)) {
    const Header& header = hdu.header;
    parameters = codec.parameters(header);
    row_bytes = non_negative(header, "NAXIS1");
    rows = non_negative(header, "NAXIS2");
    const std::uint64_t table = checked_product(row_bytes, rows);
    const auto heap = header.integer("THEAP");
    const std::uint64_t heap_start = heap && *heap > 0 ? static_cast<std::uint64_t>(*heap) : table;
    if (table > hdu.data_bytes || heap_start > hdu.data_bytes)
        throw Error(ErrorKind::Read, "the heap (THEAP) does not lie inside the table's data");
    heap_offset = hdu.data_offset + heap_start;
    heap_bytes = hdu.data_bytes - heap_start;

    read_grid(hdu);
    read_columns(header);
    const bool has_scale = scale_column_ || header.real("ZSCALE");
    quantized = hdu.bitpix < 0 && has_scale;
    scale_ = header.real("ZSCALE").value_or(1);
    zero_ = header.real("ZZERO").value_or(0);
    if (quantized) dither = read_dither(header);
    // Counted round the list of random numbers, so that no tile's can overflow.
    seed = header.integer("ZDITHER0").value_or(1) % kRandoms;
    for (const char* keyword : {"BLANK", "ZBLANK"}) {  // the latter where both stand
        if (hdu.bitpix < 0 && keyword[0] == 'B') continue;  // it is for integers alone
        const auto value = header.value(keyword);
        if (value && std::holds_alternative<std::int64_t>(*value))
            blank_ = std::get<std::int64_t>(*value);
    }
    if (hdu.bitpix < 0 && !quantized && codec.integers_only)
        throw Error(ErrorKind::Read, std::string(codec.name) + " holds integers, but ZBITPIX = " +
                                         std::to_string(hdu.bitpix) + " and there is no ZSCALE");
}

void TileTable::read_grid(const Hdu& hdu) {
    std::uint64_t tiles = 1;
    for (std::size_t i = 0; i < hdu.axes.size(); ++i) {
        const std::string keyword = numbered("ZTILE", static_cast<int>(i) + 1);
        std::int64_t length = hdu.axes[i];
        std::int64_t tile = hdu.header.integer(keyword).value_or(i == 0 ? length : 1);
        if (tile < 1)
            throw Error(ErrorKind::Read,
                        keyword + " = " + std::to_string(tile) + " is not positive");
        tile = std::min(tile, length);
        if (length == 1 && hdu.axes.size() > 2) continue;
        grid.length.push_back(length);
        grid.tile.push_back(tile);
        grid.count.push_back((length - 1) / tile + 1);
        tiles = checked_product(tiles, static_cast<std::uint64_t>(grid.count.back()));
    }
    while (grid.length.size() < 2) {
        // The plane of Hdu::plane_axes(): a lone axis is its x or, if the
        // image's first axis has length 1, its y.
        const bool in_front = grid.length.size() == 1 && hdu.axes[0] == 1;
        for (auto* axis : {&grid.length, &grid.tile, &grid.count})
            axis->insert(in_front ? axis->begin() : axis->end(), 1);
    }
    if (tiles > rows)
        throw Error(ErrorKind::Read, "the image has " + std::to_string(tiles) +
                                         " tiles, the table " + std::to_string(rows) + " rows");
    grid.tiles = static_cast<std::int64_t>(tiles);
}

void TileTable::read_columns(const Header& header) {
    const std::uint64_t fields = non_negative(header, "TFIELDS");
    if (fields > 999) throw Error(ErrorKind::Read, "TFIELDS is not 0 to 999");
    std::uint64_t offset = 0;
    for (int i = 1; i <= static_cast<int>(fields); ++i) {
        const std::string form = header.string(numbered("TFORM", i)).value_or("");
        const std::string name = header.string(numbered("TTYPE", i)).value_or("");
        std::size_t at = 0;
        std::uint64_t repeat = 0;
        while (at < form.size() && form[at] >= '0' && form[at] <= '9' && repeat < (1ull << 40))
            repeat = repeat * 10 + static_cast<std::uint64_t>(form[at++] - '0');
        if (at == 0) repeat = 1;
        const char type = at < form.size() ? form[at] : '\0';
        const std::uint64_t width =
            type == 'X' ? (repeat + 7) / 8 : checked_product(repeat, element_bytes(type));
        if (type != 'X' && element_bytes(type) == 0)
            throw Error(ErrorKind::Read, "TFORM" + std::to_string(i) + " = '" + form +
                                             "' is no binary table format");
        Column column;
        column.offset = offset;
        column.in_heap = type == 'P' || type == 'Q';
        column.wide = type == 'Q';
        column.type = !column.in_heap ? type : at + 1 < form.size() ? form[at + 1] : '\0';
        offset += width;
        if (offset > row_bytes)
            throw Error(ErrorKind::Read, "the table's columns are wider than its rows");
        if (repeat == 0) continue;

        const bool integer = type == 'B' || type == 'I' || type == 'J' || type == 'K';
        const bool real = type == 'E' || type == 'D';
        const bool array = column.in_heap && element_bytes(column.type) > 0;
        if (name == "COMPRESSED_DATA" && array) compressed_ = column;
        if (name == "GZIP_COMPRESSED_DATA" && array) gzipped_ = column;
        if (name == "UNCOMPRESSED_DATA" && array) raw_ = column;
        if (name == "ZSCALE" && real) scale_column_ = column;
        if (name == "ZZERO" && real) zero_column_ = column;
        if (name == "ZBLANK" && integer) blank_column_ = column;
    }
    if (!compressed_ && !gzipped_ && !raw_)
        throw Error(ErrorKind::Read, "the table has no column COMPRESSED_DATA");
}

TileTable::Descriptor TileTable::descriptor(const Column& column, const std::uint8_t* row,
                                            std::int64_t number) const {
    const std::uint64_t size = column.wide ? 8 : 4;
    const std::uint64_t count = big_endian(row + column.offset, size);
    const std::uint64_t offset = big_endian(row + column.offset + size, size);
    const std::uint64_t each = element_bytes(column.type);
    if (count > heap_bytes / each || (count > 0 && offset > heap_bytes - count * each))
        throw Error(ErrorKind::Read, "tile " + std::to_string(number + 1) +
                                         " points outside the heap of " +
                                         std::to_string(heap_bytes) + " bytes");
    return {count * each, heap_offset + offset};
}

std::uint64_t TileTable::most_pixels(const Tile& tile) const {
    if (tile.packing == Packing::Raw) return tile.bytes / element_bytes(tile.type);
    if (tile.packing == Packing::Gzip) return tile.bytes * kMaxInflation;
    return codec.most_pixels(tile.bytes, parameters);
}

TileTable::Tile TileTable::tile(std::int64_t number, const std::uint8_t* row,
                                std::uint64_t pixels) const {
    Tile tile{};
    const std::pair<const std::optional<Column>*, Packing> places[] = {
        {&compressed_, Packing::Codec}, {&gzipped_, Packing::Gzip}, {&raw_, Packing::Raw}};
    for (const auto& [column, packing] : places) {
        if (!*column) continue;
        const Descriptor found = descriptor(**column, row, number);
        if (found.bytes == 0) continue;
        tile.packing = packing;
        tile.type = (*column)->type;
        tile.offset = found.offset;
        tile.bytes = found.bytes;
        break;
    }
    if (tile.bytes == 0)
        throw Error(ErrorKind::Read, "tile " + std::to_string(number + 1) + " has no data");
    if (most_pixels(tile) < pixels)
        throw Error(ErrorKind::Read, "tile " + std::to_string(number + 1) + " has " +
                                         std::to_string(tile.bytes) + " bytes, too few for its " +
                                         std::to_string(pixels) + " pixels");
    tile.scale =
        scale_column_ ? read_real(row + scale_column_->offset, scale_column_->type) : scale_;
    tile.zero = zero_column_ ? read_real(row + zero_column_->offset, zero_column_->type) : zero_;
    tile.has_blank = blank_column_.has_value() || blank_.has_value();
    if (blank_column_)
        tile.blank = read_integer(row + blank_column_->offset, blank_column_->type);
    else
        tile.blank = blank_.value_or(0);
    return tile;
}

}  // namespace galedge
