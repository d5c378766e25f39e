#include "fits.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "hdu.hpp"
#include "pixels.hpp"
#include "tiles.hpp"

namespace galedge {
namespace {

// Read at once when a file is opened: all of a small cutout, or the headers.
constexpr std::size_t kHeadBytes = std::size_t{128} << 10;
// What is read and converted in one go: half a typical second-level cache.
constexpr std::size_t kChunkBytes = std::size_t{256} << 10;
// Files of more HDUs than this are made to waste time, not to be read.
constexpr int kMaxHdus = 10000;

[[noreturn]] void refuse_format(const std::uint8_t* bytes, std::uint64_t count) {
    if (count >= 3 && std::memcmp(bytes, "BZh", 3) == 0)
        throw Error(ErrorKind::Unsupported, "is bzip2-compressed; bunzip2 it first");
    if (count >= 2 && bytes[0] == 0x1f && bytes[1] == 0x9d)
        throw Error(ErrorKind::Unsupported, "is compressed by compress (.Z); uncompress it first");
    throw Error(ErrorKind::Unsupported, "not a FITS file: it does not begin with \"SIMPLE  =\"");
}

// Whether two names of HDUs are the same; case does not count.
bool same_name(std::string_view a, std::string_view b) {
    const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return upper(x) == upper(y); });
}

}  // namespace

FitsFile::FitsFile(Source source, std::uint64_t max_pixels)
    : source_(std::move(source)), max_pixels_(max_pixels) {
    if (source_.size() == 0) throw Error(ErrorKind::Truncated, "is empty");
    if (source_.data() == nullptr) {
        head_bytes_ = std::min<std::uint64_t>(source_.size(), kHeadBytes);
        source_.read(0, head_bytes_, head_.reserve(head_bytes_));
    }
    const std::uint8_t* first = source_.data() != nullptr ? source_.data() : head_.data();
    const std::uint64_t count = source_.data() != nullptr ? source_.size() : head_bytes_;
    if (is_gzip(first, count)) {
        constexpr std::uint64_t kRoom = std::uint64_t{64} << 20;
        gzip_.emplace(source_, std::min(max_pixels_, std::uint64_t{1} << 56) * 8 + kRoom);
        head_.release();
        head_bytes_ = 0;
        gzip_->fill(Header::kBlockBytes);
        first = gzip_->data();
    }
    if (!has(0, 9) || std::memcmp(first, "SIMPLE  =", 9) != 0) {
        const std::uint64_t available = gzip_ ? gzip_->available() : count;
        if (available < 9 && available > 0 && std::memcmp(first, "SIMPLE  =", available) == 0)
            throw Error(ErrorKind::Truncated, "truncated: the file ends inside a header");
        refuse_format(first, available);
    }
}

FitsFile::~FitsFile() = default;

bool FitsFile::has(std::uint64_t offset, std::uint64_t bytes) {
    const std::uint64_t end = offset + bytes;
    if (end < offset) return false;
    return gzip_ ? gzip_->fill(end) >= end : end <= source_.size();
}

// The bytes where they lie in memory already, or null.
const std::uint8_t* FitsFile::resident(std::uint64_t offset, std::size_t bytes) {
    if (gzip_) {
        if (!has(offset, bytes))
            throw Error(ErrorKind::Truncated, "truncated: " + std::to_string(offset + bytes) +
                                                  " bytes are needed, the gzip stream holds " +
                                                  std::to_string(gzip_->available()));
        return gzip_->data() + offset;
    }
    if (source_.data() != nullptr) {
        if (!has(offset, bytes)) source_.read(offset, bytes, nullptr);  // throws
        return source_.data() + offset;
    }
    if (offset <= head_bytes_ && bytes <= head_bytes_ - offset) return head_.data() + offset;
    return nullptr;
}

const std::uint8_t* FitsFile::view(std::uint64_t offset, std::size_t bytes) {
    if (const std::uint8_t* here = resident(offset, bytes)) return here;
    if (!has(offset, bytes)) source_.read(offset, bytes, nullptr);  // throws before allocating
    source_.read(offset, bytes, scratch_.reserve(bytes));
    return scratch_.data();
}

void FitsFile::load(std::uint64_t offset, std::size_t bytes, void* out) {
    if (const std::uint8_t* here = resident(offset, bytes))
        std::memcpy(out, here, bytes);
    else
        source_.read(offset, bytes, out);
}

