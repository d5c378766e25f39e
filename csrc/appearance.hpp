// How a prepared picture looks: in sums of whole numbers, the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace galedge {

struct Appearance {
    double sharpness;                // log2 of details' power over that of coarser ones
    double colour_red, colour_blue;  // log2 of light over the middle band's
    double tilt_x, tilt_y;           // light of the farther half less that of the nearer
};

// planes[3 * side * side], side being 8 or more. Every number is finite.
Appearance appearance(const std::uint8_t* planes, std::size_t side,
                      std::vector<std::uint16_t>& buffer);

}  // namespace galedge
