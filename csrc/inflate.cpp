#include "inflate.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <new>
#include <string>

namespace galedge {
namespace {

// When its output is full, libdeflate stops before the first match or stored
// block that does not fit. A stored block has at most 65,535 bytes, and where
// the input ran out, at most 64 invented symbols of 258 bytes come before: with
// this much room behind, every byte wanted is there and comes from the file.
constexpr std::uint64_t kSlack = 65536;

// gzip's fixed header, its two checks, and an empty block.
constexpr std::uint64_t kSmallestMember = 18;

// A file that its trailer says is this small is inflated in one go.
constexpr std::uint64_t kSmallFile = std::uint64_t{2} << 20;

std::uint32_t little32(const std::uint8_t* b) {
    return static_cast<std::uint32_t>(b[0]) | static_cast<std::uint32_t>(b[1]) << 8 |
           static_cast<std::uint32_t>(b[2]) << 16 | static_cast<std::uint32_t>(b[3]) << 24;
}

}  // namespace

void Inflater::Free::operator()(libdeflate_decompressor* d) const noexcept {
    libdeflate_free_decompressor(d);
}

Inflater::Inflater() : state_(libdeflate_alloc_decompressor()) {
    if (!state_) throw std::bad_alloc();
}

Inflater::Result Inflater::some(const std::uint8_t* in, std::size_t in_bytes, std::uint8_t* out,
                                std::size_t out_bytes, std::size_t& in_used,
                                std::size_t& out_used) {
    switch (libdeflate_gzip_decompress_ex(state_.get(), in, in_bytes, out, out_bytes, &in_used,
                                          &out_used)) {
        case LIBDEFLATE_SUCCESS: return Result::Complete;
        case LIBDEFLATE_INSUFFICIENT_SPACE: return Result::OutputFull;
        default: return Result::Damaged;
    }
}

void Inflater::member(const std::uint8_t* in, std::size_t in_bytes, std::uint8_t* out,
                      std::size_t out_bytes) {
    std::size_t in_used = 0, out_used = 0;
    const Result result = some(in, in_bytes, out, out_bytes, in_used, out_used);
    if (result == Result::Damaged) throw Error(ErrorKind::Read, "a gzip stream is damaged");
    if (result == Result::OutputFull || out_used != out_bytes)
        throw Error(ErrorKind::Read, "a gzip stream does not hold the " +
                                         std::to_string(out_bytes) + " bytes expected of it");
}

bool is_gzip(const std::uint8_t* bytes, std::size_t count) {
    return count >= 3 && bytes[0] == 0x1f && bytes[1] == 0x8b && bytes[2] == 8;
}

const std::uint8_t* GzipReader::input(std::uint64_t bytes) {
    if (source_.data() != nullptr) {
        in_filled_ = source_.size();
        return source_.data();
    }
    if (bytes > in_filled_) {
        in_.reserve(bytes, in_filled_);
        source_.read(in_filled_, bytes - in_filled_, in_.data() + in_filled_);
        in_filled_ = bytes;
    }
    return in_.data();
}

// The last four bytes of a gzip file are its inflated size modulo 2^32. That is
// only a hint (members may be joined, and anyone can write four bytes).
std::uint64_t GzipReader::first_target() const {
    std::uint64_t target = 65536;
    if (source_.size() >= kSmallestMember) {
        std::uint8_t trailer[4];
        source_.read(source_.size() - 4, 4, trailer);
        const std::uint64_t hint = little32(trailer);
        if (hint <= kSmallFile && hint <= source_.size() * kMaxInflation)
            target = std::max(target, hint);
    }
    return target;
}

void GzipReader::refuse() const {
    // A complete FITS file ends with the length of whole 2880-byte blocks.
    std::uint8_t trailer[4] = {1, 0, 0, 0};
    if (source_.size() >= kSmallestMember) source_.read(source_.size() - 4, 4, trailer);
    const std::uint32_t length = little32(trailer);
    if (length != 0 && length % 2880 == 0)
        throw Error(ErrorKind::Read, "the gzip stream is damaged");
    throw Error(ErrorKind::Truncated, "truncated: the gzip stream ends before its end");
}

std::uint64_t GzipReader::fill(std::uint64_t bytes) {
    if (bytes <= filled_ || complete_) return std::min(bytes, filled_);
    if (bytes > limit_)
        throw Error(ErrorKind::TooLarge, "inflates to more than " + std::to_string(limit_) +
                                             " bytes; raise max_pixels to read it");
    const std::uint64_t size = source_.size();
    if (bytes / kMaxInflation > size)
        throw Error(ErrorKind::Truncated, "truncated: the header promises " +
                                              std::to_string(bytes) + " bytes, more than " +
                                              std::to_string(size) + " gzipped bytes can hold");
    // Every call starts again at an unfinished member, so at least double.
    std::uint64_t target = std::max(bytes, filled_ == 0 ? first_target() : 2 * filled_);
    target = std::min(target, std::max(bytes, limit_));

    // No compressor expands by more than this, so no more input is needed.
    const std::uint8_t* in = input(std::min(size, target + target / 64 + 2 * kSlack));
    out_.reserve(target + kSlack, out_done_);
    filled_ = out_done_;  // an unfinished member is inflated anew
    for (;;) {
        std::size_t in_used = 0, out_used = 0;
        const auto result =
            inflater_.some(in + in_done_, in_filled_ - in_done_, out_.data() + out_done_,
                           target + kSlack - out_done_, in_used, out_used);
        if (result == Inflater::Result::OutputFull) {
            filled_ = target;
            return bytes;
        }
        if (result == Inflater::Result::Damaged) {
            // Perhaps only for want of input, or behind what is wanted now.
            if (out_done_ >= bytes) return bytes;
            if (in_filled_ == size && target == bytes) refuse();
            in = input(size);
            target = bytes;
            continue;
        }
        in_done_ += in_used;
        out_done_ += out_used;
        filled_ = out_done_;
        if (in_filled_ < size && in_filled_ - in_done_ < kSmallestMember) in = input(size);
        if (!is_gzip(in + in_done_, in_filled_ - in_done_)) {
            complete_ = true;  // what follows the last member is padding
            return std::min(bytes, filled_);
        }
        if (out_done_ >= target) return bytes;
    }
}

}  // namespace galedge
