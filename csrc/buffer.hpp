// Uninitialised bytes for one reader at a time. Small buffers go back to a
// short list of their thread when released: reading thousands of cutouts then
// costs neither page faults nor the allocator's trimming of the heap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace galedge {

class Buffer {
public:
    Buffer() = default;
    explicit Buffer(std::size_t bytes) { reserve(bytes); }
    Buffer(Buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          capacity_(std::exchange(other.capacity_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }
    ~Buffer() { release(); }

    // At least `bytes` bytes; the first `keep` survive, the rest is undefined.
    std::uint8_t* reserve(std::size_t bytes, std::size_t keep = 0);
    void release() noexcept;

    std::uint8_t* data() noexcept { return data_; }
    const std::uint8_t* data() const noexcept { return data_; }
    std::size_t capacity() const noexcept { return capacity_; }

private:
    std::uint8_t* data_ = nullptr;
    std::size_t capacity_ = 0;
};

}  // namespace galedge
