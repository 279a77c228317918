/* A 16550 serial port at EP_UART, set up by whatever ran before, as on QEMU's virt. */
#include "ep_serial.h"

#define REGISTER(offset) (*(volatile uint8_t *)(EP_UART + (offset)))
#define DATA REGISTER(0u)
#define LINE_STATUS REGISTER(5u)
enum { RECEIVED = 0x01, SEND_EMPTY = 0x20 };

void ep_uart_start(void)
{
}

uint8_t ep_uart_receive(void)
{
    while ((LINE_STATUS & RECEIVED) == 0) {
    }
    return DATA;
}

void ep_uart_send(uint8_t byte)
{
    while ((LINE_STATUS & SEND_EMPTY) == 0) {
    }
    DATA = byte;
}

uint32_t ep_core_hz(void)
{
    return EP_CLOCK_HZ;
}
