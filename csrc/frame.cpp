#include "frame.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels.hpp"

namespace galedge {

namespace {

constexpr std::int64_t kCells = 96;
// A source may sit this far from the centre of the image, in units of its
// longer side: the standard deviation of the preference for central ones.
constexpr double kCentral = 0.12;
constexpr double kSymmetric = 0.6;   // below this share of symmetric cells: a neighbour
constexpr double kSignificant = 5;   // signal-to-noise that a source must have
constexpr double kBright = 30;       // where a bright star stops gaining preference
constexpr double kPassing = 0.05;    // see passes_edges
constexpr double kQuantile = 0.985;  // of the cells' distances: the isophote's radius

// Averages factor x factor pixels into cells, ignoring non-finite pixels. An
// empty cell becomes NaN. A remainder at the right and top edge is left out.
void average_cells(const float* image, std::int64_t width, std::int64_t factor, std::int64_t nx,
                   std::int64_t ny, FrameScratch& s) {
    const Kernels& k = kernels();
    const auto columns = static_cast<std::size_t>(nx * factor);
    s.grid.resize(static_cast<std::size_t>(nx * ny));
    s.row.resize(2 * columns);
    float *sums = s.row.data(), *weights = s.row.data() + columns;
    for (std::int64_t cy = 0; cy < ny; ++cy) {
        std::fill(s.row.begin(), s.row.end(), 0.0f);
        for (std::int64_t y = cy * factor; y < (cy + 1) * factor; ++y) {
            k.accumulate_masked(sums, weights, image + y * width, 1.0f, columns);
        }
        for (std::int64_t cx = 0; cx < nx; ++cx) {
            float sum = 0, weight = 0;
            for (std::int64_t i = cx * factor; i < (cx + 1) * factor; ++i) {
                sum += sums[i];
                weight += weights[i];
            }
            s.grid[cy * nx + cx] =
                weight > 0 ? sum / weight : std::numeric_limits<float>::quiet_NaN();
        }
    }
}

// Empty cells become sky.
void fill_empty_cells(FrameScratch& s) {
    const auto cells = static_cast<std::int64_t>(s.grid.size());
    if (kernels().range(s.grid.data(), s.grid.size()).finite == cells) return;
    const float sky = clipped_mode(s.grid.data(), s.grid.size(), s.sky).level;
    for (float& v : s.grid) {
        if (!std::isfinite(v)) v = sky;
    }
}

// 3x3 binomial smoothing with repeated edges.
void smooth_cells(std::int32_t nx, std::int32_t ny, FrameScratch& s) {
    s.smooth.resize(s.grid.size());
    s.row.resize(static_cast<std::size_t>(nx) + 2);
    for (std::int32_t y = 0; y < ny; ++y) {
        const float* mid = &s.grid[y * nx];
        const float* down = &s.grid[std::max(0, y - 1) * nx];
        const float* up = &s.grid[std::min(ny - 1, y + 1) * nx];
        float* column = s.row.data() + 1;
        for (std::int32_t x = 0; x < nx; ++x) column[x] = down[x] + 2 * mid[x] + up[x];
        column[-1] = column[0];
        column[nx] = column[nx - 1];
        float* out = &s.smooth[y * nx];
        for (std::int32_t x = 0; x < nx; ++x) {
            out[x] = (column[x - 1] + 2 * column[x] + column[x + 1]) / 16;
        }
    }
}

// A Gaussian window over the cells, as one factor for each axis.
void make_window(double cx, double cy, double spread, std::int32_t nx, std::int32_t ny,
                 FrameScratch& s) {
    const auto fill = [spread](std::vector<double>& weight, std::int32_t n, double centre) {
        weight.resize(static_cast<std::size_t>(n));
        for (std::int32_t i = 0; i < n; ++i) {
            const double d = (i - centre) / spread;
            weight[i] = std::exp(-0.5 * d * d);
        }
    };
    fill(s.weight_x, nx, cx);
    fill(s.weight_y, ny, cy);
}

// The connected cells above `level` whose flux, weighted towards the centre,
// is largest; they end in s.cells, marked with one label in s.label, which is
// returned. 0 when no source is significant.
std::int32_t central_component(std::int32_t nx, std::int32_t ny, Sky sky, float level,
                               FrameScratch& s) {
    make_window(0.5 * (nx - 1), 0.5 * (ny - 1), kCentral * std::max(nx, ny), nx, ny, s);
    s.label.assign(s.smooth.size(), 0);
    double best = 0;
    std::int32_t best_label = 0, best_seed = 0, labels = 0;
    for (std::int32_t seed = 0; seed < nx * ny; ++seed) {
        if (s.label[seed] || !(s.smooth[seed] > level)) continue;
        ++labels;
        double weight = 0, flux = 0, cells = 0;
        s.stack.assign(1, seed);
        s.label[seed] = labels;
        while (!s.stack.empty()) {
            const std::int32_t at = s.stack.back(), y = at / nx, x = at - y * nx;
            s.stack.pop_back();
            const double f = (s.smooth[at] - sky.level) / sky.noise;
            flux += f, cells += 1;
            weight += std::min(f, kBright) * s.weight_x[x] * s.weight_y[y];
            for (std::int32_t v = std::max(0, y - 1); v <= std::min(ny - 1, y + 1); ++v) {
                for (std::int32_t u = std::max(0, x - 1); u <= std::min(nx - 1, x + 1); ++u) {
                    const std::int32_t next = v * nx + u;
                    if (s.label[next] || !(s.smooth[next] > level)) continue;
                    s.label[next] = labels;
                    s.stack.push_back(next);
                }
            }
        }
        // Smoothing correlates neighbouring cells: the noise of a sum grows
        // about twice as fast as the square root of their number.
        const bool significant = flux > kSignificant * 2 * std::sqrt(cells);
        if (significant && weight > best) best = weight, best_label = labels, best_seed = seed;
    }
    s.cells.clear();
    if (best_label == 0) return 0;
    for (std::int32_t y = best_seed / nx; y < ny; ++y) {
        for (std::int32_t x = 0; x < nx; ++x) {
            if (s.label[y * nx + x] == best_label) s.cells.push_back({x, y});
        }
    }
    return best_label;
}

// Moves (cx, cy) to the flux centroid of the source under a window that follows
// it and is a third as wide as the source, so that a neighbour at the rim pulls
// little.
void centroid(std::int32_t nx, std::int32_t ny, float sky, double& cx, double& cy,
              FrameScratch& s) {
    const double area = static_cast<double>(s.cells.size());
    const double spread = std::max(1.5, 0.33 * std::sqrt(area / 3.1416));
    // The first look is half as wide as the preference for central sources.
    double reach = std::max(spread, 0.5 * kCentral * std::max(nx, ny));
    for (int round = 0; round < 6; ++round, reach = spread) {
        make_window(cx, cy, reach, nx, ny, s);
        double total = 0, sum_x = 0, sum_y = 0;
        for (const auto [x, y] : s.cells) {
            const double weight = (s.smooth[y * nx + x] - sky) * s.weight_x[x] * s.weight_y[y];
            total += weight, sum_x += weight * x, sum_y += weight * y;
        }
        if (total <= 0) return;
        cx = sum_x / total, cy = sum_y / total;
    }
}

// Whether light of the source passes over the edges of the image: then the
// middles of the edges are brighter than the corners, which lie farther out, by
// more than kPassing of the central brightness. Medians of four let one
// neighbour by.
bool passes_edges(std::int32_t nx, std::int32_t ny, float centre, const FrameScratch& s) {
    const std::int32_t bx = std::max(1, nx / 8), by = std::max(1, ny / 8);
    const auto mean = [&](std::int32_t x0, std::int32_t y0, std::int32_t w, std::int32_t h) {
        double sum = 0;
        for (std::int32_t y = y0; y < y0 + h; ++y) {
            for (std::int32_t x = x0; x < x0 + w; ++x) sum += s.smooth[y * nx + x];
        }
        return sum / (w * h);
    };
    const auto median = [](std::array<double, 4> v) {
        std::sort(v.begin(), v.end());
        return 0.5 * (v[1] + v[2]);
    };
    const std::int32_t mx = (nx - bx) / 2, my = (ny - by) / 2;
    const double corners = median({mean(0, 0, bx, by), mean(nx - bx, 0, bx, by),
                                   mean(0, ny - by, bx, by), mean(nx - bx, ny - by, bx, by)});
    const double edges = median({mean(mx, 0, bx, by), mean(mx, ny - by, bx, by),
                                 mean(0, my, bx, by), mean(nx - bx, my, bx, by)});
    return edges - corners > kPassing * (centre - corners);
}

}  // namespace

Found find_central(const float* image, std::int64_t width, std::int64_t height, double threshold,
                   FrameScratch& s) {
    // A narrow strip gets more cells along it rather than cells wider than it.
    const std::int64_t step =
        std::min({(std::max(width, height) + kCells - 1) / kCells, width, height});
    const auto nx = static_cast<std::int32_t>(width / step);
    const auto ny = static_cast<std::int32_t>(height / step);
    average_cells(image, width, step, nx, ny, s);
    fill_empty_cells(s);
    smooth_cells(nx, ny, s);
    const Sky sky = border_sky(s.smooth.data(), nx, ny, s.sky);
    const Range range = kernels().range(s.smooth.data(), s.smooth.size());
    // Noise-free images have an isophote too: a ten-thousandth of their range.
    const auto height_in_noise = static_cast<float>(threshold);
    const float noise = std::max(sky.noise, (range.high - range.low) * 1e-4f / height_in_noise);
    const float level = sky.level + height_in_noise * noise;

    Found found;
    found.x = 0.5 * static_cast<double>(width), found.y = 0.5 * static_cast<double>(height);
    const std::int32_t own = central_component(nx, ny, {sky.level, noise}, level, s);
    if (own == 0) {
        found.flags = kNoSource;
        return found;
    }
    double cx = 0.5 * (nx - 1), cy = 0.5 * (ny - 1);
    centroid(nx, ny, sky.level, cx, cy, s);

    // Radius: of the cells whose mirror image through the centre belongs too,
    // or lies outside the image, where nobody can tell.
    std::vector<float>& radius = s.row;
    radius.clear();
    int at_edge = 0;
    for (const auto [x, y] : s.cells) {
        const auto mx = static_cast<std::int32_t>(std::lround(2 * cx - x));
        const auto my = static_cast<std::int32_t>(std::lround(2 * cy - y));
        const bool outside = mx < 0 || my < 0 || mx >= nx || my >= ny;
        if (!outside && s.label[my * nx + mx] != own) continue;
        at_edge += x == 0 || y == 0 || x == nx - 1 || y == ny - 1;
        radius.push_back(static_cast<float>((x - cx) * (x - cx) + (y - cy) * (y - cy)));
    }
    double cells = 0.5;  // a source is at least a cell
    if (!radius.empty()) {
        const auto last = static_cast<double>(radius.size() - 1);
        const auto q = radius.begin() + static_cast<std::ptrdiff_t>(kQuantile * last);
        std::nth_element(radius.begin(), q, radius.end());
        cells += std::sqrt(*q);
    }
    found.x = (cx + 0.5) * static_cast<double>(step);
    found.y = (cy + 0.5) * static_cast<double>(step);
    found.diameter = 2 * cells * static_cast<double>(step);
    const double symmetric =
        static_cast<double>(radius.size()) / static_cast<double>(s.cells.size());
    if (symmetric < kSymmetric) found.flags |= kNeighbour;
    const float centre = s.smooth[static_cast<std::int32_t>(std::lround(cy)) * nx +
                                  static_cast<std::int32_t>(std::lround(cx))];
    if (at_edge > std::max(nx, ny) / 4 || passes_edges(nx, ny, centre, s)) found.flags |= kCropped;
    if (found.diameter < 10) found.flags |= kSmall;
    return found;
}

Frame frame_around(const Found& found, std::int64_t width, std::int64_t height, double margin) {
    const auto w = static_cast<double>(width), h = static_cast<double>(height);
    // Without this a tiny source would become a frame of a few pixels.
    const double least = std::min(8.0, std::max(w, h));
    const double side = std::clamp(margin * found.diameter, least, std::max(w, h));
    const auto place = [side](double centre, double length) {
        const double start = centre - 0.5 * side;
        return side <= length ? std::clamp(start, 0.0, length - side) : 0.5 * (length - side);
    };
    return {place(found.x, w), place(found.y, h), side};
}

Frame centred_frame(std::int64_t width, std::int64_t height, double pixels) {
    const auto w = static_cast<double>(width), h = static_cast<double>(height);
    const double side = pixels > 0 ? pixels : std::min(w, h);
    return {0.5 * (w - side), 0.5 * (h - side), side};
}

}  // namespace galedge
