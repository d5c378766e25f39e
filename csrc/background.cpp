#include "background.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "error.hpp"
#include "kernels.hpp"
#include "parallel.hpp"

namespace galedge {

namespace {

// Meshes without a value take that of the nearest one with a value.
void fill_empty(Mesh& mesh) {
    const std::vector<float> level = mesh.level, noise = mesh.noise;
    for (std::int64_t y = 0; y < mesh.ny; ++y) {
        for (std::int64_t x = 0; x < mesh.nx; ++x) {
            const std::int64_t at = y * mesh.nx + x;
            if (std::isfinite(level[at])) continue;
            auto best = std::numeric_limits<std::int64_t>::max();
            for (std::int64_t v = 0; v < mesh.ny; ++v) {
                for (std::int64_t u = 0; u < mesh.nx; ++u) {
                    const std::int64_t distance = (u - x) * (u - x) + (v - y) * (v - y);
                    if (distance >= best || !std::isfinite(level[v * mesh.nx + u])) continue;
                    best = distance;
                    mesh.level[at] = level[v * mesh.nx + u];
                    mesh.noise[at] = noise[v * mesh.nx + u];
                }
            }
        }
    }
}

void median_filter(std::vector<float>& values, std::int64_t nx, std::int64_t ny, int width) {
    const std::vector<float> from = values;
    const std::int64_t half = width / 2;
    std::vector<float> window;
    for (std::int64_t y = 0; y < ny; ++y) {
        const std::int64_t reach_y = std::min({half, y, ny - 1 - y});
        for (std::int64_t x = 0; x < nx; ++x) {
            const std::int64_t reach_x = std::min({half, x, nx - 1 - x});
            window.clear();
            for (std::int64_t v = y - reach_y; v <= y + reach_y; ++v) {
                const float* row = from.data() + v * nx;
                window.insert(window.end(), row + x - reach_x, row + x + reach_x + 1);
            }
            const auto middle = window.begin() + static_cast<std::ptrdiff_t>(window.size() / 2);
            std::nth_element(window.begin(), middle, window.end());
            values[y * nx + x] = *middle;
        }
    }
}

// Second derivatives of the natural cubic spline through n equidistant values,
// `stride` apart in memory, in units of one step.
void second_derivatives(const float* values, std::int64_t n, std::int64_t stride, float* out) {
    std::vector<double> upper(static_cast<std::size_t>(n), 0.0), right(upper);
    for (std::int64_t i = 1; i + 1 < n; ++i) {
        const double rise = values[(i + 1) * stride] - 2.0 * values[i * stride] +
                            values[(i - 1) * stride];
        const double pivot = 4 - upper[i - 1];
        upper[i] = 1 / pivot;
        right[i] = (6 * rise - right[i - 1]) / pivot;
    }
    double next = 0;
    for (std::int64_t i = n - 1; i >= 0; --i) {
        const bool inner = i > 0 && i + 1 < n;
        next = inner ? right[i] - upper[i] * next : 0;
        out[i * stride] = static_cast<float>(next);
    }
}

// Where a pixel lies among mesh centres: the segment's first node and the
// weights of both nodes' values and second derivatives.
struct Segment {
    std::int64_t node = 0;
    float a = 1, b = 0, c = 0, d = 0;
};

Segment segment_of(std::int64_t pixel, std::int64_t size, std::int64_t nodes) {
    if (nodes == 1) return {};
    const double at = (static_cast<double>(pixel) + 0.5) / static_cast<double>(size) - 0.5;
    const auto node = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(at)), 0, nodes - 2);
    const double b = at - static_cast<double>(node), a = 1 - b;
    return {node, static_cast<float>(a), static_cast<float>(b),
            static_cast<float>((a * a * a - a) / 6), static_cast<float>((b * b * b - b) / 6)};
}

}  // namespace

Mesh measure_mesh(const float* image, std::int64_t width, std::int64_t height, std::int64_t size,
                  unsigned threads) {
    Mesh mesh;
    mesh.nx = (width + size - 1) / size;
    mesh.ny = (height + size - 1) / size;
    const auto meshes = static_cast<std::size_t>(mesh.nx * mesh.ny);
    mesh.level.resize(meshes);
    mesh.noise.resize(meshes);
    std::vector<SkyScratch> scratch(std::max(1u, threads));
    parallel_for(meshes, threads, [&](std::size_t i, unsigned worker) {
        const std::int64_t x0 = static_cast<std::int64_t>(i) % mesh.nx * size;
        const std::int64_t y0 = static_cast<std::int64_t>(i) / mesh.nx * size;
        const std::int64_t w = std::min(size, width - x0), h = std::min(size, height - y0);
        SkyScratch& s = scratch[worker];
        s.sample.clear();
        for (std::int64_t y = y0; y < y0 + h; ++y) {
            const float* row = image + y * width + x0;
            s.sample.insert(s.sample.end(), row, row + w);
        }
        const Range range = kernels::range(s.sample.data(), s.sample.size());
        const bool enough = 2 * range.finite >= w * h;
        const Sky sky = enough ? exact_clipped_mode(s.sample.data(), s.sample.size(), s)
                               : Sky{std::numeric_limits<float>::quiet_NaN(), 0};
        mesh.level[i] = sky.level;
        mesh.noise[i] = sky.noise;
    });
    const Range levels = kernels::range(mesh.level.data(), meshes);
    if (levels.finite == 0) {
        throw Error(ErrorKind::Blank, "no part of the frame has pixels to measure the sky in");
    }
    if (levels.finite != static_cast<std::int64_t>(meshes)) fill_empty(mesh);
    return mesh;
}

void filter_mesh(Mesh& mesh, int width) {
    if (width <= 1) return;
    median_filter(mesh.level, mesh.nx, mesh.ny, width);
    median_filter(mesh.noise, mesh.nx, mesh.ny, width);
}

void spline_mesh(const std::vector<float>& nodes, std::int64_t nx, std::int64_t ny,
                 std::int64_t size, std::int64_t width, std::int64_t height, float* out,
                 unsigned threads) {
    std::vector<float> bend_y(nodes.size());
    for (std::int64_t x = 0; x < nx; ++x) second_derivatives(&nodes[x], ny, nx, &bend_y[x]);
    std::vector<Segment> columns(static_cast<std::size_t>(width));
    for (std::int64_t x = 0; x < width; ++x) columns[x] = segment_of(x, size, nx);

    parallel_for(static_cast<std::size_t>(height), threads, [&](std::size_t y, unsigned) {
        const Segment s = segment_of(static_cast<std::int64_t>(y), size, ny);
        const std::int64_t below = s.node * nx, above = ny > 1 ? below + nx : below;
        std::vector<float> row(static_cast<std::size_t>(nx) + 1), bend(row);
        for (std::int64_t x = 0; x < nx; ++x) {
            row[x] = s.a * nodes[below + x] + s.b * nodes[above + x] + s.c * bend_y[below + x] +
                     s.d * bend_y[above + x];
        }
        second_derivatives(row.data(), nx, 1, bend.data());
        float* line = out + static_cast<std::int64_t>(y) * width;
        for (std::int64_t x = 0; x < width; ++x) {
            const Segment& c = columns[x];
            line[x] = c.a * row[c.node] + c.b * row[c.node + 1] + c.c * bend[c.node] +
                      c.d * bend[c.node + 1];
        }
    });
}

}  // namespace galedge
