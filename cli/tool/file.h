/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files. */
#ifndef NICSTACK_CLI_TOOL_FILE_H
#define NICSTACK_CLI_TOOL_FILE_H

#include <stddef.h>
#include <stdint.h>

#define FILE_ANY_SIZE (SIZE_MAX / 2)

/* All of a file, "-" is stdin, with a NUL behind it, to be freed. NULL: errno tells why not, EFBIG
 * that it is longer than `max`. */
char *file_read(const char *name, size_t max, size_t *ret_len);

#endif
