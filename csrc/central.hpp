// Where the galaxy is and how large: the central source's isophote.
//
// The image is averaged into a coarse grid of at most 64 cells a side and
// smoothed, which is where a galaxy's faint outskirts stand out from the noise;
// the connected cells above an isophote that are most central and brightest are
// the source. Only their point-symmetric part counts for the extent: galaxies
// are nearly symmetric under a half turn, neighbours and stars lie on one side.
#pragma once

#include <cstdint>
#include <vector>

#include "components.hpp"
#include "kernels.hpp"
#include "sky.hpp"

namespace galedge {

enum FrameFlag : std::uint32_t {
    kNoSource = 1u << 0,   // nothing above the isophote near the centre
    kCropped = 1u << 1,    // the galaxy reaches beyond the image
    kNeighbour = 1u << 2,  // the isophote holds a neighbour or is lopsided
    kSmall = 1u << 3,      // fewer than ten pixels across
    // 1u << 4 and 5 are PrepareFlag's
    kManySources = 1u << 6,  // a field with sources, none of which fills it
};

// An image and, of the recipe, what any framing needs.
struct Scene {
    const float* image;
    std::int64_t width, height;
    bool complete;             // has finite pixels only
    bool sparse;               // the sky is that of valid pixels, as border_sky has it
    double threshold, margin;  // of "auto"
    double pixels;             // of kPixels
};

struct Found {
    double x = 0, y = 0;   // centre, in pixel-edge coordinates
    double diameter = 0;   // of the isophote, in pixels; 0 without a source
    std::uint32_t flags = 0;
};

// Sums over the cells of one connected source.
struct SourceSums {
    double weight = 0, flux = 0;  // in units of the noise
    std::int32_t cells = 0;
};

struct FrameScratch {
    std::vector<float> grid, smooth, valid, row;
    std::vector<double> weight_x, weight_y;
    std::vector<Run> runs, source;
    std::vector<RunLight> light;
    std::vector<SourceSums> sources;
    std::vector<std::uint8_t> inside, empty;
    std::vector<std::uint64_t> bits;
    std::vector<std::int32_t> bins, radii;
    SkyScratch sky;
};

// Finds the central source: cells above the sky by `threshold` times the noise of the
// smoothed grid.
Found find_central(const Scene& scene, FrameScratch& scratch);

}  // namespace galedge
