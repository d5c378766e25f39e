// Dead rows and columns, filled between what lies on either side.
#pragma once

#include <cstdint>
#include <vector>

namespace galedge {

struct BridgeScratch {
    std::vector<std::uint8_t> length;
    std::vector<float> value;
    std::vector<std::int64_t> last;
};

// Fills runs of up to `most` pixels (255 or less) that are not finite, along rows and
// columns, between their neighbours; of two that cross the shorter one counts, of equal
// ones the mean. Appends to `filled` which pixels these are.
void bridge_gaps(float* image, std::int64_t width, std::int64_t height, int most,
                 BridgeScratch& scratch, std::vector<std::int64_t>& filled);

}  // namespace galedge
