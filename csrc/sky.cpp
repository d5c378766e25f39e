#include "sky.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels.hpp"

namespace galedge {

namespace {

constexpr std::int32_t kBins = 2048;
// Half width of the histogram in robust standard deviations: far enough out
// that what lies beyond cannot survive 3-sigma clipping, near enough that a bin
// is 0.012 sigma wide.
constexpr float kReach = 12.0f;

// First guess of centre and scale from an even subsample: median and scaled
// median absolute deviation, and the mean one where more than half of the
// values are equal (8-bit pictures with a black sky).
Sky guess(const float* values, std::size_t n, std::vector<float>& sample) {
    constexpr std::size_t kSample = 251;  // prime, so that strides do not beat with rows
    const std::size_t stride = std::max<std::size_t>(1, n / kSample);
    sample.clear();
    for (std::size_t i = 0; i < n; i += stride) {
        if (std::isfinite(values[i])) sample.push_back(values[i]);
    }
    if (sample.empty()) return {std::numeric_limits<float>::quiet_NaN(), 0};
    const auto middle = sample.begin() + static_cast<std::ptrdiff_t>(sample.size() / 2);
    std::nth_element(sample.begin(), middle, sample.end());
    const float median = *middle;
    double sum = 0;
    for (float& v : sample) {
        v = std::fabs(v - median);
        sum += v;
    }
    std::nth_element(sample.begin(), middle, sample.end());
    float scale = 1.4826f * *middle;
    if (scale <= 0) scale = static_cast<float>(1.2533 * sum / static_cast<double>(sample.size()));
    return {median, scale};
}

// Statistics of bins [first, last] in units of bins, from running totals, so
// that a round of clipping costs a binary search and not a pass. Integers make
// them exact.
struct Moments {
    double mean = 0, sigma = 0, median = 0;
};

Moments moments(const SkyScratch& s, std::int32_t first, std::int32_t last) {
    const std::int64_t below = s.counts[first], count = s.counts[last + 1] - below;
    const auto n = static_cast<double>(count);
    const double mean = static_cast<double>(s.sums[last + 1] - s.sums[first]) / n;
    const double square = static_cast<double>(s.squares[last + 1] - s.squares[first]) / n;
    const auto half = std::lower_bound(s.counts.begin() + first + 1, s.counts.begin() + last + 1,
                                       below + (count + 1) / 2);
    const auto bin = static_cast<std::int32_t>(half - s.counts.begin()) - 1;
    // Within its bin the median lies where half of the values are passed.
    const double inside = (0.5 * n - static_cast<double>(s.counts[bin] - below)) /
                          static_cast<double>(s.histogram[bin]);
    return {mean, std::sqrt(std::max(0.0, square - mean * mean)), bin + inside - 0.5};
}

}  // namespace

Sky clipped_mode(const float* values, std::size_t n, SkyScratch& scratch) {
    const Sky first = guess(values, n, scratch.guess);
    if (!std::isfinite(first.level) || first.noise <= 0) return first;
    const float low = first.level - kReach * first.noise;
    const float scale = static_cast<float>(kBins) / (2 * kReach * first.noise);

    auto& histogram = scratch.histogram;
    scratch.bins.resize(n);
    histogram.assign(kBins + 1, 0);  // the last bin is for non-finite values
    kernels::bin(scratch.bins.data(), values, low, scale, kBins, n);
    for (std::size_t i = 0; i < n; ++i) ++histogram[scratch.bins[i]];
    scratch.counts.assign(kBins + 1, 0);
    scratch.sums.assign(kBins + 1, 0);
    scratch.squares.assign(kBins + 1, 0);
    for (std::int32_t b = 0; b < kBins; ++b) {
        const std::int64_t c = histogram[b];
        scratch.counts[b + 1] = scratch.counts[b] + c;
        scratch.sums[b + 1] = scratch.sums[b] + c * b;
        scratch.squares[b + 1] = scratch.squares[b] + c * b * b;
    }

    std::int32_t lo = 0, hi = kBins - 1;
    Moments kept = moments(scratch, lo, hi);
    for (;;) {
        const auto to_bin = [](double b) {
            return static_cast<std::int32_t>(std::clamp<double>(b, 0, kBins - 1));
        };
        const std::int32_t new_lo = std::max(lo, to_bin(std::ceil(kept.median - 3 * kept.sigma)));
        const std::int32_t new_hi = std::min(hi, to_bin(std::floor(kept.median + 3 * kept.sigma)));
        if (new_lo == lo && new_hi == hi) break;
        if (scratch.counts[new_hi + 1] <= scratch.counts[new_lo]) break;  // all in one bin
        lo = new_lo, hi = new_hi;
        kept = moments(scratch, lo, hi);
    }
    const bool crowded = std::fabs(kept.mean - kept.median) >= 0.3 * kept.sigma;
    const double mode = crowded ? kept.median : 2.5 * kept.median - 1.5 * kept.mean;
    return {low + static_cast<float>((mode + 0.5) / scale),
            static_cast<float>(kept.sigma / scale)};
}

Sky border_sky(const float* image, std::int64_t width, std::int64_t height,
               SkyScratch& scratch) {
    const std::int64_t side = std::min(width, height);
    const std::int64_t border = std::max<std::int64_t>(1, side / 8);
    if (side <= 2 * border) {
        return clipped_mode(image, static_cast<std::size_t>(width * height), scratch);
    }
    auto& sample = scratch.sample;
    sample.clear();
    for (std::int64_t y = 0; y < height; ++y) {
        const float* row = image + y * width;
        if (y < border || y >= height - border) {
            sample.insert(sample.end(), row, row + width);
        } else {
            sample.insert(sample.end(), row, row + border);
            sample.insert(sample.end(), row + width - border, row + width);
        }
    }
    return clipped_mode(sample.data(), sample.size(), scratch);
}

}  // namespace galedge
