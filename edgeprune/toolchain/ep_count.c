/* A QEMU TCG plugin that counts executed guest instructions exactly, address by address.
 *
 * Counts from the entry point of the model to the return of the call, summed over all inferences, apart for
 * each layer whose first address is given. Written against version 1 of QEMU's plugin API (QEMU 4.2
 * to 8.2, "QEMU TCG Plugins"), whose few declarations are here because distributions ship no header.
 *
 * Arguments: begin, end (addresses of the entry point and of the return), base, bytes (of the code),
 * out (file), layers (file with one address a line, in hex; may be empty).
 * Writes: "inference <instructions>" once an inference, then
 * "pc <layer> <address> <instructions> <reads>" for every address executed; layer 0 is what comes before
 * the first mark; all numbers but the address decimal. */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
typedef uint64_t qemu_plugin_id_t;
typedef struct {
    const char *target_name; /* what follows is not used */
} qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_R = 1, QEMU_PLUGIN_MEM_W = 2 };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*on_exec)(unsigned cpu, void *userdata);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                           void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, on_exec,
                                            enum qemu_plugin_cb_flags, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, enum qemu_plugin_op,
                                                void *, uint64_t);
void qemu_plugin_register_vcpu_mem_inline(struct qemu_plugin_insn *, enum qemu_plugin_mem_rw,
                                          enum qemu_plugin_op, void *, uint64_t);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);

EXPORT int qemu_plugin_version = 1;

enum { MAX_LAYERS = 4096 };

typedef struct {
    uint64_t instructions;
    uint64_t as_read;  /* accesses for which QEMU calls what was registered for reads */
    uint64_t as_write; /* and for writes: see reads() */
} counter;

static uint64_t begin, end, base, bytes;
static uint64_t marks[MAX_LAYERS];
static size_t n_marks;
static FILE *out;

static counter *now;      /* since the start, one for every two bytes of code */
static counter *last;     /* `now` when the current layer began */
static uint32_t *slots;   /* which of them have been translated */
static size_t n_slots;
static bool *translated;
static bool *stores_by_helper; /* one for every two bytes of code */
static bool arm;
static counter *layers[MAX_LAYERS + 1]; /* as `now`, within one layer of the model */
static size_t layer;
static uint64_t inference;
static bool counting;

static void add_up(void)
{
    for (size_t i = 0; i < n_slots; i++) {
        const uint32_t k = slots[i];
        if (now[k].instructions != last[k].instructions) {
            const uint64_t executed = now[k].instructions - last[k].instructions;
            layers[layer][k].instructions += executed;
            layers[layer][k].as_read += now[k].as_read - last[k].as_read;
            layers[layer][k].as_write += now[k].as_write - last[k].as_write;
            inference += executed;
        }
        last[k] = now[k];
    }
}

static void on_begin(unsigned cpu, void *userdata)
{
    (void)cpu;
    (void)userdata;
    if (!counting) { /* not when the entry point is its own loop head */
        counting = true;
        layer = 0;
        inference = 0;
        for (size_t i = 0; i < n_slots; i++) {
            last[slots[i]] = now[slots[i]];
        }
    }
}

static void on_mark(unsigned cpu, void *userdata)
{
    (void)cpu;
    if (counting) {
        add_up();
        layer = (size_t)(uintptr_t)userdata;
    }
}

static void on_end(unsigned cpu, void *userdata)
{
    (void)cpu;
    (void)userdata;
    if (counting) {
        add_up();
        counting = false;
        fprintf(out, "inference %" PRIu64 "\n", inference);
    }
}

