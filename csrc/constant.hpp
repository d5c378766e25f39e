// Areas of one exact value: pipelines write them where a mosaic has a gap, a rotated
// stack a corner, a mask a hole. docs/preparation.md has the rule that tells them from
// counts, cut-off skies and saturated stars.
#pragma once

#include <cstdint>
#include <vector>

namespace galedge {

struct ConstantScratch {
    std::vector<std::uint8_t> solid, missing, distance, corner;
    std::vector<float> near, apart, far, work;
};

// Marks the areas of one value that are no measurement in scratch.missing, a byte a
// pixel, which stays as it was where there is none. Returns how many pixels they have.
std::int64_t find_constant(const float* image, std::int64_t width, std::int64_t height,
                           ConstantScratch& scratch);

}  // namespace galedge
