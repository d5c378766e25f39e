// What decodes the tiles of compressed images, one entry a codec (FITS 4.0,
// section 10.4).
#pragma once

#include <cstdint>
#include <vector>

#include "buffer.hpp"
#include "header.hpp"
#include "inflate.hpp"

namespace galedge {

// What a header says of its codec (ZNAMEn, ZVALn); of RICE_1 so far.
struct CodecParameters {
    int block = 32, bytepix = 4;
};

// A tile as it lies in the heap.
struct PackedTile {
    const std::uint8_t* data;
    std::uint64_t bytes, pixels;
    std::int64_t number;  // from 0
    int bitpix;           // of what was packed, where the codec itself does not tell
    bool floats;          // whether floats were packed as they are, not as integers
    CodecParameters parameters;
};

// Native samples of one tile.
struct Samples {
    int bitpix;  // their type
    const std::uint8_t* data;
};

struct CodecScratch {
    Inflater inflater;
    Buffer packed, samples;
};

// A codec by its name in ZCMPTYPE. All of them stand in the table in codecs.cpp: a new
// one is its functions and an entry there.
struct Codec {
    const char* name;
    // The Python package that decodes it instead (galedge/images/rustfits.py), which
    // has what follows unused.
    const char* package;
    bool integers_only;
    CodecParameters (*parameters)(const Header&);  // Error Read for what cannot be
    // The most pixels that so many bytes can hold: a header is not believed more.
    std::uint64_t (*most_pixels)(std::uint64_t bytes, const CodecParameters&);
    // Error Read for a damaged tile.
    Samples (*decode)(const PackedTile&, CodecScratch&);
};

const std::vector<Codec>& codecs();

// The codec of a compressed image; Error Unsupported for one that is not read here.
const Codec& codec_of(const Header& header);

// Of tiles that gave their codec up: in GZIP_COMPRESSED_DATA and UNCOMPRESSED_DATA.
Samples decode_gzip(const PackedTile& tile, CodecScratch& scratch);
Samples decode_raw(const PackedTile& tile, CodecScratch& scratch);

}  // namespace galedge
