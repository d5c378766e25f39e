// The one error type of the C++ core. Kinds map one to one to the Python
// exceptions in galedge/errors.py; messages say the cause and the remedy, and
// the caller, who knows the file's name, puts it in front.
#pragma once

#include <stdexcept>
#include <string>

namespace galedge {

enum class ErrorKind {
    Read,         // the bytes are not what they claim to be
    Truncated,    // fewer bytes than the header promises
    Unsupported,  // valid, but not something galedge reads
    TooLarge,     // over a limit that the caller can raise
    Blank,        // no usable pixels: all NaN, or all of one value
};

class Error : public std::runtime_error {
public:
    Error(ErrorKind kind, const std::string& message)
        : std::runtime_error(message), kind_(kind) {}
    ErrorKind kind() const noexcept { return kind_; }

private:
    ErrorKind kind_;
};

}  // namespace galedge
