// What a header says of celestial coordinates, however it is spelled.
#include "wcs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace galedge {
namespace {

constexpr double kDegree = 3.14159265358979323846 / 180;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Axes of other frames in ICRS, as astropy 8.0 turns them; the ecliptic is the
// mean one of J2000 (IAU 2006).
constexpr double kFk5[3][3] = {
    {0.9999999999999921, 1.1102233723050035e-07, 4.411803426976326e-08},
    {-1.1102233297408327e-07, 0.9999999999999889, -9.647792751958126e-08},
    {-4.411804498096771e-08, 9.647792246010129e-08, 0.9999999999999943}};
constexpr double kGalactic[3][3] = {
    {-0.05487565771259163, 0.4941094371927268, -0.8676661375596576},
    {-0.8734370519556159, -0.4448297212232952, -0.19807633727300053},
    {-0.48383507361671546, 0.7469821839866676, 0.4559838136873016}};
constexpr double kSupergalactic[3][3] = {
    {0.3750155557030316, -0.8983204377276124, 0.2288749093754372},
    {0.34135887185624725, -0.09572710024885119, -0.9350456902649066},
    {0.861880185168319, 0.42878516000301947, 0.27075049949244595}};
constexpr double kEcliptic[3][3] = {
    {0.9999999999999941, 3.2897004077419646e-08, -1.0207044725484355e-07},
    {-7.078368960971556e-08, 0.9174821299149584, -0.39777699944404304},
    {8.056213977613186e-08, 0.39777699944404793, 0.9174821299149556}};

struct Axes {
    const char *longitude, *latitude;    // what CTYPE begins with
    bool equatorial, has_equinox;
    const double (*to_icrs)[3];
};
constexpr Axes kAxes[] = {{"RA--", "DEC-", true, true, nullptr},
                          {"GLON", "GLAT", false, false, kGalactic},
                          {"SLON", "SLAT", false, false, kSupergalactic},
                          {"ELON", "ELAT", false, true, kEcliptic}};

// A missing number is `fallback`; what is neither a number nor one in quotes
// makes the WCS invalid.
double number(const Header& header, const std::string& keyword, double fallback, bool& bad) {
    const auto value = header.value(keyword);
    if (!value || std::holds_alternative<std::monostate>(*value)) return fallback;
    if (const auto* real = std::get_if<double>(&*value)) return *real;
    if (const auto* integer = std::get_if<std::int64_t>(&*value))
        return static_cast<double>(*integer);
    double quoted;
    const auto* text = std::get_if<std::string>(&*value);
    if (text != nullptr && text->find_first_not_of(' ') == std::string::npos) return fallback;
    if (text != nullptr && parse_number(*text, quoted)) return quoted;
    bad = true;
    return fallback;
}

// Upper case without blanks around: what a keyword says however it is spelled.
std::string word(const Header& header, const std::string& keyword) {
    const auto value = header.value(keyword);
    const auto* found = value ? std::get_if<std::string>(&*value) : nullptr;
    if (found == nullptr) return {};
    std::string text = *found;
    text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
    text.erase(text.find_last_not_of(' ') + 1);
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

bool has(const Header& header, const std::string& keyword) {
    return header.value(keyword).has_value();
}

// EQUINOX, or EPOCH, its name before 1990: a number of years, also as 'J2000'.
// NaN where there is none.
double read_equinox(const Header& header, bool& bad) {
    for (const char* keyword : {"EQUINOX", "EPOCH"}) {
        const std::string text = word(header, keyword);
        double year;
        if (text.size() > 1 && (text[0] == 'J' || text[0] == 'B') &&
            parse_number(std::string_view(text).substr(1), year))
            return year;
        year = number(header, keyword, kNaN, bad);
        if (!std::isnan(year)) return year;
    }
    return kNaN;
}

// RADESYS, or RADECSYS, its name before 2002: its letters and digits.
std::string read_system(const Header& header) {
    std::string system = word(header, "RADESYS");
    if (system.empty()) system = word(header, "RADECSYS");
    const auto is_other = [](char c) { return !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'); };
    system.erase(std::remove_if(system.begin(), system.end(), is_other), system.end());
    return system;
}

// Whether the reference system is ICRS (`fk5` false) or FK5 at equinox 2000.
bool is_j2000(const Header& header, bool& fk5, bool& bad) {
    const std::string system = read_system(header);
    fk5 = false;
    if (system == "ICRS") return true;
    const double equinox = read_equinox(header, bad);
    if (system.empty() && std::isnan(equinox)) return true;
    fk5 = true;
    bool named = system.empty();
    for (const char* name : {"FK5", "J2000", "J20000", "FK5J2000", "FK5J20000"})
        named = named || system == name;  // J2000.0
    return named && (equinox == 2000 || std::isnan(equinox));
}

bool is_degrees(const Header& header, const char* keyword) {
    const std::string unit = word(header, keyword);
    return unit.empty() || unit == "DEG" || unit == "DEGREE" || unit == "DEGREES";
}

// Of PVi_m the longitude's place the fiducial point, where TAN has it anyway, and
// LONPOLE again; m > 4 means TPV by its first name. The latitude's mean nothing.
bool reads_parameters(const Header& header, int longitude, double& lonpole, bool& bad) {
    const std::string& cards = header.text();
    for (std::size_t at = 0; at + Header::kCardBytes <= cards.size(); at += Header::kCardBytes) {
        if (cards.compare(at, 4, "PV1_") != 0 && cards.compare(at, 4, "PV2_") != 0) continue;
        const std::string keyword = cards.substr(at, cards.find_first_of(" =", at) - at);
        if (keyword.find_first_not_of("0123456789", 4) != std::string::npos)
            continue;  // of an alternate description
        if (keyword.size() != 5 || keyword[4] > '4') return false;
        if (keyword[2] - '1' != longitude) continue;
        const double value = number(header, keyword, kNaN, bad);
        if (keyword[4] == '1' && value != 0) return false;
        if (keyword[4] == '2' && value != 90) return false;
        if (keyword[4] == '3') lonpole = value;
    }
    return true;
}

// An element of a matrix, by its name of today or of before 2002; NaN if absent.
double element(const Header& header, const std::string& stem, int i, int j, bool& bad) {
    const std::string row = std::to_string(i + 1), column = std::to_string(j + 1);
    const double today = number(header, stem + row + "_" + column, kNaN, bad);
    if (!std::isnan(today)) return today;
    return number(header, stem + "00" + row + "00" + column, kNaN, bad);
}

bool read_elements(const Header& header, const std::string& stem, double diagonal,
                   double (&m)[2][2], bool& bad) {
    bool any = false;
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 2; ++j) {
            const double value = element(header, stem, i, j, bad);
            any = any || !std::isnan(value);
            m[i][j] = !std::isnan(value) ? value : i == j ? diagonal : 0;
        }
    return any;
}

// Where several forms stand side by side, PC counts before CD and that before
// CROTA, as in wcslib.
void read_matrix(const Header& header, int longitude, double (&m)[2][2], bool& bad) {
    const int latitude = 1 - longitude;
    const std::string rotation = numbered("CROTA", latitude + 1);
    const bool has_pc = read_elements(header, "PC", 1, m, bad);
    if (!has_pc && read_elements(header, "CD", 0, m, bad)) return;
    const double cdelt[2] = {number(header, "CDELT1", 1, bad), number(header, "CDELT2", 1, bad)};
    if (!has_pc) {
        m[0][0] = m[1][1] = 1;
        m[0][1] = m[1][0] = 0;
        if (has(header, rotation)) {
            const double angle = number(header, rotation, 0, bad) * kDegree;
            const double c = std::cos(angle), s = std::sin(angle);
            m[longitude][longitude] = cdelt[longitude] * c;
            m[longitude][latitude] = -cdelt[latitude] * s;
            m[latitude][longitude] = cdelt[longitude] * s;
            m[latitude][latitude] = cdelt[latitude] * c;
            return;
        }
    }
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 2; ++j) m[i][j] *= cdelt[i];
}

// Which axes two CTYPEs name, and which of them is the longitude.
const Axes* find_axes(const std::string& type1, const std::string& type2, int& longitude) {
    for (const Axes& axes : kAxes) {
        const auto are = [&axes](const std::string& east, const std::string& north) {
            return east.compare(0, 4, axes.longitude) == 0 &&
                   north.compare(0, 4, axes.latitude) == 0;
        };
        longitude = are(type1, type2) ? 0 : 1;
        if (longitude == 0 || are(type2, type1)) return &axes;
    }
    return nullptr;
}

// A polynomial's order; -1 for what makes no sense, or none that is known.
int read_order(const Header& header, const char* keyword) {
    bool bad = false;
    const double order = number(header, keyword, 0, bad);
    return !bad && order >= 0 && order <= Sip::kMost ? static_cast<int>(order) : -1;
}

bool has_order(const Header& header, const char* keyword) {
    const int order = read_order(header, keyword);
    return order != 0 && order != 1;
}

bool ends_with_sip(const std::string& type) {
    return type.size() > 4 && type.compare(type.size() - 4, 4, "-SIP") == 0;
}

// Polynomials of order 0 and 1 are as good as none: astropy passes over them too.
bool read_sip(const Header& header, Sip& sip, bool& bad) {
    const int orders[2] = {read_order(header, "A_ORDER"), read_order(header, "B_ORDER")};
    if (orders[0] < 0 || orders[1] < 0 || (orders[0] > 1) != (orders[1] > 1)) return false;
    if (orders[0] <= 1) return true;
    sip.order = std::max(orders[0], orders[1]);
    for (int p = 0; p <= sip.order; ++p)
        for (int q = 0; p + q <= sip.order; ++q) {
            const std::string place = std::to_string(p) + "_" + std::to_string(q);
            if (p + q <= orders[0]) sip.a[p][q] = number(header, "A_" + place, 0, bad);
            if (p + q <= orders[1]) sip.b[p][q] = number(header, "B_" + place, 0, bad);
        }
    return true;
}

}  // namespace

