#include "stretch.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "kernels.hpp"
#include "zscale.hpp"

namespace galedge {

namespace {

// A noise-free image (a simulation, a padded mosaic) would otherwise stretch
// its faintest gradients to white.
constexpr double kLeastNoise = 5e-4;

// One band serves as all three.
void repeat_first(std::uint8_t* out, std::size_t n) {
    std::memcpy(out + n, out, n);
    std::memcpy(out + 2 * n, out, n);
}

// The smallest of the `count` largest values. A heap of so few is seldom
// touched: most values are turned away by one comparison.
float nth_largest(const std::vector<float>& values, std::size_t count, std::vector<float>& heap) {
    heap.clear();
    for (const float v : values) {
        if (heap.size() == count) {
            if (!(v > heap.front())) continue;
            std::pop_heap(heap.begin(), heap.end(), std::greater<>());
            heap.pop_back();
        } else if (std::isnan(v)) {
            continue;
        }
        heap.push_back(v);
        std::push_heap(heap.begin(), heap.end(), std::greater<>());
    }
    return heap.empty() ? 0.0f : heap.front();
}

}  // namespace

double stretch_asinh(const float* const* bands, int count, std::size_t n, double noise,
                     double softening, double white, std::uint8_t* out, StretchScratch& s) {
        s.luminance.assign(n, 0.0f);
    for (int c = 0; c < count; ++c) kernels::accumulate(s.luminance.data(), bands[c], 1.0f / count, n);
    const auto below = static_cast<std::size_t>(white * static_cast<double>(n - 1));
    const double peak = nth_largest(s.luminance, n - below, s.heap);
    const double sigma = std::max({noise, peak * kLeastNoise, 1e-30});
    const double knee = softening * sigma;
    // Where nothing rises above the noise, white stays at a few sigma: noise
    // must not be blown up into structure.
    const double top = std::asinh(std::max(peak, 2 * knee) / knee);

    const auto scale = static_cast<float>(1 / knee), gain = static_cast<float>(255 / top);
    if (count == 3) {
        kernels::stretch_three(out, bands[0], bands[1], bands[2], scale, gain, n);
    } else {
        kernels::stretch_one(out, bands[0], scale, gain, n);
        repeat_first(out, n);
    }
    return peak / sigma;
}

void stretch_lupton(const float* const* bands, int count, std::size_t n, double stretch, double q,
                    std::uint8_t* out) {
    const auto scale = static_cast<float>(q / stretch);
    const auto gain = static_cast<float>(0.1 / std::asinh(0.1 * q));
    const int green = count == 3 ? 1 : 0, blue = count == 3 ? 2 : 0;
    kernels::lupton(out, bands[0], bands[green], bands[blue], scale, gain, n);
}

void stretch_zscale(const float* const* bands, int count, std::size_t n, std::uint8_t* out,
                    StretchScratch& s) {
    s.luminance.assign(n, 0.0f);
    for (int c = 0; c < count; ++c) {
        kernels::accumulate(s.luminance.data(), bands[c], 1.0f / count, n);
    }
    const Limits limits = zscale(s.luminance.data(), n, s.heap);
    const double range = limits.high - limits.low;
    const auto scale = static_cast<float>(range > 0 ? 1 / range : 0);
    for (int c = 0; c < count; ++c) {
        kernels::linear_bytes(out + c * n, bands[c], static_cast<float>(limits.low), scale, n);
    }
    if (count == 1) repeat_first(out, n);
}

void round_picture(const float* const* bands, int count, std::size_t n, std::uint8_t* out) {
    for (int c = 0; c < count; ++c) kernels::to_bytes(out + c * n, bands[c], n);
    if (count == 1) repeat_first(out, n);
}

}  // namespace galedge
