// Stands in for libFuzzer where the compiler has none: random inputs, and files to
// run again. Without coverage to guide it, good for targets that make something of
// any bytes, as fuzz_prepare does.
//
//     ./fuzz_prepare [-seed=N] [-max_len=BYTES] [-max_total_time=SECONDS] [file ...]
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** arguments) {
    unsigned long seed = 1, longest = 4096, seconds = 10;
    bool replayed = false;
    for (int i = 1; i < count; ++i) {
        const auto option = [&](const char* name, unsigned long& value) {
            const std::size_t n = std::strlen(name);
            if (std::strncmp(arguments[i], name, n) != 0) return false;
            value = std::strtoul(arguments[i] + n, nullptr, 10);
            return true;
        };
        if (option("-seed=", seed) || option("-max_len=", longest) ||
            option("-max_total_time=", seconds)) {
            continue;
        }
        std::ifstream file(arguments[i], std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        replayed = true;
    }
    if (replayed) return 0;
    // Of the processor's time, so that a busy machine is not taken for a slow target.
    const std::clock_t stop = static_cast<std::clock_t>(seconds) * CLOCKS_PER_SEC;
    std::vector<std::uint8_t> bytes;
    unsigned long runs = 0;
    for (; std::clock() < stop; ++runs) {
        std::mt19937 random(static_cast<std::uint32_t>(seed + runs));
        bytes.resize(random() % (longest + 1));
        for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(random());
        // Written first: a finding ends the process.
        if (std::FILE* last = std::fopen("fuzz_last_input", "wb")) {
            std::fwrite(bytes.data(), 1, bytes.size(), last);
            std::fclose(last);
        }
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
    std::printf("%lu inputs from seed %lu\n", runs, seed);
    return 0;
}
