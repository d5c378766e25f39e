// The part of FITS world coordinates that galaxies need: gnomonic (TAN) images,
// as in Calabretta & Greisen 2002, A&A 395, 1077, with SIP distortion (Shupe et
// al. 2005, ADASS XIV, 491), in equatorial, galactic, supergalactic or ecliptic
// axes. All else is left to astropy.
#pragma once

#include "fits.hpp"
#include "header.hpp"

namespace galedge {

// Polynomials that correct pixels relative to the reference pixel.
struct Sip {
    static constexpr int kMost = 9;  // the convention's highest order
    int order = 0;                   // 0: no correction
    double a[kMost + 1][kMost + 1] = {}, b[kMost + 1][kMost + 1] = {};

    // Adds the correction to (u, v), and says how the result follows u and v:
    // {{du'/du, du'/dv}, {dv'/du, dv'/dv}}.
    void apply(double& u, double& v, double (&slope)[2][2]) const;
};

struct Wcs {
    bool valid = false;      // otherwise the header has no WCS of this kind
    bool celestial = false;  // its axes are a longitude and a latitude, `valid` or not
    // Lookup tables or plate solutions stand beside, which are left out.
    bool distorted = false;
    // SIP terms stand there, but CTYPE has no -SIP: they are left out, being what
    // rectified images keep of their detector's headers.
    bool sip_ignored = false;
    double crpix[2] = {0, 0};
    double crval[2] = {0, 0};                // longitude, latitude (deg)
    double matrix[2][2] = {{1, 0}, {0, 1}};  // pixels to (longitude, latitude) degrees
    double lonpole = 180;
    Sip sip;
    // Turns vectors in the header's axes into ICRS; none for ICRS itself.
    const double (*to_icrs)[3] = nullptr;
    // Of the pixels as stored, the first row on top: 1 as on the sky (north up,
    // east to the left, however rotated), -1 its mirror image, 0 if the header
    // has no celestial axes. Known for every projection, `valid` or not.
    int parity = 0;

    // From CTYPE, CRPIX, CRVAL and PC with CDELT, CD (also as PC001001, CD001001),
    // or CDELT with the latitude's CROTA; numbers may be quoted. ICRS, or FK5 at
    // equinox 2000. Whatever else stands there is no error: it leaves `valid` false.
    static Wcs from(const Header& header);
    // The same of an image, whose rows and columns must be the first two axes.
    static Wcs of(const Hdu& hdu);

    // Whether the header has coordinates that are not known here in full.
    bool unread() const { return celestial && (!valid || distorted); }
    // Zero-based pixel coordinates (the centre of the first pixel is 0, 0) to
    // right ascension in [0, 360) and declination, in degrees (ICRS).
    void pixel_to_sky(double x, double y, double& ra, double& dec) const;
    // The inverse; NaN for the hemisphere behind the projection, and where SIP,
    // if it is to count, leads to no pixel.
    void sky_to_pixel(double ra, double dec, bool with_sip, double& x, double& y) const;
    // The side of a square of the same area as a pixel at the reference point.
    double pixel_scale() const;  // arcsec
};

// Whether the first row is the lowest, which FITS means and viewers show; camera
// programs that store the highest first say so: ROWORDER = 'TOP-DOWN'.
bool rows_go_up(const Header& header);

}  // namespace galedge
