#include "sky.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels.hpp"

namespace galedge {

namespace {

constexpr std::int32_t kBins = 1024;
constexpr std::size_t kTable = kBins + 1;  // the last bin is for non-finite values
constexpr std::size_t kTables = 4;
// Half width of the histogram in robust standard deviations: far enough out
// that what lies beyond cannot survive 3-sigma clipping, near enough that a bin
// is 0.02 sigma wide.
constexpr float kReach = 10.0f;
constexpr float kHuge = 1e36f;

// First guess of centre and scale from an even subsample: median and scaled
// median absolute deviation, and the mean one where more than half of the
// values are equal (8-bit pictures with a black sky).
Sky guess(const float* values, std::size_t n, SkyScratch& s) {
    std::vector<float>& sample = s.guess;
    constexpr std::size_t kSample = 127;  // prime, so that strides do not beat with rows
    const std::size_t stride = std::max<std::size_t>(1, n / kSample);
    sample.clear();
    for (std::size_t i = 0; i < n; i += stride) {
        if (std::isfinite(values[i])) sample.push_back(values[i]);
    }
    if (sample.empty()) return {std::numeric_limits<float>::quiet_NaN(), 0};
    const std::size_t middle = sample.size() / 2;
    const float median = kernels::ranked(sample, middle, s.bins);
    double sum = 0;
    for (float& v : sample) {
        v = std::fabs(v - median);
        sum += v;
    }
    float scale = 1.4826f * kernels::ranked(sample, middle, s.bins);
    if (scale <= 0) scale = static_cast<float>(1.2533 * sum / static_cast<double>(sample.size()));
    return {median, scale};
}

// The histogram of n values around a first guess, and its running totals.
struct Grid {
    float low = 0, scale = 0;  // bin = (value - low) * scale
};

Grid fill_histogram(const float* values, std::size_t n, Sky first, SkyScratch& s) {
    const Grid grid{first.level - kReach * first.noise,
                    static_cast<float>(kBins) / (2 * kReach * first.noise)};
    if (s.bins.size() < n) s.bins.resize(n);  // `ranked` has it, too
    s.histogram.assign(kTables * kTable, 0);
    kernels::bin(s.bins.data(), values, grid.low, grid.scale, kBins, n);
    // Neighbours often share a bin: they count in turn in tables of their own, as one
    // would wait for the other.
    std::int32_t* t = s.histogram.data();
    const std::int32_t* bins = s.bins.data();
    std::size_t i = 0;
    for (; i + kTables <= n; i += kTables) {
        for (std::size_t k = 0; k < kTables; ++k) ++t[static_cast<std::size_t>(bins[i + k]) + k * kTable];
    }
    for (; i < n; ++i) ++t[bins[i]];
    for (std::size_t k = 1; k < kTables; ++k) {
        for (std::size_t b = 0; b < kTable; ++b) t[b] += t[b + k * kTable];
    }
    // Values beyond the grid are in its end bins; they count by themselves.
    s.outliers.clear();
    if (s.histogram[0] + s.histogram[kBins - 1] > 0) {
        for (std::size_t i = 0; i < n; ++i) {
            if (s.bins[i] != 0 && s.bins[i] != kBins - 1) continue;
            s.outliers.push_back((values[i] - static_cast<double>(grid.low)) * grid.scale - 0.5);
        }
        s.histogram[0] = s.histogram[kBins - 1] = 0;
    }
    s.counts.resize(kBins + 1);
    s.sums.resize(kBins + 1);
    s.squares.resize(kBins + 1);
    std::int64_t count = 0, sum = 0, square = 0;
    for (std::int32_t b = 0; b < kBins; ++b) {
        s.counts[b] = count, s.sums[b] = sum, s.squares[b] = square;
        const std::int64_t c = s.histogram[b];
        count += c, sum += c * b, square += c * b * b;
    }
    s.counts[kBins] = count, s.sums[kBins] = sum, s.squares[kBins] = square;
    return grid;
}

// Statistics of what clipping keeps, in units of bins.
struct Moments {
    double mean = 0, sigma = 0, median = 0;
};

// Values of inner bins [first, last] and of the outliers in [low, high]. Running
// totals make a round of clipping cost a binary search and not a pass; as
// integers they are exact.
Moments moments(const SkyScratch& s, std::int32_t first, std::int32_t last, double low,
                double high) {
    const std::int64_t before = s.counts[first], inner = s.counts[last + 1] - before;
    auto n = static_cast<double>(inner);
    auto sum = static_cast<double>(s.sums[last + 1] - s.sums[first]);
    auto square = static_cast<double>(s.squares[last + 1] - s.squares[first]);
    std::int64_t below = 0;  // outliers that precede the inner bins
    for (const double v : s.outliers) {
        if (v < low || v > high) continue;
        n += 1, sum += v, square += v * v;
        below += v < kBins / 2;
    }
    const double mean = sum / n;
    const double sigma = std::sqrt(std::max(0.0, square / n - mean * mean));
    // The inner bins hold more than half of all values, by the choice of their
    // width, so the median is among them.
    const std::int64_t rank =
        std::clamp<std::int64_t>((static_cast<std::int64_t>(n) + 1) / 2 - below, 1, inner);
    const auto half = std::lower_bound(s.counts.begin() + first + 1, s.counts.begin() + last + 1,
                                       before + rank);
    const auto bin = static_cast<std::int32_t>(half - s.counts.begin()) - 1;
    // Within its bin the median lies where half of the values are passed.
    const double inside = (0.5 * n - static_cast<double>(below + s.counts[bin] - before)) /
                          static_cast<double>(s.histogram[bin]);
    return {mean, sigma, bin + inside - 0.5};
}

// Mean distance of the finite ones of n values, of which there are some, from a level.
double mean_off(const float* values, std::size_t n, float level) {
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (!std::isfinite(values[i])) continue;
        sum += std::fabs(static_cast<double>(values[i]) - level);
        ++count;
    }
    return sum / static_cast<double>(count);
}

// First guess and histogram. False when there is nothing to clip: no finite value
// (the level is NaN) or one value everywhere.
bool start(const float* values, std::size_t n, SkyScratch& s, Sky& first, Grid& grid) {
    first = guess(values, n, s);
    if (first.noise > 0) {
        grid = fill_histogram(values, n, first, s);
        // Most values lie inside, or the sample met a pattern in them.
        if (2 * s.counts.back() > static_cast<std::int64_t>(n)) return true;
    }
    const Range range = kernels::range(values, n);
    if (range.finite == 0) {
        first = {std::numeric_limits<float>::quiet_NaN(), 0};
        return false;
    }
    const float sampled = first.level;
    const float half = 0.5f * range.high - 0.5f * range.low;
    first = {range.low + half, half / kReach};
    if (!(half > 0)) return false;
    const auto most = [&] {
        grid = fill_histogram(values, n, first, s);
        return 2 * s.counts.back() > static_cast<std::int64_t>(range.finite);
    };
    if (most()) return true;
    // Most values are the least or the largest, as where all but a source was set to 0: about
    // the value that the sample met, by what all lie off it; or so that the extremes are inner.
    // Near a float's largest value its roundings would decide.
    const Sky whole = first;
    if (half < kHuge && std::isfinite(sampled)) {
        first = {sampled, static_cast<float>(1.2533 * mean_off(values, n, sampled))};
        if (first.noise > 0 && most()) return true;
        first = {whole.level, half / (kReach - 1)};
        if (most()) return true;
        first = whole;
        most();
    }
    return s.counts.back() > 0;
}

// Clips at 3 sigma about the median until nothing changes, bins at a time.
Moments clip(const SkyScratch& s) {
    std::int32_t lo = 1, hi = kBins - 2;
    double low = -INFINITY, high = INFINITY;
    Moments kept = moments(s, lo, hi, low, high);
    for (;;) {
        const auto to_bin = [](double b) {
            return static_cast<std::int32_t>(std::clamp<double>(b, 1, kBins - 2));
        };
        const double new_low = std::max(low, kept.median - 3 * kept.sigma);
        const double new_high = std::min(high, kept.median + 3 * kept.sigma);
        const std::int32_t new_lo = std::max(lo, to_bin(std::ceil(new_low)));
        const std::int32_t new_hi = std::min(hi, to_bin(std::floor(new_high)));
        const bool same = new_lo == lo && new_hi == hi;
        if (same && (s.outliers.empty() || (new_low == low && new_high == high))) return kept;
        if (s.counts[new_hi + 1] <= s.counts[new_lo]) return kept;  // all in one bin
        lo = new_lo, hi = new_hi, low = new_low, high = new_high;
        kept = moments(s, lo, hi, low, high);
    }
}

double mode(const Moments& kept) {
    const bool crowded = std::fabs(kept.mean - kept.median) >= 0.3 * kept.sigma;
    return crowded ? kept.median : 2.5 * kept.median - 1.5 * kept.mean;
}

constexpr std::size_t kSparse = 16;  // less than one in so many is too little

// Part of an image whose rows are `stride` apart.
struct Part {
    const float* pixels;
    std::int64_t stride, width, height;
};

// The pixels of a border so wide, in reading order.
void gather_border(const Part& part, std::int64_t border, std::vector<float>& sample) {
    const std::int64_t w = part.width, h = part.height;
    const bool all = std::min(w, h) <= 2 * border;
    const std::int64_t inner = all ? 0 : (w - 2 * border) * (h - 2 * border);
    sample.resize(static_cast<std::size_t>(w * h - inner));
    float* to = sample.data();
    for (std::int64_t y = 0; y < h; ++y) {
        const float* row = part.pixels + y * part.stride;
        if (all || y < border || y >= h - border) {
            to = std::copy(row, row + w, to);
        } else {
            to = std::copy(row, row + border, to);
            to = std::copy(row + w - border, row + w, to);
        }
    }
}

void keep_finite(std::vector<float>& sample) {
    const auto end = std::remove_if(sample.begin(), sample.end(),
                                    [](float v) { return !std::isfinite(v); });
    sample.erase(end, sample.end());
}

// The smallest part that holds all finite pixels; of no width where there are none.
Part valid_part(const Part& part) {
    std::int64_t x0 = part.width, x1 = 0, y0 = part.height, y1 = 0;
    for (std::int64_t y = 0; y < part.height; ++y) {
        const float* row = part.pixels + y * part.stride;
        std::int64_t from = 0, to = part.width;
        while (from < to && !std::isfinite(row[from])) ++from;
        while (to > from && !std::isfinite(row[to - 1])) --to;
        if (from == to) continue;
        x0 = std::min(x0, from), x1 = std::max(x1, to);
        y0 = std::min(y0, y), y1 = y + 1;
    }
    if (x0 >= x1) return {part.pixels, part.stride, 0, 0};
    return {part.pixels + y0 * part.stride + x0, part.stride, x1 - x0, y1 - y0};
}

std::int64_t border_of(const Part& part) {
    return std::max<std::int64_t>(1, std::min(part.width, part.height) / 8);
}

// Sky of the part that is valid: of a border of it that has enough valid pixels.
Sky valid_sky(const Part& image, SkyScratch& s) {
    const Part part = valid_part(image);
    if (part.width == 0) return {std::numeric_limits<float>::quiet_NaN(), 0};
    for (std::int64_t border = border_of(part);; border *= 2) {
        gather_border(part, border, s.sample);
        const std::size_t all = s.sample.size();
        keep_finite(s.sample);
        const bool enough = kSparse * s.sample.size() >= all;
        if (enough || 2 * border >= std::min(part.width, part.height)) {
            return clipped_mode(s.sample.data(), s.sample.size(), s);
        }
    }
}

}  // namespace

