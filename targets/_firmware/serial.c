/* The harness's port over a serial line, for boards: inputs come in one by one, each is answered with its outputs,
 * its time and its stack. edgeprune/toolchain/line.py is the other end.
 *
 * A frame lies between two END bytes; END and ESC in it are sent as two bytes (RFC 1055). It holds, least
 * significant byte first: kind (1 byte), session (4), number (4), body, CRC-32 of all before it (4). A frame
 * whose CRC or length is wrong is dropped: who waits for an answer asks again.
 *
 *   from the host   S start a session: the next number is 1, the model's state that of the first call
 *                   R run: the input
 *   from the board  H of S: version (1), model (4), bytes of input (4) and output (4), ticks in a second (4),
 *                     hertz of the core (4), bits of the clock (1)
 *                   O of R: ticks (8), stack (4), the output
 *                   F of any: the model failed; a text
 *                   N of R: no such session, the board was reset; or a number that is not next
 *
 * R with the number that was answered last is not run again: its answer is sent again. */
#include "ep_serial.h"

enum { END = 0xC0, ESC = 0xDB, ESC_END = 0xDC, ESC_ESC = 0xDD };
enum { HEAD_BYTES = 9, CRC_BYTES = 4, VERSION = 1, TEXT_BYTES = 64 };
#define CRC_RESIDUE 0xDEBB20E3u /* what is left after a frame with its own CRC */

static uint8_t head[HEAD_BYTES];
static uint32_t session;
static uint32_t answered;
static uint8_t in_session;
static uint8_t *input;
static size_t input_bytes;
static const uint8_t *output;
static size_t output_bytes;
static uint64_t ticks;
static uint32_t stack;
static char text[TEXT_BYTES];
static size_t text_bytes;
static uint32_t sum;

static uint32_t crc_with(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (uint8_t i = 0; i < 8; i++) {
        crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xEDB88320u : 0u);
    }
    return crc;
}

static uint32_t word(const uint8_t *from)
{
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

/* Kind of the next whole frame; its head is in `head`, its body in the input's place. */
static uint8_t receive(void)
{
    uint32_t crc = 0xFFFFFFFFu;
    size_t n = 0;
    for (;;) {
        uint8_t byte = ep_line_receive();
        if (byte == ESC) {
            byte = ep_line_receive();
            byte = byte == ESC_END ? (uint8_t)END : byte == ESC_ESC ? (uint8_t)ESC : byte;
        } else if (byte == END) {
            const size_t body = head[0] == 'R' ? input_bytes : 0;
            if (n == HEAD_BYTES + body + CRC_BYTES && crc == CRC_RESIDUE) {
                return head[0];
            }
            crc = 0xFFFFFFFFu;
            n = 0;
            continue;
        }
        crc = crc_with(crc, byte);
        if (n < HEAD_BYTES) {
            head[n] = byte;
        } else if (n - HEAD_BYTES < input_bytes) {
            input[n - HEAD_BYTES] = byte;
        }
        n += n <= HEAD_BYTES + input_bytes + CRC_BYTES;
    }
}

static void send_byte(uint8_t byte)
{
    sum = crc_with(sum, byte);
    if (byte == END || byte == ESC) {
        ep_line_send(ESC);
        byte = byte == END ? (uint8_t)ESC_END : (uint8_t)ESC_ESC;
    }
    ep_line_send(byte);
}

static void send(const void *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        send_byte(((const uint8_t *)from)[i]);
    }
}

static void send_word(uint32_t value)
{
    for (uint8_t i = 0; i < 4; i++) {
        send_byte((uint8_t)(value >> (8 * i)));
    }
}

static void begin(char kind)
{
    ep_line_send(END);
    sum = 0xFFFFFFFFu;
    send_byte((uint8_t)kind);
    send(head + 1, HEAD_BYTES - 1); /* of what is answered */
}

static void finish(void)
{
    send_word(~sum);
    ep_line_send(END);
}

static void send_hello(void)
{
    begin('H');
    send_byte(VERSION);
    send_word(EP_MODEL_ID);
    send_word((uint32_t)input_bytes);
    send_word(EP_OUTPUT_BYTES);
    send_word(ep_clock_ticks_hz());
    send_word(ep_core_hz());
    send_byte(ep_clock_bits());
    finish();
}

static void send_output(void)
{
    begin('O');
    send_word((uint32_t)ticks);
    send_word((uint32_t)(ticks >> 32));
    send_word(stack);
    send(output, output_bytes);
    finish();
}

static void send_failure(void)
{
    begin('F');
    send(text, text_bytes);
    finish();
}

static void start(void)
{
    static uint8_t started;
    if (!started) {
        ep_uart_start();
        started = 1;
    }
}

__attribute__((weak)) void ep_model_restart(void)
{
}

size_t ep_port_read(void *to, size_t bytes)
{
    input = (uint8_t *)to;
    input_bytes = bytes;
    start();
    for (;;) {
        if (receive() == 'S') {
            session = word(head + 1);
            in_session = 1;
            answered = 0;
            ep_model_restart();
            send_hello();
        } else if (head[0] == 'R') {
            const uint32_t number = word(head + 5);
            const uint8_t known = in_session && word(head + 1) == session;
            if (known && number == answered + 1) {
                return bytes;
            }
            if (known && number == answered && answered != 0) {
                send_output();
            } else {
                begin('N');
                finish();
            }
        }
    }
}

void ep_port_before(void)
{
    ep_clock_start();
}

void ep_port_after(void)
{
    ticks = ep_clock_stop();
}

void ep_port_stack(uint32_t bytes)
{
    stack = bytes;
}

void ep_port_write(const void *from, size_t bytes)
{
    output = (const uint8_t *)from;
    output_bytes = bytes;
    answered++;
    send_output();
}

void ep_port_log(const char *more)
{
    for (; *more != '\0' && text_bytes < TEXT_BYTES; more++) {
        text[text_bytes++] = *more;
    }
}

/* There is nowhere to go: every further question gets the same answer. */
void ep_port_exit(int status)
{
    (void)status;
    start();
    for (;;) {
        send_failure();
        (void)receive();
    }
}
