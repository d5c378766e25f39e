// The display range of IRAF's zscale, as astropy's ZScaleInterval computes it.
#pragma once

#include <cstddef>
#include <vector>

namespace galedge {

struct Limits {
    double low = 0, high = 0;
};

// A line is fitted to the sorted values of a sample of at most 1000, pixels off
// it are rejected and their neighbours with them, and its slope over the contrast
// 0.25 gives the range around the median. Non-finite values do not count; with
// none left both limits are NaN.
Limits zscale(const float* values, std::size_t n, std::vector<float>& sample);

}  // namespace galedge
