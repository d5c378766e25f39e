#include "rice.hpp"

#include "compiler.hpp"
#include "isa.hpp"

namespace galedge {
namespace {

#define GALEDGE_KERNELS "rice_kernels.inl"
#include "per_isa.inl"

}  // namespace

bool rice_decode(const std::uint8_t* in, std::size_t bytes, std::uint8_t* out, std::size_t pixels,
                 int block) {
    GALEDGE_DISPATCH(decode<std::uint8_t, 8, 3, 6>(in, bytes, out, pixels, block))
}

bool rice_decode(const std::uint8_t* in, std::size_t bytes, std::int16_t* out, std::size_t pixels,
                 int block) {
    GALEDGE_DISPATCH(decode<std::int16_t, 16, 4, 14>(in, bytes, out, pixels, block))
}

bool rice_decode(const std::uint8_t* in, std::size_t bytes, std::int32_t* out, std::size_t pixels,
                 int block) {
    GALEDGE_DISPATCH(decode<std::int32_t, 32, 5, 25>(in, bytes, out, pixels, block))
}

}  // namespace galedge
