#include "hdu.hpp"

#include "compiler.hpp"

#include <limits>

#include "pixels.hpp"

namespace galedge {
namespace {

bool valid_bitpix(std::int64_t bitpix) {
    return bitpix == 8 || bitpix == 16 || bitpix == 32 || bitpix == 64 || bitpix == -32 ||
           bitpix == -64;
}

int read_bitpix(const Header& header, const char* keyword) {
    const auto bitpix = header.integer(keyword);
    if (!bitpix) throw Error(ErrorKind::Read, std::string("the header has no ") + keyword);
    if (!valid_bitpix(*bitpix))
        throw Error(ErrorKind::Read, std::string(keyword) + " = " + std::to_string(*bitpix) +
                                         " is none of 8, 16, 32, 64, -32, -64");
    return static_cast<int>(*bitpix);
}

std::vector<std::int64_t> read_axes(const Header& header, const char* stem) {
    const auto count = header.integer(stem);
    if (!count) throw Error(ErrorKind::Read, std::string("the header has no ") + stem);
    if (*count < 0 || *count > 999)
        throw Error(ErrorKind::Read,
                    std::string(stem) + " = " + std::to_string(*count) + " is not 0 to 999");
    if (*count > kMaxAxes)
        throw Error(ErrorKind::Unsupported, std::string(stem) + " = " + std::to_string(*count) +
                                                ": more than 9 axes are not read");
    std::vector<std::int64_t> axes(static_cast<std::size_t>(*count));
    for (int i = 0; i < static_cast<int>(*count); ++i) {
        const std::string keyword = numbered(stem, i + 1);
        const auto length = header.integer(keyword);
        if (!length) throw Error(ErrorKind::Read, "the header has no " + keyword);
        if (*length < 0)
            throw Error(ErrorKind::Read,
                        keyword + " = " + std::to_string(*length) + " is negative");
        axes[static_cast<std::size_t>(i)] = *length;
    }
    return axes;
}

std::uint64_t count_of(const Header& header, const char* keyword, std::int64_t fallback) {
    const std::int64_t count = header.integer(keyword).value_or(fallback);
    if (count < 0)
        throw Error(ErrorKind::Read,
                    std::string(keyword) + " = " + std::to_string(count) + " is negative");
    return static_cast<std::uint64_t>(count);
}

// |BITPIX|/8 * GCOUNT * (PCOUNT + NAXIS1 * NAXIS2 * ...), FITS standard 4.0,
// equations 1 and 2; random groups leave their NAXIS1 = 0 out of the product.
std::uint64_t data_unit_bytes(int bitpix, const std::vector<std::int64_t>& axes, bool groups,
                              std::uint64_t pcount, std::uint64_t gcount) {
    if (axes.empty()) return 0;
    std::uint64_t elements = 1;
    bool empty = false;
    for (std::size_t i = groups ? 1 : 0; i < axes.size(); ++i) {
        if (axes[i] == 0)
            empty = true;  // but the other axes still have to make sense
        else
            elements = checked_product(elements, static_cast<std::uint64_t>(axes[i]));
    }
    if (empty) elements = 0;
    if (pcount > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) - elements)
        throw Error(ErrorKind::Read, "PCOUNT = " + std::to_string(pcount) + " is too large");
    return checked_product(checked_product(bytes_per_pixel(bitpix), gcount), elements + pcount);
}

std::string text_or_empty(const Header& header, const char* keyword) {
    const auto value = header.value(keyword);
    if (!value) return {};
    const auto* text = std::get_if<std::string>(&*value);
    return text != nullptr ? *text : std::string();
}

bool is_true(const Header& header, const char* keyword) {
    const auto value = header.value(keyword);
    return value && std::holds_alternative<bool>(*value) && std::get<bool>(*value);
}

}  // namespace

