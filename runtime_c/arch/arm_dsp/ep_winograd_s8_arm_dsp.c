/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_winograd_s8_arm_dsp.h"

#include "ep_arm_dsp_common.h"

typedef ep_winograd_s8_arm_dsp_params winograd_params;

ep_winograd_filters ep_winograd_filters_arm_dsp;
__asm__("ep_winograd_filters ep_winograd_filters_arm_dsp\n");

static inline uint32_t add(uint32_t a, uint32_t b)
{
    uint32_t sums;
    __asm__("sadd16 %0, %1, %2" : "=r"(sums) : "r"(a), "r"(b));
    return sums;
}

static inline uint32_t sub(uint32_t a, uint32_t b)
{
    uint32_t differences;
    __asm__("ssub16 %0, %1, %2" : "=r"(differences) : "r"(a), "r"(b));
    return differences;
}

static inline uint32_t twice_sub(uint32_t a, uint32_t b)
{
    const uint32_t once = sub(a, b);
    return add(once, once);
}

/* `count` columns of four rows of one pair of channels, the odd or the even ones of four: B' d. */
static inline void transform_columns(const int8_t *const row[4], int32_t depth, int32_t count, int32_t odd,
                                     uint32_t *to)
{
    const int8_t *r0 = row[0];
    const int8_t *r1 = row[1];
    const int8_t *r2 = row[2];
    const int8_t *r3 = row[3];
    for (int32_t i = 0; i < count; i++) {
        uint32_t a = ep_load4(r0);
        uint32_t b = ep_load4(r1);
        uint32_t c = ep_load4(r2);
        uint32_t d = ep_load4(r3);
        a = odd ? ep_odd_bytes(a) : ep_even_bytes(a);
        b = odd ? ep_odd_bytes(b) : ep_even_bytes(b);
        c = odd ? ep_odd_bytes(c) : ep_even_bytes(c);
        d = odd ? ep_odd_bytes(d) : ep_even_bytes(d);
        to[0] = twice_sub(a, c);
        to[count] = add(b, c);
        to[2 * count] = sub(c, b);
        to[3 * count] = twice_sub(b, d);
        r0 += depth;
        r1 += depth;
        r2 += depth;
        r3 += depth;
        to++;
    }
}

/* `count` tiles of one row of (B' d) B: position by position, `pitch` words apart. */
static inline void transform_row(const uint32_t *from, int32_t count, uint32_t *v, int32_t pitch)
{
    uint32_t *v1 = v + pitch;
    uint32_t *v2 = v1 + pitch;
    uint32_t *v3 = v2 + pitch;
    uint32_t a = from[0];
    uint32_t b = from[1];
    for (; count > 0; count--) {
        const uint32_t c = from[2];
        const uint32_t d = from[3];
        from += 2;
        *v++ = twice_sub(a, c);
        *v1++ = add(b, c);
        *v2++ = sub(c, b);
        *v3++ = twice_sub(b, d);
        a = c;
        b = d;
    }
}

/* A row of tiles; columns: uint32 [4][2 * tiles + 2]. */
static EP_NOINLINE void transform(const winograd_params *p, const int8_t *const row[4], uint32_t *columns,
                                  uint32_t *v)
{
    const int32_t tiles = (p->out_w + 1) / 2;
    const int32_t width = 2 * tiles + 2;
    const int32_t pitch = p->in_c / 2 * p->tiles;
    const int8_t *at[4] = {row[0], row[1], row[2], row[3]};
    for (int32_t c = 0; c < p->in_c / 2; c++) {
        if (c % 2 == 0) {
            transform_columns(at, p->in_c, width, 0, columns);
        } else {
            transform_columns(at, p->in_c, width, 1, columns);
            for (int32_t i = 0; i < 4; i++) {
                at[i] += 4;
            }
        }
        for (int32_t i = 0; i < 4; i++) {
            transform_row(columns + i * width, tiles, v + 4 * i * pitch, pitch);
        }
        v += p->tiles;
    }
}

static EP_NOINLINE void fill(int8_t *to, int32_t bytes, int8_t value)
{
    for (; bytes > 0; bytes -= 4) {
        ep_store4(to, (uint32_t)(uint8_t)value * 0x01010101u);
        to += 4;
    }
}

