#include "prepare.hpp"

#include <algorithm>
#include <cmath>

#include "kernels.hpp"

namespace galedge {

namespace {

// The mean of the bands, in which the source is found and the noise measured.
const float* luminance(const Planes& planes, std::size_t pixels, std::vector<float>& buffer) {
    if (planes.count == 1) return planes.band[0];
    buffer.assign(pixels, 0.0f);
    for (int c = 0; c < planes.count; ++c) {
        kernels::accumulate(buffer.data(), planes.band[c], 1.0f / 3, pixels);
    }
    return buffer.data();
}

}  // namespace

template <class Out>
Prepared prepare(const Planes& given, const Recipe& recipe, Out* out, PrepareScratch& s) {
    const std::int64_t w = given.width, h = given.height;
    const auto pixels = static_cast<std::size_t>(w * h);
    const auto [planes, complete, unit] = mend(given, recipe, s.mend);
    const bool sparse = recipe.constant && !complete;
    const float* image = luminance(planes, pixels, s.luminance);

    Prepared facts;
    const Sky sky = border_sky(image, w, h, s.sky, sparse);
    // Three bands may share no valid pixel.
    facts.sky = std::isfinite(sky.level) ? sky.level : 0;
    facts.noise = sky.noise;

    const Scene scene{image,  w, h, complete, sparse, recipe.threshold, recipe.margin,
                      recipe.frame_pixels};
    const auto [frame, found] = recipe.framing->place(scene, s.frame);
    facts.flags = found;
    facts.x = frame.x + 0.5 * frame.side - 0.5;
    facts.y = frame.y + 0.5 * frame.side - 0.5;
    facts.side = frame.side;

    const auto n = static_cast<std::size_t>(recipe.size) * recipe.size;
    s.small.resize(3 * n);
    const float* bands[3] = {s.small.data(), s.small.data() + n, s.small.data() + 2 * n};
    for (int c = 0; c < planes.count; ++c) {
        float level = static_cast<float>(facts.sky);
        if (planes.count == 3) {
            const Sky own = border_sky(planes.band[c], w, h, s.sky, sparse);
            level = std::isfinite(own.level) ? own.level : 0;
        }
        float* band = s.small.data() + c * n;
        const double invalid =
            resample(planes.band[c], w, h, complete, frame, recipe.size, level, band, s.resample);
        const double missing = std::min(1.0, invalid + filled_share(s.mend, c, w, frame));
        facts.masked_fraction = std::max(facts.masked_fraction, missing);
        if (!planes.picture) {
            for (std::size_t i = 0; i < n; ++i) band[i] -= level;
        }
    }
    if (facts.masked_fraction > 0.1) facts.flags |= kMasked;

    if (planes.picture) {
        keep_picture(bands, planes.count, n, out);
    } else {
        // Averaging k x k pixels lowers their noise k times.
        const double noise = facts.noise * std::min(1.0, recipe.size / frame.side);
        const double white = measure_luminance(bands, planes.count, n, recipe.white, s.stretch);
        if (white / stretching_noise(noise, white) < 5) facts.flags |= kFaint;
        const Light light{bands, planes.count, n, noise, white, recipe.softening, recipe.q, recipe.knee};
        (*recipe.stretch)(light, out, s.stretch);
    }
    facts.sky /= unit, facts.noise /= unit;
    return facts;
}

template Prepared prepare(const Planes&, const Recipe&, std::uint8_t*, PrepareScratch&);
template Prepared prepare(const Planes&, const Recipe&, float*, PrepareScratch&);

}  // namespace galedge
