// Chooses the kernels for the processor at hand, once.
#include "kernels.hpp"

#include "isa.hpp"

namespace galedge {

const Kernels& kernels() {
#if defined(__x86_64__)
    switch (isa()) {
        case Isa::Avx512: return kAvx512;
        case Isa::Avx2: return kAvx2;
        case Isa::Baseline: break;
    }
#endif
    return kBaseline;
}

}  // namespace galedge
