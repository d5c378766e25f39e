// A regular file, open to be read at any place: what a system does differently.
// file_posix.cpp and file_windows.cpp are its two halves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "error.hpp"

namespace galedge {

class File {
public:
    File() = default;  // none
    // The name is in the system's own bytes, on Windows in UTF-8. A FIFO, socket,
    // device, directory, dangling link or loop of links is Error Read; none of them
    // is waited for.
    explicit File(const char* path);
    File(File&& other) noexcept
        : handle_(std::exchange(other.handle_, -1)), size_(std::exchange(other.size_, 0)) {}
    File& operator=(File&& other) noexcept {
        std::swap(handle_, other.handle_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~File();

    std::uint64_t size() const noexcept { return size_; }  // when it was opened
    // Up to `bytes` bytes from `offset`, and how many; none at the end. Any number of
    // threads may read. Error Read where the disk cannot.
    std::size_t read(std::uint64_t offset, std::size_t bytes, void* out) const;

private:
    std::intptr_t handle_ = -1;
    std::uint64_t size_ = 0;
};

}  // namespace galedge
