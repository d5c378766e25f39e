// Sky level and noise of one image by clipped statistics.
//
// The mode estimate is SExtractor's (Bertin & Arnouts 1996, A&AS 117, 393):
// clip at 3 sigma about the median until nothing changes; the sky is
// 2.5 median - 1.5 mean, or the median where the two are more than 0.3 sigma
// apart (a crowded field).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace galedge {

struct Sky {
    float level = 0;
    float noise = 0;  // standard deviation of what survived the clipping
};

// Buffers that a thread keeps from galaxy to galaxy.
struct SkyScratch {
    std::vector<float> sample, guess;
    std::vector<std::int32_t> bins, histogram;
    std::vector<std::int64_t> counts, sums, squares;  // running totals over bins
    std::vector<double> outliers;                     // beyond the bins, in bins
};

// Clipped mode of n values; non-finite ones do not count. With no finite value
// the level is NaN.
Sky clipped_mode(const float* values, std::size_t n, SkyScratch& scratch);

// Sky of a cutout: the clipped mode of its border, an eighth of the shorter
// side wide, because a framed galaxy covers most of the middle and would pull
// the mode of the whole image up. Where no pixel of that is valid, the border of the
// part that is; so too, if `sparse`, where less than a sixteenth is, and then the mode
// is one of valid pixels alone. NaN without a finite pixel.
Sky border_sky(const float* image, std::int64_t width, std::int64_t height, SkyScratch& scratch,
               bool sparse = false);

// Whether no pixel of that border is finite.
bool border_is_empty(const float* image, std::int64_t width, std::int64_t height,
                     SkyScratch& scratch);

}  // namespace galedge