Sky clipped_mode(const float* values, std::size_t n, SkyScratch& scratch) {
    Sky first;
    Grid grid;
    if (!start(values, n, scratch, first, grid)) return first;
    const Moments kept = clip(scratch);
    return {grid.low + static_cast<float>((mode(kept) + 0.5) / grid.scale),
            static_cast<float>(kept.sigma / grid.scale)};
}

Sky border_sky(const float* image, std::int64_t width, std::int64_t height, SkyScratch& scratch,
               bool sparse) {
    const Part whole{image, width, width, height};
    std::vector<float>& sample = scratch.sample;
    gather_border(whole, border_of(whole), sample);
    if (sparse) {
        const std::size_t all = sample.size();
        keep_finite(sample);
        if (kSparse * sample.size() < all) return valid_sky(whole, scratch);
    }
    const Sky sky = clipped_mode(sample.data(), sample.size(), scratch);
    return std::isfinite(sky.level) ? sky : valid_sky(whole, scratch);
}

bool border_is_empty(const float* image, std::int64_t width, std::int64_t height,
                     SkyScratch& scratch) {
    const Part whole{image, width, width, height};
    gather_border(whole, border_of(whole), scratch.sample);
    return kernels::range(scratch.sample.data(), scratch.sample.size()).finite == 0;
}

}  // namespace galedge
