// Many galaxies at once: one task a galaxy, results in the order given. What
// goes wrong with one image is a sentence in its facts and zeros in its pixels.
#pragma once

#include <cstdint>
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
    bool sip_ignored = false;
    bool sky_unread = false;  // the header has coordinates, but of no kind that is known here
    bool upwards = false;  // the first row is the lowest
    std::string object, date_obs;  // header cards OBJECT and DATE-OBS
    std::optional<std::string> error;
    bool unsupported = false;  // the error's kind: another reader may know better
};

// out: images.size() x 3 x size x size, std::uint8_t or float.
template <class Out>
std::vector<ImageFacts> prepare_arrays(const std::vector<Planes>& images, const Recipe& recipe,
                                       unsigned threads, Out* out);

// FITS files; plane < 0 takes one or three planes
// as they come.
template <class Out>
std::vector<ImageFacts> prepare_files(const std::vector<std::string>& paths,
                                      const HduChoice& hdu, int plane, const Recipe& recipe,
                                      unsigned threads, Out* out);

}  // namespace galedge
