// Python's view of the preparation; no logic, only conversion.
#include <pybind11/gil_safe_call_once.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "appearance.hpp"
#include "background.hpp"
#include "batch.hpp"
#include "bindings.hpp"
#include "constant.hpp"
#include "kernels.hpp"
#include "named.hpp"
#include "slope.hpp"
#include "zscale.hpp"

namespace py = pybind11;
using namespace galedge;

namespace {

using FloatImage = py::array_t<float, py::array::c_style>;
template <class Out>
using OutBatch = py::array_t<Out, py::array::c_style>;

Planes planes_of(const FloatImage& image, bool picture) {
    if (image.ndim() != 3 || (image.shape(0) != 1 && image.shape(0) != 3) || image.size() == 0) {
        throw py::value_error("an image must have the shape (1, H, W) or (3, H, W)");
    }
    Planes planes;
    planes.count = static_cast<int>(image.shape(0));
    planes.height = image.shape(1);
    planes.width = image.shape(2);
    planes.picture = picture;
    for (int c = 0; c < planes.count; ++c) {
        planes.band[c] = image.data() + c * planes.width * planes.height;
    }
    return planes;
}

template <class Entry>
std::vector<std::string> names(const std::vector<Entry>& table) {
    std::vector<std::string> all;
    for (const Entry& entry : table) all.emplace_back(entry.name);
    return all;
}

template <class Out>
Out* output(OutBatch<Out>& out, std::size_t n, int size) {
    if (out.ndim() != 4 || out.shape(0) != static_cast<py::ssize_t>(n) || out.shape(1) != 3 ||
        out.shape(2) != size || out.shape(3) != size || !out.writeable()) {
        throw py::value_error("out must be a writeable array of shape (N, 3, size, size)");
    }
    return out.mutable_data();
}

// Facts as a structured array and the strings beside it.
py::tuple to_python(std::vector<ImageFacts>& facts) {
    // Not when the module loads: lists of names and headers do without NumPy. Importing
    // it may let another thread in here, which must not wait with the interpreter's lock.
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<bool> known;
    known.call_once_and_store_result([] {
        PYBIND11_NUMPY_DTYPE(Prepared, x, y, side, sky, noise, masked_fraction, flags);
        return true;
    });
    py::list objects, dates, errors, unsupported, told;
    py::array_t<Prepared> table(static_cast<py::ssize_t>(facts.size()));
    py::array_t<double> positions({static_cast<py::ssize_t>(facts.size()), py::ssize_t{2}});
    py::array_t<std::int8_t> signs({static_cast<py::ssize_t>(facts.size()), py::ssize_t{5}});
    py::list hdus;
    for (std::size_t i = 0; i < facts.size(); ++i) {
        table.mutable_at(i) = facts[i].prepared;
        positions.mutable_at(i, 0) = facts[i].ra;
        positions.mutable_at(i, 1) = facts[i].dec;
        signs.mutable_at(i, 0) = static_cast<std::int8_t>(facts[i].parity);
        signs.mutable_at(i, 1) = facts[i].upwards;
        signs.mutable_at(i, 2) = facts[i].sip_ignored;
        signs.mutable_at(i, 3) = facts[i].sky_unread;
        signs.mutable_at(i, 4) = facts[i].order_unknown;
        hdus.append(facts[i].hdu);
        objects.append(shown(facts[i].object));
        dates.append(shown(facts[i].date_obs));
        errors.append(facts[i].error ? py::object(shown(*facts[i].error)) : py::none());
        unsupported.append(facts[i].unsupported);
        py::list each;
        for (const std::vector<Told>& cards : facts[i].told) each.append(shown(cards));
        told.append(each);
    }
    return py::make_tuple(table, positions, signs, hdus, objects, dates, errors, unsupported, told);
}

template <class Out>
py::tuple prepare_arrays_py(const std::vector<FloatImage>& images,
                            const std::vector<bool>& pictures, const Recipe& recipe, OutBatch<Out> out,
                            unsigned threads) {
    std::vector<Planes> planes;
    planes.reserve(images.size());
    for (std::size_t i = 0; i < images.size(); ++i) {
        planes.push_back(planes_of(images[i], pictures.at(i)));
    }
    Out* pixels = output(out, images.size(), recipe.size);
    std::vector<ImageFacts> facts;
    {
        const py::gil_scoped_release release;
        facts = prepare_arrays(planes, recipe, threads, pixels);
    }
    return to_python(facts);
}

template <class Out>
py::tuple prepare_files_py(const std::vector<py::bytes>& paths, const HduChoice& hdu, int plane,
                           const Recipe& recipe, OutBatch<Out> out, unsigned threads,
                           const py::object& order_of, const std::vector<std::string>& keywords) {
    const std::vector<std::string> names(paths.begin(), paths.end());
    OrderOf ask;
    if (!order_of.is_none()) {
        // What is asked of Python takes its lock, here in whatever thread the image is.
        ask = [&order_of](const std::string& cards) {
            const py::gil_scoped_acquire acquire;
            const py::object told = order_of(py::bytes(cards));
            if (told.is_none()) return std::optional<Order>();
            const auto order = told.cast<Order>();
            for (const int plane : order) {
                if (plane < 0 || plane > 2) throw py::value_error("there are three planes");
            }
            return std::optional<Order>(order);
        };
    }
    Out* pixels = output(out, names.size(), recipe.size);
    std::vector<ImageFacts> facts;
    {
        const py::gil_scoped_release release;
        facts = prepare_files(names, hdu, plane, recipe, threads, {ask, keywords}, pixels);
    }
    return to_python(facts);
}

// The type of `out` chooses among the two; noconvert() keeps NumPy from copying it.
template <class Out>
void bind_out(py::module_& m) {
    m.def("prepare_arrays", &prepare_arrays_py<Out>, py::arg("images"), py::arg("pictures"),
          py::arg("recipe"), py::arg("out").noconvert(), py::arg("threads") = 1);
    m.def("prepare_files", &prepare_files_py<Out>, py::arg("paths"), py::arg("hdu"),
          py::arg("plane"), py::arg("recipe"), py::arg("out").noconvert(),
          py::arg("threads") = 1, py::arg("order_of") = py::none(),
          py::arg("keywords") = std::vector<std::string>());
}

}  // namespace

