#include "bindings.hpp"

#include <exception>

#include "error.hpp"
#include "isa.hpp"

namespace py = pybind11;

namespace {

const char* python_name(galedge::ErrorKind kind) {
    switch (kind) {
        case galedge::ErrorKind::Truncated: return "Truncated";
        case galedge::ErrorKind::Unsupported: return "Unsupported";
        case galedge::ErrorKind::TooLarge: return "TooLarge";
        case galedge::ErrorKind::Blank: return "Blank";
        case galedge::ErrorKind::Read: break;
    }
    return "ReadError";
}

}  // namespace

PYBIND11_MODULE(_core, m) {
    m.doc() = "The compiled core: FITS reading and image preparation.";
    // pybind11 turns std::bad_alloc into MemoryError by itself.
    py::register_exception_translator([](std::exception_ptr pointer) {
        try {
            if (pointer) std::rethrow_exception(pointer);
        } catch (const galedge::Error& error) {
            const py::object type =
                py::module_::import("galedge.errors").attr(python_name(error.kind()));
            PyErr_SetObject(type.ptr(), shown(error.what()).ptr());
        }
    });
    m.def("isa", &galedge::isa_name, "The instruction set of the hot loops in use.");
    bind_fits(m);
    bind_prepare(m);
}
