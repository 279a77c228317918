/* Runs a model in the emulator over every input that the port delivers, and watches it: the outputs go
 * back through the port; what the model writes outside its arena, its output or its stack ends the run. */
#include "ep_firmware.h"
#include EP_MODEL_HEADER

#ifndef EP_STACK_BYTES
#error "the build says how much stack the model gets"
#endif

#ifdef __AVR__
enum { GUARD = 32 };
#else
enum { GUARD = 1024 };
#endif
#define PAINT 0xA5u
#define PADDED(bytes) (((bytes) + 15u) / 16u * 16u)

/* Every buffer lies between two guards. */
#define BUFFER(name, bytes) \
    static uint8_t name[GUARD + PADDED(bytes) + GUARD] EP_UNINITIALISED(".ep_harness")

BUFFER(arena, EP_ARENA_BYTES);
BUFFER(input, EP_INPUT_BYTES);
BUFFER(output, EP_OUTPUT_BYTES);

/* Grows down from its end into the guard. */
uint8_t ep_model_stack[GUARD + EP_STACK_BYTES] EP_UNINITIALISED(".ep_stack");
uint8_t *const ep_model_stack_top = ep_model_stack + sizeof ep_model_stack;

/* Volatile, so that the compiler puts no memset of the C library in its place. */
static void fill(uint8_t *to, size_t bytes, uint8_t value)
{
    const uint32_t word = value * 0x01010101u;
    size_t i = 0;
    for (; i + 4 <= bytes; i += 4) {
        *(volatile uint32_t *)(to + i) = word;
    }
    for (; i < bytes; i++) {
        *(volatile uint8_t *)(to + i) = value;
    }
}

static size_t untouched(const uint8_t *from, size_t bytes, uint8_t value)
{
    size_t n = 0;
    while (n < bytes && from[n] == value) {
        n++;
    }
    return n;
}

static void log_number(uint32_t value)
{
    char text[11];
    char *at = text + sizeof text - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + value % 10u);
        value /= 10u;
    } while (value != 0);
    ep_port_log(at);
}

void ep_fail(const char *text)
{
    ep_port_log("FAIL ");
    ep_port_log(text);
    ep_port_log("\n");
    ep_port_exit(1);
}

void ep_fault(const char *name, uint32_t pc)
{
    static const char digits[] = "0123456789abcdef";
    char text[9] = "";
    for (int i = 0; i < 8; i++) {
        text[i] = digits[(pc >> (28 - 4 * i)) & 15u];
    }
    ep_port_log("FAIL ");
    ep_port_log(name);
    ep_port_log(" at 0x");
    ep_port_log(text);
    ep_port_log("\n");
    ep_port_exit(1);
}

/* Guards of a buffer, and for a written one the tail that rounds it up to 16 bytes. */
static int intact(const uint8_t *buffer, size_t used)
{
    const size_t padded = PADDED(used);
    const size_t tail = padded - used + GUARD;
    return untouched(buffer, GUARD, PAINT) == GUARD
           && untouched(buffer + GUARD + used, tail, PAINT) == tail;
}

__attribute__((weak)) void ep_port_before(void)
{
}

__attribute__((weak)) void ep_port_after(void)
{
}

__attribute__((weak)) void ep_port_stack(uint32_t bytes)
{
    (void)bytes;
}

void ep_main(void)
{
    uint32_t deepest = 0;
    uint32_t inferences = 0;
    fill(arena, sizeof arena, PAINT);
    fill(input, sizeof input, PAINT);
    fill(output, sizeof output, PAINT);
    while (ep_port_read(input + GUARD, EP_INPUT_BYTES) == EP_INPUT_BYTES) {
        /* A model that relies on what was left in its arena gives a different result each time. */
        fill(arena + GUARD, EP_ARENA_BYTES, (uint8_t)(PAINT + inferences));
        fill(ep_model_stack, sizeof ep_model_stack, PAINT);
        ep_port_before();
        const int status = ep_invoke(arena + GUARD, EP_ARENA_BYTES, input + GUARD, output + GUARD);
        ep_port_after();
        const uint32_t free = (uint32_t)untouched(ep_model_stack, sizeof ep_model_stack, PAINT);
        if (free < GUARD) {
            ep_fail("stack overrun");
        }
        if (!intact(arena, EP_ARENA_BYTES)) {
            ep_fail("arena overrun");
        }
        if (!intact(output, EP_OUTPUT_BYTES)) {
            ep_fail("output overrun");
        }
        if (!intact(input, EP_INPUT_BYTES)) {
            ep_fail("input overrun");
        }
        if (status != 0) {
            ep_port_log("FAIL the model returned the status ");
            log_number((uint32_t)status);
            ep_port_log("\n");
            ep_port_exit(1);
        }
        const uint32_t depth = (uint32_t)sizeof ep_model_stack - free;
        deepest = depth > deepest ? depth : deepest;
        ep_port_stack(depth);
        ep_port_write(output + GUARD, EP_OUTPUT_BYTES);
        inferences++;
    }
    ep_port_log("DONE stack ");
    log_number(deepest);
    ep_port_log(" inferences ");
    log_number(inferences);
    ep_port_log("\n");
    ep_port_exit(0);
}
