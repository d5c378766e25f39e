// Python's view of reading FITS; no logic, only conversion.
#include <pybind11/complex.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "bindings.hpp"
#include "codecs.hpp"
#include "fits.hpp"
#include "wcs.hpp"

namespace py = pybind11;
using namespace galedge;

namespace {

// A FitsFile, what it borrows its bytes from, and a lock: Python threads may
// share one, and it works without the GIL.
class PyFits {
public:
    PyFits(Source source, std::optional<std::uint64_t> max_pixels, py::object owner)
        : owner_(std::move(owner)) {
        const py::gil_scoped_release release;
        file_.emplace(std::move(source), max_pixels.value_or(FitsFile::kDefaultMaxPixels));
    }

    // Runs action(file) without the GIL.
    template <class Action>
    decltype(auto) locked(Action&& action) {
        const py::gil_scoped_release release;
        const std::lock_guard<std::mutex> lock(mutex_);
        return action(*file_);
    }

    void must_own(const Hdu& hdu) {
        if (!file_->owns(hdu)) throw Error(ErrorKind::Read, "the HDU belongs to another file");
    }

    template <class Out>
    py::array read(
        const Hdu& hdu, std::optional<std::int64_t> plane,
        const std::optional<std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>>&
            window) {
        must_own(hdu);
        if (!hdu.is_image())
            throw Error(ErrorKind::Unsupported,
                        "HDU " + std::to_string(hdu.index) + " is not an image");
        Window box{0, 0, hdu.width(), hdu.height()};
        if (window) std::tie(box.x, box.y, box.width, box.height) = *window;
        const std::int64_t first = plane.value_or(0), count = plane ? 1 : hdu.planes();
        locked([&](FitsFile& file) { file.check(hdu, first, count, box); });
        std::vector<py::ssize_t> shape;
        if (count > 1) shape.push_back(count);
        shape.push_back(box.height);
        shape.push_back(box.width);
        py::array_t<Out> array(shape);
        Out* out = array.mutable_data();
        locked([&](FitsFile& file) {
            if (plane)
                file.read(hdu, first, box, out);
            else
                file.read_planes(hdu, box, out);
        });
        return array;
    }

private:
    std::mutex mutex_;
    py::object owner_;
    std::optional<FitsFile> file_;
};

std::unique_ptr<PyFits> open_path(const py::object& path, std::optional<std::uint64_t> max_pixels) {
    const auto encoded = py::module_::import("os").attr("fsencode")(path).cast<std::string>();
    if (encoded.find('\0') != std::string::npos)
        throw Error(ErrorKind::Read, "the path has a null byte in it");
    std::optional<Source> source;
    {
        const py::gil_scoped_release release;
        source.emplace(Source::open(encoded.c_str()));
    }
    return std::make_unique<PyFits>(std::move(*source), max_pixels, py::none());
}

std::unique_ptr<PyFits> open_buffer(const py::buffer& buffer,
                                    std::optional<std::uint64_t> max_pixels) {
    // A memoryview holds the exporter's buffer: it can be neither freed nor resized.
    auto view = py::reinterpret_steal<py::object>(PyMemoryView_FromObject(buffer.ptr()));
    if (!view) throw py::error_already_set();
    const Py_buffer* facts = PyMemoryView_GET_BUFFER(view.ptr());
    if (PyBuffer_IsContiguous(facts, 'C') == 0)
        throw Error(ErrorKind::Read, "the buffer is not contiguous; pass bytes(buffer)");
    Source source = Source::memory(facts->buf, static_cast<std::size_t>(facts->len));
    return std::make_unique<PyFits>(std::move(source), max_pixels, std::move(view));
}

const char* kind_name(HduKind kind) {
    switch (kind) {
        case HduKind::Image: return "image";
        case HduKind::CompressedImage: return "compressed image";
        case HduKind::Table: return "table";
        case HduKind::Other: break;
    }
    return "other";
}

py::object to_python(const Value& value) {
    if (std::holds_alternative<std::monostate>(value)) return py::none();
    if (const auto* text = std::get_if<std::string>(&value)) return shown(*text);
    if (const auto* truth = std::get_if<bool>(&value)) return py::bool_(*truth);
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return py::int_(*integer);
    if (const auto* real = std::get_if<double>(&value)) return py::float_(*real);
    return py::cast(std::get<std::complex<double>>(value));
}

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

// action(first, second, one, other) on each pair of two arrays of one axis.
template <class Action>
py::tuple for_each_pair(const Doubles& first, const Doubles& second, Action&& action) {
    if (first.ndim() != 1 || second.ndim() != 1 || first.size() != second.size())
        throw py::value_error("coordinates must be two arrays of one axis and one length");
    Doubles one(first.size()), other(first.size());
    const double *a = first.data(), *b = second.data();
    double *c = one.mutable_data(), *d = other.mutable_data();
    {
        const py::gil_scoped_release release;
        for (py::ssize_t i = 0; i < first.size(); ++i) action(a[i], b[i], c[i], d[i]);
    }
    return py::make_tuple(one, other);
}

py::list parse_cards(const py::bytes& text) {
    py::list list;
    for (const Card& card : Header(text).cards())
        list.append(py::make_tuple(shown(card.keyword), to_python(card.value)));
    return list;
}

}  // namespace

