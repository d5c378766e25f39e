#include "mesh.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler.hpp"
#include "isa.hpp"

namespace galedge {

namespace {

constexpr double kReach = 5;  // of the histogram on either side, in sigma
constexpr double kPi = 3.14159265358979323846;
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kLeast = -1e30f;  // what is lower stands for a missing value
// A mean of more sigma than this makes the order of the sums show in sigma and so
// in the histogram: then they are taken in sep's order, value by value.
constexpr double kPedestal = 256;

// How many values there are, their sum and that of their squares.
struct Moments {
    std::int64_t count;
    double sum, squares;
};

// The same of levels in a histogram.
struct Totals {
    std::int64_t count, sum, squares;
};

#define GALEDGE_KERNELS "mesh_kernels.inl"
#include "per_isa.inl"

// Over the values in [low, high].
Moments moments_within(const std::vector<float>& values, float low, float high) {
    GALEDGE_DISPATCH(sums(values.data(), values.size(), low, high))
}

// The same, summed in reading order.
Moments moments_in_order(const std::vector<float>& values, float low, float high) {
    Moments all{0, 0, 0};
    for (const float value : values) {
        if (!(value >= low && value <= high)) continue;
        const double v = value;
        ++all.count, all.sum += v, all.squares += v * v;
    }
    return all;
}

// Counts values by level, value / width + shift; others go to bins[levels].
void fill_histogram(std::vector<std::int32_t>& bins, std::int32_t levels,
                    const std::vector<float>& values, float width, float shift) {
    GALEDGE_DISPATCH(histogram(bins.data(), levels, values.data(), values.size(), width, shift))
}

// Over bins [first, last), so many at a time that the sums fit into 32 bits.
Totals totals_of(const std::vector<std::int32_t>& bins, std::int32_t first, std::int32_t last,
                 std::int32_t block) {
    GALEDGE_DISPATCH(totals(bins.data(), first, last, block))
}

// Totals of all bins before a place that moves: a move sums what lies between.
class Before {
public:
    Before(const std::vector<std::int32_t>& bins, std::int32_t block)
        : bins_(&bins), block_(block) {}

    std::int32_t bin() const { return bin_; }
    const Totals& total() const { return total_; }

