/* Firmware as a program of Linux, in an emulator's user mode: files, and signals for faults. */
#define _GNU_SOURCE /* SA_ONSTACK */
#include "ep_firmware.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void fault(int signal_number)
{
    ep_fail(signal_number == SIGILL ? "illegal instruction"
            : signal_number == SIGFPE ? "arithmetic fault"
                                      : "memory fault");
}

/* The handler runs on a stack of its own: the model's may be what overran. */
static void name_faults(void)
{
    static uint8_t stack[65536];
    const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = fault, .sa_flags = SA_ONSTACK};
    const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    (void)sigaltstack(&other, NULL);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        (void)sigaction(faults[i], &action, NULL);
    }
}

static FILE *opened(const char *name, const char *mode)
{
    FILE *file = fopen(name, mode);
    if (file == NULL) {
        ep_port_log("the emulator cannot open ");
        ep_port_log(name);
        ep_port_exit(1);
    }
    (void)setvbuf(file, NULL, _IONBF, 0);
    return file;
}

size_t ep_port_read(void *to, size_t bytes)
{
    static FILE *file;
    if (file == NULL) {
        name_faults();
        file = opened("input.bin", "rb");
    }
    return fread(to, 1, bytes, file);
}

void ep_port_write(const void *from, size_t bytes)
{
    static FILE *file;
    if (file == NULL) {
        file = opened("output.bin", "wb");
    }
    if (fwrite(from, 1, bytes, file) != bytes) {
        ep_port_log("the emulator cannot write output.bin\n");
        ep_port_exit(1);
    }
}

void ep_port_log(const char *text)
{
    (void)fputs(text, stdout);
    (void)fflush(stdout);
}

void ep_port_exit(int status)
{
    exit(status);
}
