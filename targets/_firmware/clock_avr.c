/* Time of an AVR: timer 1, a tick every 1,024 cycles, so that it wraps after seconds only (the host sees that). */
#include "ep_serial.h"
#include <avr/io.h>

enum { CYCLES_A_TICK = 1024 };

void ep_clock_start(void)
{
    TCCR1A = 0;
    TCCR1B = 0;
    TCNT1 = 0;
    TCCR1B = (uint8_t)((1u << CS12) | (1u << CS10));
}

uint64_t ep_clock_stop(void)
{
    TCCR1B = 0;
    return TCNT1;
}

uint32_t ep_clock_ticks_hz(void)
{
    return ep_core_hz() / CYCLES_A_TICK;
}

uint8_t ep_clock_bits(void)
{
    return 16;
}
