/* SPDX-License-Identifier: Apache-2.0 */
/* Records as text, one line each. What does not parse is shown as far as it does, and said so. */
#include "record/show.h"
#include "wire/addr.h"

#include "record/get.h"
#include "wire/show.h"

/* ---- Arguments ---- */

void tell_number(struct fmt *f, const char *name, int64_t value)
{
    fmt_f(f, " %s %lld", name, (long long)value);
}

void tell_handle(struct fmt *f, const char *name, uint64_t value)
{
    fmt_f(f, " %s 0x%llx", name, (unsigned long long)value);
}

void tell_pointer(struct fmt *f, const char *name, struct record_in *in)
{
    if (in_u8(in) == 0)
        fmt_f(f, " %s NULL", name);
}

static void put_addr_text(struct fmt *f, const struct nst_addr *addr)
{
    char text[NST_ADDR_TEXT];
    fmt_str(f, nst_addr_format(addr, text, sizeof(text)));
}

void tell_addr(struct fmt *f, const char *name, struct record_in *in)
{
    struct nst_addr hold;
    const struct nst_addr *addr = get_addr(in, &hold);
    fmt_f(f, " %s ", name);
    if (addr != NULL)
        put_addr_text(f, addr);
    else
        fmt_str(f, "NULL");
}

void tell_mac(struct fmt *f, const char *name, struct record_in *in)
{
    const struct nst_mac mac = get_mac(in);
    fmt_f(f, " %s ", name);
    mac_show(f, &mac);
}

void tell_endpoint(struct fmt *f, const char *name, struct record_in *in)
{
    struct nst_endpoint hold;
    const struct nst_endpoint *e = get_endpoint(in, &hold);
    fmt_f(f, " %s ", name);
    if (e == NULL) {
        fmt_str(f, "NULL");
        return;
    }
    put_addr_text(f, &e->addr);
    fmt_f(f, " port %u nic %u", (unsigned)e->port, (unsigned)e->nic);
}

void tell_route(struct fmt *f, const char *name, struct record_in *in)
{
    struct nst_route hold;
    const struct nst_route *route = get_route(in, &hold);
    fmt_f(f, " %s ", name);
    if (route == NULL) {
        fmt_str(f, "NULL");
        return;
    }
    put_addr_text(f, &route->prefix);
    fmt_f(f, "/%u nic %u via ", (unsigned)route->prefix_len, (unsigned)route->nic);
    put_addr_text(f, &route->gateway);
}

void tell_nic_addr(struct fmt *f, const char *name, struct record_in *in)
{
    struct nst_nic_addr hold;
    const struct nst_nic_addr *addr = get_nic_addr(in, &hold);
    fmt_f(f, " %s ", name);
    if (addr == NULL) {
        fmt_str(f, "NULL");
        return;
    }
    put_addr_text(f, &addr->addr);
    fmt_f(f, "/%u", (unsigned)addr->prefix_len);
}

void tell_frame_to(struct fmt *f, const char *name, struct record_in *in)
{
    struct nst_frame_to hold;
    const struct nst_frame_to *to = get_frame_to(in, &hold);
    if (to == NULL)
        fmt_f(f, " %s NULL", name);
    else
        fmt_f(f, " %s nic %u type 0x%04x", name, (unsigned)to->nic, (unsigned)to->ethertype);
}

void tell_neigh_config(struct fmt *f, const char *name, struct record_in *in)
{
    struct nst_neigh_config hold;
    const struct nst_neigh_config *c = get_neigh_config(in, &hold);
    if (c == NULL)
        fmt_f(f, " %s NULL", name);
    else
        fmt_f(f, " %s reachable %lld retransmit %lld", name, (long long)c->base_reachable,
              (long long)c->retransmit);
}

void tell_neigh_limits(struct fmt *f, const char *name, struct record_in *in)
{
    struct nst_neigh_limits hold;
    const struct nst_neigh_limits *l = get_neigh_limits(in, &hold);
    if (l == NULL)
        fmt_f(f, " %s NULL", name);
    else
        fmt_f(f, " %s destinations %u packets %u", name, (unsigned)l->destinations,
              (unsigned)l->packets);
}

void tell_text(struct fmt *f, const char *name, struct record_in *in)
{
    char hold[RECORD_NAME_MAX + 1];
    const char *text = get_text(in, hold);
    fmt_f(f, " %s ", name);
    for (; text != NULL && *text != 0; text++)
        fmt_char(f, *text >= ' ' && *text <= '~' ? *text : '?');
    if (text == NULL)
        fmt_str(f, "NULL");
}

