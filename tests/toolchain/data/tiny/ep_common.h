#ifndef EP_COMMON_H
#define EP_COMMON_H
#include <stddef.h>
#include <stdint.h>
typedef enum { EP_OK, EP_ARENA_SMALL } ep_status;
#endif
