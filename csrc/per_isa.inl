// Includes the file named by GALEDGE_KERNELS once per instruction set, each
// time in a namespace of its own. Such a file has no includes and calls no
// library: a function shared with another translation unit must not be
// compiled for a newer processor.

namespace baseline {
#include GALEDGE_KERNELS
}

#if defined(__x86_64__) && GALEDGE_GNU
#define GALEDGE_X86_VARIANTS 1
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,lzcnt")
#endif
namespace avx2 {
#include GALEDGE_KERNELS
}
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push( \
    __attribute__((target("avx2,bmi,bmi2,lzcnt,avx512f,avx512bw,avx512dq,avx512vl"))), \
    apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,lzcnt,avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")
#endif
namespace avx512 {
#include GALEDGE_KERNELS
}
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

// GALEDGE_DISPATCH(f(x)) calls the best of baseline::f(x), avx2::f(x), avx512::f(x).
#ifdef GALEDGE_X86_VARIANTS
#define GALEDGE_DISPATCH(...)                                    \
    switch (::galedge::isa()) {                                  \
        case ::galedge::Isa::Avx512: return avx512::__VA_ARGS__; \
        case ::galedge::Isa::Avx2: return avx2::__VA_ARGS__;     \
        default: return baseline::__VA_ARGS__;                   \
    }
#else
#define GALEDGE_DISPATCH(...) return baseline::__VA_ARGS__;
#endif
