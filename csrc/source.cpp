#include "source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace galedge {
namespace {

[[noreturn]] void refuse_kind(mode_t mode) {
    const char* what = S_ISDIR(mode)    ? "a directory"
                       : S_ISFIFO(mode) ? "a FIFO"
                       : S_ISSOCK(mode) ? "a socket"
                                        : "a device";
    throw Error(ErrorKind::Read, std::string("is ") + what + ", not a regular file");
}

[[noreturn]] void refuse_open(const char* path, int code) {
    struct stat facts;
    if (code == ENOENT && ::lstat(path, &facts) == 0 && S_ISLNK(facts.st_mode))
        throw Error(ErrorKind::Read, "is a symbolic link to a file that does not exist");
    // A socket cannot be opened at all: say what it is, not "no such device".
    if (code == ENXIO && ::stat(path, &facts) == 0) refuse_kind(facts.st_mode);
    throw Error(ErrorKind::Read, std::string("cannot be opened: ") + std::strerror(code));
}

}  // namespace

Source Source::open(const char* path) {
    // O_NONBLOCK: opening a FIFO without a writer would wait for ever.
    const int fd = ::open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) refuse_open(path, errno);
    Source source(fd, nullptr, 0);  // owns fd from here on
    struct stat facts;
    if (::fstat(fd, &facts) != 0)
        throw Error(ErrorKind::Read, std::string("cannot be read: ") + std::strerror(errno));
    if (!S_ISREG(facts.st_mode)) refuse_kind(facts.st_mode);
    source.size_ = static_cast<std::uint64_t>(facts.st_size);
    return source;
}

Source Source::memory(const void* data, std::size_t size) {
    static const std::uint8_t nothing = 0;
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    return Source(-1, bytes != nullptr ? bytes : &nothing, bytes != nullptr ? size : 0);
}

Source::Source(Source&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

Source& Source::operator=(Source&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

Source::~Source() {
    if (fd_ >= 0) ::close(fd_);
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
        const std::size_t ask = std::min<std::size_t>(bytes, std::size_t{1} << 30);
        const ssize_t got = ::pread(fd_, to, ask, static_cast<off_t>(offset));
        if (got < 0) {
            if (errno == EINTR) continue;
            throw Error(ErrorKind::Read, std::string("cannot be read: ") + std::strerror(errno));
        }
        if (got == 0)
            throw Error(ErrorKind::Truncated, "truncated: the file shrank while being read");
        to += got;
        offset += static_cast<std::uint64_t>(got);
        bytes -= static_cast<std::size_t>(got);
    }
}

}  // namespace galedge
