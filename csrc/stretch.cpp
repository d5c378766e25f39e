#include "stretch.hpp"

#include <algorithm>
#include <cmath>

#include "kernels.hpp"
#include "zscale.hpp"

namespace galedge {

namespace {

constexpr double kLeastNoise = 5e-4;  // in units of the white level

// One band serves as all three.
template <class Out>
void repeat_first(Out* out, std::size_t n) {
    std::copy(out, out + n, out + n);
    std::copy(out, out + n, out + 2 * n);
}

// The smallest of the `count` largest values. The same of the maxima of groups is
// a lower bound for it, and turns nearly all groups away by one comparison.
float nth_largest(const float* values, std::size_t n, std::size_t count, StretchScratch& s) {
    constexpr std::size_t kGroup = 16, kSpan = kGroup * kGroup;
    const auto take = [count, &s](const std::vector<float>& v) {
        return kernels::ranked(v, v.size() - std::min(count, v.size()), s.keys);
    };
    // Whole spans only, whose groups are every 16th value (kernels.hpp).
    const std::size_t spans = n / kSpan, groups = spans * kGroup;
    s.largest.resize(groups);
    kernels::group_max(s.largest.data(), values, groups);
    const float bound = groups >= count ? take(s.largest) : -INFINITY;
    s.few.clear();
    for (std::size_t g = 0; g < groups; ++g) {
        if (!(s.largest[g] >= bound)) continue;
        const float* first = values + g / kGroup * kSpan + g % kGroup;
        for (std::size_t i = 0; i < kGroup; ++i) {
            if (first[i * kGroup] >= bound) s.few.push_back(first[i * kGroup]);
        }
    }
    for (std::size_t i = spans * kSpan; i < n; ++i) {
        if (values[i] >= bound) s.few.push_back(values[i]);
    }
    return s.few.empty() ? 0.0f : take(s.few);
}

// In units of the noise: `softening` of it is where the stretch turns from linear to
// logarithmic, the white level becomes 1.
template <class Out>
void stretch_asinh(const Light& light, Out* out, StretchScratch&) {
    // What is deep would else be stretched until its core is as white as its arms.
    const double knee = std::max(light.softening * stretching_noise(light.noise, light.white_level),
                                 light.knee * light.white_level);
    // Where nothing rises above the noise, white stays at a few sigma: noise
    // must not be blown up into structure.
    const double top = std::asinh(std::max(light.white_level, 2 * knee) / knee);

    const auto scale = static_cast<float>(1 / knee), gain = static_cast<float>(255 / top);
    const float* const* bands = light.bands;
    if (light.count == 3) {
        kernels::stretch_three(out, bands[0], bands[1], bands[2], scale, gain, light.n);
    } else {
        kernels::stretch_one(out, bands[0], scale, gain, light.n);
        repeat_first(out, light.n);
    }
}

// Lupton et al. (2004), as astropy's make_lupton_rgb: f(I) = asinh(Q I / stretch)
// 0.1 / asinh(0.1 Q), its stretch being `softening` times the noise. A single band
// takes its own f.
template <class Out>
void stretch_lupton(const Light& light, Out* out, StretchScratch&) {
    const double stretch = light.softening * std::max(light.noise, 1e-30);
    const auto scale = static_cast<float>(light.q / stretch);
    const auto gain = static_cast<float>(0.1 / std::asinh(0.1 * light.q));
    const int green = light.count == 3 ? 1 : 0, blue = light.count == 3 ? 2 : 0;
    kernels::lupton(out, light.bands[0], light.bands[green], light.bands[blue], scale, gain,
                    light.n);
}

// Linear between the zscale limits (zscale.hpp) of the luminance.
template <class Out>
void stretch_zscale(const Light& light, Out* out, StretchScratch& s) {
    const Limits limits = zscale(s.luminance.data(), light.n, s.few);
    const double range = limits.high - limits.low;
    const auto scale = static_cast<float>(range > 0 ? 1 / range : 0);
    for (int c = 0; c < light.count; ++c) {
        kernels::linear(out + c * light.n, light.bands[c], static_cast<float>(limits.low), scale,
                        light.n);
    }
    if (light.count == 1) repeat_first(out, light.n);
}

}  // namespace

double measure_luminance(const float* const* bands, int count, std::size_t n, double white,
                         StretchScratch& s) {
    s.luminance.assign(n, 0.0f);
    for (int c = 0; c < count; ++c) {
        kernels::accumulate(s.luminance.data(), bands[c], 1.0f / count, n);
    }
    const auto below = static_cast<std::size_t>(white * static_cast<double>(n - 1));
    return nth_largest(s.luminance.data(), n, n - below, s);
}

double stretching_noise(double noise, double white_level) {
    return std::max({noise, white_level * kLeastNoise, 1e-30});
}

template <class Out>
void keep_picture(const float* const* bands, int count, std::size_t n, Out* out) {
    for (int c = 0; c < count; ++c) kernels::picture(out + c * n, bands[c], n);
    if (count == 1) repeat_first(out, n);
}

template void keep_picture(const float* const*, int, std::size_t, std::uint8_t*);
template void keep_picture(const float* const*, int, std::size_t, float*);

const std::vector<Stretch>& stretches() {
    static const std::vector<Stretch> all = {
        {"asinh", stretch_asinh, stretch_asinh},
        {"lupton", stretch_lupton, stretch_lupton},
        {"zscale", stretch_zscale, stretch_zscale},
    };
    return all;
}

}  // namespace galedge
