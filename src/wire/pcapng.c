/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/pcapng.h"

#include <string.h>

#include "base/check.h"

enum {
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    NAMES_IP4 = 1,
    NAMES_IP6 = 2,
    NAME_LEN_MAX = 1023,
    PACKET_HEAD = 20, /* of the body, before the data */
    STATISTICS_HEAD = 12,
    INTERFACE_HEAD = 8,
    OPTION_HEAD = 4,
};

/* Options by block. */
enum {
    SECTION_HARDWARE = 2,
    SECTION_OS = 3,
    SECTION_APPLICATION = 4,
    INTERFACE_NAME = 2,
    INTERFACE_DESCRIPTION = 3,
    INTERFACE_MAC = 6,
    INTERFACE_TSRESOL = 9,
    INTERFACE_FILTER = 11,
    INTERFACE_OS = 12,
    PACKET_FLAGS = 2,
    PACKET_DROPPED = 4,
    STATISTICS_START = 2,
    STATISTICS_END = 3,
    STATISTICS_RECEIVED = 4,
    STATISTICS_DROPPED = 5,
    STATISTICS_ACCEPTED = 6,
    STATISTICS_WRITTEN = 8,
};

/* ---- Writing ---- */

static void put(struct pcapng *out, const void *bytes, size_t n)
{
    if (out->full || n > out->size - out->len) {
        out->full = true;
        return;
    }
    if (n > 0)
        memcpy(out->data + out->len, bytes, n);
    out->len += n;
}

static void put16(struct pcapng *out, uint16_t v)
{
    put(out, &v, sizeof(v));
}

static void put32(struct pcapng *out, uint32_t v)
{
    put(out, &v, sizeof(v));
}

/* Times are written in halves, the high one first. */
static void put_time(struct pcapng *out, uint64_t v)
{
    put32(out, (uint32_t)(v >> 32));
    put32(out, (uint32_t)v);
}

static void put_padding(struct pcapng *out, size_t n)
{
    static const uint8_t zeros[4];
    put(out, zeros, (4 - n % 4) % 4);
}

static void put_option(struct pcapng *out, uint16_t code, const void *value, size_t n)
{
    put16(out, code);
    put16(out, (uint16_t)n);
    put(out, value, n);
    put_padding(out, n);
}

static size_t length_of(const char *text, size_t max)
{
    size_t n = 0;
    while (n < max && text[n] != '\0')
        n++;
    return n;
}

/* UTF-8 is what readers expect; ours is ASCII, and what is not printable becomes '?'. */
static void put_text(struct pcapng *out, uint16_t code, const char *text, uint8_t kind)
{
    if (text == NULL)
        return;
    const size_t n = length_of(text, PCAPNG_COMMENT_LEN);
    const size_t head = kind != 0xff;
    put16(out, code);
    put16(out, (uint16_t)(n + head));
    put(out, &kind, head);
    for (size_t i = 0; i < n; i++) {
        const char c = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
        put(out, &c, 1);
    }
    put_padding(out, n + head);
}

static void put_string(struct pcapng *out, uint16_t code, const char *text)
{
    put_text(out, code, text, 0xff);
}

static void put_count(struct pcapng *out, uint16_t code, uint64_t v)
{
    put_option(out, code, &v, sizeof(v));
}

static void begin(struct pcapng *out, uint32_t type)
{
    out->block = out->len;
    put32(out, type);
    put32(out, 0);
}

static void end(struct pcapng *out)
{
    put32(out, PCAPNG_OPT_END);
    const uint32_t len = (uint32_t)(out->len - out->block) + 4;
    put32(out, len);
    if (out->full)
        out->len = out->block;
    else
        memcpy(out->data + out->block + 4, &len, sizeof(len));
}

void pcapng_section(struct pcapng *out, const char *hardware, const char *os,
                    const char *application)
{
    begin(out, PCAPNG_SECTION);
    put32(out, BYTE_ORDER_MAGIC);
    put16(out, 1);
    put16(out, 0);
    put32(out, UINT32_MAX); /* the section's length is not known */
    put32(out, UINT32_MAX);
    put_string(out, SECTION_HARDWARE, hardware);
    put_string(out, SECTION_OS, os);
    put_string(out, SECTION_APPLICATION, application);
    end(out);
}

