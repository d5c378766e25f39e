// The loops of pixels.cpp (see per_isa.inl). `Native` pixels are in the
// machine's byte order, others big-endian.

template <int Bytes>
struct Bits;
template <>
struct Bits<1> {
    using type = unsigned char;
};
template <>
struct Bits<2> {
    using type = unsigned short;
};
template <>
struct Bits<4> {
    using type = unsigned int;
};
template <>
struct Bits<8> {
    using type = unsigned long long;
};

template <class T>
inline T swapped(T bits) {
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(bits);
    if constexpr (sizeof(T) == 4) return __builtin_bswap32(bits);
    if constexpr (sizeof(T) == 8) return __builtin_bswap64(bits);
    return bits;
}

template <class Raw, bool Native>
inline Raw load(const unsigned char* __restrict raw, std::size_t i) {
    typename Bits<sizeof(Raw)>::type bits;
    __builtin_memcpy(&bits, raw + i * sizeof(Raw), sizeof bits);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if constexpr (!Native) bits = swapped(bits);
#endif
    Raw value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

template <class Out>
inline void store(unsigned char* out, std::size_t i, Out value) {
    __builtin_memcpy(out + i * sizeof(Out), &value, sizeof value);
}

// Bytes in native order, values untouched (signalling NaN included).
template <class Raw, bool Native>
void reorder(const unsigned char* __restrict raw, std::size_t pixels,
             unsigned char* __restrict out) {
    for (std::size_t i = 0; i < pixels; ++i) store(out, i, load<Raw, Native>(raw, i));
}

template <class Raw, class Out, bool Native>
void cast(const unsigned char* __restrict raw, std::size_t pixels,
          unsigned char* __restrict out) {
    for (std::size_t i = 0; i < pixels; ++i)
        store(out, i, static_cast<Out>(load<Raw, Native>(raw, i)));
}

// BZERO = 2^63 on 64-bit integers means unsigned: flip the sign bit.
template <class Out, bool Native>
void cast_unsigned64(const unsigned char* __restrict raw, std::size_t pixels,
                     unsigned char* __restrict out) {
    for (std::size_t i = 0; i < pixels; ++i)
        store(out, i, static_cast<Out>(load<unsigned long long, Native>(raw, i) ^ (1ull << 63)));
}

// value = stored * scale + zero, in the precision Calc. A zero of -0.0 leaves
// every sum as it is, -0.0 included.
template <class Raw, class Calc, class Out, bool Native>
void linear(const unsigned char* __restrict raw, std::size_t pixels, Calc scale, Calc zero,
            unsigned char* __restrict out) {
    for (std::size_t i = 0; i < pixels; ++i)
        store(out, i,
              static_cast<Out>(static_cast<Calc>(load<Raw, Native>(raw, i)) * scale + zero));
}

template <class Raw, class Calc, class Out, bool Native>
void linear_blank(const unsigned char* __restrict raw, std::size_t pixels, Calc scale, Calc zero,
                  Raw blank, unsigned char* __restrict out) {
    const Out nan = static_cast<Out>(__builtin_nan(""));
    for (std::size_t i = 0; i < pixels; ++i) {
        const Raw stored = load<Raw, Native>(raw, i);
        const Out value = static_cast<Out>(static_cast<Calc>(stored) * scale + zero);
        store(out, i, stored == blank ? nan : value);
    }
}

template <class Raw, class Calc, class Out, bool Native>
void scale_integers(const unsigned char* __restrict raw, std::size_t pixels, double bscale,
                    double bzero, bool has_blank, long long blank, unsigned char* __restrict out) {
    const Calc scale = static_cast<Calc>(bscale);
    const Calc zero = bzero == 0 ? static_cast<Calc>(-0.0) : static_cast<Calc>(bzero);
    const Raw stored_blank = static_cast<Raw>(blank);
    if (has_blank && static_cast<long long>(stored_blank) == blank)
        linear_blank<Raw, Calc, Out, Native>(raw, pixels, scale, zero, stored_blank, out);
    else
        linear<Raw, Calc, Out, Native>(raw, pixels, scale, zero, out);
}

template <class Raw, class Out, bool Native>
void scale_floats(const unsigned char* __restrict raw, std::size_t pixels, double bscale,
                  double bzero, unsigned char* __restrict out) {
    const Raw scale = static_cast<Raw>(bscale);
    const Raw zero = bzero == 0 ? static_cast<Raw>(-0.0) : static_cast<Raw>(bzero);
    linear<Raw, Raw, Out, Native>(raw, pixels, scale, zero, out);
}

template <class Out, bool Native>
void convert_any(const unsigned char* __restrict raw, std::size_t pixels, int bitpix,
                 double bscale, double bzero, bool has_blank, long long blank,
                 unsigned char* __restrict out) {
    const bool identity = bscale == 1 && bzero == 0 && !has_blank;
    switch (bitpix) {
        case 8:
            return scale_integers<unsigned char, float, Out, Native>(raw, pixels, bscale, bzero,
                                                                     has_blank, blank, out);
        case 16:
            return scale_integers<short, float, Out, Native>(raw, pixels, bscale, bzero, has_blank,
                                                             blank, out);
        case 32:
            return scale_integers<int, double, Out, Native>(raw, pixels, bscale, bzero, has_blank,
                                                            blank, out);
        case 64:
            if (identity) return cast<long long, Out, Native>(raw, pixels, out);
            if (bscale == 1 && bzero == 9223372036854775808.0 && !has_blank)
                return cast_unsigned64<Out, Native>(raw, pixels, out);
            return scale_integers<long long, double, Out, Native>(raw, pixels, bscale, bzero,
                                                                  has_blank, blank, out);
        case -32:
            if (!identity) return scale_floats<float, Out, Native>(raw, pixels, bscale, bzero, out);
            if constexpr (sizeof(Out) == 4) return reorder<float, Native>(raw, pixels, out);
            return cast<float, Out, Native>(raw, pixels, out);
        default:
            if (!identity)
                return scale_floats<double, Out, Native>(raw, pixels, bscale, bzero, out);
            if constexpr (sizeof(Out) == 8) return reorder<double, Native>(raw, pixels, out);
            return cast<double, Out, Native>(raw, pixels, out);
    }
}
