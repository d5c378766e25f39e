#include "background.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "error.hpp"
#include "kernels.hpp"
#include "mesh.hpp"
#include "parallel.hpp"

namespace galedge {

namespace {

// Meshes without a value take the mean of the nearest ones with a value.
void fill_empty(Mesh& mesh) {
    const std::vector<float> level = mesh.level, noise = mesh.noise;
    for (std::int64_t y = 0; y < mesh.ny; ++y) {
        for (std::int64_t x = 0; x < mesh.nx; ++x) {
            const std::int64_t at = y * mesh.nx + x;
            if (std::isfinite(level[at])) continue;
            auto best = std::numeric_limits<std::int64_t>::max();
            float levels = 0, noises = 0, count = 0;
            for (std::int64_t v = 0; v < mesh.ny; ++v) {
                for (std::int64_t u = 0; u < mesh.nx; ++u) {
                    const std::int64_t distance = (u - x) * (u - x) + (v - y) * (v - y);
                    const std::int64_t from = v * mesh.nx + u;
                    if (distance > best || !std::isfinite(level[from])) continue;
                    if (distance < best) levels = noises = count = 0;
                    best = distance;
                    levels += level[from], noises += noise[from], ++count;
                }
            }
            mesh.level[at] = levels / count, mesh.noise[at] = noises / count;
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

// A sixth of the second derivatives, at n equidistant nodes `stride` apart in
// memory, of the curve that SExtractor puts through them: a natural cubic spline,
// but for a sixth already taken while substituting back. `work` holds 2 n.
void bend(const float* values, std::int64_t n, std::int64_t stride, float* out, double* work) {
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
        next = inner ? (right[i] - upper[i] * next) / 6 : 0;
        out[i * stride] = static_cast<float>(next);
    }
}

// Along each row of nodes.
std::vector<float> bend_rows(const std::vector<float>& nodes, std::int64_t nx,
                                 std::int64_t ny) {
    std::vector<float> bends(nodes.size());
    std::vector<double> work(static_cast<std::size_t>(2 * nx));
    for (std::int64_t y = 0; y < ny; ++y) {
        bend(&nodes[y * nx], nx, 1, &bends[y * nx], work.data());
    }
    return bends;
}

// The node before a place among `nodes` of them, for which there is a next one.
std::int64_t node_before(double place, std::int64_t nodes) {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(place)), 0,
                                    std::max<std::int64_t>(0, nodes - 2));
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
    threads = static_cast<unsigned>(std::clamp<std::size_t>(meshes, 1, std::max(1u, threads)));
    std::vector<MeshScratch> scratch(threads);
    parallel_for(meshes, threads, [&](std::size_t i, unsigned worker) {
        const std::int64_t x0 = static_cast<std::int64_t>(i) % mesh.nx * size;
        const std::int64_t y0 = static_cast<std::int64_t>(i) / mesh.nx * size;
        const std::int64_t w = std::min(size, width - x0), h = std::min(size, height - y0);
        const Sky sky = mesh_mode(image + y0 * width + x0, width, w, h, scratch[worker]);
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
    // Bends are linear in the nodes: those of a row between two rows of nodes lie
    // between theirs, and nothing is solved for a row of pixels.
    std::vector<float> bend_y(nodes.size());
    std::vector<double> work(static_cast<std::size_t>(2 * ny));
    for (std::int64_t x = 0; x < nx; ++x) {
        bend(&nodes[x], ny, nx, &bend_y[x], work.data());
    }
    // Along a single row of nodes, SExtractor draws straight lines.
    const std::vector<float> bend_x =
        ny > 1 ? bend_rows(nodes, nx, ny) : std::vector<float>(nodes.size(), 0.0f);
    const std::vector<float> bend_xy = bend_rows(bend_y, nx, ny);

    // Pixels between the same two nodes share a cubic, of their distance from the
    // first of them.
    std::vector<float> distance(static_cast<std::size_t>(width));
    std::vector<std::int64_t> stops(static_cast<std::size_t>(std::max<std::int64_t>(1, nx - 1)));
    const double per_pixel = 1 / static_cast<double>(size);
    for (std::int64_t x = 0; x < width; ++x) {
        const double place = (static_cast<double>(x) + 0.5) * per_pixel - 0.5;
        const std::int64_t node = node_before(place, nx);
        distance[x] = static_cast<float>(place - static_cast<double>(node));
        stops[node] = x + 1;
    }

    // A task is a band of rows, so that its buffers are made once.
    const std::int64_t band = 64;
    const auto bands = static_cast<std::size_t>((height + band - 1) / band);
    parallel_for(bands, threads, [&](std::size_t task, unsigned) {
        std::vector<float> row(static_cast<std::size_t>(nx) + 1), bent(row);
        std::vector<Cubic> cubics(stops.size());
        const std::int64_t first = static_cast<std::int64_t>(task) * band;
        for (std::int64_t y = first; y < std::min(height, first + band); ++y) {
            // As in SExtractor, without the half pixel that columns have.
            const double place = static_cast<double>(y) * per_pixel - 0.5;
            const std::int64_t node = node_before(place, ny);
            const std::int64_t below = node * nx, above = ny > 1 ? below + nx : below;
            const double b = ny > 1 ? place - static_cast<double>(node) : 0, a = 1 - b;
            const double c = a * a * a - a, d = b * b * b - b;
            const auto between = [&](const std::vector<float>& v, const std::vector<float>& bends,
                                     std::int64_t x) {
                return static_cast<float>(a * v[below + x] + b * v[above + x] +
                                          c * bends[below + x] + d * bends[above + x]);
            };
            for (std::int64_t x = 0; x < nx; ++x) {
                row[x] = between(nodes, bend_y, x);
                bent[x] = between(bend_x, bend_xy, x);
            }
            if (nx == 1) row[1] = row[0];
            for (std::size_t i = 0; i < cubics.size(); ++i) {
                const float p = row[i], q = row[i + 1], r = bent[i], s = bent[i + 1];
                cubics[i] = {p, (q - p) - (2 * r + s), 3 * r, s - r};
            }
            kernels::cubics(out + y * width, distance.data(), cubics.data(), stops.data(),
                            cubics.size());
        }
    });
}

}  // namespace galedge
