/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/dns.h"

#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "wire/addr.h"

enum {
    LABEL_POINTER = 0xc0, /* the top two bits of a length byte, RFC 1035 4.1.4 */
    POINTER_MASK = 0x3fff,
    RECORD_FIXED = 10, /* type, class, ttl, rdata length */
    QUESTION_FIXED = 4,
};

size_t dns_parse(const uint8_t *data, size_t len, struct dns_hdr *ret_hdr)
{
    if (len < DNS_HDR_LEN)
        return 0;
    ret_hdr->id = be16_get(data);
    ret_hdr->flags = be16_get(data + 2);
    for (size_t i = 0; i < 4; i++)
        ret_hdr->count[i] = be16_get(data + 4 + 2 * i);
    return DNS_HDR_LEN;
}

size_t dns_build(uint8_t *data, const struct dns_hdr *hdr)
{
    be16_put(data, hdr->id);
    be16_put(data + 2, hdr->flags);
    for (size_t i = 0; i < 4; i++)
        be16_put(data + 4 + 2 * i, hdr->count[i]);
    return DNS_HDR_LEN;
}

/* --- names ------------------------------------------------------------------------------- */

/* Appends a label with its length byte to `name`; false if the root would not fit any more. */
static bool append_label(struct dns_name *name, const uint8_t *label, size_t len)
{
    if (name->len + 1 + len + 1 > DNS_NAME_MAX)
        return false;
    name->b[name->len] = (uint8_t)len;
    memcpy(name->b + name->len + 1, label, len);
    name->len = (uint8_t)(name->len + 1 + len);
    return true;
}

static void append_root(struct dns_name *name)
{
    name->b[name->len++] = 0;
}

