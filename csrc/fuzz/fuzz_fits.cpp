// libFuzzer target: any bytes at all, through everything that reads them.
//
//     csrc/fuzz/build.sh && mkdir -p corpus && tar -xJf tests/core/corpus.tar.xz -C corpus
//     ./fuzz_fits -max_len=65536 corpus
#include <cstdint>
#include <vector>

#include "fits.hpp"
#include "wcs.hpp"

using namespace galedge;

namespace {

constexpr std::uint64_t kMaxPixels = 1 << 20;

template <class Out>
void read_whole(FitsFile& file, const Hdu& hdu) {
    const Window whole{0, 0, hdu.width(), hdu.height()};
    file.check(hdu, 0, hdu.planes(), whole);
    const auto pixels = static_cast<std::size_t>(whole.width * whole.height);
    std::vector<Out> out(pixels * static_cast<std::size_t>(hdu.planes()));
    file.read_planes(hdu, whole, out.data());
}

void read_corner(FitsFile& file, const Hdu& hdu) {
    const Window corner{hdu.width() / 2, hdu.height() / 2, hdu.width() - hdu.width() / 2, 1};
    file.check(hdu, hdu.planes() - 1, 1, corner);
    std::vector<float> out(static_cast<std::size_t>(corner.width));
    file.read(hdu, hdu.planes() - 1, corner, out.data());
}

template <class Action>
void attempt(Action&& action) {
    try {
        action();
    } catch (const Error&) {  // a refusal is an answer; anything else is a finding
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    attempt([&] {
        FitsFile file(Source::memory(data, size), kMaxPixels);
        attempt([&] { file.following(file.image(), 8); });
        const std::deque<Hdu>& hdus = file.hdus();
        for (std::size_t i = 0; i < hdus.size() && i < 8; ++i) {
            const Hdu& hdu = hdus[i];
            hdu.header.cards();
            hdu.header.told({"IMAGETYP", "ESO DPR TYPE", "EXTNAME"});
            const Wcs wcs = Wcs::from(hdu.header);
            double ra, dec, x, y;
            if (wcs.valid) {
                wcs.pixel_to_sky(3, 4, ra, dec);
                wcs.sky_to_pixel(ra, dec, true, x, y);
            }
            attempt([&] { file.verify(hdu); });
            if (!hdu.is_image()) continue;
            attempt([&] { read_corner(file, hdu); });
            attempt([&] { read_whole<float>(file, hdu); });
            attempt([&] { read_whole<double>(file, hdu); });
        }
    });
    return 0;
}
