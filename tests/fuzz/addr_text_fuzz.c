/* SPDX-License-Identifier: Apache-2.0 */
/* Text to address: no byte behind the NUL is read, what the host's inet_pton takes is taken, and
 * format and parse are inverse. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <nicstack/types.h>

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct nst_addr addr, again, host;
    char out[NST_ADDR_TEXT];
    CHECK(text);
    memcpy(text, data, size);
    text[size] = '\0';
    bool ok = nst_addr_parse(text, &addr) == 0;
    struct nst_addr v4 = nst_addr_v4(0, 0, 0, 0);
    if (inet_pton(AF_INET, text, v4.b + 12) == 1)
        CHECK(ok && nst_addr_equal(&addr, &v4));
    else if (inet_pton(AF_INET6, text, host.b) == 1)
        CHECK(ok && nst_addr_equal(&addr, &host));
    else
        CHECK(!ok);
    if (ok) {
        nst_addr_format(&addr, out, sizeof(out));
        CHECK(nst_addr_parse(out, &again) == 0 && nst_addr_equal(&addr, &again));
    }
    free(text);
    return 0;
}
