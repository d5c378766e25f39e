"""What a file is that galedge does not read, for a message that says what to do."""

from __future__ import annotations

__all__ = ["HEAD", "refusal"]

#: How many bytes of a file are enough to know it by.
HEAD = 64

_PACKED = {
    b"\x1f\x8b": "gzipped, and holds no FITS file",
    b"PK\3\4": "a zip archive, as .npz files are",
    b"\xfd7zXZ": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"\x04\x22\x4d\x18": "compressed by lz4",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a rar archive",
}
_IMAGES = {
    (0, b"XISF0100"): "XISF",
    (0, b"#ASDF"): "ASDF",
    (0, b"\x89HDF"): "HDF5",
    (0, b"LUCAM-RECORDER"): "a SER video",
    (0, b"GIF8"): "GIF",
    (0, b"BM"): "BMP",
    (8, b"WEBP"): "WebP",
    (4, b"jP  "): "JPEG 2000",
    (0, b"\xff\x4f\xff\x51"): "JPEG 2000",
    (4, b"JXL "): "JPEG XL",
    (0, b"\xff\x0a"): "JPEG XL",
    (4, b"ftypcrx"): "a camera's raw file",
    (4, b"ftyp"): "HEIC, AVIF or a video",
    (0, b"FUJIFILM"): "a camera's raw file",
    (0, b"IIRO"): "a camera's raw file",
    (0, b"IIRS"): "a camera's raw file",
    (0, b"IIU\0"): "a camera's raw file",
    (0, b"%PDF"): "PDF",
}


def refusal(head: bytes) -> str:
    """Return why a file that begins with `head` is refused, and what to do."""
    return f"is none of FITS, JPEG, PNG, TIFF and .npy, but {_what(head)}"


def _what(head: bytes) -> str:
    for begin, name in _PACKED.items():
        if head.startswith(begin):
            return f"{name}: unpack it first"
    for (at, begin), name in _IMAGES.items():
        if head[at:].startswith(begin):
            return f"{name}: convert it to one of them"
    if not head.strip(b"\0"):
        return "begins with zeros: was it copied to its end?"
    text = head.decode("ascii", "replace")
    if text.isascii() and all(letter.isprintable() or letter.isspace() for letter in text):
        return f"text, {' '.join(text.split())[:48]!r}: was it downloaded well?"
    return "something that galedge does not know: convert it to one of them"
