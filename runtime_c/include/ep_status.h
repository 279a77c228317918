/* SPDX-License-Identifier: Apache-2.0 */
/* What a model's entry point answers. Kernels return nothing: the compiler has proved their shapes. */
#ifndef EP_STATUS_H
#define EP_STATUS_H

/* The release of edgeprune that the runtime is of, also as one number for #if: major, minor and
 * patch, two digits each. */
#define EP_VERSION "0.1.0"
#define EP_VERSION_NUMBER 100

#define EP_STATUS_LIST(X)                                   \
    X(EP_OK, "ok")                                          \
    X(EP_ARENA_SMALL, "the arena is smaller than the plan") \
    X(EP_BAD_ALIGN, "the arena is not 4-byte aligned")      \
    X(EP_ROWS_MISSING, "rows of the input have not come")

#define EP_STATUS_ENUM(name, text) name,
typedef enum { EP_STATUS_LIST(EP_STATUS_ENUM) EP_STATUS_COUNT } ep_status;
#undef EP_STATUS_ENUM

#endif
