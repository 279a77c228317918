/* Force-included in front of the model's source in a profile build: EP_PROFILE(i) becomes a label, which
 * costs no instruction, and the emulator sees execution pass it. A compiler that unrolls a loop or
 * inlines a function twice makes the label twice: %= numbers them. */
#ifndef EP_PROFILE_H
#define EP_PROFILE_H
#define EP_PROFILE(layer) \
    __asm__ volatile(".global ep_layer_" #layer "_%=\nep_layer_" #layer "_%=:" ::: "memory")
#endif