std::uint64_t checked_product(std::uint64_t a, std::uint64_t b) {
    std::uint64_t product;
    if (__builtin_mul_overflow(a, b, &product) ||
        product > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        throw Error(ErrorKind::Read, "the axes multiply to more than 2^63 bytes");
    return product;
}

std::string axes_text(const std::vector<std::int64_t>& axes) {
    std::string text;
    for (const std::int64_t length : axes)
        text += (text.empty() ? "" : " x ") + std::to_string(length);
    return text.empty() ? "no axes" : text;
}

Hdu parse_hdu(Header header, int index, std::uint64_t offset, std::uint64_t data) {
    Hdu hdu;
    hdu.index = index;
    hdu.header_offset = offset;
    hdu.data_offset = data;
    hdu.bitpix = read_bitpix(header, "BITPIX");
    hdu.axes = read_axes(header, "NAXIS");
    hdu.name = header.shown("EXTNAME");

    const std::string extension = index > 0 ? text_or_empty(header, "XTENSION") : "IMAGE";
    const bool table = extension == "BINTABLE" || extension == "A3DTABLE" || extension == "TABLE";
    const bool groups =
        !table && !hdu.axes.empty() && hdu.axes[0] == 0 && is_true(header, "GROUPS");
    // A primary array has no parameters unless it is made of random groups.
    const bool plain_primary = index == 0 && !groups;
    const std::uint64_t pcount = plain_primary ? 0 : count_of(header, "PCOUNT", 0);
    const std::uint64_t gcount = plain_primary ? 1 : count_of(header, "GCOUNT", 1);
    hdu.data_bytes = data_unit_bytes(hdu.bitpix, hdu.axes, groups, pcount, gcount);

    if (table) {
        hdu.kind = HduKind::Table;
        if (extension != "TABLE" && is_true(header, "ZIMAGE")) {
            hdu.kind = HduKind::CompressedImage;
            hdu.bitpix = read_bitpix(header, "ZBITPIX");
            hdu.axes = read_axes(header, "ZNAXIS");
            data_unit_bytes(hdu.bitpix, hdu.axes, false, 0, 1);  // must not overflow either
            // So the table is called by default; PyFITS left the image's own name behind that.
            if (hdu.name == "COMPRESSED_IMAGE") {
                Header rest = header.without("EXTNAME");
                if (rest.value("EXTNAME")) header = std::move(rest);
                hdu.name = header.shown("EXTNAME");
            }
        }
    } else if (!groups && (extension == "IMAGE" || extension == "IUEIMAGE")) {
        hdu.kind = HduKind::Image;
    }
    hdu.header = std::move(header);
    return hdu;
}

std::int64_t Hdu::version() const {
    const auto value = header.value("EXTVER");
    const auto* number = value ? std::get_if<std::int64_t>(&*value) : nullptr;
    return number != nullptr ? *number : 1;
}

bool Hdu::is_image() const {
    if ((kind != HduKind::Image && kind != HduKind::CompressedImage) || axes.size() < 2)
        return false;
    for (const std::int64_t length : axes)
        if (length == 0) return false;
    return true;
}

bool Hdu::is_picture() const {
    return bitpix == 8 && header.real("BSCALE").value_or(1) == 1 &&
           header.real("BZERO").value_or(0) == 0;
}

Hdu::PlaneAxes Hdu::plane_axes() const {
    // The first two axes longer than 1; where there are fewer, the first ones.
    PlaneAxes plane{-1, -1};
    for (int i = 0; i < static_cast<int>(axes.size()); ++i) {
        if (axes[static_cast<std::size_t>(i)] == 1) continue;
        if (plane.x < 0)
            plane.x = i;
        else if (plane.y < 0)
            plane.y = i;
    }
    if (axes.size() == 2 || plane.x < 0) return {0, 1};
    if (plane.y >= 0) return plane;
    return plane.x == 0 ? PlaneAxes{0, 1} : PlaneAxes{plane.x - 1, plane.x};
}

std::int64_t Hdu::planes() const {
    const PlaneAxes plane = plane_axes();
    std::int64_t count = 1;  // cannot overflow: parse_hdu() has multiplied them all
    for (int i = 0; i < static_cast<int>(axes.size()); ++i)
        if (i != plane.x && i != plane.y) count *= axes[static_cast<std::size_t>(i)];
    return count;
}

}  // namespace galedge
