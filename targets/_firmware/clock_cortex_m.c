/* Cycles of a Cortex-M: the cycle counter of its trace unit; SysTick with an interrupt a wrap where the core has none
 * (Armv6-M, emulators). That interrupt's frame may lie on the model's stack: up to 32 bytes, 104 with an FPU. */
#include "ep_serial.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define DEMCR REGISTER(0xE000EDFCu)
#define DEMCR_TRCENA (1u << 24)
#define DWT_CTRL REGISTER(0xE0001000u)
#define DWT_CYCCNT REGISTER(0xE0001004u)
#define DWT_LAR REGISTER(0xE0001FB0u)
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define SYST_CVR REGISTER(0xE000E018u)
enum { SYST_ON = 7, SYST_TOP = 0xFFFFFF };

static volatile uint32_t wraps;
static uint8_t is_ticking; /* SysTick; off, its register reads as 4 where only the core can drive it */
static uint64_t begun;

void SysTick_Handler(void)
{
    wraps++;
}

static int counts_cycles(void)
{
#if __ARM_ARCH > 6
    DEMCR |= DEMCR_TRCENA;
    DWT_LAR = 0xC5ACCE55u; /* the Cortex-M7 locks it */
    DWT_CTRL |= 1u;
    const uint32_t before = DWT_CYCCNT;
    __asm__ volatile("nop\n\tnop\n\tnop\n\tnop");
    return DWT_CYCCNT != before;
#else
    return 0;
#endif
}

static uint64_t now(void)
{
#if __ARM_ARCH > 6
    if (!is_ticking) {
        return DWT_CYCCNT;
    }
#endif
    uint32_t wrapped;
    uint32_t left;
    do {
        wrapped = wraps;
        left = SYST_CVR;
    } while (wrapped != wraps);
    return (uint64_t)wrapped * (SYST_TOP + 1u) + (SYST_TOP - left);
}

void ep_clock_start(void)
{
    if (!is_ticking && !counts_cycles()) {
        is_ticking = 1;
        SYST_RVR = SYST_TOP;
        SYST_CVR = 0;
        SYST_CSR = SYST_ON;
    }
    begun = now();
}

uint64_t ep_clock_stop(void)
{
    const uint64_t passed = now() - begun;
    return is_ticking ? passed : (uint32_t)passed;
}

uint32_t ep_clock_ticks_hz(void)
{
    return ep_core_hz();
}

uint8_t ep_clock_bits(void)
{
    return 32;
}
