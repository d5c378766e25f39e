#include "source.hpp"

#include <cstring>
#include <string>
#include <utility>

namespace galedge {

Source Source::open(const char* path) {
    Source source(nullptr, 0);
    source.file_ = File(path);
    source.size_ = source.file_.size();
    return source;
}

Source Source::memory(const void* data, std::size_t size) {
    static const std::uint8_t nothing = 0;
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    return Source(bytes != nullptr ? bytes : &nothing, bytes != nullptr ? size : 0);
}

void Source::read(std::uint64_t offset, std::size_t bytes, void* out) const {
    if (offset > size_ || bytes > size_ - offset)
        throw Error(ErrorKind::Truncated,
                    "truncated: " + std::to_string(bytes) + " bytes are needed at offset " +
                        std::to_string(offset) + ", the file has " + std::to_string(size_));
    if (data_ != nullptr) {
        std::memcpy(out, data_ + offset, bytes);
        return;
    }
    auto* to = static_cast<std::uint8_t*>(out);
    while (bytes > 0) {
        const std::size_t got = file_.read(offset, bytes, to);
        if (got == 0)
            throw Error(ErrorKind::Truncated, "truncated: the file shrank while being read");
        to += got;
        offset += got;
        bytes -= got;
    }
}

}  // namespace galedge