/* Armv8-M: VSTR, VST2x, VST4x lie in the coprocessor space, where bit 20 tells a load. */
static bool is_mve_store(const struct qemu_plugin_insn *insn)
{
    const uint8_t *code = qemu_plugin_insn_data(insn);
    const uint32_t first = (uint32_t)code[0] | (uint32_t)code[1] << 8;
    return qemu_plugin_insn_size(insn) == 4 && (first & 0xEE00u) == 0xEC00u && (first & 0x10u) == 0;
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const uint64_t pc = qemu_plugin_insn_vaddr(insn);
        if (pc == begin) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_begin, QEMU_PLUGIN_CB_NO_REGS, NULL);
        }
        if (pc == end) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_end, QEMU_PLUGIN_CB_NO_REGS, NULL);
        }
        for (size_t m = 0; m < n_marks; m++) {
            if (pc == marks[m]) {
                qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_NO_REGS,
                                                       (void *)(uintptr_t)(m + 1));
            }
        }
        if (pc < base || pc >= base + bytes) {
            continue;
        }
        const uint32_t k = (uint32_t)((pc - base) / 2);
        if (!translated[k]) {
            translated[k] = true;
            slots[n_slots++] = k;
            stores_by_helper[k] = arm && is_mve_store(insn);
        }
        qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                   &now[k].instructions, 1);
        qemu_plugin_register_vcpu_mem_inline(insn, QEMU_PLUGIN_MEM_R, QEMU_PLUGIN_INLINE_ADD_U64,
                                             &now[k].as_read, 1);
        qemu_plugin_register_vcpu_mem_inline(insn, QEMU_PLUGIN_MEM_W, QEMU_PLUGIN_INLINE_ADD_U64,
                                             &now[k].as_write, 1);
    }
}

/* QEMU 7.2 takes its own codes for read and write for one less than they are, in the code that it makes:
 * a store there counts as both and a load as a write. What its helper functions access (all of MVE) is told
 * rightly. No instruction of these machines reads and writes, so one that seems to gives it away. */
static bool codes_are_shifted(void)
{
    for (size_t i = 0; i < n_slots; i++) {
        if (now[slots[i]].as_read != 0 && now[slots[i]].as_read == now[slots[i]].as_write) {
            return true;
        }
    }
    return false;
}

static uint64_t reads(const counter *c, uint32_t slot, bool shifted)
{
    if (!shifted || c->as_write == 0) {
        return c->as_read;
    }
    return stores_by_helper[slot] ? 0 : c->as_write - c->as_read;
}

static void on_exit(qemu_plugin_id_t id, void *userdata)
{
    (void)id;
    (void)userdata;
    const bool shifted = codes_are_shifted();
    for (size_t l = 0; l <= n_marks; l++) {
        for (size_t i = 0; i < n_slots; i++) {
            const counter *c = &layers[l][slots[i]];
            if (c->instructions != 0) {
                fprintf(out, "pc %zu %" PRIx64 " %" PRIu64 " %" PRIu64 "\n", l,
                        base + 2u * (uint64_t)slots[i], c->instructions,
                        reads(c, slots[i], shifted));
            }
        }
    }
    fclose(out);
}

static bool read_marks(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    while (n_marks < MAX_LAYERS && fscanf(file, "%" SCNx64, &marks[n_marks]) == 1) {
        n_marks++;
    }
    fclose(file);
    return true;
}

/* "key=value" of argument i, or "" */
static const char *argument(int argc, char **argv, const char *key)
{
    const size_t n = strlen(key);
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], key, n) == 0 && argv[i][n] == '=') {
            return argv[i] + n + 1;
        }
    }
    return "";
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    arm = strcmp(info->target_name, "arm") == 0;
    begin = strtoull(argument(argc, argv, "begin"), NULL, 16);
    end = strtoull(argument(argc, argv, "end"), NULL, 16);
    base = strtoull(argument(argc, argv, "base"), NULL, 16);
    bytes = strtoull(argument(argc, argv, "bytes"), NULL, 16);
    out = fopen(argument(argc, argv, "out"), "w");
    if (out == NULL || bytes == 0 || !read_marks(argument(argc, argv, "layers"))) {
        fprintf(stderr, "ep_count: wrong arguments\n");
        return 1;
    }
    const size_t n = (size_t)(bytes / 2 + 1);
    now = calloc(n, sizeof *now);
    last = calloc(n, sizeof *last);
    slots = calloc(n, sizeof *slots);
    translated = calloc(n, sizeof *translated);
    stores_by_helper = calloc(n, sizeof *stores_by_helper);
    bool all = now != NULL && last != NULL && slots != NULL && translated != NULL
               && stores_by_helper != NULL;
    for (size_t l = 0; l <= n_marks && all; l++) {
        layers[l] = calloc(n, sizeof(counter)); /* pages are used only where code runs */
        all = layers[l] != NULL;
    }
    if (!all) {
        fprintf(stderr, "ep_count: out of memory\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    qemu_plugin_register_atexit_cb(id, on_exit, NULL);
    return 0;
}
