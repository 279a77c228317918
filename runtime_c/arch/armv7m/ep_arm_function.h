/* Functions in assembly, each in a section of its own. */
    .syntax unified
    .thumb

    .macro FUNCTION name
    .section .text.\name, "ax", %progbits
    .global \name
    .type \name, %function
    .thumb_func
    .balign 4
\name:
    .endm

    .macro END name
    .size \name, . - \name
    .endm
