#include "tiles.hpp"

namespace galedge {

void check_tiles(FitsFile&, const Hdu&, std::int64_t, std::int64_t, const Window&) {
    throw Error(ErrorKind::Unsupported, "tile-compressed images are not read yet");
}

void read_tiles(FitsFile& file, const Hdu& hdu, std::int64_t plane, const Window& window, float*) {
    check_tiles(file, hdu, plane, 1, window);
}

void read_tiles(FitsFile& file, const Hdu& hdu, std::int64_t plane, const Window& window, double*) {
    check_tiles(file, hdu, plane, 1, window);
}

}  // namespace galedge
