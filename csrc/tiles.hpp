// Tile-compressed images (FITS 4.0, section 10): only the tiles that a window
// touches are read and decoded.
#pragma once

#include "codecs.hpp"
#include "fits.hpp"
#include "tile_table.hpp"

namespace galedge {

class TiledImage {
public:
    TiledImage(FitsFile& file, const Hdu& hdu);

    const Hdu& hdu() const { return hdu_; }

    // What read() would throw for sizes alone. `planes` is 1, or all of them.
    void check(std::int64_t plane, std::int64_t planes, const Window& window);
    template <class Out>
    void read(std::int64_t plane, std::int64_t planes, const Window& window, Out* out);

private:
    using Axes = std::vector<std::int64_t>;
    // Along each axis of the grid, [first, last).
    struct Box {
        Axes first, last;
    };

    Box box(std::int64_t plane, std::int64_t planes, const Window& window) const;
    template <class Visit>
    void each_tile(const Box& box, Visit&& visit);
    template <class Visit>
    void each_run(const Axes& first, const Axes& last, const Box& box, Visit&& visit);
    Quantization quantization(const TileTable::Tile& tile, std::int64_t number) const;
    const std::uint8_t* rows(std::int64_t first, std::int64_t last);
    const std::uint8_t* heap(const TileTable::Tile& tile);
    Samples decode(const TileTable::Tile& tile, std::int64_t number, std::uint64_t pixels);
    Samples cast_to(int bitpix, Samples samples, std::uint64_t pixels);

    FitsFile& file_;
    const Hdu& hdu_;
    TileTable table_;
    CodecScratch scratch_;
    Buffer table_rows_, heap_, cast_, values_;
    std::uint64_t heap_first_ = 0, heap_last_ = 0;  // what heap_ holds, in the file
    std::int64_t first_row_ = 0, last_row_ = 0;     // what table_rows_ holds
};

}  // namespace galedge
