#include "resample.hpp"

#include <algorithm>
#include <cmath>

#include "kernels.hpp"

namespace galedge {

namespace {

constexpr float kLeastValid = 0.4999f;  // half of an output pixel, but for rounding
constexpr double kRounding = 1e-6;      // what a sum of weights may lack of one

void make_taps(double start, double side, int size, std::int64_t length, Taps& taps) {
    const double step = side / size;
    taps.stride = static_cast<std::size_t>(std::ceil(std::max(step, 1.0))) + 2;
    taps.first.assign(size, 0);
    taps.count.assign(size, 0);
    taps.weight.assign(taps.stride * size, 0.0f);
    taps.total.assign(size, 0.0f);
    const double end = static_cast<double>(length);
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

// All rows of an image without a gap, a block of them at a time.
double resample_complete(const float* image, std::int64_t width, std::int64_t x0,
                         std::size_t columns, int size, float fill, float* out,
                         ResampleScratch& s) {
    const Taps &tx = s.x, &ty = s.y;
    // All output pixels take as many taps as the widest: those too many weigh nothing,
    // and meet zeros beyond the last column.
    const auto most = static_cast<std::size_t>(*std::max_element(tx.count.begin(), tx.count.end()));
    const auto across = static_cast<std::size_t>(size);
    const std::size_t pitch = columns + most;
    s.sums.assign(kBlock * pitch, 0.0f);
    s.work.resize(kBlock * (pitch + across));
    s.first.resize(across);
    for (std::size_t o = 0; o < across; ++o) {
        s.first[o] = tx.count[o] == 0 ? 0 : tx.first[o] - static_cast<std::int32_t>(x0);
    }
    for (std::size_t low = 0; low < across; low += kBlock) {
        const std::size_t count = std::min(kBlock, across - low);
        for (std::size_t r = 0; r < count; ++r) {
            const std::size_t oy = low + r;
            const float* weight = ty.weight.data() + ty.stride * oy;
            float* sums = s.sums.data() + r * pitch;
            std::fill_n(sums, columns, 0.0f);
            for (int t = 0; t < ty.count[oy]; ++t) {
                const float* row = image + (ty.first[oy] + t) * width + x0;
                kernels::accumulate(sums, row, weight[t], columns);
            }
        }
        kernels::blend(out + low * across, across, s.sums.data(), count, pitch, pitch,
                       s.first.data(), tx.weight.data(), tx.stride, most, s.work.data());
    }
    double invalid = 0;
    for (std::size_t oy = 0; oy < across; ++oy) {
        float* row = out + oy * across;
        const float share = ty.total[oy];
        for (std::size_t ox = 0; ox < across; ++ox) {
            const float valid = tx.total[ox] * share;
            const float mean = row[ox] / valid;
            row[ox] = valid >= kLeastValid ? mean : fill;
        }
        if (s.inside) continue;
        for (std::size_t ox = 0; ox < across; ++ox) {
            invalid += 1 - std::min(1.0f, tx.total[ox] * share);
        }
    }
    return invalid;
}

// Row by row, as missing pixels may lie anywhere.
double resample_masked(const float* image, std::int64_t width, std::int64_t x0,
                       std::size_t columns, int size, float fill, float* out,
                       ResampleScratch& s) {
    const Taps &tx = s.x, &ty = s.y;
    s.sums.resize(columns);
    s.weights.resize(columns);
    double invalid = 0;
    for (int oy = 0; oy < size; ++oy) {
        const float* wy = ty.weight.data() + ty.stride * oy;
        float* row_out = out + static_cast<std::size_t>(size) * oy;
        std::fill(s.sums.begin(), s.sums.end(), 0.0f);
        std::fill(s.weights.begin(), s.weights.end(), 0.0f);
        for (int t = 0; t < ty.count[oy]; ++t) {
            kernels::accumulate_masked(s.sums.data(), s.weights.data(),
                                       image + (ty.first[oy] + t) * width + x0, wy[t], columns);
        }
        for (int ox = 0; ox < size; ++ox) {
            const float* wx = tx.weight.data() + tx.stride * ox;
            const auto at = static_cast<std::size_t>(tx.first[ox] - x0);
            float sum = 0, valid = 0;
            for (int t = 0; t < tx.count[ox]; ++t) {
                sum += wx[t] * s.sums[at + t];
                valid += wx[t] * s.weights[at + t];
            }
            invalid += 1 - std::min(1.0f, valid);
            row_out[ox] = valid >= kLeastValid ? sum / valid : fill;
        }
    }
    return invalid;
}

}  // namespace

double resample(const float* image, std::int64_t width, std::int64_t height, bool complete,
                const Frame& frame, int size, float fill, float* out, ResampleScratch& s) {
    Taps &tx = s.x, &ty = s.y;
    make_taps(frame.x, frame.side, size, width, tx);
    make_taps(frame.y, frame.side, size, height, ty);

    // Only the columns that some tap touches are summed.
    std::int64_t x0 = width, x1 = 0;
    for (int o = 0; o < size; ++o) {
        if (tx.count[o] == 0) continue;
        x0 = std::min<std::int64_t>(x0, tx.first[o]);
        x1 = std::max<std::int64_t>(x1, tx.first[o] + tx.count[o]);
    }
    const double pixels = static_cast<double>(size) * size;
    if (x0 >= x1) {
        std::fill_n(out, static_cast<std::size_t>(pixels), fill);
        return 1;
    }
    const auto all = [](const Taps& taps) {
        return *std::min_element(taps.total.begin(), taps.total.end()) > 1 - kRounding / 4;
    };
    s.inside = all(tx) && all(ty);
    const auto way = complete ? resample_complete : resample_masked;
    const auto columns = static_cast<std::size_t>(x1 - x0);
    const double fraction = way(image, width, x0, columns, size, fill, out, s) / pixels;
    return fraction < kRounding ? 0 : fraction;
}

}  // namespace galedge
