// The half of file.hpp for Windows.
#include "file.hpp"

#ifdef _WIN32

#ifndef NOMINMAX
#define NOMINMAX
#endif
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <algorithm>
#include <string>

namespace galedge {
namespace {

// What a path may be long without asking for more.
constexpr std::size_t kShort = 248;

std::string told(DWORD code) {
    switch (code) {
        case ERROR_FILE_NOT_FOUND:
        case ERROR_PATH_NOT_FOUND: return "No such file or directory";
        case ERROR_ACCESS_DENIED: return "Permission denied";
        case ERROR_SHARING_VIOLATION:
        case ERROR_LOCK_VIOLATION: return "another program holds it";
        case ERROR_INVALID_NAME: return "no file can have such a name";
        default: return "Windows error " + std::to_string(code);
    }
}

[[noreturn]] void refuse_kind(const char* what) {
    throw Error(ErrorKind::Read, std::string("is ") + what + ", not a regular file");
}

std::wstring wide(const char* path) {
    const int size = ::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, nullptr, 0);
    if (size <= 0) throw Error(ErrorKind::Read, "cannot be opened: its name is not Unicode");
    std::wstring name(static_cast<std::size_t>(size), L'\0');
    ::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, &name[0], size);
    name.pop_back();  // the null at its end
    if (name.size() < kShort || name.compare(0, 4, L"\\\\?\\") == 0) return name;
    // A long name is taken as it is written, so it must be whole first.
    const DWORD most = ::GetFullPathNameW(name.c_str(), 0, nullptr, nullptr);
    std::wstring whole(most, L'\0');
    const DWORD length = ::GetFullPathNameW(name.c_str(), most, &whole[0], nullptr);
    if (length == 0 || length >= most) return name;
    whole.resize(length);
    if (whole.compare(0, 2, L"\\\\") == 0) return L"\\\\?\\UNC" + whole.substr(1);
    return L"\\\\?\\" + whole;
}

[[noreturn]] void refuse_open(const std::wstring& name, DWORD code) {
    const DWORD facts = ::GetFileAttributesW(name.c_str());
    if (facts != INVALID_FILE_ATTRIBUTES && facts & FILE_ATTRIBUTE_REPARSE_POINT &&
        (code == ERROR_FILE_NOT_FOUND || code == ERROR_PATH_NOT_FOUND))
        throw Error(ErrorKind::Read, "is a symbolic link to a file that does not exist");
    throw Error(ErrorKind::Read, "cannot be opened: " + told(code));
}

HANDLE of(std::intptr_t handle) { return reinterpret_cast<HANDLE>(handle); }

}  // namespace

File::File(const char* path) {
    const std::wstring name = wide(path);
    // Whoever writes, moves or deletes it may go on doing so. With FILE_FLAG_BACKUP_SEMANTICS
    // folders are opened too, so that they can be told from what may not be read.
    const HANDLE handle = ::CreateFileW(
        name.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
        OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_BACKUP_SEMANTICS, nullptr);
    if (handle == INVALID_HANDLE_VALUE) refuse_open(name, ::GetLastError());
    File opened;
    opened.handle_ = reinterpret_cast<std::intptr_t>(handle);  // closed by it from here on
    const DWORD kind = ::GetFileType(handle);
    if (kind != FILE_TYPE_DISK) refuse_kind(kind == FILE_TYPE_PIPE ? "a FIFO" : "a device");
    BY_HANDLE_FILE_INFORMATION facts;
    if (!::GetFileInformationByHandle(handle, &facts))
        throw Error(ErrorKind::Read, "cannot be read: " + told(::GetLastError()));
    if (facts.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) refuse_kind("a directory");
    opened.size_ = static_cast<std::uint64_t>(facts.nFileSizeHigh) << 32 | facts.nFileSizeLow;
    *this = std::move(opened);
}

File::~File() {
    if (handle_ != -1) ::CloseHandle(of(handle_));
}

std::size_t File::read(std::uint64_t offset, std::size_t bytes, void* out) const {
    const auto ask = static_cast<DWORD>(std::min<std::size_t>(bytes, std::size_t{1} << 30));
    OVERLAPPED place{};
    place.Offset = static_cast<DWORD>(offset);
    place.OffsetHigh = static_cast<DWORD>(offset >> 32);
    DWORD got = 0;
    if (::ReadFile(of(handle_), out, ask, &got, &place)) return got;
    const DWORD code = ::GetLastError();
    if (code == ERROR_HANDLE_EOF) return 0;
    throw Error(ErrorKind::Read, "cannot be read: " + told(code));
}

}  // namespace galedge

#endif