bool rows_go_up(const Header& header) { return word(header, "ROWORDER") != "TOP-DOWN"; }

Wcs Wcs::from(const Header& header) {
    Wcs wcs;
    const std::string types[2] = {word(header, "CTYPE1"), word(header, "CTYPE2")};
    int longitude = 0;
    const Axes* axes = find_axes(types[0], types[1], longitude);
    if (axes == nullptr) return wcs;
    wcs.celestial = true;
    const bool has_sip = ends_with_sip(types[0]) && ends_with_sip(types[1]);
    wcs.sip_ignored = !has_sip && (has_order(header, "A_ORDER") || has_order(header, "B_ORDER"));
    bool bad = false;
    double m[2][2];
    read_matrix(header, longitude, m, bad);
    for (int j = 0; j < 2; ++j) {
        wcs.matrix[0][j] = m[longitude][j];
        wcs.matrix[1][j] = m[1 - longitude][j];
    }
    const double area = wcs.matrix[0][0] * wcs.matrix[1][1] - wcs.matrix[0][1] * wcs.matrix[1][0];
    if (bad || !std::isfinite(area) || area == 0) return wcs;
    // East to the left and rows downward: longitude and row grow together.
    wcs.parity = area > 0 ? 1 : -1;

    const auto projected = [&types](const char* projection) {
        return types[0].substr(4) == projection && types[1].substr(4) == projection;
    };
    if (!projected(has_sip ? "-TAN-SIP" : "-TAN")) return wcs;
    if (has_sip && !read_sip(header, wcs.sip, bad)) return wcs;
    bool fk5 = false;
    if (axes->has_equinox && !is_j2000(header, fk5, bad)) return wcs;
    wcs.to_icrs = axes->equatorial && fk5 ? kFk5 : axes->to_icrs;
    if (!is_degrees(header, "CUNIT1") || !is_degrees(header, "CUNIT2")) return wcs;
    // Lookup tables, and the plate solutions of the Digitized Sky Survey.
    for (const char* keyword : {"CPDIS1", "CPDIS2", "CQDIS1", "CQDIS2", "D2IMDIS1", "D2IMDIS2",
                                "D2IMEXT", "AMDX1", "AMDY1"})
        wcs.distorted = wcs.distorted || has(header, keyword);

    for (int i = 0; i < 2; ++i) {
        wcs.crpix[i] = number(header, numbered("CRPIX", i + 1), 0, bad);
        wcs.crval[i == longitude ? 0 : 1] = number(header, numbered("CRVAL", i + 1), 0, bad);
    }
    double lonpole = number(header, "LONPOLE", kNaN, bad);
    if (!reads_parameters(header, longitude, lonpole, bad)) return wcs;
    const bool is_told = !std::isnan(lonpole) && lonpole != 999;  // AIPS wrote 999 for none
    wcs.lonpole = is_told ? lonpole : wcs.crval[1] >= 90 ? 0 : 180;
    wcs.valid = !bad && std::isfinite(wcs.crpix[0]) && std::isfinite(wcs.crpix[1]) &&
                std::isfinite(wcs.crval[0]) && std::abs(wcs.crval[1]) <= 90 &&
                std::isfinite(wcs.lonpole);
    return wcs;
}

Wcs Wcs::of(const Hdu& hdu) {
    const Hdu::PlaneAxes plane = hdu.plane_axes();
    return plane.x == 0 && plane.y == 1 ? from(hdu.header) : Wcs();
}

}  // namespace galedge
