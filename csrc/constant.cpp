#include "constant.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "kernels.hpp"

namespace galedge {

namespace {

constexpr std::int64_t kLeastArea = 64;   // of an area, or the shorter side if less
constexpr std::int64_t kLeastLine = 16;   // rows and columns shorter than this may be of one value
constexpr std::int64_t kLook = 6;         // rows from one that is looked at to the next,
constexpr std::int64_t kLookHarder = 4;   // and from three to the next three: six hold some
constexpr std::size_t kLeastRing = 8;     // pixels that tell what lies around
constexpr std::uint8_t kFar = 6, kApart = 3;  // how far from an area they lie
constexpr std::uint8_t kTaken = 2;        // of solid pixels: known to be missing
constexpr std::size_t kValues = 5;        // more values than this cannot have a fifth each

struct Image {
    const float* pixels;
    std::int64_t width, height;
};

// Marks what belongs to three by three pixels of one value, or to a row or column of it.
bool mark_solid(const Image& image, ConstantScratch& s) {
    const std::int64_t w = image.width, h = image.height;
    const auto across = static_cast<std::size_t>(w);
    const float* p = image.pixels;
    std::vector<std::uint8_t>& solid = s.solid;
    solid.assign(static_cast<std::size_t>(w * h), 0);
    s.corner.resize(across);
    const std::uint8_t* corner = s.corner.data();
    bool any = false;
    for (std::int64_t y = 0; y + 2 < h; ++y) {
        const float* row = p + y * w;
        if (!kernels::alike(s.corner.data(), row, row + w, row + 2 * w, across)) continue;
        any = true;
        for (std::int64_t k = 0; k < 3; ++k) {
            std::uint8_t* to = solid.data() + (y + k) * w;
            for (std::int64_t x = 0; x < w; ++x) to[x] |= corner[x];
            for (std::int64_t x = 1; x < w; ++x) to[x] |= corner[x - 1];
            for (std::int64_t x = 2; x < w; ++x) to[x] |= corner[x - 2];
        }
    }
    for (std::int64_t y = 0; y < h && w >= kLeastLine; ++y) {
        const float* row = p + y * w;
        if (!std::all_of(row, row + w, [row](float v) { return v == row[0]; })) continue;
        std::fill_n(solid.begin() + static_cast<std::ptrdiff_t>(y * w), w, 1);
        any = true;
    }
    for (std::int64_t x = 0; x < w && h >= kLeastLine; ++x) {
        std::int64_t y = 1;
        while (y < h && p[y * w + x] == p[x]) ++y;
        if (y < h) continue;
        for (y = 0; y < h; ++y) solid[static_cast<std::size_t>(y * w + x)] = 1;
        any = true;
    }
    return any;
}

// Whether a look at every sixth row, and at the beginnings of rows and columns, leaves
// it possible that there is an area of one value. Of noise it ends soon, and costs an
// image that lacks nothing a hundredth of its time; it passes over what is no row and
// less than six high.
bool may_be_constant(const Image& image, ConstantScratch& s) {
    const std::int64_t w = image.width, h = image.height;
    const float* p = image.pixels;
    const std::int64_t enough = (std::min({w, h, kLeastArea}) + 17) / 18;
    std::int64_t threes = 0;
    for (std::int64_t y = std::min<std::int64_t>(2, h - 1); y < h && threes < enough; y += kLook) {
        threes += kernels::threes(p + y * w, static_cast<std::size_t>(w));
    }
    if (threes >= enough) {  // of rounded pixels by chance, or of an area: in three rows
        s.corner.resize(static_cast<std::size_t>(w));
        for (std::int64_t y = 0; y + 2 < h; y += h < kLook ? 1 : kLookHarder) {
            const float* row = p + y * w;
            const auto across = static_cast<std::size_t>(w);
            if (!kernels::pairs(row, row + w, across)) continue;  // most rows end here, at half the cost
            if (kernels::alike(s.corner.data(), row, row + w, row + 2 * w, across)) return true;
        }
    }
    for (std::int64_t y = 0; y < h && w >= kLeastLine; ++y) {
        const float* row = p + y * w;
        if (row[1] == row[0] && std::all_of(row, row + w, [row](float v) { return v == row[0]; }))
            return true;
    }
    for (std::int64_t x = 0; x < w && h >= kLeastLine; ++x) {
        std::int64_t y = 1;
        while (y < h && p[y * w + x] == p[x]) ++y;
        if (y == h) return true;
    }
    return false;
}

struct Candidate {
    float value;
    std::int64_t count;
};

// The values that a fifth of the solid pixels or more have (Misra & Gries 1982, Sci.
// Comput. Program. 2, 143), with how many those are.
std::vector<Candidate> frequent(const Image& image, const std::vector<std::uint8_t>& solid) {
    std::vector<Candidate> kept;
    std::int64_t all = 0;
    // Calls take(value, count) for each run of solid pixels of one value.
    const auto each = [&](auto&& take) {
        for (std::size_t i = 0; i < solid.size();) {
            const float v = image.pixels[i];
            std::size_t end = i + 1;
            if (solid[i] == 1) {
                while (end < solid.size() && solid[end] == 1 && image.pixels[end] == v) ++end;
                take(v, static_cast<std::int64_t>(end - i));
            }
            i = end;
        }
    };
    const auto same = [&kept](float v) {
        return std::find_if(kept.begin(), kept.end(), [v](const Candidate& c) { return c.value == v; });
    };
    each([&](float v, std::int64_t count) {
        all += count;
        const auto at = same(v);
        if (at != kept.end()) {
            at->count += count;
            return;
        }
        if (kept.size() == kValues) {
            std::int64_t less = count;
            for (const Candidate& c : kept) less = std::min(less, c.count);
            for (Candidate& c : kept) c.count -= less;
            const auto gone = [](const Candidate& c) { return c.count == 0; };
            kept.erase(std::remove_if(kept.begin(), kept.end(), gone), kept.end());
            count -= less;
        }
        if (count > 0) kept.push_back({v, count});
    });
    for (Candidate& c : kept) c.count = 0;
    each([&](float v, std::int64_t count) {
        const auto at = same(v);
        if (at != kept.end()) at->count += count;
    });
    const std::int64_t least = std::min({image.width, image.height, kLeastArea});
    const auto few = [=](const Candidate& c) { return c.count < least || 5 * c.count < all; };
    kept.erase(std::remove_if(kept.begin(), kept.end(), few), kept.end());
    return kept;
}

// Distance of each pixel, diagonals counting one, from the solid pixels of one value;
// no farther than kFar + 1.
void measure_distance(const Image& image, float value, ConstantScratch& s) {
    const std::int64_t w = image.width, h = image.height;
    const auto across = static_cast<std::size_t>(w);
    s.distance.resize(s.solid.size());
    std::uint8_t* d = s.distance.data();
    for (std::int64_t i = 0; i < w * h; ++i) {
        const bool in = (s.solid.data()[i] != 0) & (image.pixels[i] == value);
        d[i] = in ? 0 : kFar + 1;
    }
    const auto along = [](std::uint8_t& to, std::uint8_t from) {
        to = std::min(to, static_cast<std::uint8_t>(from + 1));
    };
    for (std::int64_t y = 0; y < h; ++y) {
        std::uint8_t* row = d + y * w;
        if (y > 0) kernels::step_away(row, row - w, across);
        for (std::int64_t x = 1; x < w; ++x) along(row[x], row[x - 1]);
    }
    for (std::int64_t y = h - 1; y >= 0; --y) {
        std::uint8_t* row = d + y * w;
        if (y + 1 < h) kernels::step_away(row, row + w, across);
        for (std::int64_t x = w - 2; x >= 0; --x) along(row[x], row[x + 1]);
    }
}

// Pixels that are neither missing nor of the value: their extremes, how many lie on
// either side of it, and in the scratch those at three distances from it.
struct Rest {
    std::int64_t below = 0, above = 0, alike = 0, enclosed = 0;
    float low = INFINITY, high = -INFINITY;
};

Rest measure_rest(const Image& image, float value, ConstantScratch& s) {
    const std::int64_t w = image.width, h = image.height;
    Rest rest;
    s.near.clear(), s.apart.clear(), s.far.clear();
    const std::uint8_t* d = s.distance.data();
    for (std::int64_t y = 0; y < h; ++y) {
        for (std::int64_t x = 0; x < w; ++x) {
            const std::int64_t i = y * w + x;
            const float v = image.pixels[i];
            if (s.solid[static_cast<std::size_t>(i)] || !std::isfinite(v)) continue;
            if (v == value) {
                ++rest.alike;
                continue;
            }
            ++(v < value ? rest.below : rest.above);
            rest.low = std::min(rest.low, v), rest.high = std::max(rest.high, v);
            if (d[i] == 1) {
                s.near.push_back(v);
                const bool across = x > 0 && x + 1 < w && d[i - 1] == 0 && d[i + 1] == 0;
                const bool up = y > 0 && y + 1 < h && d[i - w] == 0 && d[i + w] == 0;
                rest.enclosed += across || up;
            }
            if (d[i] == kApart) s.apart.push_back(v);
            if (d[i] == kFar) s.far.push_back(v);
        }
    }
    return rest;
}

double median_of(std::vector<float>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

// Median distance of values from one of them.
double off(std::vector<float>& values, double from, std::vector<float>& work) {
    work.clear();
    for (const float v : values) work.push_back(static_cast<float>(std::fabs(v - from)));
    return median_of(work);
}

// How far values lie apart where they lie closest: what the image is rounded to.
double quantum_of(std::vector<float>& values, std::vector<float>& work) {
    work = values;
    std::sort(work.begin(), work.end());
    double least = INFINITY;
    for (std::size_t i = 1; i < work.size(); ++i) {
        if (work[i] > work[i - 1]) {
            least = std::min(least, static_cast<double>(work[i]) - work[i - 1]);
        }
    }
    return least;
}

enum class Verdict { Measured, Among, Outside };

// Marks the pixels of an area, which are then solid in another way.
void mark(const Image& image, float value, Verdict verdict, ConstantScratch& s) {
    const std::int64_t w = image.width, h = image.height;
    const float* p = image.pixels;
    std::uint8_t* to = s.missing.data();
    for (std::int64_t i = 0; i < w * h; ++i) {
        if (p[i] != value) continue;
        if (s.solid[static_cast<std::size_t>(i)]) s.solid[static_cast<std::size_t>(i)] = kTaken;
        // Of a value among others, pixels that happen to have it are none of the area's.
        if (verdict == Verdict::Outside || s.distance[static_cast<std::size_t>(i)] == 0) to[i] = 1;
    }
    // But those are that hang together with it: where an area ends in a point.
    const auto touches = [&](std::int64_t x, std::int64_t y) {
        for (std::int64_t v = std::max<std::int64_t>(0, y - 1); v <= std::min(h - 1, y + 1); ++v) {
            for (std::int64_t u = std::max<std::int64_t>(0, x - 1); u <= std::min(w - 1, x + 1); ++u) {
                if (to[v * w + u] && p[v * w + u] == value) return true;
            }
        }
        return false;
    };
    for (bool more = verdict == Verdict::Among; more;) {
        more = false;
        const auto look = [&](std::int64_t i) {
            if (p[i] == value && !to[i] && touches(i % w, i / w)) to[i] = 1, more = true;
        };
        for (std::int64_t i = 0; i < w * h; ++i) look(i);
        for (std::int64_t i = w * h; i > 0; --i) look(i - 1);
    }
}

// Whether the solid pixels of a value are a measurement; if not, whether their value
// lies among those of others or outside them.
Verdict judge(const Image& image, Candidate area, ConstantScratch& s) {
    measure_distance(image, area.value, s);
    const Rest rest = measure_rest(image, area.value, s);
    const std::int64_t n = rest.below + rest.above;
    const double value = area.value;
    // Of counts and of what was cut off at a level, much of the value is scattered
    // among the rest, and some of the rest among the value.
    if (n < kLeastArea || 4 * rest.alike > n || 1000 * rest.enclosed > area.count) {
        return Verdict::Measured;
    }
    if (s.apart.size() < kLeastRing) return Verdict::Measured;
    // Steps of a rounded image: neighbours are the next ones.
    std::vector<float>& work = s.work;
    const double typical = off(s.apart, value, work);
    std::sort(work.begin(), work.end());
    const double closest = work[work.size() / 20];
    double quantum = quantum_of(s.apart, work);
    if (!std::isfinite(quantum)) quantum = typical;
    if (typical <= 1.5 * quantum) return Verdict::Measured;
    if (!s.near.empty() && off(s.near, value, work) <= 1.5 * quantum) return Verdict::Measured;
    const bool few_above = 100 * rest.above < n, few_below = 100 * rest.below < n;
    if (few_above) {  // saturated, unless far beyond everything
        const bool beyond = value - rest.high > static_cast<double>(rest.high) - rest.low;
        return beyond ? Verdict::Outside : Verdict::Measured;
    }
    if (s.far.size() < kLeastRing) return Verdict::Measured;
    const double apart = median_of(s.apart), far = median_of(s.far);
    const double scatter = 1.4826 * off(s.apart, apart, work);
    if (few_below) {  // a galaxy before nothing: it begins at the value and rises from it
        const bool begins = closest <= 1.5 * quantum || closest <= 0.2 * typical;
        const bool rises = far - apart > 0.25 * (apart - value);
        if (begins || rises) return Verdict::Measured;
        if (apart - value > 6 * scatter) return Verdict::Outside;
    }
    // A galaxy that was cut out of its sky: what surrounds the value is the faintest
    // there is, and rises.
    std::int64_t fainter = 0;
    for (std::int64_t i = 0; i < image.width * image.height; ++i) {
        fainter += !s.solid[static_cast<std::size_t>(i)] && image.pixels[i] != area.value &&
                   image.pixels[i] < apart;
    }
    if (100 * fainter < 15 * n || far - apart > 0.6 * scatter) return Verdict::Measured;
    return few_below ? Verdict::Outside : Verdict::Among;
}

}  // namespace

std::int64_t find_constant(const float* pixels, std::int64_t width, std::int64_t height,
                           ConstantScratch& s) {
    const Image image{pixels, width, height};
    if (!may_be_constant(image, s) || !mark_solid(image, s)) return 0;
    std::int64_t count = 0;
    // What is missing hides no other value that is, however large it is.
    for (bool found = true; found;) {
        found = false;
        for (const Candidate& area : frequent(image, s.solid)) {
            const Verdict verdict = judge(image, area, s);
            if (verdict == Verdict::Measured) continue;
            if (count == 0) s.missing.assign(s.solid.size(), 0);
            mark(image, area.value, verdict, s);
            count = std::count(s.missing.begin(), s.missing.end(), 1);
            found = true;
        }
    }
    return count;
}

}  // namespace galedge