void pcapng_interface(struct pcapng *out, const struct pcapng_interface *interface)
{
    static const uint8_t nanoseconds = 9;
    begin(out, PCAPNG_INTERFACE);
    put16(out, interface->link);
    put16(out, 0);
    put32(out, interface->snaplen);
    put_string(out, INTERFACE_NAME, interface->name);
    put_string(out, INTERFACE_DESCRIPTION, interface->description);
    if (interface->mac != NULL)
        put_option(out, INTERFACE_MAC, interface->mac->b, sizeof(interface->mac->b));
    put_option(out, INTERFACE_TSRESOL, &nanoseconds, 1);
    /* A leading 0: a text for libpcap, not its code. */
    put_text(out, INTERFACE_FILTER, interface->filter, 0);
    put_string(out, INTERFACE_OS, interface->os);
    end(out);
}

void pcapng_packet(struct pcapng *out, const struct pcapng_packet *packet)
{
    begin(out, PCAPNG_PACKET);
    put32(out, packet->interface);
    put_time(out, packet->time);
    put32(out, packet->captured);
    put32(out, packet->len);
    put(out, packet->data, packet->captured);
    put_padding(out, packet->captured);
    for (unsigned i = 0; i < packet->comment_count; i++)
        put_string(out, PCAPNG_OPT_COMMENT, packet->comments[i]);
    if (packet->direction != PCAPNG_DIRECTION_UNKNOWN) {
        const uint32_t flags = packet->direction;
        put_option(out, PACKET_FLAGS, &flags, sizeof(flags));
    }
    if (packet->dropped != 0)
        put_count(out, PACKET_DROPPED, packet->dropped);
    end(out);
}

static void put_name(struct pcapng *out, const struct pcapng_name *name)
{
    const bool v4 = nst_addr_is_v4(&name->addr);
    const size_t addr_len = v4 ? 4 : 16;
    const size_t name_len = length_of(name->name, NAME_LEN_MAX);
    put16(out, v4 ? NAMES_IP4 : NAMES_IP6);
    put16(out, (uint16_t)(addr_len + name_len + 1));
    put(out, name->addr.b + sizeof(name->addr.b) - addr_len, addr_len);
    put(out, name->name, name_len);
    put(out, "", 1);
    put_padding(out, addr_len + name_len + 1);
}

void pcapng_names(struct pcapng *out, const struct pcapng_name *names, size_t count)
{
    begin(out, PCAPNG_NAMES);
    for (size_t i = 0; i < count; i++)
        put_name(out, &names[i]);
    put32(out, 0); /* the end of the records; then that of the options */
    end(out);
}

static void put_time_option(struct pcapng *out, uint16_t code, uint64_t time)
{
    put16(out, code);
    put16(out, 8);
    put_time(out, time);
}

void pcapng_statistics(struct pcapng *out, const struct pcapng_statistics *s)
{
    begin(out, PCAPNG_STATISTICS);
    put32(out, s->interface);
    put_time(out, s->time);
    put_string(out, PCAPNG_OPT_COMMENT, s->comment);
    put_time_option(out, STATISTICS_START, s->start);
    put_time_option(out, STATISTICS_END, s->end);
    put_count(out, STATISTICS_RECEIVED, s->received);
    put_count(out, STATISTICS_DROPPED, s->dropped);
    put_count(out, STATISTICS_ACCEPTED, s->accepted);
    put_count(out, STATISTICS_WRITTEN, s->written);
    end(out);
}

/* ---- Reading ---- */

static uint16_t get16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static uint64_t get_time(const uint8_t *p)
{
    return (uint64_t)get32(p) << 32 | get32(p + 4);
}

int pcapng_read(const uint8_t *data, size_t len, struct pcapng_block *ret_block)
{
    if (len < 8)
        return 0;
    const uint32_t total = get32(data + 4);
    if (total < PCAPNG_BLOCK_MIN || total % 4 != 0 || total > PCAPNG_BLOCK_MAX)
        return -NST_EINVAL;
    if (len < total)
        return 0;
    if (get32(data + total - 4) != total)
        return -NST_EINVAL;
    *ret_block = (struct pcapng_block){
        .type = get32(data),
        .len = total,
        .body = data + 8,
        .body_len = total - PCAPNG_BLOCK_MIN,
    };
    return (int)total;
}

