/* SPDX-License-Identifier: Apache-2.0 */
/* Words of the command line: what a parser takes lies in its range, and nothing else is written. */
#include <string.h>

#include "base/check.h"
#include "run/publish.h"
#include "tool/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_publish(const char *text)
{
    struct publish_spec spec = {0};
    if (publish_parse(text, &spec) != NULL) {
        CHECK(spec.count == 0);
        return;
    }
    CHECK(spec.count >= 1 && spec.guest >= 1 && nst_addr_is_v4(&spec.addr));
    CHECK(spec.guest + spec.count - 1 <= 65535 && spec.host + spec.count - 1 <= 65535);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[256];
    nst_time time;
    uint64_t number;
    uint32_t ppm;
    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    CHECK(!units_parse_time(text, &time) || (time >= 0 && time <= 3600 * NST_SEC));
    CHECK(!units_parse_rate(text, &number) || (number >= 1 && number <= INT64_MAX));
    CHECK(!units_parse_percent(text, &ppm) || ppm <= 1000000);
    (void)units_parse_size(text, &number);
    check_publish(text);
    return 0;
}