Header FitsFile::read_header(std::uint64_t offset, std::uint64_t& end) {
    std::size_t bytes = Header::kBlockBytes, searched = 0;
    for (;;) {
        if (!has(offset, bytes))
            throw Error(ErrorKind::Truncated,
                        "truncated: the file ends inside a header (no END card)");
        const std::uint8_t* cards = view(offset, bytes);
        const std::int64_t last = find_end_card(cards, bytes, searched / Header::kCardBytes);
        if (last >= 0) {
            end =
                offset + to_block_end((static_cast<std::uint64_t>(last) + 1) * Header::kCardBytes);
            std::string text(reinterpret_cast<const char*>(cards),
                             static_cast<std::size_t>(last) * Header::kCardBytes);
            std::replace(text.begin(), text.end(), '\0', ' ');
            return Header(std::move(text));
        }
        searched = bytes;
        bytes += std::max<std::size_t>(bytes / (2 * Header::kBlockBytes), 1) * Header::kBlockBytes;
        if (bytes > Header::kMaxBytes)
            throw Error(ErrorKind::Read, "no END card in the first 16 MiB of a header");
        while (bytes > searched + Header::kBlockBytes && !has(offset, bytes))
            bytes -= Header::kBlockBytes;
    }
}

bool FitsFile::walk() {
    if (walked_) return false;
    const bool extension = !hdus_.empty();
    // What follows the last HDU and is no extension is allowed and ignored.
    if (extension && (!has(next_, 9) || std::memcmp(view(next_, 9), "XTENSION=", 9) != 0)) {
        walked_ = true;
        return false;
    }
    if (hdus_.size() >= kMaxHdus)
        throw Error(ErrorKind::TooLarge, "has more than " + std::to_string(kMaxHdus) + " HDUs");
    std::uint64_t data = 0;
    Header header = read_header(next_, data);
    if (!extension && header.logical("SIMPLE").value_or(false) == false)
        throw Error(ErrorKind::Unsupported,
                    "says SIMPLE = F: it does not conform to the FITS standard");
    if (extension) header.inherit(hdus_.front().header);
    hdus_.push_back(parse_hdu(std::move(header), static_cast<int>(hdus_.size()), next_, data));
    const std::uint64_t bytes = hdus_.back().data_bytes;  // below 2^63, so no sum overflows
    next_ = data + to_block_end(bytes);
    return true;
}

const std::deque<Hdu>& FitsFile::hdus() {
    while (walk()) {
    }
    return hdus_;
}

int FitsFile::number_of(const std::string& name) {
    const std::size_t comma = name.rfind(',');
    const std::string stem = name.substr(0, comma);
    std::int64_t version = -1;
    if (comma != std::string::npos) {
        const char* end = name.data() + name.size();
        if (std::from_chars(name.data() + comma + 1, end, version).ptr != end) version = -1;
    }
    std::string names;
    for (int i = 0;; ++i) {
        if (i == static_cast<int>(hdus_.size()) && !walk()) break;
        const Hdu& found = hdus_[static_cast<std::size_t>(i)];
        if (same_name(found.name.empty() && i == 0 ? "PRIMARY" : found.name, name)) return i;
        if (version >= 0 && same_name(found.name, stem) && found.version() == version) return i;
        if (!found.name.empty() && names.size() < 100)
            names += (names.empty() ? "; the file has " : ", ") + found.name;
    }
    throw Error(ErrorKind::Read, "no HDU is named " + name + names);
}

const Hdu& FitsFile::find_image(const HduChoice& choice) {
    const auto* name = std::get_if<std::string>(&choice);
    const int hdu = name != nullptr ? number_of(*name) : std::get<int>(choice);
    for (int i = 0;; ++i) {
        if (i == static_cast<int>(hdus_.size()) && !walk()) break;
        const Hdu& found = hdus_[static_cast<std::size_t>(i)];
        if (hdu < 0 && found.is_image()) return found;
        if (i != hdu) continue;
        if (found.is_image()) return found;
        const bool table = found.kind == HduKind::Table;
        throw Error(ErrorKind::Unsupported,
                    "HDU " + std::to_string(hdu) + " is " +
                        (table ? "a table, not an image"
                               : "not a two-dimensional image: it has " + axes_text(found.axes)));
    }
    if (hdu < 0) throw Error(ErrorKind::Read, "no image in the file");
    throw Error(ErrorKind::Read,
                "no HDU " + std::to_string(hdu) + ": the file has " + std::to_string(hdus_.size()));
}

const Hdu& FitsFile::image(const HduChoice& hdu) {
    const Hdu& found = find_image(hdu);
    check(found, 0, 1, {0, 0, found.width(), found.height()});
    return found;
}

std::vector<const Hdu*> FitsFile::following(const Hdu& hdu, std::size_t most) {
    std::vector<const Hdu*> images;
    try {
        const auto first = static_cast<std::size_t>(hdu.index) + 1;
        for (std::size_t i = first; i < first + most; ++i) {
            if (i == hdus_.size()) {
                if (gzip_ && next_ + Header::kBlockBytes > gzip_->available()) break;
                if (!walk()) break;
            }
            if (hdus_[i].is_image()) images.push_back(&hdus_[i]);
        }
    } catch (const Error&) {  // what nobody asked for may be damaged
    }
    return images;
}

