/* USART2 of an STM32F446 on PA2 and PA3, which a Nucleo's debugger passes on over USB; the core at 180 MHz from the
 * internal oscillator, or at that oscillator's 16 MHz where the PLL does not start (RM0390). */
#include "ep_serial.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define RCC_CR REGISTER(0x40023800u)
#define RCC_PLLCFGR REGISTER(0x40023804u)
#define RCC_CFGR REGISTER(0x40023808u)
#define RCC_AHB1ENR REGISTER(0x40023830u)
#define RCC_APB1ENR REGISTER(0x40023840u)
#define PWR_CR REGISTER(0x40007000u)
#define PWR_CSR REGISTER(0x40007004u)
#define FLASH_ACR REGISTER(0x40023C00u)
#define GPIOA_MODER REGISTER(0x40020000u)
#define GPIOA_AFRL REGISTER(0x40020020u)
#define USART2_SR REGISTER(0x40004400u)
#define USART2_DR REGISTER(0x40004404u)
#define USART2_BRR REGISTER(0x40004408u)
#define USART2_CR1 REGISTER(0x4000440Cu)

#define OSCILLATOR_HZ 16000000u
#define FAST_HZ 180000000u
#define PLL_ON (1u << 24)
#define PLL_READY (1u << 25)
#define PLL_16_360_2 (16u | 360u << 6 | 0u << 16 | 8u << 24) /* 16 MHz / 16 * 360 / 2 */
#define OVER_DRIVE (1u << 16)
#define OVER_DRIVE_SWITCH (1u << 17)
#define FLASH_5_WAITS_CACHED (5u | 7u << 8)
#define BUSES_BY_4_AND_2 (5u << 10 | 4u << 13)
enum { SENDER_EMPTY = 0x80, RECEIVED = 0x20, TRIES = 100000 };

static uint32_t core_hz = OSCILLATOR_HZ;

static int becomes(volatile uint32_t *at, uint32_t bits)
{
    for (uint32_t i = 0; i < TRIES; i++) {
        if ((*at & bits) == bits) {
            return 1;
        }
    }
    return 0;
}

static void run_fast(void)
{
    RCC_APB1ENR |= 1u << 28; /* PWR */
    PWR_CR |= 3u << 14;      /* voltage scale 1 */
    RCC_PLLCFGR = PLL_16_360_2;
    RCC_CR |= PLL_ON;
    PWR_CR |= OVER_DRIVE;
    if (!becomes(&RCC_CR, PLL_READY) || !becomes(&PWR_CSR, OVER_DRIVE)) {
        return;
    }
    PWR_CR |= OVER_DRIVE_SWITCH;
    if (!becomes(&PWR_CSR, OVER_DRIVE_SWITCH)) {
        return;
    }
    FLASH_ACR = FLASH_5_WAITS_CACHED;
    RCC_CFGR = BUSES_BY_4_AND_2;
    RCC_CFGR = BUSES_BY_4_AND_2 | 2u; /* the PLL */
    if (becomes(&RCC_CFGR, 2u << 2)) {
        core_hz = FAST_HZ;
    }
}

void ep_uart_start(void)
{
    run_fast();
    RCC_AHB1ENR |= 1u;       /* GPIOA */
    RCC_APB1ENR |= 1u << 17; /* USART2 */
    GPIOA_MODER = (GPIOA_MODER & ~0xF0u) | 0xA0u;
    GPIOA_AFRL = (GPIOA_AFRL & ~0xFF00u) | 0x7700u;
    const uint32_t bus_hz = core_hz == FAST_HZ ? FAST_HZ / 4u : OSCILLATOR_HZ;
    USART2_BRR = (bus_hz + EP_BAUD / 2u) / EP_BAUD;
    USART2_CR1 = 1u << 13 | 3u << 2; /* on, both directions */
}

uint8_t ep_uart_receive(void)
{
    while ((USART2_SR & RECEIVED) == 0) {
    }
    return (uint8_t)USART2_DR;
}

void ep_uart_send(uint8_t byte)
{
    while ((USART2_SR & SENDER_EMPTY) == 0) {
    }
    USART2_DR = byte;
}

uint32_t ep_core_hz(void)
{
    return core_hz;
}
