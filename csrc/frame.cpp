#include "frame.hpp"

#include <algorithm>

namespace galedge {

Frame frame_around(const Found& found, std::int64_t width, std::int64_t height, double margin) {
    const auto w = static_cast<double>(width), h = static_cast<double>(height);
    // Without this a tiny source would become a frame of a few pixels.
    const double least = std::min(8.0, std::max(w, h));
    const double side = std::clamp(margin * found.diameter, least, std::max(w, h));
    const auto place = [side](double centre, double length) {
        const double start = centre - 0.5 * side;
        return side <= length ? std::clamp(start, 0.0, length - side) : 0.5 * (length - side);
    };
    return {place(found.x, w), place(found.y, h), side};
}

Frame centred_frame(std::int64_t width, std::int64_t height, double pixels) {
    const auto w = static_cast<double>(width), h = static_cast<double>(height);
    const double side = pixels > 0 ? pixels : std::min(w, h);
    return {0.5 * (w - side), 0.5 * (h - side), side};
}

namespace {

Framed frame_source(const Scene& scene, FrameScratch& scratch) {
    const Found found = find_central(scene, scratch);
    const bool none = found.flags & kNoSource;
    return {none ? centred_frame(scene.width, scene.height)
                 : frame_around(found, scene.width, scene.height, scene.margin),
            found.flags};
}

Framed frame_all(const Scene& scene, FrameScratch&) {
    return {centred_frame(scene.width, scene.height)};
}

Framed frame_pixels(const Scene& scene, FrameScratch&) {
    return {centred_frame(scene.width, scene.height, scene.pixels)};
}

}  // namespace

const std::vector<Framing>& framings() {
    static const std::vector<Framing> all = {
        {"auto", frame_source},
        {"full", frame_all},
        {kPixels, frame_pixels},
    };
    return all;
}

}  // namespace galedge