void bind_fits(py::module_& m) {
    py::class_<Wcs>(m, "Wcs", "Gnomonic (TAN) celestial coordinates, with SIP.")
        .def_readonly("distorted", &Wcs::distorted)
        .def_readonly("sip_ignored", &Wcs::sip_ignored)
        .def_property_readonly("sip_order", [](const Wcs& w) { return w.sip.order; })
        .def_property_readonly("crpix",
                               [](const Wcs& w) { return py::make_tuple(w.crpix[0], w.crpix[1]); })
        .def_property_readonly("crval",
                               [](const Wcs& w) { return py::make_tuple(w.crval[0], w.crval[1]); })
        .def_property_readonly("matrix",
                               [](const Wcs& w) {
                                   return py::make_tuple(
                                       py::make_tuple(w.matrix[0][0], w.matrix[0][1]),
                                       py::make_tuple(w.matrix[1][0], w.matrix[1][1]));
                               })
        .def_readonly("lonpole", &Wcs::lonpole)
        .def_property_readonly("pixel_scale", &Wcs::pixel_scale)
        .def(
            "shifted",
            [](Wcs w, double x, double y) {
                w.crpix[0] -= x;
                w.crpix[1] -= y;
                return w;
            },
            py::arg("x"), py::arg("y"))
        .def(
            "pixel_to_sky",
            [](const Wcs& w, double x, double y) {
                double ra, dec;
                w.pixel_to_sky(x, y, ra, dec);
                return py::make_tuple(ra, dec);
            },
            py::arg("x"), py::arg("y"))
        .def(
            "pixels_to_sky",
            [](const Wcs& wcs, const Doubles& x, const Doubles& y) {
                return for_each_pair(x, y, [&wcs](double x, double y, double& ra, double& dec) {
                    wcs.pixel_to_sky(x, y, ra, dec);
                });
            },
            py::arg("x"), py::arg("y"))
        .def(
            "sky_to_pixels",
            [](const Wcs& wcs, const Doubles& ra, const Doubles& dec, bool with_sip) {
                return for_each_pair(ra, dec, [&](double ra, double dec, double& x, double& y) {
                    wcs.sky_to_pixel(ra, dec, with_sip, x, y);
                });
            },
            py::arg("ra"), py::arg("dec"), py::arg("with_sip") = true);

    py::class_<Hdu>(m, "Hdu", "What a header says about its HDU.")
        .def_readonly("index", &Hdu::index)
        .def_property_readonly("kind", [](const Hdu& h) { return kind_name(h.kind); })
        .def_property_readonly("name", [](const Hdu& h) { return shown(h.name); })
        .def_readonly("bitpix", &Hdu::bitpix)
        .def_property_readonly("axes", [](const Hdu& h) { return py::tuple(py::cast(h.axes)); })
        .def_property_readonly("is_image", &Hdu::is_image)
        .def_property_readonly("is_picture", &Hdu::is_picture)
        .def_property_readonly("signs",
                               [](const Hdu& h) {
                                   const Wcs wcs = Wcs::of(h);
                                   return py::make_tuple(wcs.parity, rows_go_up(h.header),
                                                         wcs.sip_ignored, wcs.unread());
                               })
        .def_property_readonly("shape",
                               [](const Hdu& h) -> py::object {
                                   if (!h.is_image()) return py::none();
                                   return py::make_tuple(h.planes(), h.height(), h.width());
                               })
        .def_property_readonly("compression",
                               [](const Hdu& h) -> py::object {
                                   if (h.kind != HduKind::CompressedImage) return py::none();
                                   return to_python(h.header.value("ZCMPTYPE").value_or(Value()));
                               })
        .def_property_readonly("text", [](const Hdu& h) { return py::bytes(h.header.text()); })
        .def_readonly("data_offset", &Hdu::data_offset)
        .def_readonly("data_bytes", &Hdu::data_bytes)
        .def("wcs", [](const Hdu& h) -> std::optional<Wcs> {
            const Wcs wcs = Wcs::of(h);
            if (!wcs.valid) return std::nullopt;
            return wcs;
        });

    py::class_<PyFits>(m, "FitsFile", "A FITS file, or a buffer that holds one.")
        .def("hdus",
             [](PyFits& self) {
                 // Once walked, the list stays as it is.
                 const std::deque<Hdu>& hdus = self.locked(
                     [](FitsFile& file) -> const std::deque<Hdu>& { return file.hdus(); });
                 py::list list;
                 for (const Hdu& hdu : hdus)
                     list.append(py::cast(&hdu, py::return_value_policy::reference_internal,
                                          py::cast(&self)));
                 return list;
             })
        .def(
            "image",
            [](PyFits& self, const std::optional<HduChoice>& hdu) -> const Hdu& {
                return self.locked([&](FitsFile& file) -> const Hdu& {
                    return file.find_image(hdu.value_or(-1));
                });
            },
            py::arg("hdu") = py::none(), py::return_value_policy::reference_internal)
        .def(
            "following",
            [](PyFits& self, const Hdu& hdu, std::size_t most) {
                self.must_own(hdu);
                const std::vector<const Hdu*> found = self.locked(
                    [&](FitsFile& file) { return file.following(hdu, most); });
                py::list list;
                for (const Hdu* next : found)
                    list.append(py::cast(next, py::return_value_policy::reference_internal,
                                         py::cast(&self)));
                return list;
            },
            py::arg("hdu"), py::arg("most"))
        .def(
            "read",
            [](PyFits& self, const Hdu& hdu, std::optional<std::int64_t> plane,
               const std::optional<
                   std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>>& window,
               bool double_precision) {
                return double_precision ? self.read<double>(hdu, plane, window)
                                        : self.read<float>(hdu, plane, window);
            },
            py::arg("hdu"), py::arg("plane") = py::none(), py::arg("window") = py::none(),
            py::arg("double_precision") = false)
        .def("verify", [](PyFits& self, const Hdu& hdu) {
            self.must_own(hdu);
            const FitsFile::Sums sums =
                self.locked([&](FitsFile& file) { return file.verify(hdu); });
            return py::make_tuple(py::cast(sums.datasum), py::cast(sums.checksum));
        });

    m.def(
        "codecs",
        [] {
            py::dict all;
            for (const Codec& codec : codecs())
                all[codec.name] = codec.package ? py::object(py::str(codec.package)) : py::none();
            return all;
        },
        "The codecs of compressed tiles, each with the Python package that it needs, or None.");
    m.def("parse_cards", &parse_cards, py::arg("text"),
          "The (keyword, value) pairs of 80-byte header cards.");
    m.def(
        "card_text",
        [](const py::bytes& text, const std::string& keyword) {
            return shown(Header(text).shown(keyword));
        },
        py::arg("text"), py::arg("keyword"),
        "A card's value as a reader is shown it; empty when there is none.");
    m.def(
        "told",
        [](const py::bytes& text, const std::vector<std::string>& keywords) {
            return shown(Header(text).told(keywords));
        },
        py::arg("text"), py::arg("keywords"),
        "Those of some keywords that cards give a value, with it as a reader is shown it.");
    m.def("open_fits", &open_path, py::arg("path"), py::arg("max_pixels") = py::none(),
          "Open a FITS file, gzipped or not.");
    m.def("open_fits_buffer", &open_buffer, py::arg("buffer"), py::arg("max_pixels") = py::none(),
          "Read FITS from bytes in memory; the buffer is borrowed, not copied.");
}
