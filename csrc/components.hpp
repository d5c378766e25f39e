// Connected components of a thresholded grid, as runs of cells.
//
// One pass over the rows with union-find (Rosenfeld & Pfaltz 1966, J. ACM 13,
// 471) on runs instead of cells: a galaxy is some dozens of runs.
#pragma once

#include <cstdint>
#include <vector>

#include "run.hpp"

namespace galedge {

// Fills `runs`, in reading order, with all cells above `level`; cells that
// touch, also at a corner, share a root. `bits` is scratch.
void find_components(const float* grid, std::int32_t nx, std::int32_t ny, float level,
                     std::vector<Run>& runs, std::vector<std::uint64_t>& bits);

}  // namespace galedge
