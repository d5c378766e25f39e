// The decoder of rice.cpp (see per_isa.inl).

// The unread bits stand at the top of `buffer`; `count` of them are promised,
// and what lies below is either zero or the bits that follow in the stream.
struct BitReader {
    const unsigned char* next;
    const unsigned char* end;
    unsigned long long buffer = 0;
    int count = 0;

    // At least 56 bits, or all that are left.
    inline void refill() {
        if (end - next >= 8) {
            unsigned long long word;
            __builtin_memcpy(&word, next, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            word = __builtin_bswap64(word);
#endif
            buffer |= word >> count;
            next += (63 - count) >> 3;
            count |= 56;
        } else {
            while (count < 56 && next < end) {
                buffer |= static_cast<unsigned long long>(*next++) << (56 - count);
                count += 8;
            }
        }
    }

    inline void drop(int bits) {
        buffer <<= bits;
        count -= bits;
    }
};

// A run of zeros, a one, and `fs` more bits, however long the run is.
inline bool long_code(BitReader& in, int fs, unsigned& difference) {
    unsigned long long zeros = 0;
    int run;
    for (;;) {
        in.refill();
        if (in.count == 0) return false;
        run = in.buffer == 0 ? 64 : __builtin_clzll(in.buffer);
        if (run < in.count) break;
        zeros += static_cast<unsigned>(in.count);
        in.buffer = 0;  // bits below `count` are read again by refill()
        in.count = 0;
    }
    in.drop(run + 1);
    in.refill();
    if (in.count < fs) return false;
    const unsigned low = static_cast<unsigned>(in.buffer >> 1 >> (63 - fs));
    in.drop(fs);
    difference = static_cast<unsigned>((zeros + static_cast<unsigned>(run)) << fs) | low;
    return true;
}

inline bool code(BitReader& in, int fs, unsigned& difference) {
    const int run = in.buffer == 0 ? 64 : __builtin_clzll(in.buffer);
    const int used = run + 1 + fs;
    if (__builtin_expect(used > in.count, 0)) return long_code(in, fs, difference);
    const unsigned long long rest = in.buffer << (run + 1);
    difference = static_cast<unsigned>(run) << fs | static_cast<unsigned>(rest >> 1 >> (63 - fs));
    in.drop(used);
    return true;
}

// 0, -1, 1, -2, 2 ... were coded as 0, 1, 2, 3, 4 ...
inline unsigned folded(unsigned difference) { return (difference >> 1) ^ (0u - (difference & 1)); }

template <class Pixel, int Bits, int ParameterBits, int RawParameter>
bool decode(const unsigned char* bytes, std::size_t count, Pixel* out, std::size_t pixels,
            int block) {
    BitReader in{bytes, bytes + count};
    in.refill();
    if (in.count < Bits) return false;
    auto last = static_cast<unsigned>(in.buffer >> (64 - Bits));
    in.drop(Bits);
    for (std::size_t done = 0; done < pixels;) {
        const std::size_t left = pixels - done;
        const int now = left < static_cast<std::size_t>(block) ? static_cast<int>(left) : block;
        Pixel* to = out + done;
        done += static_cast<std::size_t>(now);
        in.refill();
        if (in.count < ParameterBits) return false;
        const int fs = static_cast<int>(in.buffer >> (64 - ParameterBits)) - 1;
        in.drop(ParameterBits);
        if (fs < 0) {  // all pixels alike
            for (int i = 0; i < now; ++i) to[i] = static_cast<Pixel>(last);
            continue;
        }
        if (fs == RawParameter) {  // too noisy to code: differences as they are
            for (int i = 0; i < now; ++i) {
                in.refill();
                if (in.count < Bits) return false;
                last += folded(static_cast<unsigned>(in.buffer >> (64 - Bits)));
                in.drop(Bits);
                to[i] = static_cast<Pixel>(last);
            }
            continue;
        }
        // 56 bits are enough for four typical codes when `fs` is small; a
        // longer one makes code() refill by itself.
        const int steps = fs <= 11 ? 4 : 2;
        int i = 0;
        for (; i + steps <= now; i += steps) {
            in.refill();
            for (int k = 0; k < steps; ++k) {
                unsigned difference;
                if (!code(in, fs, difference)) return false;
                last += folded(difference);
                to[i + k] = static_cast<Pixel>(last);
            }
        }
        for (; i < now; ++i) {
            in.refill();
            unsigned difference;
            if (!code(in, fs, difference)) return false;
            last += folded(difference);
            to[i] = static_cast<Pixel>(last);
        }
    }
    return true;
}
