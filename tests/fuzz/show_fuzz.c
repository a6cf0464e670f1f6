/* SPDX-License-Identifier: Apache-2.0 */
/* Text of packets: always bounded, terminated and printable. */
#include <string.h>

#include "base/check.h"
#include "wire/show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[SHOW_TEXT];

    if (size == 0)
        return 0;
    const size_t room = data[0] & 1 ? sizeof(text) : 1 + (size_t)data[0];
    if (data[0] & 2)
        show_eth(data + 1, size - 1, text, room);
    else
        show_ip(data + 1, size - 1, text, room);
    const char *end = memchr(text, 0, room);
    CHECK(end != NULL);
    for (const char *c = text; c < end; c++)
        CHECK(*c >= ' ' && *c < 127);
    return 0;
}
