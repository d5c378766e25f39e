#include "pixels.hpp"

#include <cmath>

#include "isa.hpp"

namespace galedge {
namespace {

namespace baseline {
#include "pixels_kernels.inl"
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define GALEDGE_X86_VARIANTS 1
#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {
#include "pixels_kernels.inl"
}
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")
namespace avx512 {
#include "pixels_kernels.inl"
}
#pragma GCC pop_options
#elif defined(__x86_64__) && defined(__clang__)
#define GALEDGE_X86_VARIANTS 1
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
namespace avx2 {
#include "pixels_kernels.inl"
}
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), \
                             apply_to = function)
namespace avx512 {
#include "pixels_kernels.inl"
}
#pragma clang attribute pop
#endif

template <class Out>
void convert_best(const std::uint8_t* raw, std::size_t pixels, const Scaling& s, Out* out) {
    auto* to = reinterpret_cast<unsigned char*>(out);
#ifdef GALEDGE_X86_VARIANTS
    switch (isa()) {
        case Isa::Avx512:
            return avx512::convert_any<Out>(raw, pixels, s.bitpix, s.bscale, s.bzero, s.has_blank,
                                            s.blank, to);
        case Isa::Avx2:
            return avx2::convert_any<Out>(raw, pixels, s.bitpix, s.bscale, s.bzero, s.has_blank,
                                          s.blank, to);
        case Isa::Baseline: break;
    }
#endif
    baseline::convert_any<Out>(raw, pixels, s.bitpix, s.bscale, s.bzero, s.has_blank, s.blank, to);
}

}  // namespace

Scaling Scaling::from(const Header& header, int bitpix) {
    Scaling scaling;
    scaling.bitpix = bitpix;
    scaling.bscale = header.real("BSCALE").value_or(1);
    scaling.bzero = header.real("BZERO").value_or(0);
    if (bitpix > 0) {
        // A BLANK that is no integer marks no pixel; it is ignored, as elsewhere.
        const auto blank = header.value("BLANK");
        if (blank && std::holds_alternative<std::int64_t>(*blank)) {
            scaling.has_blank = true;
            scaling.blank = std::get<std::int64_t>(*blank);
        }
    }
    return scaling;
}

void convert(const std::uint8_t* raw, std::size_t pixels, const Scaling& scaling, float* out) {
    convert_best(raw, pixels, scaling, out);
}

void convert(const std::uint8_t* raw, std::size_t pixels, const Scaling& scaling, double* out) {
    convert_best(raw, pixels, scaling, out);
}

}  // namespace galedge
