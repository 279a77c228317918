/* What the self-test over a serial line (serial.c) needs of a board: bytes, and a clock. */
#ifndef EP_SERIAL_H
#define EP_SERIAL_H

#include "ep_firmware.h"

#ifndef EP_BAUD
#define EP_BAUD 115200u
#endif

/* uart_*.c. The first also sets the core's clock up, where the part starts slower than it can run. */
void ep_uart_start(void);
uint8_t ep_uart_receive(void); /* waits for a byte */
void ep_uart_send(uint8_t byte);

/* rtt.c: the same through a debug probe. */
uint8_t ep_rtt_receive(void);
void ep_rtt_send(uint8_t byte);

/* The line that the self-test talks over. */
static inline uint8_t ep_line_receive(void)
{
#ifdef EP_RTT
    return ep_rtt_receive();
#else
    return ep_uart_receive();
#endif
}

static inline void ep_line_send(uint8_t byte)
{
#ifdef EP_RTT
    ep_rtt_send(byte);
#else
    ep_uart_send(byte);
#endif
}

/* clock_*.c: what passes between two calls, in ticks. */
void ep_clock_start(void);
uint64_t ep_clock_stop(void);
uint32_t ep_clock_ticks_hz(void); /* ticks in a second; 0: not known */
uint8_t ep_clock_bits(void);      /* ticks are counted modulo 2 to the power of this */

/* uart_*.c: of the core, hertz; 0: not known. */
uint32_t ep_core_hz(void);

/* A model that keeps a state begins anew with the next input; does nothing for others. */
void ep_model_restart(void);

#endif
