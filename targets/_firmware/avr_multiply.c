/* libgcc's product of an int16_t by a uint16_t, for AVR: QEMU (7.2) stands still at a `ret` that a skip
 * goes over, which libgcc's own has where the first factor is negative. The result is the same, in one
 * instruction more there. */
__asm__(".section .text.ep_multiply, \"ax\", @progbits\n"
        ".global __usmulhisi3\n"
        "__usmulhisi3:\n"
        "    call __umulhisi3\n"
        ".global __usmulhisi3_tail\n"
        "__usmulhisi3_tail:\n"
        "    sbrc r27, 7\n"
        "    rjmp 1f\n"
        "    ret\n"
        "1:  sub r24, r18\n"
        "    sbc r25, r19\n"
        "    ret\n"
        ".text\n");
