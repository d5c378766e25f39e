// Resampling a square frame of an image to size x size pixels.
//
// Shrinking is exact area averaging (every input pixel weighs by the area of
// its overlap with the output pixel, as OpenCV's INTER_AREA); enlarging is
// linear interpolation between pixel centres. Both are separable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace galedge {

// A square in pixel-edge coordinates: pixel i covers [i, i + 1). It may reach
// beyond the image.
struct Frame {
    double x = 0, y = 0;  // lower corner
    double side = 0;
};

// Input pixels [first, first + count) and their weights for each output pixel
// along one axis; the weights sum to the valid part of the output pixel.
struct Taps {
    std::vector<std::int32_t> first, count;
    std::vector<float> weight;  // `stride` an output pixel
    std::vector<float> total;   // sum of an output pixel's weights
    std::size_t stride = 0;
};

struct ResampleScratch {
    Taps x, y;
    std::vector<float> sums, weights;  // of output rows, before the horizontal pass
    std::vector<float> work;
};

// Fills out[size * size] from the frame of image[height * width]. Non-finite
// pixels and what lies outside do not count; an output pixel with less than
// half of its area valid becomes `fill`. Returns the invalid fraction of the
// frame's area. An image that is `complete` has finite pixels only.
double resample(const float* image, std::int64_t width, std::int64_t height, bool complete,
                const Frame& frame, int size, float fill, float* out, ResampleScratch& scratch);

}  // namespace galedge
