#include "kernels.hpp"

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

void bin(std::int32_t* bins, const float* values, float low, float scale, std::int32_t count,
         std::size_t n) {
    GALEDGE_DISPATCH(bin(bins, values, low, scale, count, n))
}

Clipped clipped_sums(const float* values, double centre, double reach, std::size_t n) {
    GALEDGE_DISPATCH(clipped_sums(values, centre, reach, n))
}

void group_max(float* out, const float* values, std::size_t groups) {
    GALEDGE_DISPATCH(group_max(out, values, groups))
}

void blend(float* out, const float* a, const float* b, const float* c, const float* d, float p,
           float q, float r, float s, std::size_t n) {
    GALEDGE_DISPATCH(blend(out, a, b, c, d, p, q, r, s, n))
}

void asinh(float* y, const float* x, std::size_t n) { GALEDGE_DISPATCH(asinh(y, x, n)) }

void stretch_one(std::uint8_t* out, const float* band, float scale, float gain, std::size_t n) {
    GALEDGE_DISPATCH(stretch_one(out, band, scale, gain, n))
}

void stretch_three(std::uint8_t* out, const float* red, const float* green, const float* blue,
                   float scale, float gain, std::size_t n) {
    GALEDGE_DISPATCH(stretch_three(out, red, green, blue, scale, gain, n))
}

void lupton(std::uint8_t* out, const float* red, const float* green, const float* blue,
            float scale, float gain, std::size_t n) {
    GALEDGE_DISPATCH(lupton(out, red, green, blue, scale, gain, n))
}

void linear_bytes(std::uint8_t* out, const float* values, float low, float scale, std::size_t n) {
    GALEDGE_DISPATCH(linear_bytes(out, values, low, scale, n))
}

void to_bytes(std::uint8_t* out, const float* values, std::size_t n) {
    GALEDGE_DISPATCH(to_bytes(out, values, n))
}

}  // namespace kernels
}  // namespace galedge
