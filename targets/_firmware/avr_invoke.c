/* The call of the model, for AVR. */
#include "ep_firmware.h"

/* No interrupt is on, so the two halves of the stack pointer need no guard. A push writes, then counts
 * down: the first byte is the one below the top. */
__asm__(".section .text.ep_invoke, \"ax\", @progbits\n"
        ".type ep_invoke, @function\n.global ep_invoke\n"
        "ep_invoke:\n"
        "    push r28\n"
        "    push r29\n"
        "    in r28, 0x3d\n"
        "    in r29, 0x3e\n"
        "    lds r26, ep_model_stack_top\n"
        "    lds r27, ep_model_stack_top+1\n"
        "    sbiw r26, 1\n"
        "    out 0x3e, r27\n"
        "    out 0x3d, r26\n"
        "    call " EP_STRING(EP_MODEL_SYMBOL) "\n"
        ".global ep_invoke_return\n"
        "ep_invoke_return:\n"
        "    out 0x3e, r29\n"
        "    out 0x3d, r28\n"
        "    pop r29\n"
        "    pop r28\n"
        "    ret\n"
        ".size ep_invoke, . - ep_invoke\n"
        ".text\n");
