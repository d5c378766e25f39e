#include "pixels.hpp"

#include <cmath>

#include "compiler.hpp"
#include "isa.hpp"

namespace galedge {
namespace {

#define GALEDGE_KERNELS "pixels_kernels.inl"
#include "per_isa.inl"

template <class Out, bool Native>
void convert_best(const void* raw, std::size_t pixels, const Scaling& s, Out* out) {
    const auto* from = static_cast<const unsigned char*>(raw);
    auto* to = reinterpret_cast<unsigned char*>(out);
    GALEDGE_DISPATCH(convert_any<Out, Native>(from, pixels, s.bitpix, s.bscale, s.bzero,
                                              s.has_blank, s.blank, to))
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
    convert_best<float, false>(raw, pixels, scaling, out);
}

void convert(const std::uint8_t* raw, std::size_t pixels, const Scaling& scaling, double* out) {
    convert_best<double, false>(raw, pixels, scaling, out);
}

void convert_native(const void* raw, std::size_t pixels, const Scaling& scaling, float* out) {
    convert_best<float, true>(raw, pixels, scaling, out);
}

void convert_native(const void* raw, std::size_t pixels, const Scaling& scaling, double* out) {
    convert_best<double, true>(raw, pixels, scaling, out);
}

}  // namespace galedge
