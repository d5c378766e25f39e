// libFuzzer target: images of any shape and any values, through everything that
// happens to pixels. What must hold of each is checked, not only that it ends.
//
//     csrc/fuzz/build.sh fuzz_prepare && ./fuzz_prepare -max_total_time=600
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

#include "background.hpp"
#include "prepare.hpp"

using namespace galedge;

namespace {

// The input, byte after byte; zeros when it is used up.
class Bytes {
public:
    Bytes(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
    unsigned byte() { return at_ < end_ ? *at_++ : 0; }
    unsigned below(unsigned n) { return (byte() << 8 | byte()) % n; }
    double share() { return below(65536) / 65535.0; }

private:
    const std::uint8_t *at_, *end_;
};

// Everything that a float can be, and what cameras and pipelines write.
float special(Bytes& in) {
    using Limits = std::numeric_limits<float>;
    static const float kValues[] = {
        0.0f,     -0.0f,     1.0f,          -1.0f,          Limits::quiet_NaN(), Limits::infinity(),
        1e38f,    -1e38f,    Limits::max(), -Limits::max(), Limits::min(),       Limits::denorm_min(),
        -1e-40f,  1e-38f,    1e30f,         -1e30f,         -Limits::infinity(), 1e-30f,
        -999.0f,  -32768.0f, 65535.0f,      1e19f,          1e-19f,              16777217.0f,
        0x1p100f, 0x1p-100f, 255.0f,        3e38f,          -3e38f,              1e-45f};
    return kValues[in.below(sizeof kValues / sizeof *kValues)];
}

// Noise that needs no byte a pixel.
float noise(std::uint32_t& state) {
    float sum = 0;
    for (int i = 0; i < 4; ++i) {
        state = state * 1664525u + 1013904223u;
        sum += static_cast<float>(state >> 8) * 0x1p-24f - 0.5f;
    }
    return sum;
}

std::int64_t side(Bytes& in) {
    static const unsigned kMost[] = {4, 40, 150, 600, 6000};
    return 1 + in.below(kMost[in.below(5)]);
}

void draw(Bytes& in, std::vector<float>& band, std::int64_t width, std::int64_t height) {
    const unsigned kind = in.below(5);
    const float level = in.below(2) ? special(in) : 100.0f, scale = in.below(3) ? 5.0f : special(in);
    const float slope = in.below(3) ? 0.0f : special(in);
    std::uint32_t state = in.below(65536);
    for (std::int64_t y = 0; y < height; ++y) {
        for (std::int64_t x = 0; x < width; ++x) {
            float& v = band[y * width + x];
            const float u = static_cast<float>(x) - 0.5f * static_cast<float>(width);
            const float w = static_cast<float>(y) - 0.5f * static_cast<float>(height);
            switch (kind) {
                case 0: v = level; break;
                case 1: v = level + scale * noise(state); break;
                case 2: v = std::floor(std::fabs(level + scale * noise(state))); break;
                case 3: v = level + slope * (u + w) + scale * noise(state); break;
                default:
                    v = level + scale * (noise(state) + 100 * std::exp(-(u * u + w * w) / 99));
            }
        }
    }
    // Borders, gaps, columns, single pixels of one value, or of one a pixel.
    for (unsigned n = in.below(8); n > 0; --n) {
        const unsigned shape = in.below(5);
        std::int64_t x0 = in.below(static_cast<unsigned>(width));
        std::int64_t y0 = in.below(static_cast<unsigned>(height));
        std::int64_t x1 = x0 + 1 + in.below(6), y1 = y0 + 1 + in.below(6);
        if (shape == 0) x0 = 0, x1 = width;
        if (shape == 1) y0 = 0, y1 = height;
        if (shape == 2) x0 = y0 = 0, x1 = width / 2, y1 = height;
        if (shape == 3) x1 = width, y1 = height;
        const bool each = in.below(8) == 0;
        const float value = special(in);
        for (std::int64_t y = y0; y < std::min(y1, height); ++y) {
            for (std::int64_t x = x0; x < std::min(x1, width); ++x) {
                band[y * width + x] = each ? special(in) : value;
            }
        }
    }
}

Recipe recipe_of(Bytes& in) {
    Recipe recipe;
    recipe.size = 8 + static_cast<int>(in.below(80));
    if (in.below(4) == 0) {
        recipe.framing = &framings()[in.below(static_cast<unsigned>(framings().size()))];
        recipe.frame_pixels = 1 + in.below(in.below(2) ? 40 : 60000);
    }
    recipe.stretch = &stretches()[in.below(static_cast<unsigned>(stretches().size()))];
    if (in.below(2)) {
        recipe.plane = recipe.constant = true;
        recipe.bridge = static_cast<int>(in.below(17));
    }
    if (in.below(4) == 0) {
        recipe.margin = 0.01 + 20 * in.share();
        recipe.threshold = in.below(2) ? 1e-6 + 50 * in.share() : 1e30;
        recipe.softening = in.below(2) ? 1e-6 + 50 * in.share() : 1e-30;
        recipe.white = 0.501 + 0.499 * in.share();
        recipe.q = in.below(2) ? 0.1 + 50 * in.share() : 1e30;
        recipe.knee = in.below(2) ? 0.5 * in.share() : 0;
    }
    return recipe;
}

void expect(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

void check(const Prepared& facts, const Planes& planes, const Recipe& recipe) {
    expect(std::isfinite(facts.sky) && std::isfinite(facts.noise), "sky and noise are finite");
    expect(facts.noise >= 0, "noise is not negative");
    expect(facts.side > 0, "the frame has a side");
    expect(facts.masked_fraction >= 0 && facts.masked_fraction <= 1, "a share is a share");
    const auto w = static_cast<double>(planes.width), h = static_cast<double>(planes.height);
    expect(facts.x >= -0.5 && facts.x <= w - 0.5, "x lies in the image");
    expect(facts.y >= -0.5 && facts.y <= h - 0.5, "y lies in the image");
    if (recipe.framing == &framings().front()) expect(facts.side <= std::max(w, h), "the frame fits");
}

void background_of(const std::vector<float>& band, std::int64_t width, std::int64_t height,
                   std::int64_t size) {
    Mesh mesh = measure_mesh(band.data(), width, height, size, 1);
    filter_mesh(mesh, 3);
    std::vector<float> map(band.size());
    spline_mesh(mesh.level, mesh.nx, mesh.ny, size, width, height, map.data(), 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes in(data, size);
    const Recipe recipe = recipe_of(in);
    Planes planes;
    planes.count = in.below(3) ? 1 : 3;
    planes.picture = in.below(8) == 0;
    planes.width = side(in);
    planes.height = std::min<std::int64_t>(side(in), std::max<std::int64_t>(1, 40000 / planes.width));
    const std::int64_t mesh = 1 + in.below(70);
    std::vector<float> bands[3];
    for (int c = 0; c < planes.count; ++c) {
        bands[c].resize(static_cast<std::size_t>(planes.width * planes.height));
        draw(in, bands[c], planes.width, planes.height);
        if (planes.picture) {
            for (float& v : bands[c]) v = std::isfinite(v) ? std::clamp(v, 0.0f, 255.0f) : 0.0f;
        }
        planes.band[c] = bands[c].data();
    }
    static PrepareScratch scratch;  // kept, as threads keep theirs
    const auto values = 3 * static_cast<std::size_t>(recipe.size) * recipe.size;
    try {
        std::vector<std::uint8_t> bytes(values);
        check(prepare(planes, recipe, bytes.data(), scratch), planes, recipe);
        std::vector<float> floats(values);
        check(prepare(planes, recipe, floats.data(), scratch), planes, recipe);
        for (const float v : floats) expect(v >= 0 && v <= 1, "what is stretched lies in 0..1");
    } catch (const Error&) {  // a refusal is an answer; anything else is a finding
    }
    try {
        background_of(bands[0], planes.width, planes.height, mesh);
    } catch (const Error&) {
    }
    return 0;
}
