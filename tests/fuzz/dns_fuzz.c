/* SPDX-License-Identifier: Apache-2.0 */
/* DNS: walks end and stay inside; names survive their text. */
#include <string.h>

#include "base/check.h"
#include "wire/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_iter iter;
    struct dns_record record;
    struct dns_name name;
    struct dns_edns edns;
    struct nst_addr addr;
    char text[DNS_NAME_TEXT];

    if (!dns_iter_init(data, size, &iter))
        return 0;
    while (dns_next(&iter, &record)) {
        CHECK(record.rdata + record.rdata_len <= size);
        dns_record_addr(data, &record, &addr);
        dns_record_edns(&record, &edns);
        CHECK(dns_name_from_text(dns_name_to_text(&record.name, text, sizeof(text)), &name));
        CHECK(name.len == record.name.len && memcmp(name.b, record.name.b, name.len) == 0);
        if (dns_name_to_addr(&name, &addr)) {
            dns_name_from_addr(&addr, &name);
            /* A v4-mapped address under ip6.arpa comes back as one under in-addr.arpa. */
            CHECK(nst_addr_is_v4(&addr) || dns_name_equal(&name, &record.name));
        }
    }
    return 0;
}
