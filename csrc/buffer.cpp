#include "buffer.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <new>

namespace galedge {
namespace {

struct Spare {
    std::uint8_t* data = nullptr;
    std::size_t capacity = 0;
};

// At most kSpares * kLargestSpare bytes stay with a thread.
constexpr std::size_t kSpares = 4;
constexpr std::size_t kLargestSpare = std::size_t{2} << 20;

struct SpareList {
    std::array<Spare, kSpares> items{};
    ~SpareList() {
        for (Spare& spare : items) std::free(spare.data);
    }
};

thread_local SpareList spares;

}  // namespace

std::uint8_t* Buffer::reserve(std::size_t bytes, std::size_t keep) {
    if (bytes <= capacity_) return data_;
    Buffer grown;
    if (bytes <= kLargestSpare) {
        for (Spare& spare : spares.items) {
            if (spare.capacity < bytes) continue;
            grown.data_ = std::exchange(spare.data, nullptr);
            grown.capacity_ = std::exchange(spare.capacity, 0);
            break;
        }
    }
    if (grown.data_ == nullptr) {
        grown.data_ = static_cast<std::uint8_t*>(std::malloc(bytes));
        if (grown.data_ == nullptr) throw std::bad_alloc();
        grown.capacity_ = bytes;
    }
    if (keep > 0) std::memcpy(grown.data_, data_, std::min(keep, capacity_));
    *this = std::move(grown);
    return data_;
}

void Buffer::release() noexcept {
    if (data_ != nullptr && capacity_ <= kLargestSpare) {
        // Keep the larger of this buffer and the smallest spare.
        Spare& smallest = *std::min_element(
            spares.items.begin(), spares.items.end(),
            [](const Spare& a, const Spare& b) { return a.capacity < b.capacity; });
        if (smallest.capacity < capacity_) {
            std::swap(smallest.data, data_);
            std::swap(smallest.capacity, capacity_);
        }
    }
    std::free(data_);
    data_ = nullptr;
    capacity_ = 0;
}

}  // namespace galedge
