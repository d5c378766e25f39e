// The hot loops, compiled once per instruction set and chosen at run time.
//
// All of them are element-wise or integer, and nothing here may contract or
// reorder floating-point operations, so every build gives the same bits.
// GALEDGE_ISA=baseline|avx2|avx512 in the environment forces one (isa.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

namespace galedge {

// Smallest and largest finite value and how many values are finite.
struct Range {
    float low, high;
    std::int64_t finite;
};

struct Kernels {
    // Range of n values; low > high when none is finite.
    Range (*range)(const float* values, std::size_t n);

    // sums[i] += weight * row[i]; every value must be finite.
    void (*accumulate)(float* sums, const float* row, float weight, std::size_t n);

    // The same where non-finite values weigh nothing: weights[i] += weight
    // where row[i] counts.
    void (*accumulate_masked)(float* sums, float* weights, const float* row, float weight,
                              std::size_t n);

    // bins[i] = bin number of values[i] among `count` bins of 1/scale from low;
    // values outside go to the first or last bin, non-finite ones to `count`.
    void (*bin)(std::int32_t* bins, const float* values, float low, float scale,
                std::int32_t count, std::size_t n);

    // y[i] = asinh(x[i]), relative error below 2e-7.
    void (*asinh)(float* y, const float* x, std::size_t n);
};

// The fastest set this processor runs, or the one that the environment names.
const Kernels& kernels();

extern const Kernels kBaseline;
#if defined(__x86_64__)
extern const Kernels kAvx2;
extern const Kernels kAvx512;
#endif

}  // namespace galedge
