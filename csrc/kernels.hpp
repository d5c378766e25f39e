// The hot loops of the preparation, compiled once per instruction set and
// chosen at run time (isa.hpp).
//
// All of them are element-wise or integer, and nothing here may contract or
// reorder floating-point operations, so every build gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "run.hpp"

namespace galedge {

// Smallest and largest finite value and how many values are finite.
struct Range {
    float low, high;
    std::int64_t finite;
};

// a + t (b + t (c + t d)).
struct Cubic {
    float a, b, c, d;
};

// Sums of cells that are weighed: of them, and of each times its column and its row.
struct Weighed {
    double total, along_x, along_y;
};

// What a run of cells holds: all of it, and weighed.
struct RunLight {
    double all, weighed;
};

constexpr std::size_t kBlock = 16;  // rows that are blended together
constexpr std::size_t kLanes = 16;  // values that loops take at once

namespace kernels {

// Range of n values; low > high when none is finite.
Range range(const float* values, std::size_t n);

// sums[i] += weight * row[i].
void accumulate(float* sums, const float* row, float weight, std::size_t n);

// The same where non-finite values weigh nothing: weights[i] += weight where
// row[i] counts.
void accumulate_masked(float* sums, float* weights, const float* row, float weight,
                       std::size_t n);

// row[i] -= start + step * i.
void tilt(float* row, float start, float step, std::size_t n);

// 3x3 binomial smoothing of `rows` rows of n cells, with repeated edges. Weights sum to
// one at every step, so that no cell overflows. `work` holds n + 2 floats.
void smooth(float* out, const float* cells, std::size_t n, std::size_t rows, float* work);

// Sums over the cells of `runs`, in rows of `pitch`, of what is above `level` times
// across[x] down[y].
Weighed weigh(const float* cells, std::size_t pitch, const Run* runs, std::size_t count,
              const double* across, const double* down, float level);

// out[r] = the sums over the cells of a run of f = (cell - level) scale, and of
// min(f, most) across[x].
void light(RunLight* out, const float* cells, std::size_t pitch, const Run* runs, std::size_t count,
           const double* across, float level, float scale, float most);

// rings[i] = scale times the distance of (start + i, y) from the origin.
void rings(std::int32_t* rings, double start, float y, float scale, std::size_t n);

// How many values equal the two after them.
std::int64_t threes(const float* row, std::size_t n);

// Whether somewhere two pixels of a row and the two below them, of another, are alike.
bool pairs(const float* a, const float* b, std::size_t n);

// out[i] = whether the three by three pixels from column i of three rows are alike, for
// i + 2 < n; the last two are 0. Returns whether any are.
bool alike(std::uint8_t* out, const float* a, const float* b, const float* c, std::size_t n);

// to[i] = min(to[i], 1 + the least of row[i - 1 .. i + 1]); what lies outside counts not.
void step_away(std::uint8_t* to, const std::uint8_t* row, std::size_t n);

// out[i] = the sum, from left to right, of values[i * width .. i * width + width - 1].
void add_neighbours(float* out, const float* values, std::size_t width, std::size_t n);

// out[r * size + o] = the sum over t < most, in this order, of
// weight[o * stride + t] * rows[r * pitch + first[o] + t], for the first `count` of a
// block of kBlock rows. `work` holds kBlock * (columns + size) floats, `columns`
// being as far as the sums reach.
void blend(float* out, std::size_t size, const float* rows, std::size_t count, std::size_t pitch,
           std::size_t columns, const std::int32_t* first, const float* weight,
           std::size_t stride, std::size_t most, float* work);

// bins[i] = bin number of values[i] among `count` bins of 1/scale from low;
// values outside go to the first or last bin, non-finite ones to `count`.
void bin(std::int32_t* bins, const float* values, float low, float scale, std::int32_t count,
         std::size_t n);

// The largest value of each of `groups` groups of 16: not 16 in a row but every
// 16th of 256, which is the same work without shuffling. NaN never counts.
void group_max(float* out, const float* values, std::size_t groups);

// Bit x % 64 of bits[x / 64] = row[x] > level, for n values; the last word's other
// bits are 0.
void above(std::uint64_t* bits, const float* row, float level, std::size_t n);

// The value with `rank` smaller ones among n, none of them NaN, by halving the range
// of their bit patterns: for some hundred values, faster than partitioning them. `keys`
// holds n + kLanes integers.
float ranked(const float* values, std::size_t n, std::size_t rank, std::int32_t* keys);

inline float ranked(const std::vector<float>& values, std::size_t rank,
                    std::vector<std::int32_t>& keys) {
    // Never smaller: what shrinks is filled anew when it grows.
    if (keys.size() < values.size() + kLanes) keys.resize(values.size() + kLanes);
    return ranked(values.data(), values.size(), rank, keys.data());
}

// out[x] = cubics[i](distance[x]) for x from stops[i - 1] to below stops[i]: a
// row of a spline.
void cubics(float* out, const float* distance, const Cubic* cubics, const std::int64_t* stops,
            std::size_t count);

// y[i] = asinh(x[i]), relative error below 2e-7.
void asinh(float* y, const float* x, std::size_t n);

// What follows writes bytes 0..255, or floats 0..1 (Out is std::uint8_t or float).

// The asinh stretch of one band, or of three by their mean (stretch.hpp):
// band f(L) / L with f(L) = gain asinh(L scale), gain counting in bytes.
template <class Out>
void stretch_one(Out* out, const float* band, float scale, float gain, std::size_t n);
template <class Out>
void stretch_three(Out* out, const float* red, const float* green, const float* blue,
                   float scale, float gain, std::size_t n);

// Lupton et al. (2004), bytes rounded down: band f(I) / I with
// f(I) = gain asinh(I scale), over the largest band where that exceeds one.
template <class Out>
void lupton(Out* out, const float* red, const float* green, const float* blue,
            float scale, float gain, std::size_t n);

// (value - low) scale, clipped to 0..1.
template <class Out>
void linear(Out* out, const float* values, float low, float scale, std::size_t n);

// Values 0..255 as they are; NaN becomes 0.
template <class Out>
void picture(Out* out, const float* values, std::size_t n);

}  // namespace kernels
}  // namespace galedge
