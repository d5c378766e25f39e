// Inflating gzip: whole files (.fits.gz), as far as needed and no further, and
// the streams of compressed tiles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "buffer.hpp"
#include "source.hpp"

struct libdeflate_decompressor;

namespace galedge {

// DEFLATE emits at most 258 bytes for 2 bits.
constexpr std::uint64_t kMaxInflation = 1032;

class Inflater {
public:
    Inflater();

    // One gzip member of exactly `out_bytes` bytes; Error Read otherwise.
    void member(const std::uint8_t* in, std::size_t in_bytes, std::uint8_t* out,
                std::size_t out_bytes);

    // One gzip member of at most `out_bytes` bytes.
    enum class Result { Complete, OutputFull, Damaged };
    Result some(const std::uint8_t* in, std::size_t in_bytes, std::uint8_t* out,
                std::size_t out_bytes, std::size_t& in_used, std::size_t& out_used);

private:
    struct Free {
        void operator()(libdeflate_decompressor* d) const noexcept;
    };
    std::unique_ptr<libdeflate_decompressor, Free> state_;
};

bool is_gzip(const std::uint8_t* bytes, std::size_t count);

// The inflated contents of a gzip file, grown from the front on demand.
class GzipReader {
public:
    // `limit`: more inflated bytes than this are Error TooLarge.
    GzipReader(const Source& source, std::uint64_t limit) : source_(source), limit_(limit) {}

    // Makes the first `bytes` bytes available, or as many as there are;
    // returns how many. Pointers from data() end with the next call.
    std::uint64_t fill(std::uint64_t bytes);
    const std::uint8_t* data() const { return out_.data(); }
    std::uint64_t available() const { return filled_; }

private:
    std::uint64_t first_target() const;
    const std::uint8_t* input(std::uint64_t bytes);
    [[noreturn]] void refuse() const;

    const Source& source_;
    std::uint64_t limit_;
    Inflater inflater_;
    Buffer in_, out_;
    std::uint64_t in_filled_ = 0;  // compressed bytes in memory
    std::uint64_t in_done_ = 0;    // compressed bytes of complete members
    std::uint64_t out_done_ = 0;   // what those members inflate to
    std::uint64_t filled_ = 0;     // inflated bytes that are valid
    bool complete_ = false;
};

}  // namespace galedge
