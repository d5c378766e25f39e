// What happens to pixels before anything is looked for among them: missing ones are
// told, small gaps bridged, units made ordinary, and a slope of the sky taken off.
#pragma once

#include <cstdint>
#include <vector>

#include "bridge.hpp"
#include "constant.hpp"
#include "recipe.hpp"
#include "resample.hpp"
#include "slope.hpp"

namespace galedge {

// An image as one or three planes of floats of the same shape.
struct Planes {
    const float* band[3] = {nullptr, nullptr, nullptr};
    int count = 1;
    std::int64_t width = 0, height = 0;
    bool picture = false;  // 8-bit and already stretched
};

struct MendScratch {
    std::vector<float> own;
    std::vector<std::int64_t> filled[3];
    ConstantScratch constant;
    BridgeScratch bridge;
    SlopeScratch slope;
};

struct Mended {
    Planes planes;          // the caller's where nothing was changed, else in the scratch
    bool complete = false;  // finite pixels only
    double unit = 1;        // by which pixels were multiplied, a power of two
};

// Throws Error Blank where no pixel is finite or all have the same value.
Mended mend(const Planes& planes, const Recipe& recipe, MendScratch& scratch);

// The share of a frame that pixels of a band cover which are missing though they hold a
// value now, or which a recipe of before takes as they are.
double filled_share(const MendScratch& scratch, int band, std::int64_t width, const Frame& frame);

}  // namespace galedge
