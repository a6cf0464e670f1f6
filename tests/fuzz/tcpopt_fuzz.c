/* SPDX-License-Identifier: Apache-2.0 */
/* TCP options: what parses and is built again, in any space, parses to a part of it. */
#include <string.h>

#include "base/check.h"
#include "wire/tcpopt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tcp_opts opts, again;
    uint8_t out[TCP_OPTIONS_MAX];

    if (size == 0)
        return 0;
    const size_t max = data[0] % (TCP_OPTIONS_MAX + 1);
    tcp_opts_parse(data + 1, size - 1, &opts);
    const size_t len = tcp_opts_build(out, max, &opts);
    CHECK(len <= max && len % 4 == 0 && tcp_opts_build(NULL, max, &opts) == len);
    tcp_opts_parse(out, len, &again);
    CHECK(!again.malformed && (again.present & ~opts.present) == 0);
    if (again.present & TCP_OPTS_TS)
        CHECK(again.ts_val == opts.ts_val && again.ts_ecr == opts.ts_ecr);
    if (again.present & TCP_OPTS_SACK)
        CHECK(again.n_sack <= opts.n_sack && again.sack[0].start == opts.sack[0].start);
    if (again.present & TCP_OPTS_FASTOPEN)
        CHECK(again.cookie_len == opts.cookie_len &&
              memcmp(again.cookie, opts.cookie, opts.cookie_len) == 0);
    return 0;
}
