/* A QEMU TCG plugin that counts what happens at every address of the code: how often it is executed,
 * how often control is transferred away behind it, what it reads, and what misses the caches in front of
 * the flash.
 *
 * Counts from the entry point of the model to the return of the call, summed over all inferences, apart for
 * each layer whose first address is given. Written against version 1 of QEMU's plugin API (QEMU 4.2
 * to 8.2, "QEMU TCG Plugins"), whose few declarations are here because distributions ship no header.
 *
 * Arguments: begin, end (addresses of the entry point and of the return), base, bytes (of the code),
 * out (file), layers (file with one address a line, in hex; may be empty); flash, flash_bytes (what is
 * flash among the data; 0: nothing is told apart); code, data: "<line bytes>:<ways>:<sets>" of the caches,
 * left out where there is none; unified=1 where data is cached with the code.
 * Writes: "inference <instructions>" once an inference, then for every address executed
 * "pc <layer> <address> <instructions> <reads> <taken> <code misses> <next> <data misses>"; layer 0 is
 * what comes before the first mark; all numbers but the address decimal. `taken`: what followed was not
 * the next instruction. `next`: misses of a line that control ran into from the line before it, apart from
 * the other code misses. Without a data cache every read from flash is a miss. */
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
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_RW = 3 };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef uint32_t qemu_plugin_meminfo_t;
typedef void (*on_exec)(unsigned cpu, void *userdata);
typedef void (*on_access)(unsigned cpu, qemu_plugin_meminfo_t, uint64_t address, void *userdata);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                           void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, on_exec, enum qemu_plugin_cb_flags,
                                          void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, on_exec,
                                            enum qemu_plugin_cb_flags, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, enum qemu_plugin_op,
                                                void *, uint64_t);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, on_access, enum qemu_plugin_cb_flags,
                                      enum qemu_plugin_mem_rw, void *);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);

EXPORT int qemu_plugin_version = 1;

enum { MAX_LAYERS = 4096 };

enum { EXECUTED, READS, TAKEN, CODE_MISSES, NEXT_MISSES, DATA_MISSES, EVENTS };
typedef struct {
    uint64_t of[EVENTS];
} counter;

/* Least recently used lines go first. */
typedef struct {
    uint64_t first; /* address of line 0 */
    unsigned shift; /* of an address, for the number of its line */
    size_t ways;    /* 0: no cache */
    size_t sets;
    int32_t *place; /* of every line, where it lies in the cache, or -1 */
    size_t lines;
    size_t *held;   /* lines + 1 in the cache, set by set; 0: nothing */
    uint64_t *used; /* when they were used last */
} cache;

/* A piece of code without a branch inside. */
typedef struct {
    uint64_t begin;
    uint64_t end;
    uint32_t first_slot;
    uint32_t last_slot;
} block;

static uint64_t begin, end, base, bytes, flash, flash_bytes;
static uint64_t marks[MAX_LAYERS];
static size_t n_marks;
static FILE *out;

static counter *now;    /* since the start, one for every two bytes of code */
static counter *last;   /* `now` when the current layer began */
static uint32_t *slots; /* which of them have been translated */
static size_t n_slots;
static bool *translated;
static counter *layers[MAX_LAYERS + 1]; /* as `now`, within one layer of the model */
static size_t layer;
static uint64_t inference;
static bool counting;

static cache code, data;
static bool unified;
static uint64_t ticks;
static const block *previous; /* the block executed last */
static size_t last_line;      /* of the code, that was fetched last */

static bool hits(cache *c, size_t line)
{
    ticks++;
    if (c->place[line] >= 0) {
        c->used[c->place[line]] = ticks;
        return true;
    }
    const size_t set = line % c->sets * c->ways;
    size_t oldest = set;
    for (size_t i = set; i < set + c->ways; i++) {
        if (c->used[i] < c->used[oldest]) {
            oldest = i;
        }
    }
    if (c->held[oldest] != 0) {
        c->place[c->held[oldest] - 1] = -1;
    }
    c->held[oldest] = line + 1;
    c->used[oldest] = ticks;
    c->place[line] = (int32_t)oldest;
    return false;
}

/* Whether b begins behind the last instruction of a. Where that leads to one across two pages, QEMU counts the
 * bytes of the first page to both. */
static bool follows(const block *a, const block *b)
{
    return b->begin > base + 2u * (uint64_t)a->last_slot && b->begin <= a->end;
}

static void on_block(unsigned cpu, void *userdata)
{
    const block *b = userdata;
    (void)cpu;
    if (previous != NULL && !follows(previous, b)) {
        now[previous->last_slot].of[TAKEN]++;
    }
    previous = b;
    if (code.ways == 0) {
        return;
    }
    for (size_t line = (b->begin - code.first) >> code.shift; line <= (b->end - 1 - code.first) >> code.shift;
         line++) {
        if (line != last_line && !hits(&code, line)) {
            now[b->first_slot].of[line == last_line + 1 ? NEXT_MISSES : CODE_MISSES]++;
        }
        last_line = line;
    }
}

