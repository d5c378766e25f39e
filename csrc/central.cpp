#include "central.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "cells.hpp"

namespace galedge {
namespace {

// A source may sit this far from the centre of the image, in units of its
// longer side: the standard deviation of the preference for central ones.
constexpr double kCentral = 0.12;
constexpr double kSymmetric = 0.6;   // below this share of symmetric cells: a neighbour
constexpr double kSignificant = 5;   // signal-to-noise that a source must have
constexpr float kBright = 30;        // where a bright star stops gaining preference
constexpr double kPassing = 0.05;    // see passes_edges
constexpr std::int32_t kFew = 5, kMany = 15;  // see is_field
constexpr double kQuantile = 0.985;  // of the cells' distances: the isophote's radius

// Empty cells become sky, and are remembered. Returns whether there are any.
bool fill_empty_cells(const Cells& cells, bool sparse, FrameScratch& s) {
    const auto all = static_cast<std::int64_t>(s.grid.size());
    if (kernels::range(s.grid.data(), s.grid.size()).finite == all) return false;
    const Sky sky = sparse ? border_sky(s.grid.data(), cells.nx, cells.ny, s.sky, true)
                           : clipped_mode(s.grid.data(), s.grid.size(), s.sky);
    s.empty.resize(s.grid.size());
    for (std::size_t i = 0; i < s.grid.size(); ++i) {
        s.empty[i] = !std::isfinite(s.grid[i]);
        if (s.empty[i]) s.grid[i] = sky.level;
    }
    return true;
}

// The sky of the smoothed cells where some of them are none: filled ones have no noise.
Sky valid_cells_sky(const Cells& cells, bool sparse, FrameScratch& s) {
    s.valid = s.smooth;
    for (std::size_t i = 0; i < s.valid.size(); ++i) {
        if (s.empty[i]) s.valid[i] = std::numeric_limits<float>::quiet_NaN();
    }
    if (!sparse && !border_is_empty(s.valid.data(), cells.nx, cells.ny, s.sky)) {
        return border_sky(s.smooth.data(), cells.nx, cells.ny, s.sky);
    }
    return border_sky(s.valid.data(), cells.nx, cells.ny, s.sky, sparse);
}

// A Gaussian window over the cells, as one factor for each axis. From cell to cell
// it changes by a ratio, and that by a constant one: away from the centre, where
// both only shrink, products are as good as exponentials and many times faster.
void make_window(double cx, double cy, double spread, std::int32_t nx, std::int32_t ny,
                 FrameScratch& s) {
    const double sharp = 1 / (spread * spread), bend = std::exp(-sharp);
    const auto fill = [=](std::vector<double>& weight, std::int32_t n, double centre) {
        weight.resize(static_cast<std::size_t>(n));
        const double middle = std::clamp(std::round(centre), 0.0, n - 1.0), d = middle - centre;
        const auto start = static_cast<std::int32_t>(middle);
        const double top = std::exp(-0.5 * d * d * sharp);
        double value = top, ratio = std::exp(-(d + 0.5) * sharp);
        for (std::int32_t i = start; i < n; ++i, value *= ratio, ratio *= bend) weight[i] = value;
        value = top, ratio = std::exp((d - 0.5) * sharp);
        for (std::int32_t i = start; i >= 0; --i, value *= ratio, ratio *= bend) weight[i] = value;
    };
    fill(s.weight_x, nx, cx);
    fill(s.weight_y, ny, cy);
}

// Whether an image of `all` cells is a field and no cutout: many sources, none of which fills
// it. The more there are the larger may one be, up to a tenth of the image; of 6,495 pictures of
// galaxies none is one.
bool is_field(std::int64_t count, std::int64_t largest, std::int64_t all) {
    return 100 * largest < (std::min<std::int64_t>(count, kMany) - kFew) * all;
}

struct Central {
    std::int32_t cells = 0;  // of the central source
    bool field = false;
};

// The connected cells above `level` whose flux, weighted towards the centre,
// is largest: their runs end in s.source, their marks in s.inside, their number
// is returned. 0 when no source is significant.
Central central_source(std::int32_t nx, std::int32_t ny, Sky sky, float level, FrameScratch& s) {
    make_window(0.5 * (nx - 1), 0.5 * (ny - 1), kCentral * std::max(nx, ny), nx, ny, s);
    find_components(s.smooth.data(), nx, ny, level, s.runs, s.bits);
    s.sources.assign(s.runs.size(), {});
    s.light.resize(s.runs.size());
    kernels::light(s.light.data(), s.smooth.data(), static_cast<std::size_t>(nx), s.runs.data(),
                   s.runs.size(), s.weight_x.data(), sky.level, 1 / sky.noise, kBright);
    for (std::size_t r = 0; r < s.runs.size(); ++r) {
        const Run& run = s.runs[r];
        SourceSums& source = s.sources[run.root];
        source.flux += s.light[r].all;
        source.weight += s.light[r].weighed * s.weight_y[run.y];
        source.cells += run.x1 - run.x0;
    }
    double best = 0;
    std::int32_t best_root = -1;
    std::int32_t count = 0, largest = 0;
    for (std::size_t i = 0; i < s.sources.size(); ++i) {
        // Smoothing correlates neighbouring cells: the noise of a sum grows
        // about twice as fast as the square root of their number.
        const SourceSums& source = s.sources[i];
        const bool significant = source.flux > kSignificant * 2 * std::sqrt(source.cells);
        if (!significant) continue;
        ++count;
        largest = std::max(largest, source.cells);
        if (source.weight > best) {
            best = source.weight, best_root = static_cast<std::int32_t>(i);
        }
    }
    s.source.clear();
    if (best_root < 0) return {};
    s.inside.assign(s.smooth.size(), 0);
    for (const Run& run : s.runs) {
        if (run.root != best_root) continue;
        s.source.push_back(run);
        std::fill(&s.inside[run.y * nx + run.x0], &s.inside[run.y * nx] + run.x1, 1);
    }
    return {s.sources[best_root].cells, is_field(count, largest, std::int64_t{nx} * ny)};
}

// Moves (cx, cy) to the flux centroid of the source under a window that follows
// it and is a third as wide as the source, so that a neighbour at the rim pulls
// little.
void centroid(std::int32_t nx, std::int32_t ny, float sky, std::int32_t cells, double& cx,
              double& cy, FrameScratch& s) {
    const double spread = std::max(1.5, 0.33 * std::sqrt(cells / 3.1416));
    // The first look is half as wide as the preference for central sources.
    double reach = std::max(spread, 0.5 * kCentral * std::max(nx, ny));
    for (int round = 0; round < 6; ++round, reach = spread) {
        make_window(cx, cy, reach, nx, ny, s);
        const Weighed sum =
            kernels::weigh(s.smooth.data(), static_cast<std::size_t>(nx), s.source.data(),
                           s.source.size(), s.weight_x.data(), s.weight_y.data(), sky);
        const double total = sum.total, x = sum.along_x / total, y = sum.along_y / total;
        // Nothing under the window, or more than numbers hold: the last place stands.
        if (!(total > 0 && x > -1 && x < nx && y > -1 && y < ny)) return;
        const double moved = std::hypot(x - cx, y - cy);
        cx = x, cy = y;
        if (round > 0 && moved < 0.02) return;
    }
}

// The part of the source that is symmetric under a half turn about (cx, cy): its
// share of the cells, the cells at the image's edge, and the radius that holds
// all but a few. A cell whose mirror image lies outside the image counts, as
// nobody can tell.
struct Symmetric {
    double share = 0;
    std::int32_t at_edge = 0;
    double radius = 0;  // in cells
};

Symmetric symmetric_part(std::int32_t nx, std::int32_t ny, std::int32_t cells, double cx,
                         double cy, FrameScratch& s) {
    const auto twice_x = static_cast<std::int32_t>(std::lround(2 * cx));
    const auto twice_y = static_cast<std::int32_t>(std::lround(2 * cy));
    constexpr float kBinsPerCell = 8;
    s.radii.assign(static_cast<std::size_t>(kBinsPerCell * 1.5f * static_cast<float>(nx + ny)), 0);
    s.bins.resize(static_cast<std::size_t>(nx));
    Symmetric part;
    std::int32_t kept = 0;
    for (const Run& run : s.source) {
        // Copies, which no store can change.
        const std::int32_t y = run.y, x0 = run.x0, x1 = run.x1;
        const std::int32_t my = twice_y - y;
        const std::int32_t before = kept;
        const auto dy = static_cast<float>(y - cy);
        std::int32_t* bins = s.bins.data();
        kernels::rings(bins + x0, x0 - cx, dy, kBinsPerCell, static_cast<std::size_t>(x1 - x0));
        // Cells [from, to) have their mirror image in the image.
        std::int32_t from = x1, to = x1;
        const std::uint8_t* mirror = nullptr;
        if (my >= 0 && my < ny) {
            mirror = s.inside.data() + static_cast<std::ptrdiff_t>(my) * nx;
            from = std::clamp(twice_x - nx + 1, x0, x1);
            to = std::clamp(twice_x + 1, from, x1);
        }
        std::int32_t* radii = s.radii.data();
        for (std::int32_t x = x0; x < from; ++x) ++radii[bins[x]];
        for (std::int32_t x = from; x < to; ++x) {
            kept += mirror[twice_x - x];
            radii[bins[x]] += mirror[twice_x - x];
        }
        for (std::int32_t x = to; x < x1; ++x) ++radii[bins[x]];
        kept += (from - x0) + (x1 - to);
        const auto symmetric = [&](std::int32_t x) {
            return x < from || x >= to || mirror[twice_x - x];
        };
        if (y == 0 || y == ny - 1) {
            part.at_edge += kept - before;
        } else {
            part.at_edge += x0 == 0 && symmetric(0);
            part.at_edge += x1 == nx && nx > 1 && symmetric(nx - 1);
        }
    }
    part.share = static_cast<double>(kept) / cells;
    std::int32_t left = kept - static_cast<std::int32_t>(kQuantile * kept);
    std::size_t bin = s.radii.size() - 1;
    while (bin > 0 && (left -= s.radii[bin]) >= 0) --bin;
    // Half a cell from the centre of the outermost cell to its rim.
    part.radius = (static_cast<double>(bin) + 0.5) / kBinsPerCell + 0.5;
    return part;
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

Found find_central(const Scene& scene, FrameScratch& s) {
    const Cells cells = cells_of(scene.width, scene.height);
    const std::int64_t step = cells.step;
    const std::int32_t nx = cells.nx, ny = cells.ny;
    Found found;
    found.x = 0.5 * static_cast<double>(scene.width);
    found.y = 0.5 * static_cast<double>(scene.height);
    if (nx == 0) {
        found.flags = kNoSource;
        return found;
    }
    s.grid.resize(static_cast<std::size_t>(nx) * static_cast<std::size_t>(ny));
    average_cells(scene.image, scene.width, cells, scene.complete, s.grid.data(), nx, s.row);
    const bool lacking = fill_empty_cells(cells, scene.sparse, s);
    s.smooth.resize(s.grid.size());
    s.row.resize(static_cast<std::size_t>(nx) + 2);
    kernels::smooth(s.smooth.data(), s.grid.data(), static_cast<std::size_t>(nx),
                    static_cast<std::size_t>(ny), s.row.data());
    const Sky sky = lacking ? valid_cells_sky(cells, scene.sparse, s)
                            : border_sky(s.smooth.data(), nx, ny, s.sky);
    const Range range = kernels::range(s.smooth.data(), s.smooth.size());
    // Noise-free images have an isophote too: a ten-thousandth of their range.
    const auto height_in_noise = static_cast<float>(scene.threshold);
    const float noise = std::max(sky.noise, (range.high - range.low) * 1e-4f / height_in_noise);
    const float level = sky.level + height_in_noise * noise;

    const auto [size, field] = central_source(nx, ny, {sky.level, noise}, level, s);
    if (size == 0) {
        found.flags = kNoSource;
        return found;
    }
    if (lacking && scene.sparse) {  // what lies where nobody can see is as if outside
        for (std::size_t i = 0; i < s.empty.size(); ++i) s.inside[i] |= s.empty[i];
    }
    double cx = 0.5 * (nx - 1), cy = 0.5 * (ny - 1);
    centroid(nx, ny, sky.level, size, cx, cy, s);
    const Symmetric part = symmetric_part(nx, ny, size, cx, cy, s);
    found.x = (cx + 0.5) * static_cast<double>(step);
    found.y = (cy + 0.5) * static_cast<double>(step);
    found.diameter = 2 * part.radius * static_cast<double>(step);
    if (part.share < kSymmetric) found.flags |= kNeighbour;
    const float centre = s.smooth[static_cast<std::int32_t>(std::lround(cy)) * nx +
                                  static_cast<std::int32_t>(std::lround(cx))];
    // Of a source near an edge that is small beside the image, most of that edge is sky.
    const double nearest = std::min({cx + 0.5, nx - cx - 0.5, cy + 0.5, ny - cy - 0.5});
    const bool cut = part.at_edge > 0 && 2 * nearest < part.radius;
    if (cut || part.at_edge > std::max(nx, ny) / 4 || passes_edges(nx, ny, centre, s)) {
        found.flags |= kCropped;
    }
    if (found.diameter < 10) found.flags |= kSmall;
    if (field) found.flags |= kManySources;
    return found;
}

}  // namespace galedge
