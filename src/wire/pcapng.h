/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pcapng capture file format (draft-ietf-opsawg-pcapng): blocks of values, and back. A file is
 * a section header, an interface block for each interface, then packets, names and statistics.
 *
 * Written in the byte order of this machine, as the format wants it; read in that order alone, for
 * what is read here was written by another process of the same machine.
 */
#ifndef NICSTACK_SRC_WIRE_PCAPNG_H
#define NICSTACK_SRC_WIRE_PCAPNG_H

#include <nicstack/types.h>

enum pcapng_type {
    PCAPNG_SECTION = 0x0a0d0d0a,
    PCAPNG_INTERFACE = 1,
    PCAPNG_NAMES = 4,
    PCAPNG_STATISTICS = 5,
    PCAPNG_PACKET = 6,
};

/* The link types that nicstack has (LINKTYPE_*). */
enum pcapng_link {
    PCAPNG_ETHERNET = 1,
    PCAPNG_RAW_IP = 101,
};

enum {
    PCAPNG_COMMENTS_MAX = 8,
    PCAPNG_COMMENT_LEN = 1024, /* a longer one is cut */
    /* More than every block takes without its packet's data: what a buffer has to hold besides. */
    PCAPNG_OVERHEAD = PCAPNG_COMMENTS_MAX * (PCAPNG_COMMENT_LEN + 8) + 128,
    PCAPNG_BLOCK_MIN = 12,
    PCAPNG_BLOCK_MAX = 1 << 20, /* that a reader takes */
};

/* Options that every block may have. */
enum {
    PCAPNG_OPT_END = 0,
    PCAPNG_OPT_COMMENT = 1,
};

/* ---- Writing ---- */

/* Where blocks go. What does not fit sets `full`, and the block that it belongs to is taken back.
 */
struct pcapng {
    uint8_t *data;
    size_t size, len;
    size_t block; /* where the open block begins */
    bool full;
};

static inline void pcapng_init(struct pcapng *out, uint8_t *data, size_t size)
{
    *out = (struct pcapng){.data = data, .size = size};
}

/* The section header. Texts may be NULL. */
void pcapng_section(struct pcapng *out, const char *hardware, const char *os,
                    const char *application);

struct pcapng_interface {
    uint16_t link; /* enum pcapng_link */
    uint32_t snaplen;
    const char *name, *description; /* NULL: none */
    const char *filter, *os;        /* NULL: none */
    const struct nst_mac *mac;      /* NULL: none */
};
/* Interfaces are numbered from 0 in the order of their blocks. Times are nanoseconds. */
void pcapng_interface(struct pcapng *out, const struct pcapng_interface *interface);

enum pcapng_direction {
    PCAPNG_DIRECTION_UNKNOWN,
    PCAPNG_INBOUND,
    PCAPNG_OUTBOUND,
};

struct pcapng_packet {
    uint32_t interface;
    uint8_t direction; /* enum pcapng_direction */
    uint8_t comment_count;
    uint64_t time;          /* nanoseconds since 1970 */
    uint32_t captured, len; /* bytes at data, and bytes that the packet has */
    const uint8_t *data;
    uint64_t dropped; /* packets that could not be kept since the one before */
    const char *comments[PCAPNG_COMMENTS_MAX];
    uint16_t comment_len[PCAPNG_COMMENTS_MAX]; /* for reading: they have no NUL there */
};
void pcapng_packet(struct pcapng *out, const struct pcapng_packet *packet);

struct pcapng_name {
    struct nst_addr addr;
    const char *name;
};
/* One block of `count` names. */
void pcapng_names(struct pcapng *out, const struct pcapng_name *names, size_t count);

/* Counts of one interface. */
struct pcapng_statistics {
    uint32_t interface;
    uint64_t time;       /* when they were taken */
    uint64_t start, end; /* of the capture; nanoseconds since 1970 */
    uint64_t received;   /* packets that passed the interface */
    uint64_t accepted;   /* of these, by the filter */
    uint64_t dropped;    /* of these, for want of room */
    uint64_t written;    /* of these, that are in the file */
    const char *comment; /* NULL: none */
};
void pcapng_statistics(struct pcapng *out, const struct pcapng_statistics *statistics);

/* ---- Reading ---- */

struct pcapng_block {
    uint32_t type;
    uint32_t len; /* all of it */
    const uint8_t *body;
    uint32_t body_len;
};

/* The block at `data`: its length; 0: it is not all there yet; -NST_EINVAL: this is no block (or of
 * another machine's byte order, or longer than PCAPNG_BLOCK_MAX). */
int pcapng_read(const uint8_t *data, size_t len, struct pcapng_block *ret_block);

/* False: not of this type, or malformed. What it points to lies in the block; texts have no NUL. */
bool pcapng_read_packet(const struct pcapng_block *block, struct pcapng_packet *ret_packet);
bool pcapng_read_statistics(const struct pcapng_block *block, struct pcapng_statistics *ret);
/* The link type, and the name, cut to fit, as a text. */
bool pcapng_read_interface(const struct pcapng_block *block, uint16_t *ret_link, char *name,
                           size_t size);

#endif
