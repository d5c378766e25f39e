#include "mend.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

#include "error.hpp"
#include "kernels.hpp"

namespace galedge {

namespace {

// Between these, sums of any number of pixels stay below what floats hold, and the
// noise of the faintest image above what they lose.
constexpr float kLeastMagnitude = 0x1p-64f, kMostMagnitude = 0x1p96f;

// Planes of which a band is copied once it is to be changed.
class OwnPlanes {
public:
    OwnPlanes(const Planes& given, std::vector<float>& buffer) : planes_(given), buffer_(buffer) {}

    const Planes& get() const { return planes_; }
    std::size_t pixels() const { return static_cast<std::size_t>(planes_.width * planes_.height); }

    // A band to be changed.
    float* band(int c) {
        const float* from = planes_.band[c];
        float* to = room(c);
        if (from != to) std::copy(from, from + pixels(), to);
        return to;
    }

    // A band to be written, from what it was before.
    float* room(int c) {
        buffer_.resize(pixels() * static_cast<std::size_t>(planes_.count));
        float* to = buffer_.data() + pixels() * static_cast<std::size_t>(c);
        planes_.band[c] = to;
        return to;
    }

private:
    Planes planes_;
    std::vector<float>& buffer_;
};

// Range of all pixels; refuses images without anything to see.
Range refuse_blank(const Planes& planes) {
    const auto pixels = static_cast<std::size_t>(planes.width * planes.height);
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

// Areas of one value: no number where the recipe has it so, else only counted. Returns
// whether pixels were changed.
bool mark_constant(OwnPlanes& own, bool remove, MendScratch& s) {
    bool changed = false;
    for (int c = 0; c < own.get().count; ++c) {
        const Planes& planes = own.get();
        if (find_constant(planes.band[c], planes.width, planes.height, s.constant) == 0) continue;
        float* band = remove ? own.band(c) : nullptr;
        for (std::size_t i = 0; i < own.pixels(); ++i) {
            if (!s.constant.missing[i]) continue;
            if (remove) band[i] = std::numeric_limits<float>::quiet_NaN();
            else s.filled[c].push_back(static_cast<std::int64_t>(i));
        }
        changed |= remove;
    }
    return changed;
}

// Takes the slope of each band off, about the middle of the image.
void level(OwnPlanes& own, bool complete, MendScratch& s) {
    const std::int64_t w = own.get().width, h = own.get().height;
    for (int c = 0; c < own.get().count; ++c) {
        const Slope slope = border_slope(own.get().band[c], w, h, complete, s.slope);
        if (slope.x == 0 && slope.y == 0) continue;
        const float* from = own.get().band[c];
        float* to = own.room(c);
        for (std::int64_t y = 0; y < h; ++y) {
            if (from != to) std::copy(from + y * w, from + (y + 1) * w, to + y * w);
            const double up = static_cast<double>(y) - 0.5 * static_cast<double>(h - 1);
            const double start = slope.y * up - slope.x * 0.5 * static_cast<double>(w - 1);
            kernels::tilt(to + y * w, static_cast<float>(start), static_cast<float>(slope.x),
                          static_cast<std::size_t>(w));
        }
    }
}

}  // namespace

Mended mend(const Planes& given, const Recipe& recipe, MendScratch& s) {
    for (auto& filled : s.filled) filled.clear();
    const std::int64_t all = given.count * given.width * given.height;
    Range range = refuse_blank(given);
    if (given.picture) return {given, range.finite == all};
    OwnPlanes own(given, s.own);
    if (mark_constant(own, recipe.constant, s)) range = refuse_blank(own.get());
    if (recipe.bridge > 0 && range.finite < all) {
        for (int c = 0; c < given.count; ++c) {
            bridge_gaps(own.band(c), given.width, given.height, recipe.bridge, s.bridge, s.filled[c]);
        }
        range = refuse_blank(own.get());
    }
    const double unit = unit_of(std::max(std::fabs(range.low), std::fabs(range.high)));
    if (unit != 1) {
        for (int c = 0; c < given.count; ++c) {
            const float* from = own.get().band[c];
            float* to = own.room(c);
            for (std::size_t i = 0; i < own.pixels(); ++i) {
                to[i] = static_cast<float>(from[i] * unit);
            }
        }
    }
    const bool complete = range.finite == all;
    if (recipe.plane) level(own, complete, s);
    return {own.get(), complete, unit};
}

double filled_share(const MendScratch& scratch, int band, std::int64_t width, const Frame& frame) {
    double area = 0;
    const auto overlap = [&frame](std::int64_t pixel, double start) {
        const auto at = static_cast<double>(pixel);
        return std::max(0.0, std::min(at + 1, start + frame.side) - std::max(at, start));
    };
    for (const std::int64_t i : scratch.filled[band]) {
        area += overlap(i % width, frame.x) * overlap(i / width, frame.y);
    }
    return area / (frame.side * frame.side);
}

}  // namespace galedge
