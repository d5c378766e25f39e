#include "samples.hpp"

#include <cstring>

namespace galedge {
namespace {

template <class T>
T load_big(const std::uint8_t* bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) value = value << 8 | bytes[i];
    return static_cast<T>(value);
}

template <class T>
void to_native(const std::uint8_t* in, std::size_t pixels, bool shuffled, std::uint8_t* out) {
    if (shuffled) {
        for (std::size_t i = 0; i < pixels; ++i) {
            T value = 0;
            for (std::size_t b = 0; b < sizeof(T); ++b)
                value = static_cast<T>(static_cast<std::uint64_t>(value) << 8 | in[b * pixels + i]);
            std::memcpy(out + i * sizeof(T), &value, sizeof(T));
        }
        return;
    }
    for (std::size_t i = 0; i < pixels; ++i) {
        const T value = load_big<T>(in + i * sizeof(T));
        std::memcpy(out + i * sizeof(T), &value, sizeof(T));
    }
}

template <class From, class To>
void cast_loop(const std::uint8_t* in, std::size_t pixels, std::uint8_t* out) {
    for (std::size_t i = 0; i < pixels; ++i) {
        From from;
        std::memcpy(&from, in + i * sizeof(From), sizeof from);
        const To to = static_cast<To>(from);
        std::memcpy(out + i * sizeof(To), &to, sizeof to);
    }
}

template <class From>
void cast_from(const std::uint8_t* in, std::size_t pixels, int bitpix, std::uint8_t* out) {
    switch (bitpix) {
        case 8: return cast_loop<From, std::uint8_t>(in, pixels, out);
        case 16: return cast_loop<From, std::int16_t>(in, pixels, out);
        case 32: return cast_loop<From, std::int32_t>(in, pixels, out);
        case 64: return cast_loop<From, std::int64_t>(in, pixels, out);
        case -32: return cast_loop<From, float>(in, pixels, out);
        default: return cast_loop<From, double>(in, pixels, out);
    }
}

}  // namespace

void to_native(const std::uint8_t* in, std::size_t size, std::size_t pixels, bool shuffled,
               std::uint8_t* out) {
    switch (size) {
        case 1: std::memcpy(out, in, pixels); break;
        case 2: to_native<std::uint16_t>(in, pixels, shuffled, out); break;
        case 4: to_native<std::uint32_t>(in, pixels, shuffled, out); break;
        default: to_native<std::uint64_t>(in, pixels, shuffled, out); break;
    }
}

void cast_samples(const std::uint8_t* in, int from, std::size_t pixels, int to, std::uint8_t* out) {
    switch (from) {
        case 8: return cast_from<std::uint8_t>(in, pixels, to, out);
        case 16: return cast_from<std::int16_t>(in, pixels, to, out);
        case 32: return cast_from<std::int32_t>(in, pixels, to, out);
        case 64: return cast_from<std::int64_t>(in, pixels, to, out);
        case -32: return cast_loop<float, double>(in, pixels, out);
        default: return cast_loop<double, float>(in, pixels, out);
    }
}

}  // namespace galedge
