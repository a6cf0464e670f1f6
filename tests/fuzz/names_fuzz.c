/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of name servers: what is learned of any bytes is text that ends, and all of it is freed.
 */
#include <string.h>

#include "base/check.h"
#include "run/names.h"
#include "wire/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct names names;
    names_learn(&names, data, size);
    for (size_t i = 0; i < NAMES_SLOTS; i++) {
        const char *name = names.slots[i].name;
        CHECK(name == NULL || strlen(name) < DNS_NAME_TEXT);
        CHECK(name == NULL || names_lookup(&names, &names.slots[i].addr) == name);
    }
    names_fini(&names);
    return 0;
}
