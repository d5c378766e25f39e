// The loops of kernels.cpp (see per_isa.inl), written so that compilers vectorise
// them without being allowed to reorder.

inline bool is_finite(float v) { return __builtin_fabsf(v) <= __FLT_MAX__; }

Range range(const float* values, std::size_t n) {
    constexpr float kInf = __builtin_inff();
    float low[kLanes], high[kLanes];
    std::int32_t finite[kLanes] = {};
    for (std::size_t l = 0; l < kLanes; ++l) low[l] = kInf, high[l] = -kInf;
    // A lane's counter stays far below 2^31 within a block; totals are 64-bit.
    std::int64_t total = 0;
    std::size_t i = 0;
    while (n - i >= kLanes) {
        const std::size_t steps = (n - i) / kLanes;
        const std::size_t stop = i + (steps < (1u << 24) ? steps : 1u << 24) * kLanes;
        for (; i < stop; i += kLanes) {
            for (std::size_t l = 0; l < kLanes; ++l) {
                const float v = values[i + l];
                const bool ok = is_finite(v);
                const float lo = ok ? v : kInf, hi = ok ? v : -kInf;
                low[l] = lo < low[l] ? lo : low[l];
                high[l] = hi > high[l] ? hi : high[l];
                finite[l] += ok;
            }
        }
        for (std::size_t l = 0; l < kLanes; ++l) total += finite[l], finite[l] = 0;
    }
    Range result{kInf, -kInf, total};
    for (std::size_t l = 0; l < kLanes; ++l) {
        result.low = low[l] < result.low ? low[l] : result.low;
        result.high = high[l] > result.high ? high[l] : result.high;
    }
    for (; i < n; ++i) {
        const float v = values[i];
        if (!is_finite(v)) continue;
        result.low = v < result.low ? v : result.low;
        result.high = v > result.high ? v : result.high;
        ++result.finite;
    }
    return result;
}

void accumulate(float* __restrict sums, const float* __restrict row, float weight,
                std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) sums[i] += weight * row[i];
}

void accumulate_masked(float* __restrict sums, float* __restrict weights,
                       const float* __restrict row, float weight, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        const float v = row[i];
        const bool ok = is_finite(v);
        sums[i] += ok ? weight * v : 0.0f;
        weights[i] += ok ? weight : 0.0f;
    }
}

void tilt(float* __restrict row, float start, float step, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        row[i] -= start + step * static_cast<float>(static_cast<std::int32_t>(i));
    }
}

inline void binomial(float* __restrict out, const float* a, const float* b, const float* c,
                     std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) out[i] = 0.25f * a[i] + 0.5f * b[i] + 0.25f * c[i];
}

void smooth(float* __restrict out, const float* __restrict cells, std::size_t n,
            std::size_t rows, float* __restrict work) {
    float* column = work + 1;
    for (std::size_t y = 0; y < rows; ++y) {
        const float *mid = cells + y * n, *down = y > 0 ? mid - n : mid;
        binomial(column, down, mid, y + 1 < rows ? mid + n : mid, n);
        column[-1] = column[0];
        column[n] = column[n - 1];
        binomial(out + y * n, column - 1, column, column + 1, n);
    }
}

// Eight sums run side by side, in every build: compilers split what is wider than a register.
constexpr std::size_t kSums = 8;
#if GALEDGE_GNU
typedef float Floats __attribute__((vector_size(kSums * sizeof(float))));
typedef double Doubles __attribute__((vector_size(kSums * sizeof(double))));
#else
using Floats = Lanes<float, kSums>;
using Doubles = Lanes<double, kSums>;
#endif

inline double sum_of(const Doubles& v) {
    return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}

Weighed weigh(const float* cells, std::size_t pitch, const Run* runs, std::size_t count,
              const double* across, const double* down, float level) {
    Doubles total = {}, along_x = {}, along_y = {};
    const Doubles steps = {0, 1, 2, 3, 4, 5, 6, 7};
    Weighed rest{};  // of what is less than eight cells
    for (const Run* run = runs; run != runs + count; ++run) {
        const float* row = cells + static_cast<std::size_t>(run->y) * pitch;
        const double share = down[run->y], y = run->y;
        Doubles place = steps + static_cast<double>(run->x0);
        std::int32_t x = run->x0;
        for (; x + static_cast<std::int32_t>(kSums) <= run->x1; x += kSums) {
            Floats values;
            Doubles weights;
            __builtin_memcpy(&values, row + x, sizeof values);
            __builtin_memcpy(&weights, across + x, sizeof weights);
            const Doubles a = __builtin_convertvector(values - level, Doubles) * weights * share;
            total += a, along_x += a * place, along_y += a * y;
            place += static_cast<double>(kSums);
        }
        for (; x < run->x1; ++x) {
            const double a = static_cast<double>(row[x] - level) * across[x] * share;
            rest.total += a, rest.along_x += a * x, rest.along_y += a * y;
        }
    }
    return {sum_of(total) + rest.total, sum_of(along_x) + rest.along_x,
            sum_of(along_y) + rest.along_y};
}

