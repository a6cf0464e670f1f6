/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to an instance, of any bytes: what is taken can be written and read again. */
#include <stdlib.h>
#include <string.h>

#include "instance/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = malloc(size + 1), *again = malloc(4 * size + 64);
    struct request request, back;
    if (line == NULL || again == NULL)
        abort();
    memcpy(line, data, size);
    line[size] = '\0';
    if (request_parse(line, &request)) {
        struct request_line out;
        uint64_t number;
        request_begin(&out, again, 4 * size + 64, request.word);
        for (unsigned i = 0; i < request.count; i++) {
            request_put(&out, request.fields[i].key, request.fields[i].value);
            request_get_number(&request, request.fields[i].key, 0, &number);
        }
        if (!request_end(&out))
            abort();
        again[strlen(again) - 1] = '\0';
        if (!request_parse(again, &back) || back.count != request.count)
            abort();
        for (unsigned i = 0; i < back.count; i++)
            if (strcmp(back.fields[i].value, request.fields[i].value) != 0)
                abort();
    }
    free(line);
    free(again);
    return 0;
}