/* One row of input, or of the border, with its border. */
static void load_row(const winograd_params *p, const int8_t *x, int32_t iy, int8_t *to)
{
    const int32_t row_bytes = ((p->out_w + 1) / 2 * 2 + 2) * p->in_c;
    fill(to, row_bytes, (int8_t)p->zero);
    if (iy < 0 || iy >= p->in_h) {
        return;
    }
    const int32_t room = row_bytes - p->pad_left * p->in_c;
    const int32_t row = p->in_w * p->in_c;
    const int8_t *from = x + iy * row;
    to += p->pad_left * p->in_c;
    for (int32_t left = row < room ? row : room; left > 0; left -= 4) {
        ep_store4(to, ep_load4(from));
        to += 4;
        from += 4;
    }
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

/* Two channels of `rows` rows of tiles from output row `oy` on. */
static EP_NOINLINE void multiply(const winograd_params *p, const uint32_t *u, const uint32_t *v, int32_t *m,
                                 const int32_t *table, int32_t oy, int32_t rows, int8_t *y)
{
    const ep_winograd_outputs outputs = {p->pitch, p->out_w * p->pitch, p->twice_zero};
    const int32_t columns = (p->out_w + 1) / 2;
    int32_t tx = 0;
    for (int32_t tile = 0; tile < rows * columns;) {
        const int32_t in_block = tile % 4;
        if (in_block == 0) {
            p->block(u, v + tile, m);
        }
        int32_t whole = oy + 1 < p->out_h ? p->out_w / 2 - tx : 0;
        if (whole > 0) {
            whole = whole < 4 - in_block ? whole : 4 - in_block;
            p->finish(&outputs, m + 2 * in_block, table, y + (oy * p->out_w + 2 * tx) * p->pitch, whole);
        } else {
            finish_edge(p, m + 2 * in_block, table, oy, 2 * tx, y);
            whole = 1;
        }
        tile += whole;
        tx += whole;
        if (tx == columns) {
            tx = 0;
            oy += 2;
        }
    }
}

void ep_winograd_s8_arm_dsp(const winograd_params *p, const void *w, const int32_t *table, const int8_t *x,
                            void *scratch, int8_t *y)
{
    const int32_t *const filters = w;
    const int32_t pairs = p->in_c / 2;
    const int32_t columns = (p->out_w + 1) / 2;
    const int32_t row_bytes = (columns * 2 + 2) * p->in_c;
    const int32_t held = 2 * p->band_rows + 2;
    uint32_t *const v = scratch;
    uint32_t *const u = v + 16 * pairs * p->tiles;
    const int32_t each = p->held ? 32 * pairs : 0; /* words of the filters of two channels */
    int32_t *const m = (int32_t *)(u + (p->held ? p->out_c / 2 : 1) * 32 * pairs);
    uint32_t *const wide = (uint32_t *)(m + 128);
    int8_t *const ring = (int8_t *)(wide + 4 * (2 * columns + 2));
    int32_t next = 0; /* first row that the ring does not hold yet, the border counted */
    for (int32_t oy = 0; oy < p->out_h; oy += 2 * p->band_rows) {
        const int32_t left = (p->out_h - oy + 1) / 2;
        const int32_t rows = left < p->band_rows ? left : p->band_rows;
        for (; next < oy + 2 * rows + 2; next++) {
            load_row(p, x, next - p->pad_top, ring + next % held * row_bytes);
        }
        for (int32_t ty = 0; ty < rows; ty++) {
            const int8_t *row[4];
            for (int32_t i = 0; i < 4; i++) {
                row[i] = ring + (oy + 2 * ty + i) % held * row_bytes;
            }
            transform(p, row, wide, v + ty * columns);
        }
        for (int32_t c = 0; c < p->out_c; c += 2) {
            uint32_t *const own = u + c / 2 * each;
            if (oy == 0 || !p->held) {
                ep_winograd_filters_arm_dsp(filters + c / 2 * pairs * 9, own, pairs);
            }
            multiply(p, own, v, m, table + 3 * c, oy, rows, y + c);
        }
    }
}
