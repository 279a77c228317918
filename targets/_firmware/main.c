/* For toolchains that bring their own start-up code. */
#include "ep_firmware.h"

int main(void)
{
    ep_main();
}

/* What an empty firmware calls in the model's place. */
__asm__(".global Reset_Handler\n.set Reset_Handler, main\n");
