#include "batch.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <new>

#include "fits.hpp"
#include "parallel.hpp"
#include "wcs.hpp"

namespace galedge {

namespace {

// Buffers of one thread.
struct Worker {
    PrepareScratch scratch;
    std::vector<float> pixels;

    // Floats, about; what is held besides is in proportion.
    std::size_t held() const { return pixels.capacity() + scratch.sky.bins.capacity(); }
};

constexpr std::size_t kKept = std::size_t{1} << 22;  // floats that a thread keeps between calls

// Runs `task` for one image; a failure becomes a sentence and zeros.
template <class Out, class Task>
void guarded(ImageFacts& facts, Out* out, std::size_t values, Task&& task) {
    try {
        task();
    } catch (const Error& error) {
        facts.error = error.what();
        facts.unsupported = error.kind() == ErrorKind::Unsupported;
    } catch (const std::bad_alloc&) {
        facts.error = "there is not enough memory for this image";
    } catch (const std::exception& error) {  // of the library's: one image, not the run
        facts.error = std::string("internal error: ") + error.what();
    }
    if (facts.error) std::fill(out, out + values, Out{0});
}

// Calls image(i, worker, facts, out) for every image, on several threads.
template <class Out, class Image>
std::vector<ImageFacts> for_each_image(std::size_t n, const Recipe& recipe, unsigned threads,
                                       Out* out, Image&& image) {
    std::vector<ImageFacts> facts(n);
    threads = static_cast<unsigned>(std::clamp<std::size_t>(n, 1, std::max(1u, threads)));
    // The caller's are kept from call to call: memory given back is paid for again, page by page,
    // which costs images of 424 x 424 some percent of their time.
    thread_local Worker own;
    Worker* const mine = &own;  // by name, each thread would take its own
    std::vector<Worker> others(threads - 1);
    const std::size_t values = 3 * static_cast<std::size_t>(recipe.size) * recipe.size;
    parallel_for(n, threads, [&](std::size_t i, unsigned worker) {
        Out* slot = out + i * values;
        Worker& buffers = worker == 0 ? *mine : others[worker - 1];
        guarded(facts[i], slot, values, [&] { image(i, buffers, facts[i], slot); });
    });
    if (mine->held() > kKept) *mine = {};
    return facts;
}

// One band or three: how many planes the image is taken as.
int count_planes(const Hdu& hdu, int plane) {
    const std::int64_t planes = hdu.planes();
    if (plane >= planes) {
        throw Error(ErrorKind::Read, "there is no plane " + std::to_string(plane) +
                                         "; the image has " + std::to_string(planes));
    }
    if (plane >= 0 || planes == 1) return 1;
    if (planes == 3) return 3;
    if (hdu.width() == 3 || hdu.width() == 4)
        throw Error(ErrorKind::Unsupported, "its colours stand pixel by pixel");
    throw Error(ErrorKind::Read,
                "a cube of " + std::to_string(planes) +
                    " planes is not a galaxy in one or three bands; choose one with --plane");
}

// What is not yet flux, or not of one band: raw frames of colour cameras, asinh magnitudes.
bool needs_decoding(const Header& header, int plane, std::int64_t planes) {
    if (header.value("BSOFTEN")) return true;
    if (plane >= 0 || planes != 1) return false;
    for (const char* keyword : {"BAYERPAT", "COLORTYP", "CFAPAT"})
        if (header.value(keyword)) return true;
    return false;
}

// How many HDUs are looked at behind the one that is read: enough to pass over its weights and
// masks.
constexpr std::size_t kFollowing = 8;

template <class Out>
void prepare_file(const std::string& path, const HduChoice& choice, int plane, const Recipe& recipe,
                  const Asked& asked, Worker& worker, ImageFacts& facts, Out* out) {
    FitsFile file(Source::open(path.c_str()));
    const Hdu& hdu = file.image(choice);
    facts.hdu = hdu.index;
    facts.object = hdu.header.shown("OBJECT");
    facts.date_obs = hdu.header.shown("DATE-OBS");
    facts.told.push_back(hdu.header.told(asked.keywords));

    Planes planes;
    planes.count = count_planes(hdu, plane);
    if (needs_decoding(hdu.header, plane, hdu.planes()))
        throw Error(ErrorKind::Unsupported, "its pixels are no flux as they stand");
    planes.width = hdu.width();
    planes.height = hdu.height();
    planes.picture = hdu.is_picture();
    const Window whole{0, 0, planes.width, planes.height};
    const int first = std::max(0, plane);
    file.check(hdu, first, planes.count, whole);  // before anything is allocated
    const auto pixels = static_cast<std::size_t>(planes.width * planes.height);
    worker.pixels.resize(pixels * static_cast<std::size_t>(planes.count));
    if (planes.count == 1) {
        file.read(hdu, first, whole, worker.pixels.data());
    } else {
        file.read_planes(hdu, whole, worker.pixels.data());
    }
    Order order{0, 1, 2};
    if (planes.count == 3 && asked.order_of) {
        const std::optional<Order> told = asked.order_of(hdu.header.text());
        facts.order_unknown = !told && !planes.picture;
        order = told.value_or(order);
    }
    for (int c = 0; c < planes.count; ++c) {
        const int at = order[static_cast<std::size_t>(c)];
        planes.band[c] = worker.pixels.data() + static_cast<std::size_t>(at) * pixels;
    }
    facts.prepared = prepare(planes, recipe, out, worker.scratch);
    const Wcs wcs = Wcs::of(hdu);
    facts.parity = wcs.parity;
    facts.upwards = rows_go_up(hdu.header);
    facts.sip_ignored = wcs.sip_ignored;
    if (wcs.valid && !wcs.unread())
        wcs.pixel_to_sky(facts.prepared.x, facts.prepared.y, facts.ra, facts.dec);
    facts.sky_unread = wcs.celestial && !std::isfinite(facts.ra + facts.dec);
    const int* number = std::get_if<int>(&choice);
    if (number == nullptr || *number >= 0) return;
    for (const Hdu* next : file.following(hdu, kFollowing))
        facts.told.push_back(next->header.told(asked.keywords));
}

}  // namespace

template <class Out>
std::vector<ImageFacts> prepare_arrays(const std::vector<Planes>& images, const Recipe& recipe,
                                       unsigned threads, Out* out) {
    return for_each_image(images.size(), recipe, threads, out,
                          [&](std::size_t i, Worker& worker, ImageFacts& facts, Out* slot) {
                              facts.prepared = prepare(images[i], recipe, slot, worker.scratch);
                          });
}

template <class Out>
std::vector<ImageFacts> prepare_files(const std::vector<std::string>& paths,
                                      const HduChoice& hdu, int plane, const Recipe& recipe,
                                      unsigned threads, const Asked& asked, Out* out) {
    return for_each_image(paths.size(), recipe, threads, out,
                          [&](std::size_t i, Worker& worker, ImageFacts& facts, Out* slot) {
                              prepare_file(paths[i], hdu, plane, recipe, asked, worker, facts,
                                           slot);
                          });
}

#define GALEDGE_INSTANTIATE(Out)                                                               \
    template std::vector<ImageFacts> prepare_arrays(const std::vector<Planes>&, const Recipe&, \
                                                    unsigned, Out*);                         \
    template std::vector<ImageFacts> prepare_files(const std::vector<std::string>&,            \
                                                   const HduChoice&, int, const Recipe&,       \
                                                   unsigned, const Asked&, Out*);
GALEDGE_INSTANTIATE(std::uint8_t)
GALEDGE_INSTANTIATE(float)
#undef GALEDGE_INSTANTIATE

}  // namespace galedge
