#include "bridge.hpp"

#include <cmath>
#include <cstddef>

namespace galedge {

void bridge_gaps(float* image, std::int64_t width, std::int64_t height, int most,
                 BridgeScratch& s, std::vector<std::int64_t>& filled) {
    const auto pixels = static_cast<std::size_t>(width * height);
    s.length.assign(pixels, 0);
    s.value.resize(pixels);
    // From pixel `before` over a run of `length` pixels that lie `stride` apart.
    const auto lay = [&](std::int64_t before, std::int64_t length, std::int64_t stride) {
        if (length > most) return;
        const float a = image[before], b = image[before + (length + 1) * stride];
        for (std::int64_t k = 1; k <= length; ++k) {
            const auto t = static_cast<float>(k) / static_cast<float>(length + 1);
            const float v = a * (1 - t) + b * t;
            const auto i = static_cast<std::size_t>(before + k * stride);
            if (s.length[i] == length) {
                s.value[i] = 0.5f * s.value[i] + 0.5f * v;
            } else if (s.length[i] == 0 || length < s.length[i]) {
                s.length[i] = static_cast<std::uint8_t>(length);
                s.value[i] = v;
            }
        }
    };
    s.last.assign(static_cast<std::size_t>(width), -1);  // valid row of each column
    for (std::int64_t y = 0; y < height; ++y) {
        const float* row = image + y * width;
        std::int64_t before = -1;
        for (std::int64_t x = 0; x < width; ++x) {
            if (!std::isfinite(row[x])) continue;
            if (before >= 0 && x - before > 1) lay(y * width + before, x - before - 1, 1);
            before = x;
            std::int64_t& above = s.last[static_cast<std::size_t>(x)];
            if (above >= 0 && y - above > 1) lay(above * width + x, y - above - 1, width);
            above = y;
        }
    }
    for (std::size_t i = 0; i < pixels; ++i) {
        if (s.length[i] == 0) continue;
        image[i] = s.value[i];
        filled.push_back(static_cast<std::int64_t>(i));
    }
}

}  // namespace galedge
