#include "dither.hpp"

#include <algorithm>
#include <array>

#include "compiler.hpp"
#include "isa.hpp"

namespace galedge {
namespace {

#define GALEDGE_KERNELS "dither_kernels.inl"
#include "per_isa.inl"

// The generator of Park & Miller 1988 that the standard prescribes (appendix I).
std::array<float, kRandoms> make_randoms() {
    std::array<float, kRandoms> randoms;
    constexpr std::int64_t a = 16807, m = 2147483647;
    std::int64_t seed = 1;
    for (float& random : randoms) {
        seed = a * seed % m;
        random = static_cast<float>(static_cast<double>(seed) / static_cast<double>(m));
    }
    return randoms;
}

template <class Out>
void run(const std::int32_t* stored, std::size_t pixels, const Quantization& q, const float* random,
         Out* out) {
    const bool zeros = q.dither == Dither::Subtractive2;
    GALEDGE_DISPATCH(
        dequantize_run(stored, pixels, q.scale, q.zero, random, zeros, q.has_blank, q.blank, out))
}

template <class Out>
void dequantize_any(const std::int32_t* stored, std::size_t pixels, const Quantization& q,
                    Out* out) {
    if (q.dither == Dither::None) return run(stored, pixels, q, nullptr, out);
    static const std::array<float, kRandoms> randoms = make_randoms();
    // A tile starts at a random place of the list; at its end the next starts.
    auto start = static_cast<std::size_t>(((q.seed - 1) % kRandoms + kRandoms) % kRandoms);
    while (pixels > 0) {
        const auto first = static_cast<std::size_t>(randoms[start] * 500);
        const std::size_t now = std::min(pixels, kRandoms - first);
        run(stored, now, q, randoms.data() + first, out);
        stored += now;
        out += now;
        pixels -= now;
        start = start + 1 == kRandoms ? 0 : start + 1;
    }
}

}  // namespace

void dequantize(const std::int32_t* stored, std::size_t pixels, const Quantization& q, float* out) {
    dequantize_any(stored, pixels, q, out);
}

void dequantize(const std::int32_t* stored, std::size_t pixels, const Quantization& q,
                double* out) {
    dequantize_any(stored, pixels, q, out);
}

}  // namespace galedge