void FitsFile::check(const Hdu& hdu, std::int64_t plane, std::int64_t planes,
                     const Window& window) {
    if (!hdu.is_image())
        throw Error(ErrorKind::Unsupported,
                    "HDU " + std::to_string(hdu.index) + " is not an image");
    if (plane < 0 || planes < 1 || plane >= hdu.planes() || planes > hdu.planes() - plane)
        throw Error(ErrorKind::Read, "no plane " + std::to_string(plane) + ": the image has " +
                                         std::to_string(hdu.planes()));
    if (window.x < 0 || window.y < 0 || window.width < 1 || window.height < 1 ||
        window.x > hdu.width() - window.width || window.y > hdu.height() - window.height)
        throw Error(ErrorKind::Read, "the window does not lie inside the image of " +
                                         axes_text({hdu.width(), hdu.height()}) + " pixels");
    // The window lies inside the image, whose axes multiply to less than 2^63.
    const auto pixels = static_cast<std::uint64_t>(window.width * window.height * planes);
    if (pixels > max_pixels_)
        throw Error(ErrorKind::TooLarge, std::to_string(pixels) + " pixels are more than " +
                                             std::to_string(max_pixels_) +
                                             "; raise max_pixels to read them");
    if (hdu.kind == HduKind::CompressedImage) return tiled(hdu).check(plane, planes, window);
    // A gzip file is inflated no further than to the last pixel wanted.
    std::uint64_t need = hdu.data_bytes;
    if (gzip_) {
        const auto plane_bytes =
            static_cast<std::uint64_t>(hdu.width() * hdu.height()) * bytes_per_pixel(hdu.bitpix);
        need = static_cast<std::uint64_t>(plane + planes) * plane_bytes;
    }
    require(hdu.data_offset, need);
}

bool FitsFile::owns(const Hdu& hdu) const {
    const auto index = static_cast<std::size_t>(hdu.index);
    return index < hdus_.size() && &hdus_[index] == &hdu;
}

void FitsFile::require(std::uint64_t offset, std::uint64_t bytes) {
    if (has(offset, bytes)) return;
    const std::uint64_t end = gzip_ ? gzip_->available() : source_.size();
    throw Error(ErrorKind::Truncated, "truncated: the header promises " + std::to_string(bytes) +
                                          " bytes of pixels, the file ends after " +
                                          std::to_string(end > offset ? end - offset : 0));
}

TiledImage& FitsFile::tiled(const Hdu& hdu) {
    if (!tiled_ || &tiled_->hdu() != &hdu) tiled_ = std::make_unique<TiledImage>(*this, hdu);
    return *tiled_;
}

template <class Out>
void FitsFile::read_plain(const Hdu& hdu, std::int64_t plane, const Window& window, Out* out) {
    const Scaling scaling = Scaling::from(hdu.header, hdu.bitpix);
    const std::size_t size = bytes_per_pixel(hdu.bitpix);
    const auto width = static_cast<std::uint64_t>(hdu.width());
    const std::uint64_t first =
        static_cast<std::uint64_t>(plane) * width * static_cast<std::uint64_t>(hdu.height()) +
        static_cast<std::uint64_t>(window.y) * width + static_cast<std::uint64_t>(window.x);
    // Rows of full width follow one another: then the window is one long row.
    const bool joined = window.width == hdu.width();
    const auto rows = joined ? 1 : static_cast<std::uint64_t>(window.height);
    const auto row_pixels =
        static_cast<std::uint64_t>(joined ? window.width * window.height : window.width);
    const std::uint64_t chunk = kChunkBytes / size;
    for (std::uint64_t row = 0; row < rows; ++row) {
        std::uint64_t at = hdu.data_offset + (first + row * width) * size;
        if (const std::uint8_t* raw = resident(at, row_pixels * size)) {
            convert(raw, row_pixels, scaling, out);
            out += row_pixels;
            continue;
        }
        for (std::uint64_t left = row_pixels; left > 0;) {
            const std::uint64_t now = std::min(left, chunk);
            convert(view(at, now * size), now, scaling, out);
            out += now;
            at += now * size;
            left -= now;
        }
    }
}

template <class Out>
void FitsFile::read_any(const Hdu& hdu, std::int64_t plane, std::int64_t planes,
                        const Window& window, Out* out) {
    check(hdu, plane, planes, window);
    if (hdu.kind == HduKind::CompressedImage) return tiled(hdu).read(plane, planes, window, out);
    for (std::int64_t i = 0; i < planes; ++i, out += window.width * window.height)
        read_plain(hdu, plane + i, window, out);
}

void FitsFile::read(const Hdu& hdu, std::int64_t plane, const Window& window, float* out) {
    read_any(hdu, plane, 1, window, out);
}

void FitsFile::read(const Hdu& hdu, std::int64_t plane, const Window& window, double* out) {
    read_any(hdu, plane, 1, window, out);
}

void FitsFile::read_planes(const Hdu& hdu, const Window& window, float* out) {
    read_any(hdu, 0, hdu.planes(), window, out);
}

void FitsFile::read_planes(const Hdu& hdu, const Window& window, double* out) {
    read_any(hdu, 0, hdu.planes(), window, out);
}

}  // namespace galedge
