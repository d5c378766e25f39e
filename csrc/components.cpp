#include "components.hpp"

#include "compiler.hpp"

#include <algorithm>
#include <cstddef>

#include "kernels.hpp"

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
                     std::vector<Run>& runs, std::vector<std::uint64_t>& bits) {
    runs.clear();
    const auto cells = static_cast<std::size_t>(nx);
    bits.resize((cells + 63) / 64);
    std::int32_t above = 0;  // first run of the row before
    for (std::int32_t y = 0; y < ny; ++y) {
        const float* row = grid + static_cast<std::ptrdiff_t>(y) * nx;
        const auto here = static_cast<std::int32_t>(runs.size());
        std::int32_t candidate = above;
        // Runs of the row before that touch [start - 1, x]; the last of them may
        // touch the next run too.
        const auto add = [&](std::int32_t start, std::int32_t x) {
            const auto own = static_cast<std::int32_t>(runs.size());
            runs.push_back({y, start, x, own});
            while (candidate < here && runs[candidate].x1 < start) ++candidate;
            for (std::int32_t r = candidate; r < here && runs[r].x0 <= x; ++r) join(runs, r, own);
        };
        kernels::above(bits.data(), row, level, cells);
        std::int32_t start = -1;  // of the run that is open, if one is
        for (std::size_t w = 0; w < bits.size(); ++w) {
            // Bits that differ from the one before: where runs begin and end.
            std::uint64_t turns = bits[w] ^ (bits[w] << 1 | (start >= 0));
            for (; turns != 0; turns &= turns - 1) {
                const auto x = static_cast<std::int32_t>(w * 64) + __builtin_ctzll(turns);
                if (start >= 0) add(start, x);
                start = start >= 0 ? -1 : x;
            }
        }
        if (start >= 0) add(start, nx);
        above = here;
    }
    for (Run& run : runs) run.root = runs[run.root].root;  // roots precede: one step is enough
}

}  // namespace galedge
