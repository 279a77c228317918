/* Cycles of a RISC-V core in machine mode: mcycle. */
#include "ep_serial.h"

static uint64_t begun;

static uint64_t now(void)
{
    uint32_t high;
    uint32_t low;
    uint32_t again;
    do {
        __asm__ volatile(".option arch, +zicsr\n\tcsrr %0, mcycleh\n\tcsrr %1, mcycle\n\tcsrr %2, mcycleh"
                         : "=r"(high), "=r"(low), "=r"(again));
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

void ep_clock_start(void)
{
    begun = now();
}

uint64_t ep_clock_stop(void)
{
    return now() - begun;
}

uint32_t ep_clock_ticks_hz(void)
{
    return ep_core_hz();
}

uint8_t ep_clock_bits(void)
{
    return 64;
}
