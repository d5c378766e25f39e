#include "isa.hpp"

#include "compiler.hpp"

#include <cstdlib>
#include <cstring>

namespace galedge {
namespace {

Isa best() {
#if defined(__x86_64__) && GALEDGE_GNU
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
        !__builtin_cpu_supports("bmi2"))
        return Isa::Baseline;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return Isa::Avx512;
    return Isa::Avx2;
#else
    return Isa::Baseline;
#endif
}

Isa choose() {
    const Isa most = best();
    const char* forced = std::getenv("GALEDGE_ISA");
    if (forced == nullptr) return most;
    Isa wanted = most;
    if (std::strcmp(forced, "baseline") == 0) wanted = Isa::Baseline;
    if (std::strcmp(forced, "avx2") == 0) wanted = Isa::Avx2;
    return wanted < most ? wanted : most;
}

}  // namespace

Isa isa() {
    static const Isa chosen = choose();
    return chosen;
}

const char* isa_name() {
    switch (isa()) {
        case Isa::Avx512: return "avx512";
        case Isa::Avx2: return "avx2";
        default: return "baseline";
    }
}

}  // namespace galedge
