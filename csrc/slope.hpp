// How the sky of a cutout slopes: moonlight and vignetting over so small a field.
//
// The border is cut into blocks, whose medians do not see what is small in them; a
// plane through these, fitted with Tukey's biweight, does not see the blocks into
// which a neighbour or the galaxy reaches. A galaxy in the middle raises opposite
// blocks alike, and so no plane.
#pragma once

#include <cstdint>
#include <vector>

namespace galedge {

// What the sky rises by from one pixel to the next.
struct Slope {
    double x = 0, y = 0;
};

struct SlopeScratch {
    std::vector<float> grid, row, block;
    std::vector<std::int32_t> keys;  // of values that are ranked
};

// None where the border is too small, or too little of it valid, to tell. An image that
// is `complete` has finite pixels only.
Slope border_slope(const float* image, std::int64_t width, std::int64_t height, bool complete,
                   SlopeScratch& scratch);

}  // namespace galedge