// No value above `most`. By fours: of what is wider than a register, GCC chooses value
// by value.
inline void cap(Floats& values, float most) {
#if !GALEDGE_GNU
    for (float& v : values.of) v = v < most ? v : most;
#elif defined(__x86_64__)
    const Floats limit = Floats{} + most;
    values = values < limit ? values : limit;
#else
    typedef float Four __attribute__((vector_size(16)));
    Four halves[2];
    __builtin_memcpy(halves, &values, sizeof halves);
    const Four limit = Four{} + most;
    for (Four& half : halves) half = half < limit ? half : limit;
    __builtin_memcpy(&values, halves, sizeof halves);
#endif
}

void light(RunLight* out, const float* cells, std::size_t pitch, const Run* runs, std::size_t count,
           const double* across, float level, float scale, float most) {
    for (std::size_t r = 0; r < count; ++r) {
        const float* row = cells + static_cast<std::size_t>(runs[r].y) * pitch;
        std::int32_t x = runs[r].x0;
        RunLight sum{};
        if (x + static_cast<std::int32_t>(kSums) <= runs[r].x1) {
            Doubles all = {}, weighed = {};
            for (; x + static_cast<std::int32_t>(kSums) <= runs[r].x1; x += kSums) {
                Floats values;
                Doubles weights;
                __builtin_memcpy(&values, row + x, sizeof values);
                __builtin_memcpy(&weights, across + x, sizeof weights);
                Floats f = (values - level) * scale;
                all += __builtin_convertvector(f, Doubles);
                cap(f, most);
                weighed += __builtin_convertvector(f, Doubles) * weights;
            }
            sum = {sum_of(all), sum_of(weighed)};
        }
        for (; x < runs[r].x1; ++x) {
            const float f = (row[x] - level) * scale;
            sum.all += static_cast<double>(f);
            sum.weighed += static_cast<double>(f < most ? f : most) * across[x];
        }
        out[r] = sum;
    }
}

void rings(std::int32_t* __restrict rings, double start, float y, float scale, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        const float x = static_cast<float>(start + static_cast<double>(static_cast<std::int32_t>(i)));
        rings[i] = static_cast<std::int32_t>(scale * __builtin_sqrtf(x * x + y * y));
    }
}

std::int64_t threes(const float* __restrict row, std::size_t n) {
    std::int32_t count = 0;  // of a row
    for (std::size_t i = 0; i + 2 < n; ++i) {
        count += (row[i] == row[i + 1]) & (row[i + 1] == row[i + 2]);
    }
    return count;
}

bool pairs(const float* __restrict a, const float* __restrict b, std::size_t n) {
    std::uint32_t any = 0;
    for (std::size_t i = 0; i + 1 < n; ++i) {
        any |= (a[i] == a[i + 1]) & (a[i] == b[i]) & (b[i] == b[i + 1]);
    }
    return any != 0;
}

bool alike(std::uint8_t* __restrict out, const float* __restrict a, const float* __restrict b,
           const float* __restrict c, std::size_t n) {
    std::uint8_t any = 0;
    for (std::size_t i = 0; i + 2 < n; ++i) {
        const float v = a[i];
        const bool all = (a[i + 1] == v) & (a[i + 2] == v) & (b[i] == v) & (b[i + 1] == v) &
                         (b[i + 2] == v) & (c[i] == v) & (c[i + 1] == v) & (c[i + 2] == v);
        out[i] = all;
        any |= all;
    }
    for (std::size_t i = n < 2 ? 0 : n - 2; i < n; ++i) out[i] = 0;
    return any;
}

void step_away(std::uint8_t* __restrict to, const std::uint8_t* __restrict row, std::size_t n) {
    const auto lower = [](std::uint8_t a, std::uint8_t b) { return a < b ? a : b; };
    for (std::size_t i = 1; i + 1 < n; ++i) {
        const std::uint8_t least = lower(lower(row[i - 1], row[i]), row[i + 1]);
        to[i] = lower(to[i], static_cast<std::uint8_t>(least + 1));
    }
    if (n == 0) return;
    const std::size_t e = n - 1, second = n > 1, before = e > 0 ? e - 1 : 0;
    to[0] = lower(to[0], static_cast<std::uint8_t>(lower(row[0], row[second]) + 1));
    to[e] = lower(to[e], static_cast<std::uint8_t>(lower(row[e], row[before]) + 1));
}

