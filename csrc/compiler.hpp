// What compilers call differently, each once. GCC's own words are used as they are, by
// Clang too and by its face for MSVC, clang-cl; where a compiler lacks them, they are
// given here in standard C++. -DGALEDGE_STANDARD_CPP takes these everywhere: a way to
// try on any machine what MSVC compiles.
#pragma once

#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#if (defined(__GNUC__) || defined(__clang__)) && !defined(GALEDGE_STANDARD_CPP)
#define GALEDGE_GNU 1
#else
#define GALEDGE_GNU 0

namespace galedge {

// The bits below the first one, from the left and from the right; `bits` is not 0.
inline int leading_zeros(std::uint64_t bits) {
    int zeros = 0;
    for (int half = 32; half != 0; half /= 2) {
        if (bits >> (64 - half) == 0) bits <<= half, zeros += half;
    }
    return zeros;
}

inline int trailing_zeros(std::uint64_t bits) { return 63 - leading_zeros(bits & (0 - bits)); }

inline std::uint16_t byte_swap(std::uint16_t v) {
    return static_cast<std::uint16_t>(v << 8 | v >> 8);
}

inline std::uint32_t byte_swap(std::uint32_t v) {
    return v << 24 | (v & 0xFF00u) << 8 | (v >> 8 & 0xFF00u) | v >> 24;
}

inline std::uint64_t byte_swap(std::uint64_t v) {
    return static_cast<std::uint64_t>(byte_swap(static_cast<std::uint32_t>(v))) << 32 |
           byte_swap(static_cast<std::uint32_t>(v >> 32));
}

inline bool multiply(std::uint64_t a, std::uint64_t b, std::uint64_t* product) {
    *product = a * b;
    return b != 0 && a > std::numeric_limits<std::uint64_t>::max() / b;
}

// N numbers side by side, which GCC has as a type.
template <class T, std::size_t N>
struct Lanes {
    T of[N];

    T operator[](std::size_t i) const { return of[i]; }
    Lanes& operator+=(const Lanes& b) { return *this = *this + b; }
    Lanes& operator+=(T b) { return *this = *this + b; }

#define GALEDGE_LANES(op)                                             \
    friend Lanes operator op(const Lanes& a, const Lanes& b) {        \
        Lanes out;                                                    \
        for (std::size_t i = 0; i < N; ++i) out.of[i] = a[i] op b[i]; \
        return out;                                                   \
    }                                                                 \
    friend Lanes operator op(const Lanes& a, T b) {                   \
        Lanes out;                                                    \
        for (std::size_t i = 0; i < N; ++i) out.of[i] = a[i] op b;    \
        return out;                                                   \
    }
    GALEDGE_LANES(+)
    GALEDGE_LANES(-)
    GALEDGE_LANES(*)
#undef GALEDGE_LANES
};

template <class To, class From, std::size_t N>
Lanes<To, N> converted(const Lanes<From, N>& from, const Lanes<To, N>*) {
    Lanes<To, N> out;
    for (std::size_t i = 0; i < N; ++i) out.of[i] = static_cast<To>(from[i]);
    return out;
}

}  // namespace galedge

#define __builtin_bswap16(v) ::galedge::byte_swap(static_cast<std::uint16_t>(v))
#define __builtin_bswap32(v) ::galedge::byte_swap(static_cast<std::uint32_t>(v))
#define __builtin_bswap64(v) ::galedge::byte_swap(static_cast<std::uint64_t>(v))
#define __builtin_clzll(v) ::galedge::leading_zeros(v)
#define __builtin_ctzll(v) ::galedge::trailing_zeros(v)
#define __builtin_convertvector(v, Type) \
    ::galedge::converted(v, static_cast<const Type*>(nullptr))
#define __builtin_copysignf(a, b) std::copysign(a, b)
#define __builtin_expect(what, likely) (what)
#define __builtin_fabsf(v) std::fabs(v)
#define __builtin_inff() std::numeric_limits<float>::infinity()
#define __builtin_memcpy std::memcpy
#define __builtin_mul_overflow ::galedge::multiply
#define __builtin_nan(of) std::numeric_limits<double>::quiet_NaN()
#define __builtin_sqrtf(v) std::sqrt(v)

#endif

#if defined(_MSC_VER) && !defined(__clang__)  // of little-endian machines only
#define __ORDER_LITTLE_ENDIAN__ 1234
#define __BYTE_ORDER__ __ORDER_LITTLE_ENDIAN__
#define __FLT_MAX__ FLT_MAX
#endif
