// One galaxy from pixels to the network's input: sky, frame, resample, stretch.
#pragma once

#include <cstdint>
#include <vector>

#include "error.hpp"
#include "frame.hpp"
#include "mend.hpp"
#include "recipe.hpp"
#include "resample.hpp"
#include "sky.hpp"
#include "stretch.hpp"

namespace galedge {

// Beside FrameFlag's bits.
enum PrepareFlag : std::uint32_t {
    kMasked = 1u << 4,  // more than a tenth of the frame has no valid pixels
    kFaint = 1u << 5,   // the galaxy's bright part is under five times the noise
};

struct Prepared {
    double x = 0, y = 0;  // centre of the frame, zero-based pixel coordinates
    double side = 0;      // of the frame, in input pixels
    double sky = 0, noise = 0;
    double masked_fraction = 0;
    std::uint32_t flags = 0;
};

struct PrepareScratch {
    std::vector<float> luminance, small;
    MendScratch mend;
    SkyScratch sky;
    FrameScratch frame;
    ResampleScratch resample;
    StretchScratch stretch;
};

// Fills out[3 * size * size] with bytes, or with floats 0..1. Throws Error Blank where no
// pixel is finite or all have the same value.
template <class Out>
Prepared prepare(const Planes& planes, const Recipe& recipe, Out* out,
                 PrepareScratch& scratch);

}  // namespace galedge
