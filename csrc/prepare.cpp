#include "prepare.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "kernels.hpp"

namespace galedge {

namespace {

// Between these, sums of any number of pixels stay below what floats hold, and the
// noise of the faintest image above what they lose.
constexpr float kLeastMagnitude = 0x1p-64f, kMostMagnitude = 0x1p96f;

// Range of all pixels; refuses images without anything to see.
Range refuse_blank(const Planes& planes, std::size_t pixels) {
    Range all{INFINITY, -INFINITY, 0};
    for (int c = 0; c < planes.count; ++c) {
        const Range r = kernels::range(planes.band[c], pixels);
        all = {std::min(all.low, r.low), std::max(all.high, r.high), all.finite + r.finite};
    }
    if (all.finite == 0) throw Error(ErrorKind::Blank, "no pixel is finite; there is nothing to see");
    if (!(all.low < all.high)) {
        char value[32];
        std::snprintf(value, sizeof value, "%.7g", static_cast<double>(all.low));
        throw Error(ErrorKind::Blank,
                    std::string("all pixels have the value ") + value + "; there is nothing to see");
    }
    return all;
}

// The power of two by which pixels are multiplied, nearly always one: units are the
// file's, and W/m2/Hz must fare as microjansky does. Multiplying by it loses nothing.
double unit_of(float magnitude) {
    const int exponent = std::ilogb(magnitude);
    if (magnitude < kLeastMagnitude) return std::ldexp(1.0, -exponent);
    if (magnitude >= kMostMagnitude) return std::ldexp(1.0, std::ilogb(kMostMagnitude) - 1 - exponent);
    return 1;
}

// The planes in other units, in a buffer.
Planes in_units(const Planes& planes, std::size_t pixels, double unit, std::vector<float>& buffer) {
    Planes scaled = planes;
    buffer.resize(pixels * static_cast<std::size_t>(planes.count));
    for (int c = 0; c < planes.count; ++c) {
        float* to = buffer.data() + pixels * static_cast<std::size_t>(c);
        for (std::size_t i = 0; i < pixels; ++i) {
            to[i] = static_cast<float>(planes.band[c][i] * unit);
        }
        scaled.band[c] = to;
    }
    return scaled;
}

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
    const Range all = refuse_blank(given, pixels);
    const bool complete = all.finite == given.count * static_cast<std::int64_t>(pixels);
    const double unit = unit_of(std::max(std::fabs(all.low), std::fabs(all.high)));
    const Planes planes = unit == 1 ? given : in_units(given, pixels, unit, s.scaled);
    const float* image = luminance(planes, pixels, s.luminance);

    Prepared facts;
    const Sky sky = border_sky(image, w, h, s.sky);
    // A border without a valid pixel still leaves the galaxy in the middle.
    facts.sky = std::isfinite(sky.level) ? sky.level : 0;
    facts.noise = sky.noise;

    const Scene scene{image,          w, h, complete, recipe.threshold, recipe.margin,
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
            const Sky own = border_sky(planes.band[c], w, h, s.sky);
            level = std::isfinite(own.level) ? own.level : 0;
        }
        float* band = s.small.data() + c * n;
        const double invalid =
            resample(planes.band[c], w, h, complete, frame, recipe.size, level, band, s.resample);
        facts.masked_fraction = std::max(facts.masked_fraction, invalid);
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
        const Light light{bands, planes.count, n, noise, white, recipe.softening, recipe.q};
        (*recipe.stretch)(light, out, s.stretch);
    }
    facts.sky /= unit, facts.noise /= unit;
    return facts;
}

template Prepared prepare(const Planes&, const Recipe&, std::uint8_t*, PrepareScratch&);
template Prepared prepare(const Planes&, const Recipe&, float*, PrepareScratch&);

}  // namespace galedge
