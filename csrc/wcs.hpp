// The part of FITS world coordinates that galaxies need: equatorial gnomonic
// (TAN) images, as in Calabretta & Greisen 2002, A&A 395, 1077.
#pragma once

#include "header.hpp"

namespace galedge {

struct Wcs {
    bool valid = false;      // otherwise the header has no WCS of this kind
    bool distorted = false;  // has distortion terms, which are left out
    double crpix[2] = {0, 0};
    double crval[2] = {0, 0};                // longitude, latitude (deg)
    double matrix[2][2] = {{1, 0}, {0, 1}};  // pixels to (longitude, latitude) degrees
    double lonpole = 180;
    // Of the pixels as stored, the first row on top: 1 as on the sky (north up,
    // east to the left, however rotated), -1 its mirror image, 0 if the header
    // has no celestial axes. Known for every projection, `valid` or not.
    int parity = 0;

    // From CTYPE, CRPIX, CRVAL and CD, PC with CDELT, or CDELT with CROTA2;
    // ICRS or FK5 at equinox 2000. Whatever else stands there is no error: it
    // leaves `valid` false.
    static Wcs from(const Header& header);

    // Zero-based pixel coordinates (the centre of the first pixel is 0, 0) to
    // right ascension in [0, 360) and declination, in degrees.
    void pixel_to_sky(double x, double y, double& ra, double& dec) const;
    // The side of a square of the same area as a pixel at the reference point.
    double pixel_scale() const;  // arcsec
};

// Whether the first row is the lowest, which FITS means and viewers show; camera
// programs that store the highest first say so: ROWORDER = 'TOP-DOWN'.
bool rows_go_up(const Header& header);

}  // namespace galedge
