/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include <linux/filter.h>

#include "alloc.h"
#include "frames.h"
#include "host/bpf.h"
#include "packet/pool.h"

#define COUNT_OF(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

struct fixture {
    struct alloc alloc;
    struct nst_pool *pool;
    struct pkt *p;
};

/* A packet of `len` bytes whose first `linear` are linear. */
static void begin(struct fixture *f, const void *data, uint32_t len, uint32_t linear)
{
    alloc_init(&f->alloc);
    f->pool = pool_new(&f->alloc.allocator, 0);
    f->p = pkt_build(f->pool, 0, linear);
    memcpy(nst_pkt_put((struct nst_pkt *)f->p, linear), data, linear);
    if (len > linear) {
        struct nst_block *b = block_new(f->pool, len - linear);
        memcpy(b->memory, (const uint8_t *)data + linear, len - linear);
        assert_true(pkt_add_slice(f->p, b, b->memory, len - linear));
        block_unref(b);
    }
}

static void end(struct fixture *f)
{
    pkt_drop(f->p, DROP_NO_ROUTE);
    pool_retire(f->pool);
    assert_int_equal(f->alloc.live_bytes, 0);
}

static uint32_t run(const struct nst_capture_insn *code, uint32_t count, const void *data,
                    uint32_t len, uint32_t linear)
{
    struct fixture f;
    assert_true(bpf_check(code, count));
    begin(&f, data, len, linear);
    const uint32_t r = bpf_run(code, (const struct nst_pkt *)f.p);
    end(&f);
    return r;
}

/* pcap_compile of "udp dst port 53", raw IP. */
static const struct nst_capture_insn dns[] = {
    {0x30, 0, 0, 0x0},   {0x54, 0, 0, 0xf0},    {0x15, 0, 4, 0x60},   {0x30, 0, 0, 0x6},
    {0x15, 0, 13, 0x11}, {0x28, 0, 0, 0x2a},    {0x15, 10, 11, 0x35}, {0x30, 0, 0, 0x0},
    {0x54, 0, 0, 0xf0},  {0x15, 0, 8, 0x40},    {0x30, 0, 0, 0x9},    {0x15, 0, 6, 0x11},
    {0x28, 0, 0, 0x6},   {0x45, 4, 0, 0x1fff},  {0xb1, 0, 0, 0x0},    {0x48, 0, 0, 0x2},
    {0x15, 0, 1, 0x35},  {0x06, 0, 0, 0x40000}, {0x06, 0, 0, 0x0},
};

/* Of "tcp[((tcp[12]&0xf0)>>2):4] = 0x47455420": "GET ". */
static const struct nst_capture_insn http[] = {
    {0x30, 0, 0, 0x0},  {0x54, 0, 0, 0xf0}, {0x15, 0, 13, 0x40},      {0x30, 0, 0, 0x9},
    {0x15, 0, 11, 0x6}, {0x28, 0, 0, 0x6},  {0x45, 9, 0, 0x1fff},     {0xb1, 0, 0, 0x0},
    {0x50, 0, 0, 0xc},  {0x54, 0, 0, 0xf0}, {0x74, 0, 0, 0x2},        {0x0c, 0, 0, 0x0},
    {0x07, 0, 0, 0x0},  {0x40, 0, 0, 0x0},  {0x15, 0, 1, 0x47455420}, {0x06, 0, 0, 0x40000},
    {0x06, 0, 0, 0x0},
};

static const struct nst_endpoint here = {.port = 4000}, there = {.port = 53};

