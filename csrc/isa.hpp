// Which instruction set the hot loops use. They are compiled once per set from
// the same source and give the same bits; the environment variable GALEDGE_ISA
// (baseline, avx2, avx512) forces one, but never one the processor lacks.
#pragma once

namespace galedge {

enum class Isa { Baseline, Avx2, Avx512 };

Isa isa();               // decided once per process
const char* isa_name();  // "baseline", "avx2" or "avx512"

}  // namespace galedge