/* A walk over options. */
struct options {
    const uint8_t *at;
    size_t left;
    uint16_t code, len;
    const uint8_t *value;
    bool malformed;
};

static struct options options_from(const struct pcapng_block *block, size_t offset)
{
    return (struct options){.at = block->body + offset, .left = block->body_len - offset};
}

static bool next_option(struct options *o)
{
    if (o->left == 0)
        return false;
    o->malformed = true;
    if (o->left < OPTION_HEAD)
        return false;
    o->code = get16(o->at);
    o->len = get16(o->at + 2);
    const size_t padded = ((size_t)o->len + 3) / 4 * 4;
    if (padded > o->left - OPTION_HEAD)
        return false;
    o->malformed = false;
    o->value = o->at + OPTION_HEAD;
    o->at += OPTION_HEAD + padded;
    o->left -= OPTION_HEAD + padded;
    return o->code != PCAPNG_OPT_END;
}

static void take_packet_option(const struct options *o, struct pcapng_packet *packet)
{
    if (o->code == PCAPNG_OPT_COMMENT && packet->comment_count < PCAPNG_COMMENTS_MAX) {
        packet->comments[packet->comment_count] = (const char *)o->value;
        packet->comment_len[packet->comment_count++] = o->len;
    } else if (o->code == PACKET_FLAGS && o->len == 4) {
        packet->direction = (uint8_t)(get32(o->value) & 3);
    } else if (o->code == PACKET_DROPPED && o->len == 8) {
        packet->dropped = get64(o->value);
    }
}

bool pcapng_read_packet(const struct pcapng_block *block, struct pcapng_packet *ret_packet)
{
    if (block->type != PCAPNG_PACKET || block->body_len < PACKET_HEAD)
        return false;
    struct pcapng_packet packet = {
        .interface = get32(block->body),
        .time = get_time(block->body + 4),
        .captured = get32(block->body + 12),
        .len = get32(block->body + 16),
        .data = block->body + PACKET_HEAD,
    };
    if (packet.captured > block->body_len - PACKET_HEAD)
        return false;
    const size_t padded = ((size_t)packet.captured + 3) / 4 * 4;
    if (padded > block->body_len - PACKET_HEAD)
        return false;
    struct options o = options_from(block, PACKET_HEAD + padded);
    while (next_option(&o))
        take_packet_option(&o, &packet);
    if (o.malformed)
        return false;
    *ret_packet = packet;
    return true;
}

static void take_statistics_option(const struct options *o, struct pcapng_statistics *s)
{
    if (o->len != 8)
        return;
    switch (o->code) {
    case STATISTICS_START:
        s->start = get_time(o->value);
        break;
    case STATISTICS_END:
        s->end = get_time(o->value);
        break;
    case STATISTICS_RECEIVED:
        s->received = get64(o->value);
        break;
    case STATISTICS_DROPPED:
        s->dropped = get64(o->value);
        break;
    case STATISTICS_ACCEPTED:
        s->accepted = get64(o->value);
        break;
    case STATISTICS_WRITTEN:
        s->written = get64(o->value);
        break;
    default:
        break;
    }
}

bool pcapng_read_statistics(const struct pcapng_block *block, struct pcapng_statistics *ret)
{
    if (block->type != PCAPNG_STATISTICS || block->body_len < STATISTICS_HEAD)
        return false;
    struct pcapng_statistics s = {
        .interface = get32(block->body),
        .time = get_time(block->body + 4),
    };
    struct options o = options_from(block, STATISTICS_HEAD);
    while (next_option(&o))
        take_statistics_option(&o, &s);
    if (o.malformed)
        return false;
    *ret = s;
    return true;
}

bool pcapng_read_interface(const struct pcapng_block *block, uint16_t *ret_link, char *name,
                           size_t size)
{
    if (block->type != PCAPNG_INTERFACE || block->body_len < INTERFACE_HEAD || size == 0)
        return false;
    name[0] = '\0';
    struct options o = options_from(block, INTERFACE_HEAD);
    while (next_option(&o)) {
        if (o.code != INTERFACE_NAME)
            continue;
        const size_t n = min_size(o.len, size - 1);
        memcpy(name, o.value, n);
        name[n] = '\0';
    }
    *ret_link = get16(block->body);
    return !o.malformed;
}