static void show_link(struct fmt *f, struct record_in *in)
{
    struct tape_link link;
    (void)get_link(in, &link);
    fmt_f(f, " mtu %u caps 0x%x header %u%s", (unsigned)link.mtu, (unsigned)link.caps,
          (unsigned)link.max_header, link.tx_blocked ? " blocked" : "");
}

void tell_nic_config(struct fmt *f, const char *name, struct record_in *in)
{
    if (in_u8(in) == 0) {
        fmt_f(f, " %s of another size", name);
        return;
    }
    tell_number(f, "id", in_u32(in));
    tell_text(f, "name", in);
    if (in_u8(in) == 0) {
        fmt_str(f, " link NULL");
    } else {
        in_u8(in);
        in_u8(in);
        in_u8(in);
        show_link(f, in);
    }
    tell_number(f, "disabled", in_u8(in));
    tell_number(f, "promiscuous", in_u8(in));
    tell_number(f, "spoofing", in_u8(in));
    tell_number(f, "tx_queue_packets", in_u32(in));
    tell_number(f, "tx_queue_bytes", in_u32(in));
    tell_number(f, "link_local", in_u8(in));
    tell_number(f, "no_group_reports", in_u8(in));
    tell_number(f, "accept_ra", in_u8(in));
    tell_number(f, "temporary_addresses", in_u8(in));
}

void tell_forwarder(struct fmt *f, const char *name, struct record_in *in)
{
    struct nst_forwarder_config hold;
    const struct nst_forwarder_config *c = get_forwarder(in, &hold);
    if (c == NULL)
        fmt_f(f, " %s NULL", name);
    else
        fmt_f(f, " nic %u tcp %d udp %d icmp_echo %d", (unsigned)c->nic, c->tcp, c->udp,
              c->icmp_echo);
}

void tell_iovec(struct fmt *f, const char *name, struct record_in *in)
{
    struct nst_iovec hold[RECORD_IOV_MAX];
    size_t count;
    (void)get_iovec(in, hold, &count);
    fmt_f(f, " %s of %zu, %zu bytes", name, count, in->data_len);
}

/* ---- Calls ---- */

