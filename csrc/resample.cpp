#include "resample.hpp"

#include <algorithm>
#include <cmath>

#include "kernels.hpp"

namespace galedge {

namespace {

constexpr float kLeastValid = 0.4999f;  // half of an output pixel, but for rounding
constexpr double kRounding = 1e-6;      // what a sum of weights may lack of one

void make_taps(double start, double side, int size, std::int64_t length, Taps& taps) {
    const double step = side / size, end = static_cast<double>(length);
    // No output pixel takes more than all there are, however large the frame is.
    taps.stride = static_cast<std::size_t>(std::ceil(std::clamp(step, 1.0, end))) + 2;
    taps.first.assign(size, 0);
    taps.count.assign(size, 0);
    taps.weight.assign(taps.stride * size, 0.0f);
    taps.total.assign(size, 0.0f);
    for (int o = 0; o < size; ++o) {
        float* weight = taps.weight.data() + taps.stride * o;
        if (step >= 1) {
            const double a = start + o * step, b = start + (o + 1) * step;
            const double lo = std::max(a, 0.0), hi = std::min(b, end);
            if (lo >= hi) continue;
            const auto i0 = static_cast<std::int64_t>(std::floor(lo));
            const auto i1 = std::min<std::int64_t>(static_cast<std::int64_t>(std::ceil(hi)), length);
            taps.first[o] = static_cast<std::int32_t>(i0);
            for (std::int64_t i = i0; i < i1; ++i) {
                const double overlap = std::min<double>(hi, i + 1) - std::max<double>(lo, i);
                weight[taps.count[o]++] = static_cast<float>(overlap / step);
            }
        } else {
            const double centre = start + (o + 0.5) * step - 0.5;
            if (centre < -0.5 || centre > end - 0.5) continue;
            const double c = std::clamp(centre, 0.0, end - 1);
            const auto i = std::min<std::int64_t>(static_cast<std::int64_t>(c), length - 1);
            const double fraction = c - static_cast<double>(i);
            taps.first[o] = static_cast<std::int32_t>(i);
            weight[taps.count[o]++] = static_cast<float>(1 - fraction);
            if (fraction > 0) weight[taps.count[o]++] = static_cast<float>(fraction);
        }
        for (int t = 0; t < taps.count[o]; ++t) taps.total[o] += weight[t];
    }
}

// The mean of what is valid in each pixel of an output row of sums, `share` of it
// being valid downwards. Returns how much is not; none where the frame is `inside`.
double divide(float* row, const Taps& tx, float share, float fill, bool inside) {
    const std::size_t n = tx.total.size();
    for (std::size_t o = 0; o < n; ++o) {
        const float valid = tx.total[o] * share;
        const float mean = row[o] / valid;
        row[o] = valid >= kLeastValid ? mean : fill;
    }
    double invalid = 0;
    if (inside) return invalid;
    for (std::size_t o = 0; o < n; ++o) invalid += 1 - std::min(1.0f, tx.total[o] * share);
    return invalid;
}

// The same, from sums of valid pixels and of their weights along the columns.
double divide_masked(float* row, const Taps& tx, const float* sums, const float* weights,
                     float fill) {
    double invalid = 0;
    for (std::size_t o = 0; o < tx.total.size(); ++o) {
        const float* w = tx.weight.data() + tx.stride * o;
        float sum = 0, valid = 0;
        for (int t = 0; t < tx.count[o]; ++t) {
            sum += w[t] * sums[tx.first[o] + t];
            valid += w[t] * weights[tx.first[o] + t];
        }
        invalid += 1 - std::min(1.0f, valid);
        row[o] = valid >= kLeastValid ? sum / valid : fill;
    }
    return invalid;
}

}  // namespace

double resample(const float* image, std::int64_t width, std::int64_t height, bool complete,
                const Frame& frame, int size, float fill, float* out, ResampleScratch& s) {
    Taps &tx = s.x, &ty = s.y;
    make_taps(frame.x, frame.side, size, width, tx);
    make_taps(frame.y, frame.side, size, height, ty);

    // Only the columns that some tap touches are summed; taps count from the first of them.
    std::int64_t x0 = width, x1 = 0;
    for (int o = 0; o < size; ++o) {
        if (tx.count[o] == 0) continue;
        x0 = std::min<std::int64_t>(x0, tx.first[o]);
        x1 = std::max<std::int64_t>(x1, tx.first[o] + tx.count[o]);
    }
    const auto across = static_cast<std::size_t>(size);
    if (x0 >= x1) {
        std::fill_n(out, across * across, fill);
        return 1;
    }
    for (int o = 0; o < size; ++o) {
        tx.first[o] = tx.count[o] == 0 ? 0 : tx.first[o] - static_cast<std::int32_t>(x0);
    }
    const auto lacks_nothing = [](const Taps& taps) {
        return *std::min_element(taps.total.begin(), taps.total.end()) > 1 - kRounding / 4;
    };
    const bool inside = lacks_nothing(tx) && lacks_nothing(ty);
    // All output pixels take as many taps as the widest: those too many weigh nothing,
    // and meet zeros beyond the last column.
    const auto columns = static_cast<std::size_t>(x1 - x0);
    const auto most = static_cast<std::size_t>(*std::max_element(tx.count.begin(), tx.count.end()));
    const std::size_t pitch = columns + most;
    s.sums.assign(kBlock * pitch, 0.0f);
    s.weights.resize(columns);
    s.work.resize(kBlock * (pitch + across));

    double invalid = 0;
    for (std::size_t low = 0; low < across; low += kBlock) {
        const std::size_t count = std::min(kBlock, across - low);
        // Calls add(sums, pixels, weight) for each row of pixels that a row of sums takes.
        const auto each_row = [&](std::size_t r, auto&& add) {
            float* sums = s.sums.data() + r * pitch;
            std::fill_n(sums, columns, 0.0f);
            for (int t = 0; t < ty.count[low + r]; ++t) {
                const float weight = ty.weight[ty.stride * (low + r) + t];
                add(sums, image + (ty.first[low + r] + t) * width + x0, weight);
            }
            return sums;
        };
        for (std::size_t r = 0; r < count; ++r) {
            each_row(r, [columns](float* sums, const float* pixels, float weight) {
                kernels::accumulate(sums, pixels, weight, columns);
            });
        }
        float* rows = out + low * across;
        // A non-finite pixel shows in the sums; only such blocks take the masked way.
        const auto sums = static_cast<std::int64_t>(count * pitch);
        if (complete || kernels::range(s.sums.data(), count * pitch).finite == sums) {
            kernels::blend(rows, across, s.sums.data(), count, pitch, pitch, tx.first.data(),
                           tx.weight.data(), tx.stride, most, s.work.data());
            for (std::size_t r = 0; r < count; ++r) {
                invalid += divide(rows + r * across, tx, ty.total[low + r], fill, inside);
            }
            continue;
        }
        for (std::size_t r = 0; r < count; ++r) {
            std::fill(s.weights.begin(), s.weights.end(), 0.0f);
            const float* masked = each_row(r, [&](float* to, const float* pixels, float weight) {
                kernels::accumulate_masked(to, s.weights.data(), pixels, weight, columns);
            });
            invalid += divide_masked(rows + r * across, tx, masked, s.weights.data(), fill);
        }
    }
    const double fraction = invalid / static_cast<double>(across * across);
    return fraction < kRounding ? 0 : fraction;
}

}  // namespace galedge
