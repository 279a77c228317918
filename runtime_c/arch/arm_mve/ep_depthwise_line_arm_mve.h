/* A line of output pixels of an int8 depthwise convolution, in assembly. */
#ifndef EP_DEPTHWISE_LINE_ARM_MVE_H
#define EP_DEPTHWISE_LINE_ARM_MVE_H

#include "ep_common.h"

/* Patches of at most 16 elements lie in planes, a plane for each channel. The assembly knows the
 * order of these. */
typedef struct {
    const int8_t *plane; /* of the first channel, at the patch of the first pixel */
    const int8_t *w;
    int8_t *y;
    int32_t pixels;
    int32_t x_step; /* from one patch (pairs: from one pair) to the next */
    int32_t mask;   /* lanes of a vector that a patch fills */
    int32_t mask2;  /* pairs: those that the next patch fills */
    int32_t y_zero;
    int32_t y_step8; /* 8 * y_step */
    int32_t plane_step; /* from one channel to the next */
    int32_t w_step;
    int32_t y_channel;
    int32_t table_step;
    const int32_t *table_end;
    const int8_t *order; /* [2][16]: the weight that meets each lane, of a patch and of the next */
    int32_t spare;
    const int32_t *table; /* bias, multiplier, shift; shifts are negative */
    int32_t y_step;
    int32_t act_min;
    int32_t act_max;
} ep_depthwise_line;

/* Reads up to 7 patches and 15 bytes behind the last patch. */
void ep_depthwise_line_arm_mve(const ep_depthwise_line *p);
/* The next patch begins and ends within the 16 bytes from the start of the one before. */
void ep_depthwise_line_pairs_arm_mve(const ep_depthwise_line *p);

#endif
