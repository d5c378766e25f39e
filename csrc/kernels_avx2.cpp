// The kernels for avx2.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels.hpp"

#if defined(__x86_64__)
// Standard headers stay outside: their inline functions must not be compiled
// for a processor that the rest of the program may not have.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#define GALEDGE_KERNELS avx2
#define GALEDGE_KERNELS_NAME kAvx2

namespace galedge {
namespace avx2 {
#include "kernels.inl"
}  // namespace galedge

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
