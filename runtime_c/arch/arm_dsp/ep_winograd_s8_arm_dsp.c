/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_winograd_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"
#include "ep_winograd_input_s8_arm_dsp.h"

typedef ep_winograd_s8_arm_dsp_params winograd_params;

ep_winograd_filters ep_winograd_filters_arm_dsp;
__asm__("ep_winograd_filters ep_winograd_filters_arm_dsp\n");

/* Tiles of a row. Halves of what is not negative are shifts: a division rounds towards zero. */
static inline int32_t tiles_across(const winograd_params *p)
{
    return (p->out_w + 1) >> 1;
}

static EP_NOINLINE void fill(int8_t *to, int32_t bytes, int32_t value)
{
    for (; bytes > 0; bytes -= 4) {
        ep_store4(to, (uint32_t)(uint8_t)value * 0x01010101u);
        to += 4;
    }
}

/* A multiple of 4 bytes, from any address; loads side by side take a cycle each. */
static void copy(int8_t *to, const int8_t *from, int32_t bytes)
{
    __asm__ volatile(
        " subs %2, %2, #16\n"
        " blt 2f\n"
        "1:\n"
        " ldr r4, [%1, #4]\n"
        " ldr r5, [%1, #8]\n"
        " ldr r6, [%1, #12]\n"
        " ldr r12, [%1], #16\n"
        " str r4, [%0, #4]\n"
        " str r5, [%0, #8]\n"
        " str r6, [%0, #12]\n"
        " str r12, [%0], #16\n"
        " subs %2, %2, #16\n"
        " bge 1b\n"
        "2:\n"
        " adds %2, %2, #16\n"
        " beq 4f\n"
        "3:\n"
        " ldr r4, [%1], #4\n"
        " str r4, [%0], #4\n"
        " subs %2, %2, #4\n"
        " bne 3b\n"
        "4:\n"
        : "+l"(to), "+l"(from), "+l"(bytes)
        :
        : "r4", "r5", "r6", "r12", "cc", "memory");
}

/* One row of input, or of the border, with its border. */
static void load_row(const winograd_params *p, const int8_t *x, int32_t iy, int8_t *to)
{
    const int32_t row_bytes = (tiles_across(p) * 2 + 2) * p->in_c;
    const int32_t before = p->pad_left * p->in_c;
    const int32_t row = p->in_w * p->in_c;
    int32_t inside = row < row_bytes - before ? row : row_bytes - before;
    if (iy < 0 || iy >= p->in_h) {
        inside = 0;
    }
    fill(to, before, p->zero);
    copy(to + before, x + iy * row, inside);
    fill(to + before + inside, row_bytes - before - inside, p->zero);
}

/* Outputs of one tile of which not all are inside. */
static void finish_edge(const winograd_params *p, const int32_t *m, const int32_t *table, int32_t oy,
                        int32_t ox, int8_t *y)
{
    const ep_winograd_outputs apart = {2, 4, p->twice_zero};
    int8_t made[8];
    p->finish(&apart, m, table, made, 1);
    for (int32_t i = 0; i < 4; i++) {
        const int32_t at_y = oy + i / 2;
        const int32_t at_x = ox + i % 2;
        if (at_y < p->out_h && at_x < p->out_w) {
            int8_t *to = y + (at_y * p->out_w + at_x) * p->pitch;
            to[0] = made[2 * i];
            to[1] = made[2 * i + 1];
        }
    }
}

/* Two channels of `rows` rows of tiles from output row `oy` on, as many tiles at once as there are sums for. */
static EP_NOINLINE void multiply(const winograd_params *p, const uint32_t *u, const uint32_t *v, int32_t *m,
                                 const int32_t *table, int32_t oy, int32_t rows, int8_t *y)
{
    const ep_winograd_outputs outputs = {p->pitch, p->out_w * p->pitch, p->twice_zero};
    const int32_t columns = tiles_across(p);
    int32_t tx = 0;
    int32_t left = rows * columns;
    for (; left > 0; left -= EP_WINOGRAD_RUN) {
        const int32_t run = left < EP_WINOGRAD_RUN ? left : EP_WINOGRAD_RUN;
        for (int32_t i = 0; i < run; i += 4) {
            p->block(u, v, m + 2 * i);
            v += 4;
        }
        int32_t whole;
        for (int32_t i = 0; i < run; i += whole) {
            whole = oy + 1 < p->out_h ? (p->out_w >> 1) - tx : 0;
            if (whole > 0) {
                whole = whole < run - i ? whole : run - i;
                p->finish(&outputs, m + 2 * i, table, y + (oy * p->out_w + 2 * tx) * p->pitch, whole);
            } else {
                finish_edge(p, m + 2 * i, table, oy, 2 * tx, y);
                whole = 1;
            }
            tx += whole;
            if (tx == columns) {
                tx = 0;
                oy += 2;
            }
        }
    }
}

void ep_winograd_s8_arm_dsp(const winograd_params *p, const void *w, const int32_t *table, const int8_t *x,
                            void *scratch, int8_t *y)
{
    const int32_t *const filters = w;
    const int32_t pairs = p->in_c >> 1;
    const int32_t columns = tiles_across(p);
    const int32_t row_bytes = (columns * 2 + 2) * p->in_c;
    const int32_t held = 2 * p->band_rows + 2;
    uint32_t *const v = scratch;
    uint32_t *const u = v + 16 * pairs * p->tiles;
    const int32_t each = p->held ? 32 * pairs : 0; /* words of the filters of two channels */
    uint32_t *const m = u + (p->held ? p->out_c >> 1 : 1) * 32 * pairs;
    const int32_t wide = 8 * (2 * columns + 2); /* words of the columns, in whose place are sums then */
    int8_t *const ring = (int8_t *)(m + (wide > 32 * EP_WINOGRAD_RUN ? wide : 32 * EP_WINOGRAD_RUN));
    ep_winograd_input input = {
        .next = row_bytes,
        .depth = p->in_c,
        .columns = m,
        .columns_end = m + wide,
        .position = 4 * pairs * p->tiles,
        .pair = 4 * p->tiles,
        .words = p->in_c >> 2,
    };
    int32_t next = 0; /* first row that the ring does not hold yet, the border counted */
    for (int32_t oy = 0; oy < p->out_h; oy += 2 * p->band_rows) {
        const int32_t left = (p->out_h - oy + 1) >> 1;
        const int32_t rows = left < p->band_rows ? left : p->band_rows;
        for (; next < oy + 2 * rows + 2; next++) {
            load_row(p, x, next - p->pad_top, ring + next % held * row_bytes);
        }
        input.v = v;
        for (int32_t row = oy; row < oy + 2 * rows; row += 2) { /* an even number of rows: two do not lie apart */
            input.upper = ring + row % held * row_bytes;
            input.lower = ring + (row + 2) % held * row_bytes;
            ep_winograd_input_s8_arm_dsp(&input);
            input.v += columns;
        }
        for (int32_t c = 0; c < p->out_c; c += 2) {
            uint32_t *const own = u + (c >> 1) * each;
            if (oy == 0 || !p->held) {
                ep_winograd_filters_arm_dsp(filters + (c >> 1) * pairs * 9, own, pairs);
            }
            multiply(p, own, v, (int32_t *)m, table + 3 * c, oy, rows, y + c);
        }
    }
}
