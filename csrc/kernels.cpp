#include "kernels.hpp"

#include "compiler.hpp"
#include "isa.hpp"

namespace galedge {
namespace {

#define GALEDGE_KERNELS "kernels.inl"
#include "per_isa.inl"

}  // namespace

namespace kernels {

Range range(const float* values, std::size_t n) { GALEDGE_DISPATCH(range(values, n)) }

void accumulate(float* sums, const float* row, float weight, std::size_t n) {
    GALEDGE_DISPATCH(accumulate(sums, row, weight, n))
}

void accumulate_masked(float* sums, float* weights, const float* row, float weight,
                       std::size_t n) {
    GALEDGE_DISPATCH(accumulate_masked(sums, weights, row, weight, n))
}

void tilt(float* row, float start, float step, std::size_t n) {
    GALEDGE_DISPATCH(tilt(row, start, step, n))
}

void smooth(float* out, const float* cells, std::size_t n, std::size_t rows, float* work) {
    GALEDGE_DISPATCH(smooth(out, cells, n, rows, work))
}

Weighed weigh(const float* cells, std::size_t pitch, const Run* runs, std::size_t count,
              const double* across, const double* down, float level) {
    GALEDGE_DISPATCH(weigh(cells, pitch, runs, count, across, down, level))
}

void light(RunLight* out, const float* cells, std::size_t pitch, const Run* runs, std::size_t count,
           const double* across, float level, float scale, float most) {
    GALEDGE_DISPATCH(light(out, cells, pitch, runs, count, across, level, scale, most))
}

void rings(std::int32_t* rings, double start, float y, float scale, std::size_t n) {
    GALEDGE_DISPATCH(rings(rings, start, y, scale, n))
}

std::int64_t threes(const float* row, std::size_t n) { GALEDGE_DISPATCH(threes(row, n)) }

bool pairs(const float* a, const float* b, std::size_t n) { GALEDGE_DISPATCH(pairs(a, b, n)) }

bool alike(std::uint8_t* out, const float* a, const float* b, const float* c, std::size_t n) {
    GALEDGE_DISPATCH(alike(out, a, b, c, n))
}

void step_away(std::uint8_t* to, const std::uint8_t* row, std::size_t n) {
    GALEDGE_DISPATCH(step_away(to, row, n))
}

void add_neighbours(float* out, const float* values, std::size_t width, std::size_t n) {
    GALEDGE_DISPATCH(add_neighbours(out, values, width, n))
}

void blend(float* out, std::size_t size, const float* rows, std::size_t count, std::size_t pitch,
           std::size_t columns, const std::int32_t* first, const float* weight,
           std::size_t stride, std::size_t most, float* work) {
    GALEDGE_DISPATCH(
        blend(out, size, rows, count, pitch, columns, first, weight, stride, most, work))
}

void bin(std::int32_t* bins, const float* values, float low, float scale, std::int32_t count,
         std::size_t n) {
    GALEDGE_DISPATCH(bin(bins, values, low, scale, count, n))
}

void group_max(float* out, const float* values, std::size_t groups) {
    GALEDGE_DISPATCH(group_max(out, values, groups))
}

void above(std::uint64_t* bits, const float* row, float level, std::size_t n) {
    GALEDGE_DISPATCH(above(bits, row, level, n))
}

float ranked(const float* values, std::size_t n, std::size_t rank, std::int32_t* keys) {
    GALEDGE_DISPATCH(ranked(values, n, rank, keys))
}

void cubics(float* out, const float* distance, const Cubic* cubics, const std::int64_t* stops,
            std::size_t count) {
    GALEDGE_DISPATCH(cubics(out, distance, cubics, stops, count))
}

void asinh(float* y, const float* x, std::size_t n) { GALEDGE_DISPATCH(asinh(y, x, n)) }

template <class Out>
void stretch_one(Out* out, const float* band, float scale, float gain, std::size_t n) {
    GALEDGE_DISPATCH(stretch_one(out, band, scale, gain, n))
}

template <class Out>
void stretch_three(Out* out, const float* red, const float* green, const float* blue,
                   float scale, float gain, std::size_t n) {
    GALEDGE_DISPATCH(stretch_three(out, red, green, blue, scale, gain, n))
}

template <class Out>
void lupton(Out* out, const float* red, const float* green, const float* blue,
            float scale, float gain, std::size_t n) {
    GALEDGE_DISPATCH(lupton(out, red, green, blue, scale, gain, n))
}

template <class Out>
void linear(Out* out, const float* values, float low, float scale, std::size_t n) {
    GALEDGE_DISPATCH(linear(out, values, low, scale, n))
}

template <class Out>
void picture(Out* out, const float* values, std::size_t n) {
    GALEDGE_DISPATCH(picture(out, values, n))
}

#define GALEDGE_INSTANTIATE(Out)                                                              \
    template void stretch_one(Out*, const float*, float, float, std::size_t);                 \
    template void stretch_three(Out*, const float*, const float*, const float*, float, float, \
                                std::size_t);                                                 \
    template void lupton(Out*, const float*, const float*, const float*, float, float,        \
                         std::size_t);                                                        \
    template void linear(Out*, const float*, float, float, std::size_t);                      \
    template void picture(Out*, const float*, std::size_t);
GALEDGE_INSTANTIATE(std::uint8_t)
GALEDGE_INSTANTIATE(float)
#undef GALEDGE_INSTANTIATE

}  // namespace kernels
}  // namespace galedge
