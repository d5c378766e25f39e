// The loops of dither.cpp (see per_isa.inl).

// SUBTRACTIVE_DITHER_2 stores an exact zero as this integer.
constexpr int kZero = -2147483646;

template <class Out>
void plain(const int* __restrict stored, std::size_t pixels, double scale, double zero,
           Out* __restrict out) {
    for (std::size_t i = 0; i < pixels; ++i)
        out[i] = static_cast<Out>(static_cast<double>(stored[i]) * scale + zero);
}

template <class Out>
void dithered(const int* __restrict stored, std::size_t pixels, double scale, double zero,
              const float* __restrict random, Out* __restrict out) {
    for (std::size_t i = 0; i < pixels; ++i) {
        const double level = static_cast<double>(stored[i]) - static_cast<double>(random[i]) + 0.5;
        out[i] = static_cast<Out>(level * scale + zero);
    }
}

template <class Out>
void put(const int* __restrict stored, std::size_t pixels, int marker, Out value,
         Out* __restrict out) {
    for (std::size_t i = 0; i < pixels; ++i) out[i] = stored[i] == marker ? value : out[i];
}

template <class Out>
void dequantize_run(const int* stored, std::size_t pixels, double scale, double zero,
                    const float* random, bool zeros, bool has_blank, int blank, Out* out) {
    if (random == nullptr)
        plain(stored, pixels, scale, zero, out);
    else
        dithered(stored, pixels, scale, zero, random, out);
    if (zeros) put(stored, pixels, kZero, static_cast<Out>(0), out);
    if (has_blank) put(stored, pixels, blank, static_cast<Out>(__builtin_nan("")), out);
}
