// Cells of a row that hang together: what an isophote is made of.
#pragma once

#include <cstdint>

namespace galedge {

struct Run {
    std::int32_t y, x0, x1;  // cells x0 <= x < x1 of row y
    std::int32_t root;       // index of the component's first run
};

}  // namespace galedge
