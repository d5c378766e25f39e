// The kernels for baseline.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels.hpp"

#define GALEDGE_KERNELS baseline
#define GALEDGE_KERNELS_NAME kBaseline

namespace galedge {
namespace baseline {
#include "kernels.inl"
}  // namespace galedge
