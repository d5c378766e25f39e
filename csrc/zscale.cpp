#include "zscale.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace galedge {

namespace {

// astropy's defaults, which are IRAF's.
constexpr std::size_t kSamples = 1000;
constexpr std::size_t kLeastPixels = 5;
constexpr double kContrast = 0.25, kMostRejected = 0.5, kReject = 2.5, kGrow = 0.01;
constexpr int kRounds = 5;

struct Line {
    double slope = 0, intercept = 0;
};

// Least squares through the good values over their ranks.
Line fit(const std::vector<float>& values, const std::vector<char>& bad) {
    const double middle = 0.5 * (static_cast<double>(values.size()) - 1);
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (bad[i]) continue;
        // Ranks about the middle keep the normal equations well conditioned.
        const double x = static_cast<double>(i) - middle, y = values[i];
        n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
    }
    const double determinant = n * sxx - sx * sx;
    if (!(determinant > 0)) return {0, n > 0 ? sy / n : 0};
    const double slope = (n * sxy - sx * sy) / determinant;
    return {slope, (sy - slope * sx) / n - slope * middle};
}

// Marks good values farther from the line than kReject standard deviations, then
// lets all marks grow to `width` values, as a convolution centred like NumPy's.
void reject(const std::vector<float>& values, const Line& line, std::size_t width,
            std::vector<char>& bad) {
    const auto residual = [&](std::size_t i) {
        return values[i] - (line.intercept + line.slope * static_cast<double>(i));
    };
    double n = 0, sum = 0, squares = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (bad[i]) continue;
        const double r = residual(i);
        n += 1, sum += r, squares += r * r;
    }
    const double mean = sum / n;
    const double limit = kReject * std::sqrt(std::max(0.0, squares / n - mean * mean));
    std::vector<char> marks = bad;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (std::fabs(residual(i)) > limit) marks[i] = 1;
    }
    std::fill(bad.begin(), bad.end(), char{0});
    const std::size_t before = (width - 1) / 2, after = width - 1 - before;
    for (std::size_t i = 0; i < marks.size(); ++i) {
        if (!marks[i]) continue;
        const std::size_t first = i > before ? i - before : 0;
        const std::size_t last = std::min(marks.size() - 1, i + after);
        std::fill(bad.begin() + static_cast<std::ptrdiff_t>(first),
                  bad.begin() + static_cast<std::ptrdiff_t>(last) + 1, char{1});
    }
}

}  // namespace

Limits zscale(const float* values, std::size_t n, std::vector<float>& sample) {
    std::size_t finite = 0;
    for (std::size_t i = 0; i < n; ++i) finite += std::isfinite(values[i]);
    const std::size_t stride = std::max<std::size_t>(1, finite / kSamples);
    sample.clear();
    for (std::size_t i = 0, seen = 0; i < n && sample.size() < kSamples; ++i) {
        if (std::isfinite(values[i]) && seen++ % stride == 0) sample.push_back(values[i]);
    }
    if (sample.empty()) {
        const double nan = std::numeric_limits<double>::quiet_NaN();
        return {nan, nan};
    }
    std::sort(sample.begin(), sample.end());

    const std::size_t size = sample.size();
    const std::size_t least =
        std::max(kLeastPixels, static_cast<std::size_t>(static_cast<double>(size) * kMostRejected));
    const std::size_t width =
        std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(size) * kGrow));
    std::vector<char> bad(size, 0);
    Line line;
    std::size_t good = size, before = size + 1;
    for (int round = 0; round < kRounds && good < before && good >= least; ++round) {
        line = fit(sample, bad);
        reject(sample, line, width, bad);
        before = good;
        good = static_cast<std::size_t>(std::count(bad.begin(), bad.end(), char{0}));
    }

    Limits limits{sample.front(), sample.back()};
    if (good < least) return limits;
    const double slope = line.slope / kContrast;
    const auto centre = static_cast<double>((size - 1) / 2);
    const double median = size % 2 ? sample[size / 2]
                                   : 0.5 * (static_cast<double>(sample[size / 2 - 1]) + sample[size / 2]);
    limits.low = std::max(limits.low, median - (centre - 1) * slope);
    limits.high = std::min(limits.high, median + (static_cast<double>(size) - centre) * slope);
    return limits;
}

}  // namespace galedge
