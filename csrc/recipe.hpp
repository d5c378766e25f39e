// The parameters of the preparation; mirrors galedge/images/recipe.py.
#pragma once

#include "frame.hpp"
#include "stretch.hpp"

namespace galedge {

struct Recipe {
    int size = 64;
    const Framing* framing = &framings().front();
    double frame_pixels = 0;  // of kPixels
    double margin = 1.25;
    double threshold = 2;
    double softening = 8;
    double white = 0.995;
    const Stretch* stretch = &stretches().front();
    double q = 8;
    double knee = 0;        // of the asinh stretch, at least: a share of white
    bool plane = false;     // the sky may slope
    bool constant = false;  // areas of one value are missing, and the sky is that of the rest
    int bridge = 0;         // missing rows and columns of up to so many pixels are filled
};

}  // namespace galedge
