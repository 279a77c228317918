/* The first serial port of ATmega parts. */
#include "ep_serial.h"
#include <avr/io.h>

#ifndef EP_CLOCK_HZ
#define EP_CLOCK_HZ 16000000u
#endif

void ep_uart_start(void)
{
    if (UCSR0B != 0) {
        return;
    }
    UCSR0A = (uint8_t)(1u << U2X0);
    UBRR0 = (uint16_t)((EP_CLOCK_HZ + EP_BAUD * 4u) / (EP_BAUD * 8u) - 1u);
    UCSR0B = (uint8_t)((1u << RXEN0) | (1u << TXEN0));
    (void)UDR0; /* the emulator looks for input again when it is read, else once a second */
}

uint8_t ep_uart_receive(void)
{
    while ((UCSR0A & (1u << RXC0)) == 0) {
    }
    return UDR0;
}

void ep_uart_send(uint8_t byte)
{
    while ((UCSR0A & (1u << UDRE0)) == 0) {
    }
    UDR0 = byte;
}

uint32_t ep_core_hz(void)
{
    return EP_CLOCK_HZ;
}