    void move(std::int32_t to) {
        const bool forward = to > bin_;
        const Totals part = totals_of(*bins_, forward ? bin_ : to, forward ? to : bin_, block_);
        const std::int64_t sign = forward ? 1 : -1;
        total_.count += sign * part.count;
        total_.sum += sign * part.sum;
        total_.squares += sign * part.squares;
        bin_ = to;
    }

private:
    const std::vector<std::int32_t>* bins_;
    std::int32_t block_, bin_ = 0;
    Totals total_{0, 0, 0};
};

struct Clipped {
    double mean, sigma, median;  // in levels
};

// Clips the histogram at 3 sigma about its median until sigma changes by less
// than 1e-4 or falls below 0.1.
Clipped clip(const std::vector<std::int32_t>& bins, std::int32_t levels, std::int32_t block) {
    Before low(bins, block), high(low);
    // The median splits before `middle`: from there on the values below outweigh
    // those above. It is near half of the levels, as those are about a mean.
    std::int32_t middle = levels / 2;
    high.move(middle);
    std::int64_t below = high.total().count;
    high.move(levels);
    Clipped kept{0, 10.0 * (levels - 1), 0};
    double before = 1;
    for (int round = 0; round < 100; ++round) {
        if (kept.sigma < 0.1 || std::fabs(kept.sigma / before - 1) <= 1e-4) break;
        before = kept.sigma;
        const Totals &first = low.total(), &last = high.total();
        const std::int64_t both = first.count + last.count;
        while (middle < low.bin() || 2 * below + bins[middle] < both) below += bins[middle++];
        while (middle > low.bin() && 2 * below - bins[middle - 1] >= both) below -= bins[--middle];
        // It shares out the two bins at the split, and none is before the first.
        kept.median = 0;
        if (middle > 0) {
            const double largest = std::max(bins[middle], bins[middle - 1]);
            kept.median = middle - 0.5 + static_cast<double>(both - 2 * below) / (2 * largest);
        }
        const auto n = static_cast<double>(last.count - first.count);
        kept.mean = static_cast<double>(last.sum - first.sum) / n;
        const double square = static_cast<double>(last.squares - first.squares) / n;
        kept.sigma = std::sqrt(std::max(0.0, square - kept.mean * kept.mean));
        const double least = kept.median - 3 * kept.sigma, most = kept.median + 3 * kept.sigma;
        low.move(least > 0 ? static_cast<std::int32_t>(least + 0.5) : 0);
        high.move(most < levels - 1 ? static_cast<std::int32_t>(most + 0.5) + 1 : levels);
    }
    return kept;
}

float to_float(double v) {
    return static_cast<float>(std::clamp<double>(v, -kLargest, kLargest));
}

// The mesh in one piece: its rows lie too far apart for the cache to hold them.
void gather(const float* image, std::int64_t stride, std::int64_t width, std::int64_t height,
            std::vector<float>& sample) {
    sample.resize(static_cast<std::size_t>(width * height));
    for (std::int64_t y = 0; y < height; ++y) {
        const float* row = image + y * stride;
        std::copy(row, row + width, sample.data() + y * width);
    }
}

}  // namespace

Sky mesh_mode(const float* image, std::int64_t stride, std::int64_t width, std::int64_t height,
              MeshScratch& s) {
    gather(image, stride, width, height, s.sample);
    double mean = 0, sigma = 0;
    // Of the values in [low, high]; returns how many they are.
    const auto measure = [&](float low, float high) {
        Moments kept = moments_within(s.sample, low, high);
        const auto evaluate = [&] {
            const auto n = static_cast<double>(kept.count);
            mean = kept.sum / n;
            const double square = kept.squares / n, variance = square - mean * mean;
            // What is finer than floats are is rounding.
            sigma = variance > 1e-14 * square ? std::sqrt(variance) : 0;
        };
        evaluate();
        if (std::fabs(mean) > kPedestal * sigma && sigma > 0) {
            kept = moments_in_order(s.sample, low, high);
            evaluate();
        }
        return kept.count;
    };
    if (2 * measure(kLeast, kLargest) < width * height) {
        return {std::numeric_limits<float>::quiet_NaN(), 0};
    }
    const float low = std::max(kLeast, to_float(mean - 2 * sigma));
    const std::int64_t count = measure(low, to_float(mean + 2 * sigma));

    // Of normally distributed values, the fullest level holds about four.
    const double wanted = std::sqrt(2 / kPi) * kReach / 4 * static_cast<double>(count) + 1;
    const auto levels = static_cast<std::int32_t>(std::min(4096.0, wanted));
    // A single pixel: with nothing to clip SExtractor adds the mean to a histogram that
    // begins there, which gives twice the value. Kept, as its other habits are.
    if (levels == 1) return {to_float(2 * mean), 0};
    const float step = sigma > 0 ? to_float(2 * kReach * sigma / levels) : 1;
    const float zero = to_float(mean - kReach * sigma);
    s.bins.assign(static_cast<std::size_t>(levels) + 1, 0);
    fill_histogram(s.bins, levels, s.sample, step, to_float(0.499999 - zero / step));
    // Where floats are coarser than the levels they may miss them all.
    if (static_cast<std::size_t>(s.bins[levels]) == s.sample.size()) {
        return {to_float(mean), to_float(sigma)};
    }
    const Clipped kept = clip(s.bins, levels, s.sample.size() < (1u << 19) ? 64 : 1);
    double mode = kept.mean;
    if (kept.sigma > 0) {
        const bool crowded = !(std::fabs((kept.mean - kept.median) / kept.sigma) < 0.3);
        mode = crowded ? kept.median : 2.5 * kept.median - 1.5 * kept.mean;
    }
    return {to_float(zero + mode * step), to_float(kept.sigma * step)};
}

}  // namespace galedge
