/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bpf.h"

#include <linux/filter.h>

#include "wire/addr.h"

struct machine {
    uint32_t a, x;
    uint32_t memory[BPF_MEMWORDS];
};

/* ---- Checks ---- */

static bool is_known_load(const struct nst_capture_insn *i)
{
    switch (i->code) {
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_H | BPF_ABS:
    case BPF_LD | BPF_B | BPF_ABS:
    case BPF_LD | BPF_W | BPF_IND:
    case BPF_LD | BPF_H | BPF_IND:
    case BPF_LD | BPF_B | BPF_IND:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_B | BPF_MSH:
    case BPF_LDX | BPF_IMM:
        return true;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
        return i->k < BPF_MEMWORDS;
    default:
        return false;
    }
}

static bool is_known_alu(const struct nst_capture_insn *i)
{
    const uint16_t op = BPF_OP(i->code);
    if (op == BPF_NEG)
        return BPF_SRC(i->code) == BPF_K;
    if ((op == BPF_DIV || op == BPF_MOD) && BPF_SRC(i->code) == BPF_K)
        return i->k != 0;
    return op <= BPF_RSH || op == BPF_MOD || op == BPF_XOR || op == BPF_DIV;
}

/* `left` instructions follow. */
static bool is_known_jump(const struct nst_capture_insn *i, uint32_t left)
{
    const uint16_t op = BPF_OP(i->code);
    if (op == BPF_JA)
        return BPF_SRC(i->code) == BPF_K && i->k < left;
    return (op == BPF_JEQ || op == BPF_JGT || op == BPF_JGE || op == BPF_JSET) && i->jt < left &&
           i->jf < left;
}

static bool is_known(const struct nst_capture_insn *i, uint32_t left)
{
    if (i->code > 0xff)
        return false;
    switch (BPF_CLASS(i->code)) {
    case BPF_ALU:
        return is_known_alu(i);
    case BPF_JMP:
        return is_known_jump(i, left);
    case BPF_RET:
        return i->code == (BPF_RET | BPF_K) || i->code == (BPF_RET | BPF_A);
    case BPF_MISC:
        return i->code == (BPF_MISC | BPF_TAX) || i->code == (BPF_MISC | BPF_TXA);
    default:
        return is_known_load(i);
    }
}

bool bpf_check(const struct nst_capture_insn *code, uint32_t count)
{
    if (count == 0 || count > BPF_INSNS_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!is_known(&code[i], count - i - 1))
            return false;
    return BPF_CLASS(code[count - 1].code) == BPF_RET;
}

/* ---- Running ---- */

/* `size` bytes at x + k of the packet. False: they are not there. */
static bool load(const struct nst_pkt *p, uint32_t x, uint32_t k, uint16_t size, uint32_t *ret)
{
    const uint64_t offset = (uint64_t)x + k;
    const uint32_t n = size == BPF_W ? 4 : size == BPF_H ? 2 : 1;
    uint8_t bytes[4];
    if (offset + n > p->len)
        return false;
    nst_pkt_copy_out(p, (uint32_t)offset, bytes, n);
    *ret = n == 4 ? be32_get(bytes) : n == 2 ? be16_get(bytes) : bytes[0];
    return true;
}

static bool run_load(struct machine *m, const struct nst_capture_insn *i, const struct nst_pkt *p)
{
    const bool to_x = BPF_CLASS(i->code) == BPF_LDX;
    uint32_t value = 0;
    switch (BPF_MODE(i->code)) {
    case BPF_IMM:
        value = i->k;
        break;
    case BPF_ABS:
        if (!load(p, 0, i->k, BPF_SIZE(i->code), &value))
            return false;
        break;
    case BPF_IND:
        if (!load(p, m->x, i->k, BPF_SIZE(i->code), &value))
            return false;
        break;
    case BPF_MEM:
        value = m->memory[i->k];
        break;
    case BPF_LEN:
        value = p->len;
        break;
    default: /* BPF_MSH: the length of an IPv4 header */
        if (!load(p, 0, i->k, BPF_B, &value))
            return false;
        value = (value & 0xf) * 4;
    }
    *(to_x ? &m->x : &m->a) = value;
    return true;
}

/* False: a division by zero. */
static bool run_alu(struct machine *m, const struct nst_capture_insn *i)
{
    const uint32_t v = BPF_SRC(i->code) == BPF_X ? m->x : i->k;
    switch (BPF_OP(i->code)) {
    case BPF_ADD:
        m->a += v;
        return true;
    case BPF_SUB:
        m->a -= v;
        return true;
    case BPF_MUL:
        m->a *= v;
        return true;
    case BPF_DIV:
        m->a = v != 0 ? m->a / v : 0;
        return v != 0;
    case BPF_MOD:
        m->a = v != 0 ? m->a % v : 0;
        return v != 0;
    case BPF_OR:
        m->a |= v;
        return true;
    case BPF_AND:
        m->a &= v;
        return true;
    case BPF_XOR:
        m->a ^= v;
        return true;
    case BPF_LSH:
        m->a = v < 32 ? m->a << v : 0;
        return true;
    case BPF_RSH:
        m->a = v < 32 ? m->a >> v : 0;
        return true;
    default: /* BPF_NEG */
        m->a = -m->a;
        return true;
    }
}

/* How many instructions to skip. */
static uint32_t run_jump(const struct machine *m, const struct nst_capture_insn *i)
{
    const uint32_t v = BPF_SRC(i->code) == BPF_X ? m->x : i->k;
    switch (BPF_OP(i->code)) {
    case BPF_JA:
        return i->k;
    case BPF_JEQ:
        return m->a == v ? i->jt : i->jf;
    case BPF_JGT:
        return m->a > v ? i->jt : i->jf;
    case BPF_JGE:
        return m->a >= v ? i->jt : i->jf;
    default: /* BPF_JSET */
        return (m->a & v) != 0 ? i->jt : i->jf;
    }
}

uint32_t bpf_run(const struct nst_capture_insn *code, const struct nst_pkt *p)
{
    struct machine m = {0};
    for (const struct nst_capture_insn *i = code;; i++) {
        switch (BPF_CLASS(i->code)) {
        case BPF_LD:
        case BPF_LDX:
            if (!run_load(&m, i, p))
                return 0;
            break;
        case BPF_ST:
            m.memory[i->k] = m.a;
            break;
        case BPF_STX:
            m.memory[i->k] = m.x;
            break;
        case BPF_ALU:
            if (!run_alu(&m, i))
                return 0;
            break;
        case BPF_JMP:
            i += run_jump(&m, i);
            break;
        case BPF_RET:
            return BPF_RVAL(i->code) == BPF_A ? m.a : i->k;
        default: /* BPF_MISC */
            if (BPF_MISCOP(i->code) == BPF_TAX)
                m.x = m.a;
            else
                m.a = m.x;
        }
    }
}
