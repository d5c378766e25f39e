#include "wcs.hpp"

#include <cmath>
#include <limits>

namespace galedge {
namespace {

constexpr double kDegree = 3.14159265358979323846 / 180;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// value = sum of c[p][q] u^p v^q, and its derivatives, by Horner's rule.
void polynomial(const double (&c)[Sip::kMost + 1][Sip::kMost + 1], int order, double u, double v,
                double& value, double& by_u, double& by_v) {
    value = by_u = by_v = 0;
    for (int p = order; p >= 0; --p) {
        double row = 0, slope = 0;
        for (int q = order - p; q >= 0; --q) {
            slope = slope * v + row;
            row = row * v + c[p][q];
        }
        by_u = by_u * u + value;
        value = value * u + row;
        by_v = by_v * u + slope;
    }
}

struct Vector {
    double x, y, z;
};

Vector turned(const double (*m)[3], const Vector& v, bool back) {
    const auto row = [&](int i) {
        return back ? m[0][i] * v.x + m[1][i] * v.y + m[2][i] * v.z
                    : m[i][0] * v.x + m[i][1] * v.y + m[i][2] * v.z;
    };
    return {row(0), row(1), row(2)};
}

}  // namespace

void Sip::apply(double& u, double& v, double (&slope)[2][2]) const {
    double f, g;
    polynomial(a, order, u, v, f, slope[0][0], slope[0][1]);
    polynomial(b, order, u, v, g, slope[1][0], slope[1][1]);
    slope[0][0] += 1;
    slope[1][1] += 1;
    u += f;
    v += g;
}

void Wcs::pixel_to_sky(double x, double y, double& ra, double& dec) const {
    double dx = x + 1 - crpix[0], dy = y + 1 - crpix[1];
    double slope[2][2];
    if (sip.order > 0) sip.apply(dx, dy, slope);
    const double xi = matrix[0][0] * dx + matrix[0][1] * dy;
    const double eta = matrix[1][0] * dx + matrix[1][1] * dy;
    // Native spherical coordinates of the gnomonic projection (eqs. 14, 15, 55).
    const double phi = std::atan2(xi, -eta) - lonpole * kDegree;
    const double theta = std::atan2(1.0, std::hypot(xi, eta) * kDegree);
    // Rotation to the celestial sphere (eq. 2), its pole at (crval).
    const double sp = std::sin(crval[1] * kDegree), cp = std::cos(crval[1] * kDegree);
    const double st = std::sin(theta), ct = std::cos(theta);
    double east = -ct * std::sin(phi);
    double north = st * cp - ct * sp * std::cos(phi);
    double up = st * sp + ct * cp * std::cos(phi);
    double zero = crval[0];
    if (to_icrs != nullptr) {
        const double sa = std::sin(zero * kDegree), ca = std::cos(zero * kDegree);
        const Vector place = turned(
            to_icrs, {north * ca - east * sa, north * sa + east * ca, up}, false);
        north = place.x;
        east = place.y;
        up = place.z;
        zero = 0;
    }
    ra = zero + std::atan2(east, north) / kDegree;
    ra -= 360 * std::floor(ra / 360);
    if (ra >= 360) ra = 0;  // a tiny negative number rounds up to 360
    dec = std::atan2(up, std::hypot(east, north)) / kDegree;
}

void Wcs::sky_to_pixel(double ra, double dec, bool with_sip, double& x, double& y) const {
    x = y = kNaN;
    double longitude = ra * kDegree - crval[0] * kDegree;
    double sd = std::sin(dec * kDegree), cd = std::cos(dec * kDegree);
    if (to_icrs != nullptr) {
        const Vector place = turned(
            to_icrs, {cd * std::cos(ra * kDegree), cd * std::sin(ra * kDegree), sd}, true);
        longitude = std::atan2(place.y, place.x) - crval[0] * kDegree;
        sd = place.z;
        cd = std::hypot(place.x, place.y);
    }
    const double sp = std::sin(crval[1] * kDegree), cp = std::cos(crval[1] * kDegree);
    const double east = cd * std::sin(longitude);
    const double north = sd * cp - cd * sp * std::cos(longitude);
    const double up = sd * sp + cd * cp * std::cos(longitude);
    if (!(up > 0)) return;  // which NaN is not, either
    const double phi = lonpole * kDegree + std::atan2(-east, north);  // eq. 5
    const double radius = std::hypot(east, north) / up / kDegree;     // eq. 54
    const double xi = radius * std::sin(phi), eta = -radius * std::cos(phi);
    const double area = matrix[0][0] * matrix[1][1] - matrix[0][1] * matrix[1][0];
    const double u = (matrix[1][1] * xi - matrix[0][1] * eta) / area;
    const double v = (matrix[0][0] * eta - matrix[1][0] * xi) / area;
    double at_u = u, at_v = v;
    if (with_sip && sip.order > 0) {
        constexpr int kSteps = 50;
        constexpr double kClose = 1e-7;  // pixels
        double off = kNaN;
        for (int step = 0; step < kSteps && !(off < kClose); ++step) {  // Newton's
            double now_u = at_u, now_v = at_v, slope[2][2];
            sip.apply(now_u, now_v, slope);
            const double du = u - now_u, dv = v - now_v;
            const double det = slope[0][0] * slope[1][1] - slope[0][1] * slope[1][0];
            at_u += (slope[1][1] * du - slope[0][1] * dv) / det;
            at_v += (slope[0][0] * dv - slope[1][0] * du) / det;
            off = std::hypot(du, dv);
            if (!std::isfinite(at_u + at_v)) return;
        }
        if (!(off < kClose)) return;
    }
    x = at_u + crpix[0] - 1;
    y = at_v + crpix[1] - 1;
}

double Wcs::pixel_scale() const {
    return 3600 * std::sqrt(std::abs(matrix[0][0] * matrix[1][1] - matrix[0][1] * matrix[1][0]));
}

}  // namespace galedge
