#include "appearance.hpp"

#include <algorithm>
#include <cmath>

namespace galedge {

namespace {

constexpr double kLeast = 0.01;  // of a square of grey levels: without detail some sharpness, too

// Sums of two by two values: 48 bytes are within 16 bits.
void halve(std::uint16_t* __restrict out, const std::uint16_t* __restrict light, std::size_t side) {
    const std::size_t half = side / 2;
    for (std::size_t y = 0; y < half; ++y) {
        const std::uint16_t *upper = light + 2 * y * side, *lower = upper + side;
        for (std::size_t x = 0; x < half; ++x) {
            out[y * half + x] = static_cast<std::uint16_t>(upper[2 * x] + upper[2 * x + 1] +
                                                           lower[2 * x] + lower[2 * x + 1]);
        }
    }
}

// The mean square of the Laplacian; 0 where there is no room for one.
double detail(const std::uint16_t* light, std::size_t side) {
    if (side < 3) return 0;
    std::int64_t sum = 0;
    for (std::size_t y = 1; y + 1 < side; ++y) {
        const std::uint16_t* row = light + y * side;
        for (std::size_t x = 1; x + 1 < side; ++x) {
            const std::int32_t found =
                4 * row[x] - row[x - 1] - row[x + 1] - row[x - side] - row[x + side];
            sum += static_cast<std::int64_t>(found) * found;
        }
    }
    return static_cast<double>(sum) / static_cast<double>((side - 2) * (side - 2));
}

// Light of one band in the centre; 1 more, for there may be none.
double central(const std::uint8_t* plane, std::size_t side, std::size_t first, std::size_t last) {
    std::uint32_t sum = 1;
    for (std::size_t y = first; y < last; ++y) {
        for (std::size_t x = first; x < last; ++x) sum += plane[y * side + x];
    }
    return sum;
}

}  // namespace

Appearance appearance(const std::uint8_t* planes, std::size_t side,
                      std::vector<std::uint16_t>& buffer) {
    const std::size_t pixels = side * side, whole = side / 4 * 4, half = whole / 2, cells = whole / 4;
    buffer.resize(whole * whole + half * half + cells * cells);
    std::uint16_t *light = buffer.data(), *two = light + whole * whole, *four = two + half * half;
    for (std::size_t y = 0; y < whole; ++y) {
        const std::uint8_t *red = planes + y * side, *green = red + pixels, *blue = green + pixels;
        for (std::size_t x = 0; x < whole; ++x) {
            light[y * whole + x] = static_cast<std::uint16_t>(red[x] + green[x] + blue[x]);
        }
    }
    halve(two, light, whole);
    halve(four, two, half);

    std::int64_t total = 0, across = 0, down = 0;
    const std::size_t middle = cells / 2, other = cells - middle;  // an odd one is in neither
    for (std::size_t y = 0; y < cells; ++y) {
        const std::uint16_t* row = four + y * cells;
        std::int64_t near = 0, all = 0, far = 0;
        for (std::size_t x = 0; x < middle; ++x) near += row[x], far += row[other + x];
        for (std::size_t x = 0; x < cells; ++x) all += row[x];
        across += far - near;
        down += y < middle ? -all : y >= other ? all : 0;
        total += all;
    }
    const auto sum = static_cast<double>(std::max<std::int64_t>(total, 1));

    const std::size_t first = whole * 3 / 8, last = whole * 5 / 8;
    const double green = central(planes + pixels, side, first, last);
    // A value of two by two pixels is of 12, one of four by four of 48.
    return {std::log2((detail(two, half) / (12 * 12) + kLeast) /
                      (detail(four, cells) / (48 * 48) + kLeast)),
            std::log2(central(planes, side, first, last) / green),
            std::log2(central(planes + 2 * pixels, side, first, last) / green),
            static_cast<double>(across) / sum, static_cast<double>(down) / sum};
}

}  // namespace galedge