template <std::size_t kWidth>
void add_neighbours_of(float* __restrict out, const float* __restrict values, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        float sum = 0;
        for (std::size_t k = 0; k < kWidth; ++k) sum += values[i * kWidth + k];
        out[i] = sum;
    }
}

void add_neighbours(float* __restrict out, const float* __restrict values, std::size_t width,
                    std::size_t n) {
    switch (width) {  // where the width is known, several sums run side by side
        case 1: return add_neighbours_of<1>(out, values, n);
        case 2: return add_neighbours_of<2>(out, values, n);
        case 3: return add_neighbours_of<3>(out, values, n);
        case 4: return add_neighbours_of<4>(out, values, n);
        case 7: return add_neighbours_of<7>(out, values, n);
        case 8: return add_neighbours_of<8>(out, values, n);
        default: break;
    }
    for (std::size_t i = 0; i < n; ++i, values += width) {
        float sum = 0;
        for (std::size_t k = 0; k < width; ++k) sum += values[k];
        out[i] = sum;
    }
}

// Turns 4 x 4 floats, rows `from` apart, into columns, `to` apart.
inline void turn(float* __restrict out, std::size_t to, const float* __restrict in,
                 std::size_t from) {
#if !GALEDGE_GNU
    for (std::size_t r = 0; r < 4; ++r) {
        for (std::size_t x = 0; x < 4; ++x) out[x * to + r] = in[r * from + x];
    }
#else
    typedef float Four __attribute__((vector_size(16)));
#if defined(__clang__)
#define GALEDGE_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
    typedef std::int32_t Places __attribute__((vector_size(16)));
#define GALEDGE_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, Places{__VA_ARGS__})
#endif
    Four a, b, c, d;
    __builtin_memcpy(&a, in, sizeof a);
    __builtin_memcpy(&b, in + from, sizeof b);
    __builtin_memcpy(&c, in + 2 * from, sizeof c);
    __builtin_memcpy(&d, in + 3 * from, sizeof d);
    const Four ab = GALEDGE_SHUFFLE(a, b, 0, 4, 1, 5), ab2 = GALEDGE_SHUFFLE(a, b, 2, 6, 3, 7);
    const Four cd = GALEDGE_SHUFFLE(c, d, 0, 4, 1, 5), cd2 = GALEDGE_SHUFFLE(c, d, 2, 6, 3, 7);
    a = GALEDGE_SHUFFLE(ab, cd, 0, 1, 4, 5), b = GALEDGE_SHUFFLE(ab, cd, 2, 3, 6, 7);
    c = GALEDGE_SHUFFLE(ab2, cd2, 0, 1, 4, 5), d = GALEDGE_SHUFFLE(ab2, cd2, 2, 3, 6, 7);
#undef GALEDGE_SHUFFLE
    __builtin_memcpy(out, &a, sizeof a);
    __builtin_memcpy(out + to, &b, sizeof b);
    __builtin_memcpy(out + 2 * to, &c, sizeof c);
    __builtin_memcpy(out + 3 * to, &d, sizeof d);
#endif
}

// out[x * to + r] = in[r * from + x].
inline void turn(float* __restrict out, std::size_t to, const float* __restrict in,
                 std::size_t from, std::size_t rows, std::size_t columns) {
    const std::size_t tall = rows / 4 * 4, wide = columns / 4 * 4;
    for (std::size_t r = 0; r < tall; r += 4) {
        for (std::size_t x = 0; x < wide; x += 4) {
            turn(out + x * to + r, to, in + r * from + x, from);
        }
    }
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t x = r < tall ? wide : 0; x < columns; ++x) {
            out[x * to + r] = in[r * from + x];
        }
    }
}

