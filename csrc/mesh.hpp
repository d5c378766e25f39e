// Sky level and noise of one mesh of a frame, as SExtractor (Bertin & Arnouts
// 1996, A&AS 117, 393) and sep (Barbary 2016, JOSS 1, 58) compute them: all
// values go into a histogram of +-5 sigma about a first, twice computed mean,
// and clipping at 3 sigma about the median goes on within it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sky.hpp"

namespace galedge {

struct MeshScratch {
    std::vector<float> sample;
    std::vector<std::int32_t> bins;
};

// Clipped mode of `width` x `height` pixels in an image whose rows are `stride`
// apart. A NaN level where less than half of the pixels count: finite ones above
// -1e30.
Sky mesh_mode(const float* image, std::int64_t stride, std::int64_t width, std::int64_t height,
              MeshScratch& scratch);

}  // namespace galedge
