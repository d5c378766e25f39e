// Many galaxies at once: one task a galaxy, results in the order given. What
// goes wrong with one image is a sentence in its facts and zeros in its pixels.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "fits.hpp"
#include "prepare.hpp"

namespace galedge {

struct ImageFacts {
    Prepared prepared;
    double ra = std::numeric_limits<double>::quiet_NaN();  // deg, of the frame's centre
    double dec = std::numeric_limits<double>::quiet_NaN();
    int hdu = -1;
    int parity = 0;  // see Wcs
    bool order_unknown = false;  // three planes, and nothing says which is red
    bool sip_ignored = false;
    bool sky_unread = false;  // the header has coordinates, but of no kind that is known here
    bool upwards = false;  // the first row is the lowest
    std::string object, date_obs;  // header cards OBJECT and DATE-OBS
    // Of the cards asked for, those of the image; then, where it was not chosen by name
    // or number, those of a few images behind it.
    std::vector<std::vector<Told>> told;
    std::optional<std::string> error;
    bool unsupported = false;  // the error's kind: another reader may know better
};

// out: images.size() x 3 x size x size, std::uint8_t or float.
template <class Out>
std::vector<ImageFacts> prepare_arrays(const std::vector<Planes>& images, const Recipe& recipe,
                                       unsigned threads, Out* out);

// Which of three planes are red, green and blue, by a header's cards; empty where nothing
// says it. May be called from any thread.
using Order = std::array<int, 3>;
using OrderOf = std::function<std::optional<Order>(const std::string& cards)>;

// What is asked of a file besides its pixels.
struct Asked {
    OrderOf order_of;                   // or none
    std::vector<std::string> keywords;  // of the cards that facts tell
};

// FITS files; plane < 0 takes one plane, or three in the order that order_of tells.
template <class Out>
std::vector<ImageFacts> prepare_files(const std::vector<std::string>& paths,
                                      const HduChoice& hdu, int plane, const Recipe& recipe,
                                      unsigned threads, const Asked& asked, Out* out);

}  // namespace galedge
