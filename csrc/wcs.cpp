#include "wcs.hpp"

#include <cmath>
#include <string>

namespace galedge {
namespace {

constexpr double kDegree = 3.14159265358979323846 / 180;

// A missing number is `fallback`; one of another type makes the WCS invalid.
double number(const Header& header, const std::string& keyword, double fallback, bool& bad) {
    const auto value = header.value(keyword);
    if (!value || std::holds_alternative<std::monostate>(*value)) return fallback;
    if (const auto* real = std::get_if<double>(&*value)) return *real;
    if (const auto* integer = std::get_if<std::int64_t>(&*value))
        return static_cast<double>(*integer);
    bad = true;
    return fallback;
}

std::string text(const Header& header, const std::string& keyword) {
    const auto value = header.value(keyword);
    if (!value) return {};
    const auto* found = std::get_if<std::string>(&*value);
    return found != nullptr ? *found : std::string();
}

bool has(const Header& header, const std::string& keyword) {
    return header.value(keyword).has_value();
}

bool is_j2000(const Header& header, bool& bad) {
    std::string frame = text(header, "RADESYS");
    if (frame.empty()) frame = text(header, "RADECSYS");  // its name before 2002
    if (frame == "ICRS") return true;
    const double epoch = number(header, "EPOCH", 2000, bad);
    const double equinox = number(header, "EQUINOX", epoch, bad);
    return (frame.empty() || frame == "FK5") && equinox == 2000;
}

bool is_degrees(const Header& header, const char* keyword) {
    const std::string unit = text(header, keyword);
    return unit.empty() || unit == "deg" || unit == "DEG" || unit == "degree" || unit == "degrees";
}

// TAN with polynomial terms is TPV by another name.
bool has_polynomial(const Header& header) {
    const std::string& cards = header.text();
    for (std::size_t at = 0; at + Header::kCardBytes <= cards.size(); at += Header::kCardBytes)
        if (cards.compare(at, 4, "PV1_") == 0 || cards.compare(at, 4, "PV2_") == 0) return true;
    return false;
}

void read_matrix(const Header& header, double (&m)[2][2], bool& bad) {
    if (has(header, "CD1_1") || has(header, "CD1_2") || has(header, "CD2_1") ||
        has(header, "CD2_2")) {
        m[0][0] = number(header, "CD1_1", 0, bad);
        m[0][1] = number(header, "CD1_2", 0, bad);
        m[1][0] = number(header, "CD2_1", 0, bad);
        m[1][1] = number(header, "CD2_2", 0, bad);
        return;
    }
    const double cdelt1 = number(header, "CDELT1", 1, bad);
    const double cdelt2 = number(header, "CDELT2", 1, bad);
    const bool has_pc = has(header, "PC1_1") || has(header, "PC1_2") || has(header, "PC2_1") ||
                        has(header, "PC2_2");
    if (!has_pc && has(header, "CROTA2")) {
        const double angle = number(header, "CROTA2", 0, bad) * kDegree;
        m[0][0] = cdelt1 * std::cos(angle);
        m[0][1] = -cdelt2 * std::sin(angle);
        m[1][0] = cdelt1 * std::sin(angle);
        m[1][1] = cdelt2 * std::cos(angle);
        return;
    }
    m[0][0] = cdelt1 * number(header, "PC1_1", 1, bad);
    m[0][1] = cdelt1 * number(header, "PC1_2", 0, bad);
    m[1][0] = cdelt2 * number(header, "PC2_1", 0, bad);
    m[1][1] = cdelt2 * number(header, "PC2_2", 1, bad);
}

// 1 for a celestial longitude, 2 for a latitude, 0 for anything else.
int celestial_axis(const std::string& type) {
    for (const char* name : {"RA--", "GLON", "ELON", "SLON"})
        if (type.compare(0, 4, name) == 0) return 1;
    for (const char* name : {"DEC-", "GLAT", "ELAT", "SLAT"})
        if (type.compare(0, 4, name) == 0) return 2;
    return 0;
}

int read_parity(const Header& header, const std::string& type1, const std::string& type2) {
    const int first = celestial_axis(type1), second = celestial_axis(type2);
    if (first + second != 3 || first == 0 || second == 0) return 0;
    bool bad = false;
    double m[2][2];
    read_matrix(header, m, bad);
    double area = m[0][0] * m[1][1] - m[0][1] * m[1][0];
    if (first == 2) area = -area;
    if (bad || !std::isfinite(area) || area == 0) return 0;
    // East to the left and rows downward: longitude and row grow together.
    return area > 0 ? 1 : -1;
}

}  // namespace

bool rows_go_up(const Header& header) {
    std::string order = text(header, "ROWORDER");
    for (char& c : order)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return order != "TOP-DOWN";
}

Wcs Wcs::from(const Header& header) {
    Wcs wcs;
    const std::string type1 = text(header, "CTYPE1"), type2 = text(header, "CTYPE2");
    wcs.parity = read_parity(header, type1, type2);
    const auto is = [](const std::string& type, const char* plain, const char* sip) {
        return type == plain || type == sip;
    };
    const bool usual =
        is(type1, "RA---TAN", "RA---TAN-SIP") && is(type2, "DEC--TAN", "DEC--TAN-SIP");
    const bool swapped =
        is(type1, "DEC--TAN", "DEC--TAN-SIP") && is(type2, "RA---TAN", "RA---TAN-SIP");
    bool bad = false;
    if ((!usual && !swapped) || !is_j2000(header, bad) || !is_degrees(header, "CUNIT1") ||
        !is_degrees(header, "CUNIT2") || has_polynomial(header))
        return wcs;
    // SIP, lookup tables, and the plate solutions of the Digitized Sky Survey.
    wcs.distorted = type1.size() > 8 || has(header, "A_ORDER") || has(header, "CPDIS1") ||
                    has(header, "D2IMDIS1") || has(header, "AMDX1");

    double m[2][2];
    read_matrix(header, m, bad);
    wcs.crpix[0] = number(header, "CRPIX1", 0, bad);
    wcs.crpix[1] = number(header, "CRPIX2", 0, bad);
    wcs.crval[0] = number(header, swapped ? "CRVAL2" : "CRVAL1", 0, bad);
    wcs.crval[1] = number(header, swapped ? "CRVAL1" : "CRVAL2", 0, bad);
    wcs.lonpole = number(header, "LONPOLE", wcs.crval[1] >= 90 ? 0 : 180, bad);
    for (int j = 0; j < 2; ++j) {
        wcs.matrix[0][j] = m[swapped ? 1 : 0][j];
        wcs.matrix[1][j] = m[swapped ? 0 : 1][j];
    }
    const double area = wcs.matrix[0][0] * wcs.matrix[1][1] - wcs.matrix[0][1] * wcs.matrix[1][0];
    wcs.valid = !bad && std::isfinite(area) && area != 0 && std::isfinite(wcs.crpix[0]) &&
                std::isfinite(wcs.crpix[1]) && std::isfinite(wcs.crval[0]) &&
                std::abs(wcs.crval[1]) <= 90 && std::isfinite(wcs.lonpole);
    return wcs;
}

void Wcs::pixel_to_sky(double x, double y, double& ra, double& dec) const {
    const double dx = x + 1 - crpix[0], dy = y + 1 - crpix[1];
    const double xi = matrix[0][0] * dx + matrix[0][1] * dy;
    const double eta = matrix[1][0] * dx + matrix[1][1] * dy;
    // Native spherical coordinates of the gnomonic projection (eqs. 14, 15, 55).
    const double phi = std::atan2(xi, -eta) - lonpole * kDegree;
    const double theta = std::atan2(1.0, std::hypot(xi, eta) * kDegree);
    // Rotation to the celestial sphere (eq. 2), its pole at (crval).
    const double sp = std::sin(crval[1] * kDegree), cp = std::cos(crval[1] * kDegree);
    const double st = std::sin(theta), ct = std::cos(theta);
    const double east = -ct * std::sin(phi);
    const double north = st * cp - ct * sp * std::cos(phi);
    const double up = st * sp + ct * cp * std::cos(phi);
    ra = crval[0] + std::atan2(east, north) / kDegree;
    ra -= 360 * std::floor(ra / 360);
    if (ra >= 360) ra = 0;  // a tiny negative number rounds up to 360
    dec = std::atan2(up, std::hypot(east, north)) / kDegree;
}

double Wcs::pixel_scale() const {
    return 3600 * std::sqrt(std::abs(matrix[0][0] * matrix[1][1] - matrix[0][1] * matrix[1][0]));
}

}  // namespace galedge
