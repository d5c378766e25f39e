// The loops of mesh.cpp (see per_isa.inl): sums in a fixed order of lanes.

Moments sums(const float* values, std::size_t n, float low, float high) {
    constexpr std::size_t kLanes = 32, kBlock = 128;
    double sum[kLanes] = {}, squares[kLanes] = {};
    std::int64_t count = 0;
    for (std::size_t i = 0; i < n; i += kBlock) {
        float kept[kBlock];
        std::int32_t in_block = 0;
        const std::size_t size = n - i < kBlock ? n - i : kBlock;
        for (std::size_t l = 0; l < size; ++l) {
            const float v = values[i + l];
            const bool in = (v >= low) & (v <= high);
            kept[l] = in ? v : 0.0f;
            in_block += in;
        }
        for (std::size_t l = size; l < kBlock; ++l) kept[l] = 0.0f;
        count += in_block;
        for (std::size_t j = 0; j < kBlock; j += kLanes) {
            for (std::size_t l = 0; l < kLanes; ++l) {
                const double d = static_cast<double>(kept[j + l]);
                sum[l] += d;
                squares[l] += d * d;
            }
        }
    }
    for (std::size_t l = 1; l < kLanes; ++l) sum[0] += sum[l], squares[0] += squares[l];
    return {count, sum[0], squares[0]};
}

void histogram(std::int32_t* __restrict bins, std::int32_t levels, const float* __restrict values,
               std::size_t n, float width, float shift) {
    constexpr std::size_t kBlock = 128;
    std::int32_t at[kBlock];
    const float end = static_cast<float>(levels);
    for (std::size_t i = 0; i < n; i += kBlock) {
        const std::size_t size = n - i < kBlock ? n - i : kBlock;
        for (std::size_t l = 0; l < size; ++l) {
            const float b = values[i + l] / width + shift;  // NaN fails both comparisons
            at[l] = (b > -1.0f) & (b < end) ? static_cast<std::int32_t>(b) : levels;
        }
        for (std::size_t l = 0; l < size; ++l) ++bins[at[l]];
    }
}

Totals totals(const std::int32_t* bins, std::int32_t first, std::int32_t last,
              std::int32_t block) {
    Totals all{0, 0, 0};
    for (std::int32_t i = first; i < last; i += block) {
        const std::int32_t size = last - i < block ? last - i : block;
        std::int32_t count = 0, sum = 0, squares = 0;  // of places in the block
        for (std::int32_t j = 0; j < size; ++j) {
            const std::int32_t c = bins[i + j], moment = c * j;
            count += c, sum += moment, squares += moment * j;
        }
        const std::int64_t at = i;
        all.count += count;
        all.sum += sum + at * count;
        all.squares += squares + 2 * at * sum + at * at * count;
    }
    return all;
}
