/* Semihosting: files of the machine that runs the emulator.
 * Arm, "Semihosting for AArch32 and AArch64"; "RISC-V Semihosting" uses the same calls. */
#include "ep_firmware.h"

enum { SYS_OPEN = 0x01, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT_EXTENDED = 0x20 };
enum { OPEN_READ = 1, OPEN_WRITE = 5 };
#define STOPPED_RUN_TIME_ERROR 0x20023u
#define STOPPED_APPLICATION_EXIT 0x20026u

static uintptr_t call(uintptr_t operation, const void *parameters)
{
#if defined(__riscv)
    register uintptr_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = parameters;
    /* the three instructions must be uncompressed and lie in one page */
    __asm__ volatile(".option push\n.option norvc\n.balign 16\n"
                     "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
                     : "+r"(a0) : "r"(a1) : "memory");
    return a0;
#else
    register uintptr_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = parameters;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
#endif
}

static size_t length(const char *text)
{
    size_t n = 0;
    while (text[n] != '\0') {
        n++;
    }
    return n;
}

static uintptr_t open(const char *name, uintptr_t mode)
{
    const uintptr_t parameters[] = {(uintptr_t)name, mode, length(name)};
    uintptr_t file = call(SYS_OPEN, parameters);
    if (file == (uintptr_t)-1) {
        ep_port_log("the emulator cannot open ");
        ep_port_log(name);
        ep_port_exit(1);
    }
    return file;
}

size_t ep_port_read(void *to, size_t bytes)
{
    static uintptr_t file;
    if (file == 0) {
        file = open("input.bin", OPEN_READ);
    }
    const uintptr_t parameters[] = {file, (uintptr_t)to, bytes};
    return bytes - call(SYS_READ, parameters);
}

void ep_port_write(const void *from, size_t bytes)
{
    static uintptr_t file;
    if (file == 0) {
        file = open("output.bin", OPEN_WRITE);
    }
    const uintptr_t parameters[] = {file, (uintptr_t)from, bytes};
    if (call(SYS_WRITE, parameters) != 0) {
        ep_port_log("the emulator cannot write output.bin\n");
        ep_port_exit(1);
    }
}

void ep_port_log(const char *text)
{
    call(SYS_WRITE0, text);
}

void ep_port_exit(int status)
{
    const uintptr_t parameters[] = {status == 0 ? STOPPED_APPLICATION_EXIT : STOPPED_RUN_TIME_ERROR,
                                    (uintptr_t)status};
    for (;;) {
        call(SYS_EXIT_EXTENDED, parameters);
    }
}
