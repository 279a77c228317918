/* Start-up code of Cortex-M cores in the emulator. Uses nothing of the C library, so that what the
 * model uses of it is counted as the model's. */
#include "ep_firmware.h"

extern uint32_t ep_data_image[], ep_data_start[], ep_data_end[], ep_bss_start[], ep_bss_end[];
extern uint32_t ep_stack_top[];
void Reset_Handler(void);

#define CCR (*(volatile uint32_t *)0xE000ED14u)
#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define SHCSR (*(volatile uint32_t *)0xE000ED24u)
#define CCR_UNALIGN_TRP (1u << 3)
#define SHCSR_FAULTS_ENABLED (7u << 16)
#define CPACR_FULL_CP10_CP11 (0xFu << 20)

/* The coprocessors must be on before the first instruction that uses them, or the core locks up. */
__attribute__((used, noreturn)) static void start(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    CPACR |= CPACR_FULL_CP10_CP11;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
#if __ARM_ARCH == 6
    CCR |= CCR_UNALIGN_TRP; /* an Armv6-M core faults on these; the emulated one must, too */
#endif
#ifdef EP_HARNESS
    SHCSR |= SHCSR_FAULTS_ENABLED; /* a fault has a name, and one on entry to its handler is no lock-up */
#endif
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
    __asm__ volatile("ldr r0, =ep_stack_top\n\tmov sp, r0\n\tbl start\n\t.ltorg");
}

#ifdef EP_HARNESS
static const char *const names[] = {"hard fault", "memory fault", "bus fault", "usage fault"};

/* The frame that the core pushed: r0 to r3, r12, lr, pc, xpsr. */
__attribute__((used, noreturn)) static void report(const uint32_t *frame)
{
    uint32_t number;
    const uintptr_t bottom = (uintptr_t)ep_model_stack;
    if ((uintptr_t)frame - bottom > (uintptr_t)ep_stack_top - bottom) {
        ep_fail("stack overrun"); /* no memory, or wrapped around; the core could push no frame */
    }
    __asm__ volatile("mrs %0, ipsr" : "=r"(number));
    ep_fault(number >= 3 && number <= 6 ? names[number - 3] : "unexpected exception", frame[6]);
}

/* The handler runs on a stack of its own: the model's may be what overran. */
__attribute__((naked)) static void Fault_Handler(void)
{
    __asm__ volatile("mov r0, sp\n\tldr r1, =ep_stack_top\n\tmov sp, r1\n\tbl report\n\t.ltorg");
}

__asm__(".syntax unified\n"
        ".section .text.ep_invoke, \"ax\", %progbits\n"
        ".balign 4\n.thumb\n.thumb_func\n.type ep_invoke, %function\n.global ep_invoke\n"
        "ep_invoke:\n"
        "    push {r4, r5, r6, lr}\n"
        "    mov r4, sp\n"
        "    ldr r5, =ep_model_stack_top\n"
        "    ldr r5, [r5]\n"
        "    mov sp, r5\n"
        "    bl " EP_STRING(EP_MODEL_SYMBOL) "\n"
        ".global ep_invoke_return\n"
        "ep_invoke_return:\n"
        "    mov sp, r4\n"
        "    pop {r4, r5, r6, pc}\n"
        "    .ltorg\n"
        ".size ep_invoke, . - ep_invoke\n"
        ".text\n");
#else
__attribute__((naked)) static void Fault_Handler(void)
{
    __asm__ volatile("b .");
}
#endif

void SysTick_Handler(void) __attribute__((weak, alias("Fault_Handler"))); /* clock_cortex_m.c has one */

typedef void (*handler)(void);
__attribute__((section(".vectors"), used)) static const handler vectors[16] = {
    (handler)(uintptr_t)ep_stack_top, Reset_Handler, Fault_Handler, Fault_Handler, Fault_Handler,
    Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler,
    Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler, SysTick_Handler,
};
