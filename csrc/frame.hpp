// The square of an image that the network sees, around the galaxy or as it is told.
#pragma once

#include <cstdint>
#include <vector>

#include "central.hpp"
#include "resample.hpp"

namespace galedge {

// The square of margin x diameter around the source, kept inside the image
// where it fits, and never larger than the image's longer side.
Frame frame_around(const Found& found, std::int64_t width, std::int64_t height, double margin);

// The largest square centred in the image, or a centred one of `pixels`.
Frame centred_frame(std::int64_t width, std::int64_t height, double pixels = 0);

struct Framed {
    Frame frame;
    std::uint32_t flags = 0;
};

// A framing by its name in recipes. All of them stand in the table in frame.cpp: a new
// one is a function and an entry there.
struct Framing {
    const char* name;
    Framed (*place)(const Scene&, FrameScratch&);
};

// The framing that recipes do not name but give as a number.
constexpr const char* kPixels = "PIXELS";

const std::vector<Framing>& framings();

}  // namespace galedge