static void compiled_filters_do_what_they_say(void **state)
{
    uint8_t packet[200];
    struct nst_endpoint src = here, dst = there;
    src.addr = nst_addr_v4(10, 0, 2, 15);
    dst.addr = nst_addr_v4(10, 0, 2, 3);
    uint32_t len = (uint32_t)frame_udp(packet, &src, &dst, "question", 8);
    for (uint32_t linear = 0; linear <= len; linear++) {
        assert_int_equal(run(dns, COUNT_OF(dns), packet, len, linear), 262144);
        assert_int_equal(run(http, COUNT_OF(http), packet, len, linear), 0);
    }
    len = (uint32_t)frame_udp(packet, &dst, &src, "answer", 6);
    assert_int_equal(run(dns, COUNT_OF(dns), packet, len, len), 0);
    const struct tcp_hdr hdr = {.src_port = 4000, .dst_port = 80, .flags = TCP_ACK, .hdr_len = 20};
    const struct nst_iovec get = {.base = (void *)"GET / HTTP/1.1", .len = 14};
    len = (uint32_t)frame_tcp4(packet, &src, &dst, &hdr, NULL, &get);
    for (uint32_t linear = 0; linear <= len; linear++)
        assert_int_equal(run(http, COUNT_OF(http), packet, len, linear), 262144);
    /* What is cut off is not read: it is no match. */
    for (uint32_t cut = 0; cut < 44; cut++)
        assert_int_equal(run(http, COUNT_OF(http), packet, cut, 0), 0);
}

static uint32_t value_of(const struct nst_capture_insn *code, uint32_t count)
{
    return run(code, count, "\x45\x02\x03\x04\x05", 5, 2);
}
#define VALUE(...)                                           \
    value_of((const struct nst_capture_insn[]){__VA_ARGS__}, \
             COUNT_OF(((const struct nst_capture_insn[]){__VA_ARGS__})))

#define LD(k)                     \
    {                             \
        BPF_LD | BPF_IMM, 0, 0, k \
    }
#define LDX(k)                     \
    {                              \
        BPF_LDX | BPF_IMM, 0, 0, k \
    }
#define ALU(op, k)                      \
    {                                   \
        BPF_ALU | (op) | BPF_K, 0, 0, k \
    }
#define ALUX(op)                        \
    {                                   \
        BPF_ALU | (op) | BPF_X, 0, 0, 0 \
    }
#define RET                      \
    {                            \
        BPF_RET | BPF_A, 0, 0, 0 \
    }

static void each_instruction(void **state)
{
    assert_int_equal(VALUE({BPF_LD | BPF_W | BPF_ABS, 0, 0, 1}, RET), 0x02030405);
    assert_int_equal(VALUE({BPF_LD | BPF_H | BPF_ABS, 0, 0, 1}, RET), 0x0203);
    assert_int_equal(VALUE(LDX(3), {BPF_LD | BPF_B | BPF_IND, 0, 0, 1}, RET), 5);
    assert_int_equal(VALUE(LD(9), LDX(UINT32_MAX), {BPF_LD | BPF_B | BPF_IND, 0, 0, 2}, RET), 0);
    assert_int_equal(VALUE(LD(9), {BPF_LD | BPF_W | BPF_ABS, 0, 0, 2}, RET), 0);
    assert_int_equal(VALUE({BPF_LD | BPF_W | BPF_LEN, 0, 0, 0}, RET), 5);
    assert_int_equal(
        VALUE({BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0}, {BPF_MISC | BPF_TXA, 0, 0, 0}, RET), 20);
    assert_int_equal(
        VALUE(LD(7), {BPF_ST, 0, 0, 3}, LD(1), {BPF_LDX | BPF_MEM, 0, 0, 3}, ALUX(BPF_ADD), RET),
        8);
    assert_int_equal(VALUE(LDX(7), {BPF_STX, 0, 0, 15}, {BPF_LD | BPF_MEM, 0, 0, 15}, RET), 7);
    assert_int_equal(VALUE(LD(7), {BPF_MISC | BPF_TAX, 0, 0, 0}, ALUX(BPF_MUL), RET), 49);
    assert_int_equal(VALUE(LD(7), ALU(BPF_SUB, 8), RET), UINT32_MAX);
    assert_int_equal(VALUE(LD(7), ALU(BPF_DIV, 2), RET), 3);
    assert_int_equal(VALUE(LD(7), ALU(BPF_MOD, 4), RET), 3);
    assert_int_equal(VALUE(LD(7), LDX(0), ALUX(BPF_DIV), LD(9), RET), 0);
    assert_int_equal(VALUE(LD(7), LDX(0), ALUX(BPF_MOD), LD(9), RET), 0);
    assert_int_equal(VALUE(LD(6), ALU(BPF_AND, 3), ALU(BPF_OR, 8), ALU(BPF_XOR, 1), RET), 11);
    assert_int_equal(VALUE(LD(6), ALU(BPF_LSH, 4), RET), 96);
    assert_int_equal(VALUE(LD(6), ALU(BPF_LSH, 32), RET), 0);
    assert_int_equal(VALUE(LD(6), ALU(BPF_RSH, 1), RET), 3);
    assert_int_equal(VALUE(LD(6), ALU(BPF_RSH, 40), RET), 0);
    assert_int_equal(VALUE(LD(6), ALU(BPF_NEG, 0), RET), (uint32_t)-6);
    assert_int_equal(VALUE({BPF_RET | BPF_K, 0, 0, 77}), 77);
}

