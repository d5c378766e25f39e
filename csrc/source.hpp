// Where the bytes of a file come from: a path, read piece by piece and never
// mapped (a file that shrinks under mmap is a SIGBUS), or the caller's memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "error.hpp"
#include "file.hpp"

namespace galedge {

class Source {
public:
    // Opens a regular file; what else there is, is Error Read.
    static Source open(const char* path);
    // Borrows `size` bytes, which must outlive the Source.
    static Source memory(const void* data, std::size_t size);

    std::uint64_t size() const noexcept { return size_; }
    // The bytes in memory, or null when they come from a path.
    const std::uint8_t* data() const noexcept { return data_; }
    // Exactly `bytes` bytes from `offset`; Error Truncated when there are fewer.
    void read(std::uint64_t offset, std::size_t bytes, void* out) const;

private:
    Source(const std::uint8_t* data, std::uint64_t size) noexcept : data_(data), size_(size) {}

    File file_;
    const std::uint8_t* data_ = nullptr;
    std::uint64_t size_ = 0;
};

}  // namespace galedge
