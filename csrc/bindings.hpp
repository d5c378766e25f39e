// Each part of the core binds itself; bindings.cpp puts the parts together.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "header.hpp"

// Text for Python. What comes out of a header is UTF-8; no other byte, such as one
// of a path in a system's message, raises either.
inline pybind11::str shown(const std::string& text) {
    return pybind11::reinterpret_steal<pybind11::str>(PyUnicode_DecodeUTF8(
        text.data(), static_cast<pybind11::ssize_t>(text.size()), "backslashreplace"));
}

inline pybind11::list shown(const std::vector<galedge::Told>& cards) {
    pybind11::list list;
    for (const auto& [keyword, value] : cards)
        list.append(pybind11::make_tuple(shown(keyword), shown(value)));
    return list;
}

void bind_fits(pybind11::module_& m);
void bind_prepare(pybind11::module_& m);