#define CALL(number, result, name, ...)                             \
    static void show_##name##_(struct fmt *f, struct record_in *in) \
    {                                                               \
        EACH(SHOW, ##__VA_ARGS__)                                   \
    }
#define CALLQ                    CALL
#define CALLV(number, name, ...) CALL(number, void, name, ##__VA_ARGS__)
#define ASIDE(name)
#define OWN(name)
#include "record/calls.def"
#undef CALL
#undef CALLV

#define CALL(number, result, name, ...) [number] = {#name, show_##name##_},
#define CALLV(number, name, ...)        [number] = {#name, show_##name##_},
static const struct {
    const char *name;
    void (*show)(struct fmt *f, struct record_in *in);
} calls[256] = {
#include "record/calls.def"
};

static const char *call_name(uint8_t call)
{
    return calls[call].name != NULL ? calls[call].name : "unknown call";
}

/* ---- Packets ---- */

static void show_packet(struct fmt *f, const struct record_in *in, bool ethernet)
{
    char text[SHOW_TEXT];
    fmt_f(f, " len %zu: ", in->data_len);
    fmt_str(f, ethernet ? show_eth(in->data, in->data_len, text, sizeof(text))
                        : show_ip(in->data, in->data_len, text, sizeof(text)));
}

static void show_metadata(struct fmt *f, struct record_in *in)
{
    static const char *const csums[] = {"unknown", "valid", "partial"};
    const uint8_t csum = in_u8(in), gso = in_u8(in), flags = in_u8(in);
    const uint16_t gso_size = in_u16(in), start = in_u16(in), offset = in_u16(in);
    fmt_f(f, " csum %s", csum < ARRAY_SIZE(csums) ? csums[csum] : "?");
    if (csum == NST_CSUM_PARTIAL)
        fmt_f(f, " %u+%u", (unsigned)start, (unsigned)offset);
    if (gso != NST_GSO_NONE)
        fmt_f(f, " gso %u of %u", (unsigned)gso, (unsigned)gso_size);
    if (flags != 0)
        fmt_f(f, " flags 0x%x", (unsigned)flags);
}

/* Whether a link header is in front of the packet is known from others; a guess here. */
static bool is_ethernet(const struct record_in *in)
{
    const uint8_t version = in->data_len > 0 ? in->data[0] >> 4 : 0;
    if (version == 4 && in->data_len >= 20 && (in->data[0] & 0xf) >= 5)
        return in->data_len >= 34 && be16_get(in->data + 12) == NST_ETHERTYPE_IPV4 &&
               in->data[14] >> 4 == 4;
    return version != 6 || in->data_len < 40 || be16_get(in->data + 12) == NST_ETHERTYPE_IPV6;
}

static void show_delivered(struct fmt *f, struct record_in *in)
{
    tell_number(f, "nic", in_u32(in));
    show_metadata(f, in);
    in_u64(in);
    in_u8(in);
    in_u32(in);
    tell_number(f, "headroom", in_u32(in));
    in_u32(in);
    const uint16_t slices = in_u16(in);
    for (unsigned i = 0; i < slices && !in->bad; i++)
        in_u32(in);
    show_packet(f, in, is_ethernet(in));
}

static void show_header(struct fmt *f, struct record_in *in)
{
    if (in_u8(in) == 0) {
        fmt_str(f, " malformed");
        return;
    }
    tell_mac(f, "src", in);
    tell_mac(f, "dst", in);
    fmt_f(f, " type 0x%04x", (unsigned)in_u16(in));
}

static void show_queued(struct fmt *f, struct record_in *in)
{
    tell_number(f, "nic", in_u32(in));
    const bool ethernet = in_u16(in) >= 14;
    show_header(f, in);
    show_metadata(f, in);
    const char *note = nst_note_name(in_u8(in));
    if (note[0] != 0)
        fmt_f(f, " (%s)", note);
    show_packet(f, in, ethernet);
}

/* ---- Records ---- */

static const char *const kinds[RECORD_KINDS] = {
    [RECORD_START] = "start",
    [RECORD_CALL] = "call",
    [RECORD_RESULT] = "result of",
    [RECORD_LINK] = "link",
    [RECORD_DELIVERED] = "received",
    [RECORD_PARSED] = "parsed",
    [RECORD_QUEUED] = "sent",
    [RECORD_TRANSMIT] = "transmit",
    [RECORD_TRANSMITTED] = "transmitted",
    [RECORD_WRITABLE] = "writable",
    [RECORD_CHANGED] = "changed",
    [RECORD_END] = "end",
};

static void show_result(struct fmt *f, uint8_t call, int64_t result)
{
    fmt_f(f, " %s: %lld", call_name(call), (long long)result);
    if (result < 0 && result > -NST_ERROR_MAX)
        fmt_f(f, " (%s)", nst_error_name((int)result));
}

static void show_body(struct fmt *f, uint8_t kind, uint8_t call, struct record_in *in)
{
    switch (kind) {
    case RECORD_START: {
        struct nst_stack_config config;
        get_stack_config(in, &config);
        fmt_f(f, " memory %llu now %lld", (unsigned long long)config.memory_limit,
              (long long)config.now);
        break;
    }
    case RECORD_CALL:
        fmt_f(f, " %s", call_name(call));
        if (calls[call].show != NULL)
            calls[call].show(f, in);
        break;
    case RECORD_RESULT:
        show_result(f, call, (int64_t)in_u64(in));
        break;
    case RECORD_LINK:
        tell_number(f, "nic", in_u32(in));
        show_link(f, in);
        break;
    case RECORD_DELIVERED:
        show_delivered(f, in);
        break;
    case RECORD_PARSED:
        tell_number(f, "nic", in_u32(in));
        tell_number(f, "pulled", in_u16(in));
        show_header(f, in);
        break;
    case RECORD_QUEUED:
        show_queued(f, in);
        break;
    case RECORD_TRANSMITTED:
        tell_number(f, "nic", in_u32(in));
        tell_number(f, "count", in_u32(in));
        tell_number(f, "blocked", in_u8(in));
        break;
    case RECORD_TRANSMIT:
    case RECORD_WRITABLE:
        tell_number(f, "nic", in_u32(in));
        break;
    case RECORD_CHANGED:
        tell_number(f, "nic", in_u32(in));
        tell_number(f, "result", (int64_t)in_u64(in));
        show_link(f, in);
        break;
    default:
        break;
    }
}

size_t nst_record_len(const void *record, size_t len)
{
    return record_len(record, len);
}

char *nst_record_show(const void *record, size_t len, char *text, size_t size)
{
    struct fmt f;
    struct record_in in;
    const uint8_t *at = record;
    fmt_init(&f, text, size);
    if (record == NULL || record_len(at, len) == 0) {
        fmt_str(&f, "[no whole record]");
        return text;
    }
    const uint8_t kind = at[6];
    if (kind >= RECORD_KINDS) {
        fmt_f(&f, "[unknown kind %u]", (unsigned)kind);
        return text;
    }
    fmt_str(&f, kinds[kind]);
    in_init(&in, at);
    if (record_has_memory(kind))
        in_u64(&in);
    show_body(&f, kind, at[7], &in);
    if (!in_is_good(&in))
        fmt_str(&f, " [malformed]");
    return text;
}
