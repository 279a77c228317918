/* AVR has no semihosting: everything goes over the first serial port. Inputs come in as they are, after
 * bytes that say nothing, a mark, and their number (uint32_t, least significant byte first): what has come
 * before the line is open may be lost. What goes out is framed: a letter (O output, L log, X
 * exit), the number of bytes (uint16_t, least significant byte first), the bytes. */
#include "ep_serial.h"

#define MARK 0x55u

static void send_frame(char kind, const void *from, size_t bytes)
{
    ep_uart_start();
    ep_uart_send((uint8_t)kind);
    ep_uart_send((uint8_t)(bytes & 0xFFu));
    ep_uart_send((uint8_t)(bytes >> 8));
    for (size_t i = 0; i < bytes; i++) {
        ep_uart_send(((const uint8_t *)from)[i]);
    }
}

size_t ep_port_read(void *to, size_t bytes)
{
    static uint8_t known;
    static uint32_t left;
    if (!known) {
        ep_uart_start();
        while (ep_uart_receive() != MARK) {
        }
        for (uint8_t i = 0; i < 4; i++) {
            left |= (uint32_t)ep_uart_receive() << (8 * i);
        }
        known = 1;
    }
    if (left == 0) {
        return 0;
    }
    left--;
    for (size_t i = 0; i < bytes; i++) {
        ((uint8_t *)to)[i] = ep_uart_receive();
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
