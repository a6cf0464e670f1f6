/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS messages: RFC 1035 4, 3596 (AAAA), 6891 (EDNS), 4343 (letter case).
 *
 * A name is kept as on the wire without compression: labels with their lengths, and the root. Text
 * has no dot at the end, but "." for the root, and escapes as in RFC 1035 5.1: `\.` `\\` `\DDD`.
 */
#ifndef NICSTACK_SRC_WIRE_DNS_H
#define NICSTACK_SRC_WIRE_DNS_H

#include <nicstack/types.h>

enum {
    DNS_HDR_LEN = 12,
    DNS_NAME_MAX = 255, /* bytes, with lengths and root: RFC 1035 2.3.4 */
    DNS_LABEL_MAX = 63,
    DNS_NAME_TEXT = 1010, /* longest text of a name with its NUL, all bytes escaped */
    DNS_UDP_MAX = 512,    /* without EDNS */
    DNS_PORT = 53,
};

enum dns_type {
    DNS_TYPE_A = 1,
    DNS_TYPE_NS = 2,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_MX = 15,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_SRV = 33,
    DNS_TYPE_OPT = 41, /* EDNS */
    DNS_TYPE_HTTPS = 65,
    DNS_TYPE_ANY = 255,
};

enum {
    DNS_CLASS_IN = 1,
};

enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5,
};

/* Bits of the header's flags; the low four are the dns_rcode. */
enum dns_flag {
    DNS_QR = 0x8000, /* an answer */
    DNS_OPCODE = 0x7800,
    DNS_AA = 0x0400,
    DNS_TC = 0x0200, /* cut short: ask again over TCP */
    DNS_RD = 0x0100,
    DNS_RA = 0x0080,
    DNS_AD = 0x0020,
    DNS_CD = 0x0010,
    DNS_RCODE = 0x000f,
};

struct dns_hdr {
    uint16_t id;
    uint16_t flags;    /* enum dns_flag */
    uint16_t count[4]; /* claimed by the header, per enum dns_section */
};

enum dns_section {
    DNS_QUESTION,
    DNS_ANSWER,
    DNS_AUTHORITY,
    DNS_ADDITIONAL,
};

struct dns_name {
    uint8_t len; /* bytes, 1 (the root) .. 255; 0 is no name */
    uint8_t b[DNS_NAME_MAX];
};

/* A question, or a record (then with ttl and rdata). Offsets are from the message's beginning. */
struct dns_record {
    struct dns_name name;
    enum dns_section section;
    uint16_t type;  /* enum dns_type, or unknown */
    uint16_t class; /* of OPT: the sender's UDP size */
    uint32_t ttl;   /* seconds; of OPT: extended rcode, version, flags */
    size_t rdata;   /* offset */
    uint16_t rdata_len;
};

/* A walk over questions and records in their order. */
struct dns_iter {
    const uint8_t *data;
    size_t len;
    size_t off;
    uint16_t left[4]; /* to come, per section */
    bool malformed;   /* something did not fit: the walk stopped there */
};

/* What an OPT record says, RFC 6891 6.1.3. */
struct dns_edns {
    uint16_t udp_size;
    uint8_t rcode_high; /* upper eight bits of the twelve */
    uint8_t version;
    bool dnssec_ok;
};

/* Returns DNS_HDR_LEN, or 0 if short. */
size_t dns_parse(const uint8_t *data, size_t len, struct dns_hdr *ret_hdr);

/* Writes DNS_HDR_LEN bytes; returns their number. */
size_t dns_build(uint8_t *data, const struct dns_hdr *hdr);

/* Begins a walk over the message of `len` bytes at `data`; false if not even a header is there. */
bool dns_iter_init(const uint8_t *data, size_t len, struct dns_iter *ret_iter);

/* The next question or record; false at the end or where it is malformed. Counts that the message
 * does not keep are malformed; bytes behind the last record are not looked at. */
bool dns_next(struct dns_iter *iter, struct dns_record *ret_record);

/*
 * The name at `off` of the message, decompressed. Returns the offset behind it, or 0 if it is
 * malformed: past the end, over 255 bytes, a label type of RFC 2673, or a pointer that does not
 * point before itself and every earlier one (so a walk always ends).
 */
size_t dns_name_parse(const uint8_t *data, size_t len, size_t off, struct dns_name *ret_name);

/* Text to name; a dot at the end is allowed. False if empty, too long, or with an empty label. */
bool dns_name_from_text(const char *text, struct dns_name *ret_name);

/* Name to text in `size` bytes, NUL-terminated when size > 0 and cut when too small (DNS_NAME_TEXT
 * is always enough). Returns `text`. A name of length 0 gives "". */
char *dns_name_to_text(const struct dns_name *name, char *text, size_t size);

/* RFC 4343: ASCII letters match in either case. */
bool dns_name_equal(const struct dns_name *x, const struct dns_name *y);

/* The name to ask PTR for: d.c.b.a.in-addr.arpa, or 32 nibbles under ip6.arpa (RFC 3596 2.5). */
void dns_name_from_addr(const struct nst_addr *addr, struct dns_name *ret_name);

/* And back; false if it is no such name. */
bool dns_name_to_addr(const struct dns_name *name, struct nst_addr *ret_addr);

/* The address of an A or AAAA record of the message at `data`; false if it is neither, not of
 * class IN, or of a wrong length. */
bool dns_record_addr(const uint8_t *data, const struct dns_record *record,
                     struct nst_addr *ret_addr);

/* The values of an OPT record; false if it is not one. */
bool dns_record_edns(const struct dns_record *record, struct dns_edns *ret_edns);

/* A message under construction. A write that does not fit sets `full` and changes nothing. */
struct dns_builder {
    uint8_t *data;
    size_t size;
    size_t len;
    struct dns_name first; /* that of the first question, at DNS_HDR_LEN: others point to it */
    bool full;
};

/* Begins with the header: id and flags from the caller, counts kept here. `size` under
 * DNS_HDR_LEN makes it full at once. */
void dns_builder_init(struct dns_builder *builder, uint8_t *data, size_t size, uint16_t id,
                      uint16_t flags);

/* Adds a question of class IN. Questions come first. */
void dns_builder_question(struct dns_builder *builder, const struct dns_name *name, uint16_t type);

/* Adds `record` (its offset `rdata` is not read) with its rdata_len bytes at `rdata`, which may be
 * NULL when there are none. Sections come in their order. A name equal to the first question's is
 * compressed; names in rdata are not. */
void dns_builder_record(struct dns_builder *builder, const struct dns_record *record,
                        const uint8_t *rdata);

/* Adds an answer: A or AAAA as the address is, or PTR. `ttl` in seconds. */
void dns_builder_addr(struct dns_builder *builder, const struct dns_name *name, uint32_t ttl,
                      const struct nst_addr *addr);
void dns_builder_ptr(struct dns_builder *builder, const struct dns_name *name, uint32_t ttl,
                     const struct dns_name *target);

/* Adds an OPT record: we take answers of `udp_size` bytes. */
void dns_builder_edns(struct dns_builder *builder, uint16_t udp_size);

/* Ends it: the length of the message, with TC set if something did not fit; 0 if not even the
 * header did. */
size_t dns_builder_finish(struct dns_builder *builder);

#endif
