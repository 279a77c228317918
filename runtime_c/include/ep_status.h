/* SPDX-License-Identifier: Apache-2.0 */
/* What a model's entry point answers. Kernels return nothing: the compiler has proved their shapes. */
#ifndef EP_STATUS_H
#define EP_STATUS_H

#define EP_STATUS_LIST(X)                                \
    X(EP_OK, "ok")                                       \
    X(EP_ARENA_SMALL, "the arena is smaller than the plan") \
    X(EP_BAD_ALIGN, "the arena is not 4-byte aligned")   \
    X(EP_ROWS_MISSING, "rows of the input have not come")

#define EP_STATUS_ENUM(name, text) name,
typedef enum { EP_STATUS_LIST(EP_STATUS_ENUM) EP_STATUS_COUNT } ep_status;
#undef EP_STATUS_ENUM

#endif
