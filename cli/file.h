/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files. */
#ifndef NICSTACK_CLI_FILE_H
#define NICSTACK_CLI_FILE_H

#include <stddef.h>

/* All of a file, "-" is stdin, to be freed; NULL: errno tells why not. */
char *file_read(const char *name, size_t *ret_len);

#endif
