#include "slope.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "cells.hpp"
#include "kernels.hpp"

namespace galedge {

namespace {

constexpr std::int32_t kLeastCells = 16;             // along either side
constexpr std::int32_t kAcross = 8, kUp = 6;         // blocks of a row and of a column
constexpr std::size_t kMost = 2 * (kAcross + kUp), kLeast = 10;
constexpr int kRounds = 10;
constexpr double kReject = 4.685;  // Tukey's: 95 % efficient among normal errors
// Of the variance that places spread evenly over the image have: what those of the
// blocks must have along every direction.
constexpr double kSpread = 0.2 / 12;

// Place in the image, from -1/2 to 1/2, and median of a block.
struct Block {
    double x, y, value, weight;
};

// Cells of the border alone; the others stay as they are.
void average_border(const float* image, std::int64_t width, const Cells& cells, std::int32_t border,
                    bool complete, SlopeScratch& s) {
    const std::int64_t nx = cells.nx, ny = cells.ny, step = cells.step;
    s.grid.resize(static_cast<std::size_t>(nx * ny));
    const auto part = [&](std::int64_t x, std::int64_t y, std::int64_t w, std::int64_t h) {
        const Cells some{step, static_cast<std::int32_t>(w), static_cast<std::int32_t>(h)};
        average_cells(image + (y * width + x) * step, width, some, complete,
                      s.grid.data() + y * nx + x, nx, s.row);
    };
    part(0, 0, nx, border);
    part(0, ny - border, nx, border);
    part(0, border, border, ny - 2 * border);
    part(nx - border, border, border, ny - 2 * border);
}

class Blocks {
public:
    Blocks(const Cells& cells, SlopeScratch& scratch) : cells_(cells), s_(scratch) {}

    // Cells x0 <= x < x1 of the rows y0 <= y < y1; left out where few of them are valid.
    void add(std::int32_t x0, std::int32_t x1, std::int32_t y0, std::int32_t y1) {
        s_.block.clear();
        for (std::int32_t y = y0; y < y1; ++y) {
            const float* row = s_.grid.data() + static_cast<std::ptrdiff_t>(y) * cells_.nx;
            for (std::int32_t x = x0; x < x1; ++x) {
                if (std::isfinite(row[x])) s_.block.push_back(row[x]);
            }
        }
        const std::size_t n = s_.block.size();
        if (n < 4 || 4 * n < static_cast<std::size_t>((x1 - x0) * (y1 - y0))) return;
        const double x = 0.5 * (x0 + x1 - cells_.nx) / cells_.nx;
        const double y = 0.5 * (y0 + y1 - cells_.ny) / cells_.ny;
        all[count++] = {x, y, kernels::ranked(s_.block, n / 2, s_.keys), 1};
    }

    std::array<Block, kMost> all;
    std::size_t count = 0;

private:
    const Cells& cells_;
    SlopeScratch& s_;
};

double median(std::array<double, kMost>& values, std::size_t n) {
    std::nth_element(values.begin(), values.begin() + n / 2, values.begin() + n);
    return values[n / 2];
}

struct Plane {
    double level, x, y;
    bool known;
};

// Weighted least squares.
Plane fit(const Blocks& blocks) {
    double w = 0, mx = 0, my = 0, mv = 0;
    for (std::size_t i = 0; i < blocks.count; ++i) {
        const Block& b = blocks.all[i];
        w += b.weight, mx += b.weight * b.x, my += b.weight * b.y, mv += b.weight * b.value;
    }
    mx /= w, my /= w, mv /= w;
    double xx = 0, xy = 0, yy = 0, xv = 0, yv = 0;
    for (std::size_t i = 0; i < blocks.count; ++i) {
        const Block& b = blocks.all[i];
        const double x = b.x - mx, y = b.y - my, v = b.value - mv;
        xx += b.weight * x * x, xy += b.weight * x * y, yy += b.weight * y * y;
        xv += b.weight * x * v, yv += b.weight * y * v;
    }
    // The smaller variance along any direction.
    const double least = 0.5 * (xx + yy - std::hypot(xx - yy, 2 * xy));
    if (!(least > kSpread * w)) return {0, 0, 0, false};
    const double determinant = xx * yy - xy * xy;
    const double gx = (yy * xv - xy * yv) / determinant, gy = (xx * yv - xy * xv) / determinant;
    return {mv - gx * mx - gy * my, gx, gy, true};
}

}  // namespace

Slope border_slope(const float* image, std::int64_t width, std::int64_t height, bool complete,
                   SlopeScratch& s) {
    const Cells cells = cells_of(width, height);
    const std::int32_t nx = cells.nx, ny = cells.ny;
    if (std::min(nx, ny) < kLeastCells) return {};
    const std::int32_t border = std::min(nx, ny) / 8;
    average_border(image, width, cells, border, complete, s);
    Blocks blocks(cells, s);
    for (std::int32_t i = 0; i < kAcross; ++i) {
        const std::int32_t from = i * nx / kAcross, to = (i + 1) * nx / kAcross;
        blocks.add(from, to, 0, border);
        blocks.add(from, to, ny - border, ny);
    }
    const std::int32_t inner = ny - 2 * border;
    for (std::int32_t i = 0; i < kUp; ++i) {
        const std::int32_t from = border + i * inner / kUp, to = border + (i + 1) * inner / kUp;
        blocks.add(0, border, from, to);
        blocks.add(nx - border, nx, from, to);
    }
    const std::size_t n = blocks.count;
    if (n < kLeast) return {};

    std::array<double, kMost> sorted{};
    for (std::size_t i = 0; i < n; ++i) sorted[i] = blocks.all[i].value;
    const double middle = median(sorted, n);  // so that a pedestal costs no digits
    for (std::size_t i = 0; i < n; ++i) blocks.all[i].value -= middle;
    Plane plane = fit(blocks);
    for (int round = 0; round < kRounds && plane.known; ++round) {
        const auto residual = [&plane](const Block& b) {
            return std::fabs(b.value - plane.level - plane.x * b.x - plane.y * b.y);
        };
        for (std::size_t i = 0; i < n; ++i) sorted[i] = residual(blocks.all[i]);
        const double limit = kReject * 1.4826 * median(sorted, n);
        if (!(limit > 0)) break;  // most of them lie in a plane
        for (std::size_t i = 0; i < n; ++i) {
            const double off = residual(blocks.all[i]) / limit, kept = 1 - off * off;
            blocks.all[i].weight = off < 1 ? kept * kept : 0;
        }
        const Plane next = fit(blocks);
        if (!next.known) break;
        plane = next;
    }
    const double wide = static_cast<double>(cells.step) * nx;
    const double high = static_cast<double>(cells.step) * ny;
    return {plane.x / wide, plane.y / high};
}

}  // namespace galedge
