#include "components.hpp"

#include <algorithm>
#include <cstddef>

namespace galedge {

namespace {

std::int32_t find_root(const std::vector<Run>& runs, std::int32_t run) {
    while (runs[run].root != run) run = runs[run].root;
    return run;
}

// The earlier root wins, so that roots only ever point back.
void join(std::vector<Run>& runs, std::int32_t a, std::int32_t b) {
    a = find_root(runs, a), b = find_root(runs, b);
    runs[std::max(a, b)].root = std::min(a, b);
}

}  // namespace

void find_components(const float* grid, std::int32_t nx, std::int32_t ny, float level,
                     std::vector<Run>& runs) {
    runs.clear();
    std::int32_t above = 0;  // first run of the row before
    for (std::int32_t y = 0; y < ny; ++y) {
        const float* row = grid + static_cast<std::ptrdiff_t>(y) * nx;
        const auto here = static_cast<std::int32_t>(runs.size());
        std::int32_t candidate = above;
        for (std::int32_t x = 0; x < nx;) {
            if (!(row[x] > level)) {
                ++x;
                continue;
            }
            const std::int32_t start = x;
            while (x < nx && row[x] > level) ++x;
            const auto own = static_cast<std::int32_t>(runs.size());
            runs.push_back({y, start, x, own});
            // Runs of the row before that touch [start - 1, x]; the last of
            // them may touch the next run too.
            while (candidate < here && runs[candidate].x1 < start) ++candidate;
            for (std::int32_t r = candidate; r < here && runs[r].x0 <= x; ++r) join(runs, r, own);
        }
        above = here;
    }
    for (Run& run : runs) run.root = runs[run.root].root;  // roots precede: one step is enough
}

}  // namespace galedge