static uint32_t jump(uint16_t op, uint32_t a, uint32_t k)
{
    return VALUE(LD(a), {(uint16_t)(BPF_JMP | op | BPF_K), 0, 1, k}, {BPF_RET | BPF_K, 0, 0, 1},
                 {BPF_RET | BPF_K, 0, 0, 2});
}

static void jumps(void **state)
{
    assert_int_equal(jump(BPF_JEQ, 5, 5), 1);
    assert_int_equal(jump(BPF_JEQ, 5, 6), 2);
    assert_int_equal(jump(BPF_JGT, 6, 5), 1);
    assert_int_equal(jump(BPF_JGT, 5, 5), 2);
    assert_int_equal(jump(BPF_JGE, 5, 5), 1);
    assert_int_equal(jump(BPF_JGE, 4, 5), 2);
    assert_int_equal(jump(BPF_JSET, 6, 2), 1);
    assert_int_equal(jump(BPF_JSET, 6, 1), 2);
    assert_int_equal(
        VALUE({BPF_JMP | BPF_JA, 0, 0, 1}, {BPF_RET | BPF_K, 0, 0, 1}, {BPF_RET | BPF_K, 0, 0, 2}),
        2);
}

static void what_is_no_program_is_refused(void **state)
{
    static const struct nst_capture_insn ret = {BPF_RET | BPF_K, 0, 0, 1};
    static const struct nst_capture_insn bad[] = {
        {BPF_JMP | BPF_JA, 0, 0, 1},
        {BPF_JMP | BPF_JA, 0, 0, UINT32_MAX},
        {BPF_JMP | BPF_JEQ, 1, 0, 0},
        {BPF_JMP | BPF_JEQ, 0, 255, 0},
        {BPF_JMP | 0x70, 0, 0, 0},
        {BPF_ST, 0, 0, 16},
        {BPF_LD | BPF_MEM, 0, 0, 16},
        {BPF_LDX | BPF_MEM, 0, 0, UINT32_MAX},
        {BPF_ALU | BPF_DIV | BPF_K, 0, 0, 0},
        {BPF_ALU | BPF_MOD | BPF_K, 0, 0, 0},
        {BPF_ALU | 0xb0, 0, 0, 1},
        {BPF_RET | BPF_X, 0, 0, 0},
        {BPF_MISC | 0x10, 0, 0, 0},
        {0x100, 0, 0, 0},
        {BPF_LD | BPF_MSH, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(bpf_check((const struct nst_capture_insn[]){bad[i], ret}, 2));
    assert_true(bpf_check(&ret, 1));
    assert_false(bpf_check(&ret, 0));
    assert_false(bpf_check((const struct nst_capture_insn[]){ret, LD(1)}, 2));
}

TESTS({"filters that libpcap compiled do what they say, over packets in pieces",
       compiled_filters_do_what_they_say},
      {"each instruction", each_instruction}, {"jumps", jumps},
      {"what is no program is refused", what_is_no_program_is_refused})
