/* SPDX-License-Identifier: Apache-2.0 */
/* Names of addresses: see names.h. */
#include "run/names.h"

#include <stdlib.h>
#include <string.h>

#include "wire/dns.h"

static size_t slot_of(const struct nst_addr *addr)
{
    uint64_t h = addr->q[0] * 0x9e3779b97f4a7c15u ^ addr->q[1];
    h = (h ^ h >> 32) * 0xbf58476d1ce4e5b9u; /* the address is in the upper half */
    return (size_t)(h >> 32) % NAMES_SLOTS;
}

static void keep(struct names *names, const struct nst_addr *addr, const char *name)
{
    const size_t i = slot_of(addr);
    char *copy = strdup(name);
    if (copy == NULL)
        return;
    free(names->slots[i].name);
    names->slots[i].name = copy;
    names->slots[i].addr = *addr;
}

static bool is_good_answer(const uint8_t *message, size_t len)
{
    struct dns_hdr hdr;
    return dns_parse(message, len, &hdr) != 0 && (hdr.flags & DNS_QR) != 0 &&
           (hdr.flags & DNS_RCODE) == DNS_NOERROR && hdr.count[DNS_QUESTION] == 1;
}

void names_learn(struct names *names, const uint8_t *message, size_t len)
{
    struct dns_iter iter;
    struct dns_record record;
    struct nst_addr addr;
    char name[DNS_NAME_TEXT];
    if (!is_good_answer(message, len) || !dns_iter_init(message, len, &iter) ||
        !dns_next(&iter, &record) || record.section != DNS_QUESTION)
        return;
    dns_name_to_text(&record.name, name, sizeof(name));
    while (dns_next(&iter, &record))
        if (record.section == DNS_ANSWER && dns_record_addr(message, &record, &addr))
            keep(names, &addr, name);
}

const char *names_lookup(const struct names *names, const struct nst_addr *addr)
{
    const size_t i = slot_of(addr);
    return names->slots[i].name != NULL && nst_addr_equal(&names->slots[i].addr, addr)
               ? names->slots[i].name
               : NULL;
}

void names_fini(struct names *names)
{
    for (size_t i = 0; i < NAMES_SLOTS; i++)
        free(names->slots[i].name);
    memset(names, 0, sizeof(*names));
}
