/* What start-up code, harness and port of a firmware share. */
#ifndef EP_FIRMWARE_H
#define EP_FIRMWARE_H

#include <stddef.h>
#include <stdint.h>

/* Start-up code: ends in ep_main, which never returns. */
void ep_main(void) __attribute__((noreturn));

/* Calls the model's entry point on a stack of its own that ends at ep_model_stack_top.
 * Instructions are counted from the entry point to the label ep_invoke_return. */
int ep_invoke(void *arena, size_t arena_bytes, const void *input, void *output);
extern uint8_t ep_model_stack[];
extern uint8_t *const ep_model_stack_top;

/* Memory that start-up code leaves as it is. */
#ifdef __AVR__
#define EP_UNINITIALISED(section_name) __attribute__((section(".noinit"), aligned(16)))
#else
#define EP_UNINITIALISED(section_name) __attribute__((section(section_name), aligned(16)))
#endif

#define EP_STRING_(text) #text
#define EP_STRING(text) EP_STRING_(text)

/* Harness: the processor stopped on a fault; says so and ends the run. */
void ep_fault(const char *name, uint32_t pc) __attribute__((noreturn));
void ep_fail(const char *text) __attribute__((noreturn));

/* Port: how the firmware talks to the machine that runs the emulator. */
size_t ep_port_read(void *to, size_t bytes); /* the next bytes of the input; fewer at its end */
void ep_port_write(const void *from, size_t bytes);
void ep_port_log(const char *text);
void ep_port_exit(int status) __attribute__((noreturn));
/* Port, where it tells more than the outputs: right before and after the call of the model; how deep its stack got. */
void ep_port_before(void);
void ep_port_after(void);
void ep_port_stack(uint32_t bytes);

#endif
