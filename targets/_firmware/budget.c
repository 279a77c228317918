/* The firmware that a model's size is measured with: start-up code and one call, nothing else. The
 * empty firmware that it is compared with calls Reset_Handler in the model's place. */
#include "ep_firmware.h"

int EP_MODEL_SYMBOL(void *arena, size_t arena_bytes, const void *input, void *output);

#ifdef EP_MODEL_RESET /* of a model that keeps a state */
void EP_MODEL_RESET(void *state);
#endif

void ep_main(void)
{
#ifdef EP_MODEL_RESET
    EP_MODEL_RESET(NULL);
#endif
    for (;;) {
        (void)EP_MODEL_SYMBOL(NULL, 0, NULL, NULL);
    }
}
