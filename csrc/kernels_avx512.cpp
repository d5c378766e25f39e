// The kernels for avx512.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels.hpp"

#if defined(__x86_64__)
// Standard headers stay outside: their inline functions must not be compiled
// for a processor that the rest of the program may not have.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")
#endif

#define GALEDGE_KERNELS avx512
#define GALEDGE_KERNELS_NAME kAvx512

namespace galedge {
namespace avx512 {
#include "kernels.inl"
}  // namespace galedge

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
