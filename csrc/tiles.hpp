// Tile-compressed images (FITS 4.0, section 10).
#pragma once

#include "fits.hpp"

namespace galedge {

// What read_tiles() would throw for sizes alone.
void check_tiles(FitsFile& file, const Hdu& hdu, std::int64_t plane, std::int64_t planes,
                 const Window& window);
void read_tiles(FitsFile& file, const Hdu& hdu, std::int64_t plane, const Window& window,
                float* out);
void read_tiles(FitsFile& file, const Hdu& hdu, std::int64_t plane, const Window& window,
                double* out);

}  // namespace galedge
