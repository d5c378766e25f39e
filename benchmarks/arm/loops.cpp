// One hot loop of the core, so many times over: for counting instructions (count.c).
//
//     loops            lists them, each with the values that one pass takes
//     loops NAME TIMES
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "dither.hpp"
#include "kernels.hpp"
#include "mesh.hpp"
#include "pixels.hpp"
#include "prepare.hpp"

using namespace galedge;

namespace {

constexpr std::int64_t kSide = 256;
constexpr std::size_t kAll = kSide * kSide;

// A galaxy on noise, without a call that could be counted.
std::vector<float> galaxy() {
    std::vector<float> image(kAll);
    std::uint32_t state = 1;
    for (std::int64_t y = 0; y < kSide; ++y) {
        for (std::int64_t x = 0; x < kSide; ++x) {
            float noise = 0;
            for (int i = 0; i < 4; ++i) {
                state = state * 1664525u + 1013904223u;
                noise += static_cast<float>(state >> 8) * 0x1p-24f - 0.5f;
            }
            const auto dx = static_cast<float>(x - kSide / 2), dy = static_cast<float>(y - kSide / 2);
            image[y * kSide + x] = 100 + 5 * noise + 4000 / (8 + dx * dx + dy * dy);
        }
    }
    return image;
}

const std::vector<float> kImage = galaxy();
std::vector<float> out(3 * kAll), more(kAll), work(64 * kAll / 16);
std::vector<std::int32_t> numbers(kAll + kLanes);
std::vector<std::uint64_t> words(kAll / 64);
std::vector<std::uint8_t> bytes(3 * kAll);
std::vector<double> weights(kSide, 0.5);
PrepareScratch scratch;
volatile float sink;

Scaling scaling_of(int bitpix, double bscale, double bzero) {
    Scaling scaling;
    scaling.bitpix = bitpix, scaling.bscale = bscale, scaling.bzero = bzero;
    return scaling;
}

void convert_as(int bitpix, double bscale, double bzero) {
    convert(reinterpret_cast<const std::uint8_t*>(kImage.data()), kAll,
            scaling_of(bitpix, bscale, bzero), out.data());
}

std::vector<Run> rows() {
    std::vector<Run> runs(kSide);
    for (std::int32_t y = 0; y < kSide; ++y) runs[y].y = y, runs[y].x0 = 3, runs[y].x1 = kSide;
    return runs;
}

void prepare_image(int size) {
    Planes planes;
    planes.count = 1, planes.width = planes.height = kSide;
    planes.band[0] = kImage.data();
    Recipe recipe;
    recipe.size = size, recipe.plane = recipe.constant = true, recipe.bridge = 8;
    sink = static_cast<float>(prepare(planes, recipe, bytes.data(), scratch).x);
}

struct Loop {
    const char* name;
    std::size_t values;
    void (*pass)();
};

const Loop kLoops[] = {
    {"read 16 bits", kAll, [] { convert_as(16, 1, 32768); }},
    {"read 32 bits, scaled", kAll, [] { convert_as(32, 0.5, 3); }},
    {"read floats", kAll, [] { convert_as(-32, 1, 0); }},
    {"read doubles", kAll / 2,
     [] {
         convert(reinterpret_cast<const std::uint8_t*>(kImage.data()), kAll / 2,
                 scaling_of(-64, 1, 0), out.data());
     }},
    {"dequantize", kAll,
     [] {
         Quantization q;
         q.dither = Dither::Subtractive2, q.scale = 0.3;
         dequantize(numbers.data(), kAll, q, out.data());
     }},
    {"range", kAll, [] { sink = kernels::range(kImage.data(), kAll).low; }},
    {"accumulate", kAll, [] { kernels::accumulate(out.data(), kImage.data(), 0.5f, kAll); }},
    {"accumulate masked", kAll,
     [] { kernels::accumulate_masked(out.data(), more.data(), kImage.data(), 0.5f, kAll); }},
    {"tilt", kAll, [] { kernels::tilt(more.data(), 1, 0.01f, kAll); }},
    {"smooth", kAll,
     [] { kernels::smooth(out.data(), kImage.data(), kSide, kSide, work.data()); }},
    {"weigh", kAll - 3 * kSide,
     [] {
         static const std::vector<Run> runs = rows();
         sink = static_cast<float>(kernels::weigh(kImage.data(), kSide, runs.data(), kSide,
                                                  weights.data(), weights.data(), 99)
                                       .total);
     }},
    {"light", kAll - 3 * kSide,
     [] {
         static const std::vector<Run> runs = rows();
         static std::vector<RunLight> light(kSide);
         kernels::light(light.data(), kImage.data(), kSide, runs.data(), kSide, weights.data(), 99,
                        0.2f, 5);
     }},
    {"rings", kAll, [] { kernels::rings(numbers.data(), -99, 7, 1.5f, kAll); }},
    {"alike", kAll,
     [] {
         for (std::int64_t y = 0; y + 2 < kSide; ++y) {
             const float* row = kImage.data() + y * kSide;
             kernels::alike(bytes.data(), row, row + kSide, row + 2 * kSide, kSide);
         }
     }},
    {"blend", kAll,
     [] {
         static std::vector<std::int32_t> first(64);
         static std::vector<float> weight(64 * 8, 0.25f);
         for (int o = 0; o < 64; ++o) first[o] = 4 * o;
         for (std::int64_t y = 0; y < kSide; y += kBlock) {
             kernels::blend(out.data(), 64, kImage.data() + y * kSide, kBlock, kSide, kSide,
                            first.data(), weight.data(), 8, 4, work.data());
         }
     }},
    {"bin", kAll, [] { kernels::bin(numbers.data(), kImage.data(), 90, 10, 512, kAll); }},
    {"group max", kAll, [] { kernels::group_max(out.data(), kImage.data(), kAll / 16); }},
    {"above", kAll, [] { kernels::above(words.data(), kImage.data(), 101, kAll); }},
    {"cells of 4", kAll, [] { kernels::add_neighbours(out.data(), kImage.data(), 4, kAll / 4); }},
    {"mesh mode", kAll,
     [] {
         static MeshScratch mesh;
         sink = mesh_mode(kImage.data(), kSide, kSide, kSide, mesh).level;
     }},
    {"asinh", kAll, [] { kernels::asinh(out.data(), kImage.data(), kAll); }},
    {"stretch, one band", kAll,
     [] { kernels::stretch_one(bytes.data(), kImage.data(), 0.1f, 40, kAll); }},
    {"stretch, three bands", kAll,
     [] {
         kernels::stretch_three(bytes.data(), kImage.data(), kImage.data(), kImage.data(), 0.1f, 40,
                                kAll);
     }},
    {"lupton", kAll,
     [] {
         kernels::lupton(bytes.data(), kImage.data(), kImage.data(), kImage.data(), 0.1f, 40, kAll);
     }},
    {"linear", kAll, [] { kernels::linear(bytes.data(), kImage.data(), 90, 0.01f, kAll); }},
    {"prepare 256 px to 72", kAll, [] { prepare_image(72); }},
};

}  // namespace

int main(int count, char** arguments) {
    for (const Loop& loop : kLoops) {
        if (count < 3) std::printf("%s\t%zu\n", loop.name, loop.values);
        else if (std::strcmp(loop.name, arguments[1]) == 0)
            for (int i = std::atoi(arguments[2]); i > 0; --i) loop.pass();
    }
}
