// An image averaged into a coarse grid of cells, in which sources and the slope of
// the sky are found.
#pragma once

#include <cstdint>
#include <vector>

namespace galedge {

// A grid of nx x ny cells of step x step pixels. A remainder at the right and top edge
// is left out.
struct Cells {
    std::int64_t step = 1;
    std::int32_t nx = 0, ny = 0;
};

// At most 64 cells along the longer side, of a strip as many as it is wide; none at all
// where that would be over 4096: spectra and the like hold no galaxy, only memory.
Cells cells_of(std::int64_t width, std::int64_t height);

// Averages the pixels of each cell, ignoring non-finite ones; an empty cell becomes
// NaN. Rows of the image are `width` apart, those of `out` `pitch`; an image that is
// `complete` has finite pixels only.
void average_cells(const float* image, std::int64_t width, const Cells& cells, bool complete,
                   float* out, std::int64_t pitch, std::vector<float>& row);

}  // namespace galedge
