/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EP_MOVE_ROWS_H
#define EP_MOVE_ROWS_H

#include "ep_common.h"

EP_EXTERN_C_BEGIN

/* Moves the rows that are still read to a lower place, by words where both ends lie at words, eight at a time where they lie 32 bytes apart.
 *
 * to, from may overlap, to being the lower one */
void ep_move_rows(void *to, const void *from, int32_t bytes);

EP_EXTERN_C_END
#endif
