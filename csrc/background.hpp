// The sky of a frame as a smooth map, as SExtractor (Bertin & Arnouts 1996, A&AS
// 117, 393) and sep compute it. Each mesh gets its clipped mode (mesh.hpp), the
// meshes are median-filtered, and a bicubic spline goes through their centres.
#pragma once

#include <cstdint>
#include <vector>

namespace galedge {

struct Mesh {
    std::int64_t nx = 0, ny = 0;
    std::vector<float> level, noise;  // ny x nx
};

// Clipped statistics of each mesh of `size` x `size` pixels; the last column and
// row may be smaller. A mesh without a value takes the mean of the nearest ones
// that have one; with none at all Error Blank.
Mesh measure_mesh(const float* image, std::int64_t width, std::int64_t height, std::int64_t size,
                  unsigned threads);

// Replaces every mesh by the median of the `width` x `width` ones around it;
// `width` is odd. At the edges the window shrinks on both sides alike, so that a
// gradient leaves no step there.
void filter_mesh(Mesh& mesh, int width);

// Evaluates SExtractor's spline through `nodes` (nx x ny, at the centres of meshes
// of `size` pixels) at every pixel. Beyond the outer centres the outer cubics go on.
void spline_mesh(const std::vector<float>& nodes, std::int64_t nx, std::int64_t ny,
                 std::int64_t size, std::int64_t width, std::int64_t height, float* out,
                 unsigned threads);

}  // namespace galedge
