/* Start-up code of RISC-V cores in the emulator, in machine mode. Uses nothing of the C library, so
 * that what the model uses of it is counted as the model's. */
#include "ep_firmware.h"

extern uint32_t ep_data_image[], ep_data_start[], ep_data_end[], ep_bss_start[], ep_bss_end[];
extern uint32_t ep_stack_top[];
void Reset_Handler(void);

__asm__(".section .vectors, \"ax\", @progbits\n"
        ".global ep_vectors\n"
        "ep_vectors:\n"
        "    j Reset_Handler\n"
        ".text\n");

__attribute__((used, noreturn)) static void start(void)
{
    const volatile uint32_t *from = ep_data_image;
    for (volatile uint32_t *to = ep_data_start; to < ep_data_end; to++) {
        *to = *from++;
    }
    for (volatile uint32_t *to = ep_bss_start; to < ep_bss_end; to++) {
        *to = 0;
    }
    ep_main();
}

__attribute__((naked)) void Reset_Handler(void)
{
    __asm__ volatile(".option arch, +zicsr\n\t"
                     "la t0, Fault_Handler\n\t"
                     "csrw mtvec, t0\n\t"
                     "la tp, ep_tls_start\n\t"
                     "la sp, ep_stack_top\n\t"
                     "call start");
}

#ifdef EP_HARNESS
static const char *const names[] = {
    "misaligned instruction", "instruction access fault", "illegal instruction", "breakpoint",
    "misaligned load", "load access fault", "misaligned store", "store access fault",
};

__attribute__((used, noreturn)) static void report(uint32_t sp)
{
    uint32_t cause;
    uint32_t pc;
    const uintptr_t bottom = (uintptr_t)ep_model_stack;
    if (sp - bottom > (uintptr_t)ep_stack_top - bottom) {
        ep_fail("stack overrun");
    }
    __asm__ volatile(".option arch, +zicsr\n\tcsrr %0, mcause\n\tcsrr %1, mepc"
                     : "=r"(cause), "=r"(pc));
    ep_fault(cause < 8 ? names[cause] : "unexpected trap", pc);
}

/* The handler runs on a stack of its own: the model's may be what overran. */
__attribute__((naked, aligned(4), used)) static void Fault_Handler(void)
{
    __asm__ volatile("mv a0, sp\n\tla sp, ep_stack_top\n\tcall report");
}

__asm__(".section .text.ep_invoke, \"ax\", @progbits\n"
        ".balign 4\n.type ep_invoke, @function\n.global ep_invoke\n"
        "ep_invoke:\n"
        "    addi sp, sp, -16\n"
        "    sw ra, 0(sp)\n"
        "    sw s0, 4(sp)\n"
        "    mv s0, sp\n"
        "    lla t0, ep_model_stack_top\n"
        "    lw sp, 0(t0)\n"
        "    call " EP_STRING(EP_MODEL_SYMBOL) "\n"
        ".global ep_invoke_return\n"
        "ep_invoke_return:\n"
        "    mv sp, s0\n"
        "    lw ra, 0(sp)\n"
        "    lw s0, 4(sp)\n"
        "    addi sp, sp, 16\n"
        "    ret\n"
        ".size ep_invoke, . - ep_invoke\n"
        ".text\n");
#else
__attribute__((naked, aligned(4), used)) static void Fault_Handler(void)
{
    __asm__ volatile("j .");
}
#endif