size_t dns_name_parse(const uint8_t *data, size_t len, size_t off, struct dns_name *ret_name)
{
    struct dns_name name = {.len = 0};
    size_t next = 0;    /* behind the name, known at the first pointer or at the root */
    size_t limit = off; /* a pointer has to go below it: so each goes lower than the last */

    while (off < len) {
        const uint8_t count = data[off];
        if ((count & LABEL_POINTER) == LABEL_POINTER) {
            if (len - off < 2)
                return 0;
            const size_t target = be16_get(data + off) & POINTER_MASK;
            if (target >= limit)
                return 0;
            next = next != 0 ? next : off + 2;
            limit = off = target;
            continue;
        }
        if (count > DNS_LABEL_MAX || count >= len - off)
            return 0;
        if (count == 0) {
            append_root(&name);
            *ret_name = name;
            return next != 0 ? next : off + 1;
        }
        if (!append_label(&name, data + off + 1, count))
            return 0;
        off += (size_t)count + 1;
    }
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One character of a name's text, escaped or not. Returns what follows it, or NULL. */
static const char *unescape(const char *text, uint8_t *ret_byte)
{
    if (text[0] != '\\') {
        *ret_byte = (uint8_t)text[0];
        return text + 1;
    }
    if (!is_digit(text[1])) {
        *ret_byte = (uint8_t)text[1];
        return text[1] != '\0' ? text + 2 : NULL;
    }
    if (!is_digit(text[2]) || !is_digit(text[3]))
        return NULL;
    const int value = (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
    *ret_byte = (uint8_t)value;
    return value <= 255 ? text + 4 : NULL;
}

/* One label up to a dot or the end. Returns that place, or NULL when it is empty or malformed. */
static const char *read_label(const char *text, struct dns_name *name)
{
    uint8_t label[DNS_LABEL_MAX];
    size_t len = 0;

    while (*text != '\0' && *text != '.') {
        if (len == DNS_LABEL_MAX || (text = unescape(text, &label[len])) == NULL)
            return NULL;
        len++;
    }
    return len > 0 && append_label(name, label, len) ? text : NULL;
}

bool dns_name_from_text(const char *text, struct dns_name *ret_name)
{
    struct dns_name name = {.len = 0};

    if (text[0] == '.' && text[1] == '\0') {
        append_root(&name);
        *ret_name = name;
        return true;
    }
    for (;;) {
        text = read_label(text, &name);
        if (text == NULL)
            return false;
        if (text[0] == '\0' || text[1] == '\0')
            break;
        text++;
    }
    append_root(&name);
    *ret_name = name;
    return true;
}

static void put_escaped(struct fmt *f, uint8_t byte)
{
    if (byte <= ' ' || byte >= 0x7f) {
        fmt_f(f, "\\%03u", byte);
        return;
    }
    if (byte == '.' || byte == '\\')
        fmt_char(f, '\\');
    fmt_char(f, (char)byte);
}

char *dns_name_to_text(const struct dns_name *name, char *text, size_t size)
{
    struct fmt f;

    fmt_init(&f, text, size);
    if (name->len == 1)
        fmt_char(&f, '.');
    for (size_t i = 0; i < name->len && name->b[i] != 0; i += (size_t)name->b[i] + 1) {
        if (i > 0)
            fmt_char(&f, '.');
        for (size_t k = 1; k <= name->b[i] && i + k < name->len; k++)
            put_escaped(&f, name->b[i + k]);
    }
    return text;
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

/* Lengths are below 64, so no length byte looks like a letter. */
bool dns_name_equal(const struct dns_name *x, const struct dns_name *y)
{
    if (x->len != y->len)
        return false;
    for (size_t i = 0; i < x->len; i++) {
        if (lower(x->b[i]) != lower(y->b[i]))
            return false;
    }
    return true;
}

/* --- reverse names ------------------------------------------------------------------------ */

/* What reverse names end with, in wire form: the strings' NULs are the roots. */
static const char suffix_v4[] = "\7in-addr\4arpa";
static const char suffix_v6[] = "\3ip6\4arpa";

/* Ends a name that is short enough with one of them. */
static void append_suffix(struct dns_name *name, const char *suffix, size_t size)
{
    memcpy(name->b + name->len, suffix, size);
    name->len = (uint8_t)(name->len + size);
}

static void append_reverse_v4(struct dns_name *name, const struct nst_addr *addr)
{
    char text[4];
    struct fmt f;

    for (size_t i = 16; i-- > 12;) {
        fmt_init(&f, text, sizeof(text));
        fmt_u64(&f, addr->b[i]);
        append_label(name, (const uint8_t *)text, f.length);
    }
    append_suffix(name, suffix_v4, sizeof(suffix_v4));
}

static void append_reverse_v6(struct dns_name *name, const struct nst_addr *addr)
{
    static const uint8_t digits[] = "0123456789abcdef";

    for (size_t i = 16; i-- > 0;) {
        append_label(name, &digits[addr->b[i] & 0x0f], 1);
        append_label(name, &digits[addr->b[i] >> 4], 1);
    }
    append_suffix(name, suffix_v6, sizeof(suffix_v6));
}

void dns_name_from_addr(const struct nst_addr *addr, struct dns_name *ret_name)
{
    struct dns_name name = {.len = 0};

    if (nst_addr_is_v4(addr))
        append_reverse_v4(&name, addr);
    else
        append_reverse_v6(&name, addr);
    *ret_name = name;
}

/* The number 0..255 in a label of `len` decimal digits without leading zeros; -1 if it is none. */
static int label_number(const uint8_t *digits, size_t len)
{
    int value = 0;

    if (len == 0 || len > 3 || (len > 1 && digits[0] == '0'))
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit((char)digits[i]))
            return -1;
        value = value * 10 + (digits[i] - '0');
    }
    return value <= 255 ? value : -1;
}

/* True if the name is `suffix` from `off` on, which is wire form with its root. */
static bool ends_with(const struct dns_name *name, size_t off, const char *suffix, size_t len)
{
    if (name->len != off + len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (lower(name->b[off + i]) != (uint8_t)suffix[i])
            return false;
    }
    return true;
}

static bool reverse_v4(const struct dns_name *name, struct nst_addr *ret_addr)
{
    struct nst_addr addr = nst_addr_v4(0, 0, 0, 0);
    size_t off = 0;

    for (size_t i = 16; i-- > 12;) {
        const size_t len = off < name->len ? name->b[off] : 0;
        const int value = off + len < name->len ? label_number(name->b + off + 1, len) : -1;
        if (value < 0)
            return false;
        addr.b[i] = (uint8_t)value;
        off += len + 1;
    }
    if (!ends_with(name, off, suffix_v4, sizeof(suffix_v4)))
        return false;
    *ret_addr = addr;
    return true;
}

static int nibble(uint8_t digit)
{
    const uint8_t c = lower(digit);
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool reverse_v6(const struct dns_name *name, struct nst_addr *ret_addr)
{
    struct nst_addr addr = {{{0}}};

    if (!ends_with(name, 64, suffix_v6, sizeof(suffix_v6)))
        return false;
    for (size_t i = 0; i < 32; i++) {
        const int value = name->b[2 * i] == 1 ? nibble(name->b[2 * i + 1]) : -1;
        if (value < 0)
            return false;
        addr.b[15 - i / 2] |= (uint8_t)(i & 1 ? value << 4 : value);
    }
    *ret_addr = addr;
    return true;
}

bool dns_name_to_addr(const struct dns_name *name, struct nst_addr *ret_addr)
{
    return reverse_v6(name, ret_addr) || reverse_v4(name, ret_addr);
}

/* --- messages ----------------------------------------------------------------------------- */

bool dns_iter_init(const uint8_t *data, size_t len, struct dns_iter *ret_iter)
{
    struct dns_hdr hdr;

    if (dns_parse(data, len, &hdr) == 0)
        return false;
    *ret_iter = (struct dns_iter){.data = data, .len = len, .off = DNS_HDR_LEN};
    memcpy(ret_iter->left, hdr.count, sizeof(hdr.count));
    return true;
}

/* What stands behind the name at `off`. Returns the offset behind it, or 0 if it does not fit. */
static size_t parse_fixed(const struct dns_iter *iter, size_t off, struct dns_record *record)
{
    const uint8_t *p = iter->data + off;
    const size_t left = iter->len - off;
    const size_t fixed = record->section == DNS_QUESTION ? QUESTION_FIXED : RECORD_FIXED;

    if (left < fixed)
        return 0;
    record->type = be16_get(p);
    record->class = be16_get(p + 2);
    record->ttl = 0;
    record->rdata_len = 0;
    if (record->section != DNS_QUESTION) {
        record->ttl = be32_get(p + 4);
        record->rdata_len = be16_get(p + 8);
    }
    record->rdata = off + fixed;
    return record->rdata_len <= left - fixed ? record->rdata + record->rdata_len : 0;
}

bool dns_next(struct dns_iter *iter, struct dns_record *ret_record)
{
    unsigned section = DNS_QUESTION;

    while (section <= DNS_ADDITIONAL && iter->left[section] == 0)
        section++;
    if (section > DNS_ADDITIONAL || iter->malformed)
        return false;
    struct dns_record record = {.section = (enum dns_section)section};
    size_t off = dns_name_parse(iter->data, iter->len, iter->off, &record.name);
    if (off != 0)
        off = parse_fixed(iter, off, &record);
    if (off == 0) {
        iter->malformed = true;
        return false;
    }
    iter->off = off;
    iter->left[section]--;
    *ret_record = record;
    return true;
}

bool dns_record_addr(const uint8_t *data, const struct dns_record *record,
                     struct nst_addr *ret_addr)
{
    if (record->class != DNS_CLASS_IN || record->section == DNS_QUESTION)
        return false;
    if (record->type == DNS_TYPE_A && record->rdata_len == 4) {
        *ret_addr = addr_v4_get(data + record->rdata);
        return true;
    }
    if (record->type == DNS_TYPE_AAAA && record->rdata_len == 16) {
        *ret_addr = addr_v6_get(data + record->rdata);
        return true;
    }
    return false;
}

bool dns_record_edns(const struct dns_record *record, struct dns_edns *ret_edns)
{
    /* RFC 6891 6.1.1, 6.1.2: in the additional section, with the root as its name */
    if (record->type != DNS_TYPE_OPT || record->section != DNS_ADDITIONAL || record->name.len != 1)
        return false;
    ret_edns->udp_size = record->class;
    ret_edns->rcode_high = (uint8_t)(record->ttl >> 24);
    ret_edns->version = (uint8_t)(record->ttl >> 16);
    ret_edns->dnssec_ok = (record->ttl & 0x8000) != 0;
    return true;
}

/* --- building ----------------------------------------------------------------------------- */

void dns_builder_init(struct dns_builder *builder, uint8_t *data, size_t size, uint16_t id,
                      uint16_t flags)
{
    const struct dns_hdr hdr = {.id = id, .flags = flags};

    *builder = (struct dns_builder){.data = data, .size = size, .full = size < DNS_HDR_LEN};
    if (!builder->full)
        builder->len = dns_build(data, &hdr);
}

/* Room for a name and `more` bytes. Writes the name; returns where the rest goes, or NULL. */
static uint8_t *reserve(struct dns_builder *builder, const struct dns_name *name, size_t more)
{
    const bool known = builder->first.len > 1 && dns_name_equal(name, &builder->first);
    const size_t name_len = known ? 2 : name->len;

    if (builder->full || name_len == 0 || builder->size - builder->len < name_len + more) {
        builder->full = true;
        return NULL;
    }
    uint8_t *p = builder->data + builder->len;
    if (known)
        be16_put(p, LABEL_POINTER << 8 | DNS_HDR_LEN);
    else
        memcpy(p, name->b, name_len);
    builder->len += name_len + more;
    return p + name_len;
}

/* One more in the header's count of `section`. */
static void count(struct dns_builder *builder, enum dns_section section)
{
    uint8_t *p = builder->data + 4 + 2 * (size_t)section;
    be16_put(p, (uint16_t)(be16_get(p) + 1));
}

void dns_builder_question(struct dns_builder *builder, const struct dns_name *name, uint16_t type)
{
    const bool is_first = builder->len == DNS_HDR_LEN;
    uint8_t *p = reserve(builder, name, QUESTION_FIXED);

    if (p == NULL)
        return;
    be16_put(p, type);
    be16_put(p + 2, DNS_CLASS_IN);
    if (is_first)
        builder->first = *name;
    count(builder, DNS_QUESTION);
}

void dns_builder_record(struct dns_builder *builder, const struct dns_record *record,
                        const uint8_t *rdata)
{
    uint8_t *p = reserve(builder, &record->name, RECORD_FIXED + (size_t)record->rdata_len);

    if (p == NULL)
        return;
    be16_put(p, record->type);
    be16_put(p + 2, record->class);
    be32_put(p + 4, record->ttl);
    be16_put(p + 8, record->rdata_len);
    if (record->rdata_len > 0)
        memcpy(p + RECORD_FIXED, rdata, record->rdata_len);
    count(builder, record->section);
}

void dns_builder_addr(struct dns_builder *builder, const struct dns_name *name, uint32_t ttl,
                      const struct nst_addr *addr)
{
    const bool v4 = nst_addr_is_v4(addr);
    const struct dns_record record = {.name = *name,
                                      .section = DNS_ANSWER,
                                      .type = v4 ? DNS_TYPE_A : DNS_TYPE_AAAA,
                                      .class = DNS_CLASS_IN,
                                      .ttl = ttl,
                                      .rdata_len = v4 ? 4 : 16};
    dns_builder_record(builder, &record, v4 ? addr->b + 12 : addr->b);
}

void dns_builder_ptr(struct dns_builder *builder, const struct dns_name *name, uint32_t ttl,
                     const struct dns_name *target)
{
    const struct dns_record record = {.name = *name,
                                      .section = DNS_ANSWER,
                                      .type = DNS_TYPE_PTR,
                                      .class = DNS_CLASS_IN,
                                      .ttl = ttl,
                                      .rdata_len = target->len};
    dns_builder_record(builder, &record, target->b);
}

void dns_builder_edns(struct dns_builder *builder, uint16_t udp_size)
{
    const struct dns_record record = {
        .name = {.len = 1}, .section = DNS_ADDITIONAL, .type = DNS_TYPE_OPT, .class = udp_size};
    dns_builder_record(builder, &record, NULL);
}

size_t dns_builder_finish(struct dns_builder *builder)
{
    if (builder->full && builder->len >= DNS_HDR_LEN)
        be16_put(builder->data + 2, be16_get(builder->data + 2) | DNS_TC);
    return builder->len;
}