static void on_memory(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *userdata)
{
    (void)cpu;
    if (qemu_plugin_mem_is_store(info)) {
        return;
    }
    counter *c = &now[(uintptr_t)userdata];
    c->of[READS]++;
    if (address - flash < flash_bytes) {
        cache *with = unified ? &code : &data;
        if (with->ways == 0 || !hits(with, (address - with->first) >> with->shift)) {
            c->of[DATA_MISSES]++;
        }
    }
}

static void add_up(void)
{
    for (size_t i = 0; i < n_slots; i++) {
        const uint32_t k = slots[i];
        inference += now[k].of[EXECUTED] - last[k].of[EXECUTED];
        for (size_t e = 0; e < EVENTS; e++) {
            layers[layer][k].of[e] += now[k].of[e] - last[k].of[e];
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

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    const size_t n = qemu_plugin_tb_n_insns(tb);
    const struct qemu_plugin_insn *const final = qemu_plugin_tb_get_insn(tb, n - 1);
    const uint64_t from = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
    const uint64_t to = qemu_plugin_insn_vaddr(final) + qemu_plugin_insn_size(final);
    if (from >= base && to <= base + bytes) {
        block *b = malloc(sizeof *b); /* as long as the emulator may execute it */
        if (b == NULL) {
            abort();
        }
        *b = (block){from, to, (uint32_t)((from - base) / 2),
                     (uint32_t)((qemu_plugin_insn_vaddr(final) - base) / 2)};
        qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS, b);
    }
    for (size_t i = 0; i < n; i++) {
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
        }
        qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                   &now[k].of[EXECUTED], 1);
        /* Reads and writes together: QEMU 7.2 takes the one for the other where only one is asked for. */
        qemu_plugin_register_vcpu_mem_cb(insn, on_memory, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                         (void *)(uintptr_t)k);
    }
}

static void on_exit(qemu_plugin_id_t id, void *userdata)
{
    (void)id;
    (void)userdata;
    for (size_t l = 0; l <= n_marks; l++) {
        for (size_t i = 0; i < n_slots; i++) {
            const counter *c = &layers[l][slots[i]];
            if (c->of[EXECUTED] == 0) {
                continue;
            }
            fprintf(out, "pc %zu %" PRIx64, l, base + 2u * (uint64_t)slots[i]);
            for (size_t e = 0; e < EVENTS; e++) {
                fprintf(out, " %" PRIu64, c->of[e]);
            }
            fputc('\n', out);
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

/* A cache of `size` bytes of memory from `first` on, as an argument describes it; false: out of memory. */
static bool make_cache(cache *c, const char *how, uint64_t first, uint64_t size)
{
    unsigned line = 0;
    unsigned ways = 0;
    unsigned sets = 0;
    if (sscanf(how, "%u:%u:%u", &line, &ways, &sets) != 3 || line == 0 || ways == 0 || sets == 0) {
        return *how == '\0';
    }
    while (1u << c->shift < line) {
        c->shift++;
    }
    c->first = first & ~(uint64_t)(line - 1);
    c->ways = ways;
    c->sets = sets;
    c->lines = (size_t)((first + size - c->first) >> c->shift) + 1;
    c->place = malloc(c->lines * sizeof *c->place);
    c->held = calloc((size_t)ways * sets, sizeof *c->held);
    c->used = calloc((size_t)ways * sets, sizeof *c->used);
    if (c->place == NULL || c->held == NULL || c->used == NULL) {
        return false;
    }
    memset(c->place, 0xFF, c->lines * sizeof *c->place);
    return true;
}

static uint64_t number(int argc, char **argv, const char *key)
{
    return strtoull(argument(argc, argv, key), NULL, 16);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    begin = number(argc, argv, "begin");
    end = number(argc, argv, "end");
    base = number(argc, argv, "base");
    bytes = number(argc, argv, "bytes");
    flash = number(argc, argv, "flash");
    flash_bytes = number(argc, argv, "flash_bytes");
    unified = number(argc, argv, "unified") != 0;
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
    bool all = now != NULL && last != NULL && slots != NULL && translated != NULL;
    for (size_t l = 0; l <= n_marks && all; l++) {
        layers[l] = calloc(n, sizeof(counter)); /* pages are used only where code runs */
        all = layers[l] != NULL;
    }
    /* the code lies in the flash, too */
    if (!all || !make_cache(&code, argument(argc, argv, "code"), flash, flash_bytes)
        || !make_cache(&data, argument(argc, argv, "data"), flash, flash_bytes)) {
        fprintf(stderr, "ep_count: out of memory, or wrong caches\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    qemu_plugin_register_atexit_cb(id, on_exit, NULL);
    return 0;
}
