// The binary table that holds a tile-compressed image: which codec, how the
// image is cut into tiles, and where the bytes of each tile lie in the heap.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "codecs.hpp"
#include "dither.hpp"
#include "fits.hpp"

namespace galedge {

// The image's axes without those of length 1, but at least two: axis 0 is a
// plane's x, axis 1 its y, the others count planes.
struct TileGrid {
    std::vector<std::int64_t> length, tile, count;  // pixels, pixels, tiles along each axis
    std::int64_t tiles = 1;
    std::size_t axes() const { return length.size(); }
};

class TileTable {
public:
    // Error Unsupported for a codec that is not read here, Read for a table
    // that contradicts itself.
    explicit TileTable(const Hdu& hdu);

    const Codec& codec;
    CodecParameters parameters;
    bool quantized = false;       // floating point stored as integers
    Dither dither = Dither::None;
    std::int64_t seed = 1;
    TileGrid grid;
    std::uint64_t row_bytes = 0, rows = 0;
    std::uint64_t heap_offset = 0, heap_bytes = 0;  // in the file

    // Where a tile's bytes are and how they are packed.
    enum class Packing { Codec, Gzip, Raw };
    struct Tile {
        Packing packing;
        char type;             // TFORM letter, for Packing::Raw
        std::uint64_t offset;  // in the file
        std::uint64_t bytes;
        double scale, zero;
        bool has_blank;
        std::int64_t blank;
    };
    // `row` is the tile's row of the table; Error Read when what it points at
    // is not inside the heap or is too little for `pixels` pixels.
    Tile tile(std::int64_t number, const std::uint8_t* row, std::uint64_t pixels) const;

private:
    struct Column {
        char type = 0;  // of the elements in the heap, or of the value itself
        bool in_heap = false, wide = false;
        std::uint64_t offset = 0;
    };
    struct Descriptor {
        std::uint64_t bytes, offset;
    };
    void read_columns(const Header& header);
    void read_grid(const Hdu& hdu);
    Descriptor descriptor(const Column& column, const std::uint8_t* row, std::int64_t number) const;
    std::uint64_t most_pixels(const Tile& tile) const;

    std::optional<Column> compressed_, gzipped_, raw_, scale_column_, zero_column_, blank_column_;
    double scale_ = 1, zero_ = 0;
    std::optional<std::int64_t> blank_;
};

// Bytes of one element of a binary table's type, 0 for an unknown letter.
std::uint64_t element_bytes(char type);

}  // namespace galedge
