#include "stretch.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels.hpp"

namespace galedge {

namespace {

// A noise-free image (a simulation, a padded mosaic) would otherwise stretch
// its faintest gradients to white.
constexpr double kLeastNoise = 5e-4;

// Rounds 0..255; NaN becomes 0.
inline std::uint8_t to_byte(float v) {
    v = v > 0.0f ? v : 0.0f;
    v = v < 255.0f ? v : 255.0f;
    return static_cast<std::uint8_t>(v + 0.5f);
}

void repeat_first(int count, std::size_t n, std::uint8_t* out) {
    if (count == 1) {
        std::memcpy(out + n, out, n);
        std::memcpy(out + 2 * n, out, n);
    }
}

}  // namespace

double stretch_asinh(const float* const* bands, int count, std::size_t n, double noise,
                     double softening, double white, std::uint8_t* out, StretchScratch& s) {
    s.luminance.resize(n);
    s.stretched.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
        s.luminance[i] = count == 3 ? (bands[0][i] + bands[1][i] + bands[2][i]) / 3 : bands[0][i];
        if (!std::isfinite(s.luminance[i])) s.luminance[i] = 0;
    }
    s.sorted = s.luminance;
    const auto at = s.sorted.begin() + static_cast<std::ptrdiff_t>(white * static_cast<double>(n - 1));
    std::nth_element(s.sorted.begin(), at, s.sorted.end());
    const double peak = *at;
    const double sigma = std::max({noise, peak * kLeastNoise, 1e-30});
    const double knee = softening * sigma;
    // Where nothing rises above the noise, white stays at a few sigma: noise
    // must not be blown up into structure.
    const double top = std::asinh(std::max(peak, 2 * knee) / knee);

    const auto inverse = static_cast<float>(1 / knee);
    for (std::size_t i = 0; i < n; ++i) s.luminance[i] *= inverse;
    kernels().asinh(s.stretched.data(), s.luminance.data(), n);

    const auto gain = static_cast<float>(255 / top);
    for (std::size_t i = 0; i < n; ++i) {
        // f(L) / L, which tends to one as L does to zero.
        const float l = s.luminance[i];
        const float factor = (l > 1e-3f ? s.stretched[i] / l : 1.0f) * inverse * gain;
        if (count == 1) {
            out[i] = to_byte(bands[0][i] * factor);
            continue;
        }
        float v[3] = {bands[0][i] * factor, bands[1][i] * factor, bands[2][i] * factor};
        const float most = std::max({v[0], v[1], v[2]});
        const float shrink = most > 255.0f ? 255.0f / most : 1.0f;
        for (int c = 0; c < 3; ++c) out[c * n + i] = to_byte(v[c] * shrink);
    }
    repeat_first(count, n, out);
    return peak / sigma;
}

void round_picture(const float* const* bands, int count, std::size_t n, std::uint8_t* out) {
    for (int c = 0; c < count; ++c) {
        for (std::size_t i = 0; i < n; ++i) out[c * n + i] = to_byte(bands[c][i]);
    }
    repeat_first(count, n, out);
}

}  // namespace galedge
