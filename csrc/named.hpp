// Tables of what has a name: stretches, framings, codecs.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace galedge {

// The table's names, joined by commas.
template <class Entry>
std::string names_of(const std::vector<Entry>& table) {
    std::string names;
    for (const Entry& entry : table) names += (names.empty() ? "" : ", ") + std::string(entry.name);
    return names;
}

// The entry of a name, or nullptr.
template <class Entry>
const Entry* find(const std::vector<Entry>& table, const std::string& name) {
    for (const Entry& entry : table) {
        if (name == entry.name) return &entry;
    }
    return nullptr;
}

// The entry of a name; std::invalid_argument with all there are where it is none.
template <class Entry>
const Entry* find(const std::vector<Entry>& table, const std::string& name, const char* kind) {
    const Entry* found = find(table, name);
    if (!found) {
        throw std::invalid_argument(std::string("there is no ") + kind + " '" + name + "'; there are " +
                                    names_of(table));
    }
    return found;
}

}  // namespace galedge