// Rows are turned into columns and back, so that a weight meets a whole block of
// rows, side by side in memory.
void blend(float* __restrict out, std::size_t size, const float* __restrict rows,
           std::size_t count, std::size_t pitch, std::size_t columns,
           const std::int32_t* __restrict first, const float* __restrict weight,
           std::size_t stride, std::size_t most, float* __restrict work) {
    float* __restrict blended = work + kBlock * columns;
    turn(work, kBlock, rows, pitch, kBlock, columns);
    for (std::size_t o = 0; o < size; ++o) {
        const float* at = work + static_cast<std::size_t>(first[o]) * kBlock;
        float sum[kBlock] = {};
        for (std::size_t t = 0; t < most; ++t) {
            const float w = weight[o * stride + t];
            for (std::size_t l = 0; l < kBlock; ++l) sum[l] += w * at[t * kBlock + l];
        }
        for (std::size_t l = 0; l < kBlock; ++l) blended[o * kBlock + l] = sum[l];
    }
    turn(out, size, blended, kBlock, size, count);
}

void bin(std::int32_t* __restrict bins, const float* __restrict values, float low, float scale,
         std::int32_t count, std::size_t n) {
    const float last = static_cast<float>(count - 1);
    for (std::size_t i = 0; i < n; ++i) {
        const float v = values[i];
        float b = (v - low) * scale;
        b = b > 0.0f ? b : 0.0f;  // NaN goes to 0 here and is told apart below
        b = b < last ? b : last;
        bins[i] = is_finite(v) ? static_cast<std::int32_t>(b) : count;
    }
}

void group_max(float* __restrict out, const float* __restrict values, std::size_t groups) {
    std::size_t g = 0;
    for (; g + kLanes <= groups; g += kLanes, values += kLanes * kLanes) {
        for (std::size_t l = 0; l < kLanes; ++l) {
            float most = -__builtin_inff();
            for (std::size_t i = 0; i < kLanes; ++i) {
                const float v = values[i * kLanes + l];
                most = v > most ? v : most;
            }
            out[g + l] = most;
        }
    }
    for (; g < groups; ++g, values += kLanes) {
        out[g] = -__builtin_inff();
        for (std::size_t i = 0; i < kLanes; ++i) out[g] = values[i] > out[g] ? values[i] : out[g];
    }
}

// Bits of at most 64 values.
inline std::uint64_t word_above(const float* row, float level, std::size_t n) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < n; ++i) word |= std::uint64_t{row[i] > level} << i;
    return word;
}

void above(std::uint64_t* __restrict bits, const float* __restrict row, float level,
           std::size_t n) {
    for (; n >= 64; n -= 64, row += 64) *bits++ = word_above(row, level, 64);
    if (n > 0) *bits = word_above(row, level, n);
}

// Bit patterns as integers in the order of their floats, and back: those of negative
// ones are turned round.
inline std::int32_t ordered(std::int32_t pattern) {
    return pattern ^ static_cast<std::int32_t>(static_cast<std::uint32_t>(pattern >> 31) >> 1);
}

float ranked(const float* __restrict values, std::size_t n, std::size_t rank,
             std::int32_t* __restrict keys) {
    std::int32_t least = INT32_MAX, most = INT32_MIN;
    for (std::size_t i = 0; i < n; ++i) {
        std::int32_t pattern;
        __builtin_memcpy(&pattern, values + i, sizeof pattern);
        const std::int32_t key = ordered(pattern);
        keys[i] = key;
        least = key < least ? key : least;
        most = key > most ? key : most;
    }
    const std::size_t whole = (n + kLanes - 1) / kLanes * kLanes;
    for (std::size_t i = n; i < whole; ++i) keys[i] = INT32_MAX;  // above every middle
    std::int64_t low = least, high = most;  // the key lies in [low, high]
    while (low < high) {
        const std::int64_t middle = low + (high - low) / 2;
        const auto key = static_cast<std::int32_t>(middle);
        std::int32_t count = 0;
        for (std::size_t i = 0; i < whole; ++i) count += keys[i] <= key;
        if (static_cast<std::size_t>(count) > rank) high = middle;
        else low = middle + 1;
    }
    const std::int32_t pattern = ordered(static_cast<std::int32_t>(low));
    float value;
    __builtin_memcpy(&value, &pattern, sizeof value);
    return value;
}

void cubics(float* __restrict out, const float* __restrict distance, const Cubic* cubics,
            const std::int64_t* stops, std::size_t count) {
    std::int64_t x = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const Cubic p = cubics[i];
        for (const std::int64_t stop = stops[i]; x < stop; ++x) {
            const float t = distance[x];
            out[x] = p.a + t * (p.b + t * (p.c + t * p.d));
        }
    }
}

