/* The serial port of Arm's MPS boards: APB UART, Cortex-M System Design Kit (DDI 0479). EP_UART is where it lies. */
#include "ep_serial.h"

#define REGISTER(offset) (*(volatile uint32_t *)(EP_UART + (offset)))
#define DATA REGISTER(0x00u)
#define STATE REGISTER(0x04u)
#define CONTROL REGISTER(0x08u)
#define DIVIDER REGISTER(0x10u)
enum { SEND_FULL = 1, RECEIVE_FULL = 2, ENABLE_BOTH = 3 };

void ep_uart_start(void)
{
    DIVIDER = EP_CLOCK_HZ / EP_BAUD;
    CONTROL = ENABLE_BOTH;
}

uint8_t ep_uart_receive(void)
{
    while ((STATE & RECEIVE_FULL) == 0) {
    }
    return (uint8_t)DATA;
}

void ep_uart_send(uint8_t byte)
{
    while ((STATE & SEND_FULL) != 0) {
    }
    DATA = byte;
}

uint32_t ep_core_hz(void)
{
    return EP_CLOCK_HZ;
}
