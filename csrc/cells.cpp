#include "cells.hpp"

#include <algorithm>
#include <limits>

#include "kernels.hpp"

namespace galedge {

namespace {

constexpr std::int64_t kCells = 64, kMostCells = 4096;

}  // namespace

Cells cells_of(std::int64_t width, std::int64_t height) {
    // A narrow strip gets more cells along it rather than cells wider than it.
    const std::int64_t longer = std::max(width, height);
    const std::int64_t step = std::min({(longer + kCells - 1) / kCells, width, height});
    if (longer / step > kMostCells) return {step, 0, 0};
    return {step, static_cast<std::int32_t>(width / step), static_cast<std::int32_t>(height / step)};
}

void average_cells(const float* image, std::int64_t width, const Cells& cells, bool complete,
                   float* out, std::int64_t pitch, std::vector<float>& row) {
    const std::int64_t factor = cells.step, nx = cells.nx;
    const auto columns = static_cast<std::size_t>(nx * factor);
    row.resize(2 * columns);
    float *sums = row.data(), *weights = row.data() + columns;
    const auto whole = static_cast<float>(factor * factor);
    const auto wide = static_cast<std::size_t>(factor), across = static_cast<std::size_t>(nx);
    for (std::int64_t cy = 0; cy < cells.ny; ++cy) {
        const float* rows = image + cy * factor * width;
        float* means = out + cy * pitch;
        std::fill(sums, sums + columns, 0.0f);
        for (std::int64_t y = 0; y < factor; ++y) {
            kernels::accumulate(sums, rows + y * width, 1.0f, columns);
        }
        kernels::add_neighbours(means, sums, wide, across);
        for (std::int64_t cx = 0; cx < nx; ++cx) means[cx] /= whole;
        if (complete) continue;
        // A non-finite pixel shows in the sums; only such rows take the masked way.
        if (kernels::range(sums, columns).finite == static_cast<std::int64_t>(columns)) continue;
        std::fill(row.begin(), row.end(), 0.0f);
        for (std::int64_t y = 0; y < factor; ++y) {
            kernels::accumulate_masked(sums, weights, rows + y * width, 1.0f, columns);
        }
        kernels::add_neighbours(means, sums, wide, across);
        kernels::add_neighbours(sums, weights, wide, across);  // whose own are in the means
        for (std::int64_t cx = 0; cx < nx; ++cx) {
            means[cx] = sums[cx] > 0 ? means[cx] / sums[cx]
                                     : std::numeric_limits<float>::quiet_NaN();
        }
    }
}

}  // namespace galedge
