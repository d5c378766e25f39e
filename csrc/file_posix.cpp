// The half of file.hpp for Linux and macOS.
#include "file.hpp"

#ifndef _WIN32

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

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

File::File(const char* path) {
    // O_NONBLOCK: opening a FIFO without a writer would wait for ever.
    const int fd = ::open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) refuse_open(path, errno);
    File opened;
    opened.handle_ = fd;  // closed by it from here on
    struct stat facts;
    if (::fstat(fd, &facts) != 0)
        throw Error(ErrorKind::Read, std::string("cannot be read: ") + std::strerror(errno));
    if (!S_ISREG(facts.st_mode)) refuse_kind(facts.st_mode);
    opened.size_ = static_cast<std::uint64_t>(facts.st_size);
    *this = std::move(opened);
}

File::~File() {
    if (handle_ >= 0) ::close(static_cast<int>(handle_));
}

std::size_t File::read(std::uint64_t offset, std::size_t bytes, void* out) const {
    const std::size_t ask = std::min<std::size_t>(bytes, std::size_t{1} << 30);
    for (;;) {
        const ssize_t got =
            ::pread(static_cast<int>(handle_), out, ask, static_cast<off_t>(offset));
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR)
            throw Error(ErrorKind::Read, std::string("cannot be read: ") + std::strerror(errno));
    }
}

}  // namespace galedge

#endif
