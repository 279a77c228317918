/* A line through a debug probe, which reads and writes memory while the core runs: two rings with a control block in
 * front, laid out as SEGGER's Real Time Transfer has them, so that any probe's software finds them by the block's
 * first 16 bytes. edgeprune/toolchain/rtt.py is the other end. */
#include "ep_serial.h"

enum { RING_BYTES = 256, NO_BLOCKING_FLAGS = 0 };

typedef struct {
    const char *name;
    volatile uint8_t *bytes;
    uint32_t size;
    volatile uint32_t written; /* offset, moved by who writes */
    volatile uint32_t read;    /* offset, moved by who reads */
    uint32_t flags;
} ep_ring;

static volatile uint8_t up_bytes[RING_BYTES];
static volatile uint8_t down_bytes[RING_BYTES];

static struct {
    char id[16];
    uint32_t up_rings;
    uint32_t down_rings;
    ep_ring up;
    ep_ring down;
} block = {
    "SEGGER RTT", 1, 1,
    {"edgeprune", up_bytes, RING_BYTES, 0, 0, NO_BLOCKING_FLAGS},
    {"edgeprune", down_bytes, RING_BYTES, 0, 0, NO_BLOCKING_FLAGS},
};

static uint32_t after(uint32_t offset)
{
    return offset + 1u == RING_BYTES ? 0u : offset + 1u;
}

uint8_t ep_rtt_receive(void)
{
    const uint32_t at = block.down.read;
    while (block.down.written == at) {
    }
    const uint8_t byte = down_bytes[at];
    block.down.read = after(at);
    return byte;
}

void ep_rtt_send(uint8_t byte)
{
    const uint32_t at = block.up.written;
    while (block.up.read == after(at)) {
    }
    up_bytes[at] = byte;
    block.up.written = after(at);
}
