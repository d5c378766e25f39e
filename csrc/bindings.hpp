// Each part of the core binds itself; bindings.cpp puts the parts together.
#pragma once

#include <pybind11/pybind11.h>

void bind_fits(pybind11::module_& m);
void bind_prepare(pybind11::module_& m);
