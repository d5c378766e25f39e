// A plugin of QEMU that counts the instructions a program executes, and those of them
// that work on vectors (Advanced SIMD, or floats, whose encodings share bits 25 to 27).
//
//     gcc -shared -fPIC -o count.so count.c && qemu-aarch64 -plugin ./count.so -d plugin PROGRAM
//
// The few lines of qemu-plugin.h that it needs stand here, since Debian packages QEMU without.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
enum { INLINE_ADD_U64 = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                           void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int, void *, uint64_t);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
void qemu_plugin_outs(const char *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

static uint64_t all, vector;

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    const size_t n = qemu_plugin_tb_n_insns(block);
    uint64_t here = 0;
    for (size_t i = 0; i < n; ++i) {
        uint32_t word;
        memcpy(&word, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(block, i)), sizeof word);
        here += (word >> 25 & 7) == 7;  // data processing: SIMD and floating point
    }
    qemu_plugin_register_vcpu_tb_exec_inline(block, INLINE_ADD_U64, &all, n);
    if (here) qemu_plugin_register_vcpu_tb_exec_inline(block, INLINE_ADD_U64, &vector, here);
}

static void ended(qemu_plugin_id_t id, void *data) {
    (void)id, (void)data;
    char text[80];
    snprintf(text, sizeof text, "instructions %" PRIu64 " vector %" PRIu64 "\n", all, vector);
    qemu_plugin_outs(text);
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id,
                                                               const qemu_info_t *info, int argc,
                                                               char **argv) {
    (void)info, (void)argc, (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