// log1p(z) for z >= 0: split u = 1 + z into mantissa and exponent, a minimax
// polynomial for the mantissa (Cephes logf), and the rounding error of 1 + z
// put back, so that small z keep their relative precision.
inline float log1p_positive(float z) {
    const float u = 1.0f + z;
    const float lost = (z - (u - 1.0f)) / u;
    std::uint32_t bits;
    __builtin_memcpy(&bits, &u, sizeof bits);
    // Mantissa in [sqrt(1/2), sqrt(2)), so that log(u) has no cancellation.
    const std::uint32_t shifted = bits - 0x3f3504f3u;
    const float e = static_cast<float>(static_cast<std::int32_t>(shifted) >> 23);
    const std::uint32_t mantissa = (shifted & 0x007fffffu) + 0x3f3504f3u;
    float m;
    __builtin_memcpy(&m, &mantissa, sizeof m);
    m -= 1.0f;
    const float m2 = m * m;
    float p = 7.0376836292e-2f;
    p = p * m - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    float y = m * m2 * p;
    y += e * -2.12194440e-4f;
    y -= 0.5f * m2;
    return (m + y) + e * 0.693359375f + lost;
}

inline float asinh_of(float x) {
    // Beyond 2^60 the square would soon overflow; galaxies never come near, and
    // broken pixels may as well stop there.
    const float a = __builtin_fabsf(x);
    const float c = a < 0x1p60f ? a : 0x1p60f;
    const float z = c + c * c / (1.0f + __builtin_sqrtf(c * c + 1.0f));
    return __builtin_copysignf(log1p_positive(z), x);
}

void asinh(float* __restrict y, const float* __restrict x, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) y[i] = asinh_of(x[i]);
}

// 0..255, clipped and NaN as 0: as a byte after adding `rounding`, or as a float 0..1.
template <class Out>
inline Out emit(float v, float rounding = 0.5f) {
    v = v > 0.0f ? v : 0.0f;
    v = v < 255.0f ? v : 255.0f;
    if constexpr (sizeof(Out) == 1) return static_cast<Out>(static_cast<std::int32_t>(v + rounding));
    else return v / 255.0f;
}

// gain asinh(l) / l, which tends to gain as l does to zero and stays there below.
inline float tone(float l, float gain) {
    const float safe = l > 1e-3f ? l : 1.0f;
    const float f = asinh_of(safe) / safe;
    return (l > 1e-3f ? f : 1.0f) * gain;
}

// Products of what is far brighter than the noise stay finite, and as white.
inline float bounded(float l) {
    constexpr float kMost = 0x1p100f;
    l = l > kMost ? kMost : l;
    return l < -kMost ? -kMost : l;
}

template <class Out>
void stretch_one(Out* __restrict out, const float* __restrict band, float scale,
                 float gain, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        const float l = bounded(band[i] * scale);
        out[i] = emit<Out>(l * tone(l, gain));
    }
}

template <class Out>
void stretch_three(Out* __restrict out, const float* __restrict red,
                   const float* __restrict green, const float* __restrict blue, float scale,
                   float gain, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        const float r = bounded(red[i] * scale), g = bounded(green[i] * scale);
        const float b = bounded(blue[i] * scale);
        float factor = tone((r + g + b) / 3.0f, gain);
        const float rg = r > g ? r : g;
        const float most = (rg > b ? rg : b) * factor;
        factor *= most > 255.0f ? 255.0f / most : 1.0f;
        out[i] = emit<Out>(r * factor);
        out[n + i] = emit<Out>(g * factor);
        out[2 * n + i] = emit<Out>(b * factor);
    }
}

template <class Out>
void lupton(Out* __restrict out, const float* __restrict red,
            const float* __restrict green, const float* __restrict blue, float scale, float gain,
            std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        const float r = red[i], g = green[i], b = blue[i];
        const float intensity = (r + g + b) / 3.0f;
        const float safe = intensity > 0.0f ? intensity : 1.0f;
        const float factor = intensity > 0.0f ? asinh_of(safe * scale) * gain / safe : 0.0f;
        const float rg = r > g ? r : g;
        const float most = (rg > b ? rg : b) * factor;
        // Not r * (factor / most): the brightest band becomes one exactly.
        const float over = most > 1.0f ? most : 1.0f;
        const float v[3] = {r * factor / over, g * factor / over, b * factor / over};
        for (int c = 0; c < 3; ++c) {
            out[c * n + i] = emit<Out>(v[c] * 255.0f, 0.0f);
        }
    }
}

template <class Out>
void linear(Out* __restrict out, const float* __restrict values, float low,
                  float scale, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) out[i] = emit<Out>((values[i] - low) * scale * 255.0f);
}

template <class Out>
void picture(Out* __restrict out, const float* __restrict values, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) out[i] = emit<Out>(values[i]);
}
