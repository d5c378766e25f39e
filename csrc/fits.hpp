// Reading FITS images: the HDU walk, image geometry, pixels as float32.
//
// Nothing in a header is trusted: axis products are checked, the bytes needed
// are compared with the bytes present before anything is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "error.hpp"
#include "header.hpp"
#include "source.hpp"

namespace galedge {

enum class HduKind { Image, CompressedImage, Table, Other };

struct Hdu {
    int index = 0;
    HduKind kind = HduKind::Other;
    std::string name;                // EXTNAME, or empty
    int bitpix = 0;                  // of the image (ZBITPIX for compressed)
    std::vector<std::int64_t> axes;  // NAXIS1 first; of the image
    Header header;
    std::uint64_t data_offset = 0;  // of the data unit, in the (inflated) file
    std::uint64_t data_bytes = 0;   // as the header promises, without padding

    bool is_image() const;        // has at least two axes and at least one pixel
    std::int64_t width() const;   // NAXIS1
    std::int64_t height() const;  // NAXIS2
    std::int64_t planes() const;  // product of the axes beyond the second
};

// A rectangle of pixels, zero-based, in a plane; must lie inside it.
struct Window {
    std::int64_t x = 0, y = 0, width = 0, height = 0;
};

class FitsFile {
public:
    // max_pixels bounds one plane set; a larger image is Error TooLarge.
    explicit FitsFile(Source source, std::uint64_t max_pixels = kDefaultMaxPixels);

    static constexpr std::uint64_t kDefaultMaxPixels = 1ull << 28;

    // All HDUs (walks to the end of the file; tolerates trailing junk).
    const std::vector<Hdu>& hdus();
    // HDU by number; hdu < 0: the first image in the file. Errors: Read when
    // there is none ("no image in the file"), Unsupported when `hdu` is a table.
    const Hdu& image(int hdu = -1);

    // One plane (or a window of it) as physical values: BSCALE, BZERO, BLANK
    // and unsigned conventions applied, blanks as NaN. `out` holds
    // width*height floats, row by row as stored.
    void read(const Hdu& hdu, std::int64_t plane, const Window& window, float* out);
    void read(const Hdu& hdu, std::int64_t plane, const Window& window, double* out);

private:
    Source source_;
    std::uint64_t max_pixels_;
    // ... the implementation's own members
};

}  // namespace galedge
