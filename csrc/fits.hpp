// Reading FITS images: the HDU walk, image geometry, pixels as float32.
//
// Nothing in a header is trusted: axis products are checked, the bytes needed
// are compared with the bytes present before anything is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "buffer.hpp"
#include "error.hpp"
#include "header.hpp"
#include "inflate.hpp"
#include "source.hpp"

namespace galedge {

class TiledImage;

enum class HduKind { Image, CompressedImage, Table, Other };

struct Hdu {
    int index = 0;
    HduKind kind = HduKind::Other;
    std::string name;                // EXTNAME, or empty
    int bitpix = 0;                  // of the image (ZBITPIX for compressed)
    std::vector<std::int64_t> axes;  // NAXIS1 first; of the image
    Header header;
    std::uint64_t header_offset = 0;  // of the first card, in the (inflated) file
    std::uint64_t data_offset = 0;    // of the data unit, in the (inflated) file
    std::uint64_t data_bytes = 0;     // as the header promises, without padding

    bool is_image() const;  // has at least two axes and at least one pixel
    std::int64_t version() const;  // EXTVER; 1 where there is none
    // Unscaled 8-bit data: taken to be a picture that somebody stretched.
    bool is_picture() const;
    // The plane's axes. Axes of length 1 beyond two are passed over, so that an
    // image stored as (1, 100, 100) is a plane of 100 x 100 like (100, 100, 1).
    std::int64_t width() const { return axes[static_cast<std::size_t>(plane_axes().x)]; }
    std::int64_t height() const { return axes[static_cast<std::size_t>(plane_axes().y)]; }
    std::int64_t planes() const;  // product of all other axes

    struct PlaneAxes {
        int x, y;
    };
    PlaneAxes plane_axes() const;
};

// An HDU as users ask for it: its number (below 0: the first image), or its EXTNAME,
// in any case and perhaps with an EXTVER: "SCI,2".
using HduChoice = std::variant<int, std::string>;

// A rectangle of pixels, zero-based, in a plane; must lie inside it.
struct Window {
    std::int64_t x = 0, y = 0, width = 0, height = 0;
};

class FitsFile {
public:
    // max_pixels bounds what one read returns; more is Error TooLarge.
    explicit FitsFile(Source source, std::uint64_t max_pixels = kDefaultMaxPixels);
    FitsFile(const FitsFile&) = delete;
    FitsFile& operator=(const FitsFile&) = delete;
    ~FitsFile();

    static constexpr std::uint64_t kDefaultMaxPixels = 1ull << 28;

    // All HDUs (walks to the end of the file; tolerates trailing junk).
    // References stay valid as long as the file.
    const std::deque<Hdu>& hdus();
    // Errors: Read when there is none ("no image in the file"), Unsupported when
    // `hdu` is a table.
    const Hdu& find_image(const HduChoice& hdu = -1);
    // The same, and one whole plane of it can be read as far as sizes tell:
    // otherwise TooLarge or Truncated, before the caller allocates anything.
    const Hdu& image(const HduChoice& hdu = -1);

    // The images among the `most` HDUs behind `hdu`; as far as headers can be read without
    // inflating what nobody asked for.
    std::vector<const Hdu*> following(const Hdu& hdu, std::size_t most);

    // What read() of `planes` planes would throw for sizes alone.
    void check(const Hdu& hdu, std::int64_t plane, std::int64_t planes, const Window& window);

    // One plane (or a window of it) as physical values: BSCALE, BZERO, BLANK
    // and unsigned conventions applied, blanks as NaN. `out` holds
    // width*height values, row by row as stored.
    void read(const Hdu& hdu, std::int64_t plane, const Window& window, float* out);
    void read(const Hdu& hdu, std::int64_t plane, const Window& window, double* out);
    // The same of all planes, one behind the other.
    void read_planes(const Hdu& hdu, const Window& window, float* out);
    void read_planes(const Hdu& hdu, const Window& window, double* out);

    // The HDU's DATASUM and CHECKSUM; empty where the header has none.
    struct Sums {
        std::optional<bool> datasum, checksum;
    };
    Sums verify(const Hdu& hdu);

    // Whether `hdu` is one of this file's own, as every call here assumes.
    bool owns(const Hdu& hdu) const;

    // Bytes of the (inflated) file; Truncated past its end. view() and
    // resident() point at them until the next call of anything here.
    void require(std::uint64_t offset, std::uint64_t bytes);  // that they are there
    const std::uint8_t* view(std::uint64_t offset, std::size_t bytes);
    const std::uint8_t* resident(std::uint64_t offset, std::size_t bytes);  // or null
    void load(std::uint64_t offset, std::size_t bytes, void* out);
    std::uint64_t max_pixels() const { return max_pixels_; }

private:
    bool walk();  // parses one more HDU; false at the end
    int number_of(const std::string& name);
    bool has(std::uint64_t offset, std::uint64_t bytes);
    Header read_header(std::uint64_t offset, std::uint64_t& end);
    TiledImage& tiled(const Hdu& hdu);
    template <class Out>
    void read_any(const Hdu& hdu, std::int64_t plane, std::int64_t planes, const Window& window,
                  Out* out);
    template <class Out>
    void read_plain(const Hdu& hdu, std::int64_t plane, const Window& window, Out* out);

    Source source_;
    std::uint64_t max_pixels_;
    std::optional<GzipReader> gzip_;
    Buffer head_;                   // the file's first bytes, where it has a path
    std::uint64_t head_bytes_ = 0;  // how many
    Buffer scratch_;
    std::deque<Hdu> hdus_;
    std::unique_ptr<TiledImage> tiled_;  // of the image last asked for
    std::uint64_t next_ = 0;             // offset of the next header
    bool walked_ = false;
};

}  // namespace galedge
