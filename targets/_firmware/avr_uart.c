/* AVR has no semihosting: everything goes over the first serial port. Inputs come in as they are, after
 * their number (uint32_t, least significant byte first). What goes out is framed: a letter (O output, L log, X
 * exit), the number of bytes (uint16_t, least significant byte first), the bytes. */
#include "ep_firmware.h"
#include <avr/io.h>

static void start(void)
{
    UCSR0B = (uint8_t)((1u << RXEN0) | (1u << TXEN0));
}

static uint8_t receive(void)
{
    while ((UCSR0A & (1u << RXC0)) == 0) {
    }
    return UDR0;
}

static void send(uint8_t byte)
{
    while ((UCSR0A & (1u << UDRE0)) == 0) {
    }
    UDR0 = byte;
}

static void send_frame(char kind, const void *from, size_t bytes)
{
    start();
    send((uint8_t)kind);
    send((uint8_t)(bytes & 0xFFu));
    send((uint8_t)(bytes >> 8));
    for (size_t i = 0; i < bytes; i++) {
        send(((const uint8_t *)from)[i]);
    }
}

size_t ep_port_read(void *to, size_t bytes)
{
    static uint8_t known;
    static uint32_t left;
    start();
    if (!known) {
        (void)UDR0; /* the emulator looks for input again when it is read, else once a second */
        for (uint8_t i = 0; i < 4; i++) {
            left |= (uint32_t)receive() << (8 * i);
        }
        known = 1;
    }
    if (left == 0) {
        return 0;
    }
    left--;
    for (size_t i = 0; i < bytes; i++) {
        ((uint8_t *)to)[i] = receive();
    }
    return bytes;
}

void ep_port_write(const void *from, size_t bytes)
{
    send_frame('O', from, bytes);
}

void ep_port_log(const char *text)
{
    size_t n = 0;
    while (text[n] != '\0') {
        n++;
    }
    send_frame('L', text, n);
}

void ep_port_exit(int status)
{
    const uint8_t byte = (uint8_t)status;
    send_frame('X', &byte, 1);
    for (;;) {
    }
}