void bind_prepare(py::module_& m) {
    py::class_<Recipe>(m, "Recipe")
        .def(py::init([](int size, const std::variant<double, std::string>& framing, double margin,
                         double threshold, double softening, double white,
                         const std::string& stretch, double q, const std::string& sky, int bridge,
                         const std::string& blanks, double knee) {
                 const double* pixels = std::get_if<double>(&framing);
                 const std::string name = pixels ? kPixels : std::get<std::string>(framing);
                 return Recipe{size,
                               find(framings(), name, "framing"),
                               pixels ? *pixels : 0,
                               margin,
                               threshold,
                               softening,
                               white,
                               find(stretches(), stretch, "stretch"),
                               q,
                               knee,
                               sky == "plane",
                               blanks == "constant",
                               bridge};
             }),
             py::kw_only(), py::arg("size"), py::arg("framing"), py::arg("margin"),
             py::arg("threshold"), py::arg("softening"), py::arg("white"), py::arg("stretch"),
             py::arg("q"), py::arg("sky") = "level", py::arg("bridge") = 0, py::arg("blanks") = "nan",
             py::arg("knee") = 0.0);
    m.def("framings", [] { return names(framings()); }, "The framings by name; PIXELS is a number.");
    m.def("stretches", [] { return names(stretches()); }, "The stretches by name.");

    bind_out<std::uint8_t>(m);
    bind_out<float>(m);

    m.def(
        "border_sky",
        [](const FloatImage& image, bool sparse) {
            const Planes planes = planes_of(image, false);
            SkyScratch scratch;
            const Sky sky =
                border_sky(planes.band[0], planes.width, planes.height, scratch, sparse);
            return py::make_tuple(sky.level, sky.noise);
        },
        py::arg("image"), py::arg("sparse") = false);
    m.def("border_slope", [](const FloatImage& image) {
        const Planes planes = planes_of(image, false);
        SlopeScratch scratch;
        const Slope slope =
            border_slope(planes.band[0], planes.width, planes.height, false, scratch);
        return py::make_tuple(slope.x, slope.y);
    });
    m.def("constant_areas", [](const FloatImage& image) -> py::object {
        const Planes planes = planes_of(image, false);
        ConstantScratch scratch;
        std::int64_t count = 0;
        {
            const py::gil_scoped_release release;
            count = find_constant(planes.band[0], planes.width, planes.height, scratch);
        }
        if (count == 0) return py::none();
        py::array_t<bool> mask({planes.height, planes.width});
        std::copy(scratch.missing.begin(), scratch.missing.end(), mask.mutable_data());
        return mask;
    });
    m.def(
        "background",
        [](const FloatImage& image, std::int64_t size, int filter, unsigned threads,
           std::optional<OutBatch<float>> level_map, std::optional<OutBatch<float>> noise_map) {
            const Planes planes = planes_of(image, false);
            if (size < 1 || filter < 1 || filter % 2 == 0) {
                throw py::value_error("mesh must be positive and filter odd");
            }
            const std::int64_t w = planes.width, h = planes.height;
            const auto given = [h, w](const std::optional<OutBatch<float>>& map) {
                if (!map) return OutBatch<float>({h, w});
                if (map->ndim() != 2 || map->shape(0) != h || map->shape(1) != w) {
                    throw py::value_error("a map must have the shape of the frame");
                }
                return *map;
            };
            OutBatch<float> level = given(level_map), noise = given(noise_map);
            float *level_out = level.mutable_data(), *noise_out = noise.mutable_data();
            Mesh raw;
            {
                const py::gil_scoped_release release;
                raw = measure_mesh(planes.band[0], w, h, size, threads);
                Mesh smooth = raw;
                filter_mesh(smooth, filter);
                spline_mesh(smooth.level, raw.nx, raw.ny, size, w, h, level_out, threads);
                spline_mesh(smooth.noise, raw.nx, raw.ny, size, w, h, noise_out, threads);
            }
            const auto to_array = [&raw](const std::vector<float>& values) {
                return py::array_t<float>({raw.ny, raw.nx}, values.data());
            };
            return py::make_tuple(level, noise, to_array(raw.level), to_array(raw.noise));
        },
        py::arg("image"), py::arg("mesh"), py::arg("filter"), py::arg("threads"),
        py::arg("level").noconvert() = py::none(), py::arg("noise").noconvert() = py::none());
    m.def("appearances", [](const OutBatch<std::uint8_t>& pixels) {
        if (pixels.ndim() != 4 || pixels.shape(1) != 3 || pixels.shape(2) < 8 ||
            pixels.shape(2) != pixels.shape(3)) {
            throw py::value_error("pictures must have the shape (N, 3, S, S), S being 8 or more");
        }
        const auto side = static_cast<std::size_t>(pixels.shape(2));
        py::array_t<double> numbers({pixels.shape(0), py::ssize_t{5}});
        std::vector<std::uint16_t> buffer;
        for (py::ssize_t i = 0; i < pixels.shape(0); ++i) {
            const Appearance one = appearance(pixels.data(i), side, buffer);
            double* row = numbers.mutable_data(i);
            row[0] = one.sharpness, row[1] = one.colour_red, row[2] = one.colour_blue;
            row[3] = one.tilt_x, row[4] = one.tilt_y;
        }
        return numbers;
    });
    m.def("zscale", [](const FloatImage& values) {
        std::vector<float> sample;
        const auto n = static_cast<std::size_t>(values.size());
        const Limits limits = zscale(values.data(), n, sample);
        return py::make_tuple(limits.low, limits.high);
    });
    m.def("lupton", [](const FloatImage& bands, double stretch, double q) {
        const Planes planes = planes_of(bands, false);
        py::array_t<std::uint8_t> out({std::int64_t{3}, planes.height, planes.width});
        const auto n = static_cast<std::size_t>(planes.width * planes.height);
        StretchScratch scratch;
        const Light light{planes.band, planes.count, n, 1, 0, stretch, q, 0};
        (*find(stretches(), "lupton"))(light, out.mutable_data(), scratch);
        return out;
    });
    m.def("resample", [](const FloatImage& image, double x, double y, double side, int size,
                         float fill) {
        const Planes planes = planes_of(image, false);
        py::array_t<float> result({size, size});
        ResampleScratch scratch;
        const std::int64_t pixels = planes.width * planes.height;
        const Range range = kernels::range(planes.band[0], static_cast<std::size_t>(pixels));
        const double invalid =
            resample(planes.band[0], planes.width, planes.height, range.finite == pixels,
                     Frame{x, y, side}, size, fill, result.mutable_data(), scratch);
        return py::make_tuple(result, invalid);
    });
    m.def("asinh", [](const FloatImage& x) {
        const py::array_t<float> y(std::vector<py::ssize_t>(x.shape(), x.shape() + x.ndim()));
        kernels::asinh(const_cast<float*>(y.data()), x.data(), static_cast<std::size_t>(x.size()));
        return y;
    });
}
