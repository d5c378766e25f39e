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
// `stride` apart in memory, in units of one step. `work` holds 2 n.
void second_derivatives(const float* values, std::int64_t n, std::int64_t stride, float* out,
                        double* work) {
    double *upper = work, *right = work + n;
    upper[0] = right[0] = 0;
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

// Where pixels lie among mesh centres: each one's first node, and the weights of
// the values (a, b) and second derivatives (c, d) of that node and the next.
struct Places {
    std::vector<std::int64_t> node;
    std::vector<float> a, b, c, d;
};

Places places_of(std::int64_t pixels, std::int64_t size, std::int64_t nodes) {
    const auto n = static_cast<std::size_t>(pixels);
    Places p{std::vector<std::int64_t>(n, 0), std::vector<float>(n, 1.0f), std::vector<float>(n, 0.0f),
             std::vector<float>(n, 0.0f), std::vector<float>(n, 0.0f)};
    for (std::size_t i = 0; nodes > 1 && i < n; ++i) {
        const double at = (static_cast<double>(i) + 0.5) / static_cast<double>(size) - 0.5;
        p.node[i] = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(at)), 0, nodes - 2);
        const double b = at - static_cast<double>(p.node[i]), a = 1 - b;
        p.a[i] = static_cast<float>(a), p.b[i] = static_cast<float>(b);
        p.c[i] = static_cast<float>((a * a * a - a) / 6);
        p.d[i] = static_cast<float>((b * b * b - b) / 6);
    }
    return p;
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
    std::vector<double> work(static_cast<std::size_t>(2 * std::max(nx, ny)));
    for (std::int64_t x = 0; x < nx; ++x) {
        second_derivatives(&nodes[x], ny, nx, &bend_y[x], work.data());
    }
    const Places columns = places_of(width, size, nx), rows = places_of(height, size, ny);

    // A task is a band of rows, so that its buffers are made once.
    const std::int64_t band = 64;
    const auto bands = static_cast<std::size_t>((height + band - 1) / band);
    parallel_for(bands, threads, [&](std::size_t task, unsigned) {
        std::vector<float> row(static_cast<std::size_t>(nx) + 1), bend(row);
        std::vector<double> buffer(static_cast<std::size_t>(2 * nx));
        const std::int64_t first = static_cast<std::int64_t>(task) * band;
        for (std::int64_t y = first; y < std::min(height, first + band); ++y) {
            const std::int64_t below = rows.node[y] * nx, above = ny > 1 ? below + nx : below;
            for (std::int64_t x = 0; x < nx; ++x) {
                row[x] = rows.a[y] * nodes[below + x] + rows.b[y] * nodes[above + x] +
                         rows.c[y] * bend_y[below + x] + rows.d[y] * bend_y[above + x];
            }
            second_derivatives(row.data(), nx, 1, bend.data(), buffer.data());
            float* line = out + y * width;
            // Stretches of pixels between the same two nodes.
            for (std::int64_t x = 0; x < width;) {
                const std::int64_t node = columns.node[x];
                std::int64_t stop = x;
                while (stop < width && columns.node[stop] == node) ++stop;
                const float *a = &columns.a[x], *b = &columns.b[x];
                const float *c = &columns.c[x], *d = &columns.d[x];
                kernels::blend(line + x, a, b, c, d, row[node], row[node + 1], bend[node],
                               bend[node + 1], static_cast<std::size_t>(stop - x));
                x = stop;
            }
        }
    });
}

}  // namespace galedge
