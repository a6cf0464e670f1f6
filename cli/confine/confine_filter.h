/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter of confine.h. */
#ifndef NICSTACK_CLI_CONFINE_CONFINE_FILTER_H
#define NICSTACK_CLI_CONFINE_CONFINE_FILTER_H

#include "confine/confine.h"

/* Whether this build can have one at all; otherwise the sentence says why and what to do. */
const char *confine_filter_lack(void);

/*
 * Installs it. no_new_privs must be set.
 * ret_count: how many rules it has. Returns 0, or a negative errno with nothing installed.
 */
int confine_filter_install(const struct confine_options *options, unsigned *ret_count);

#endif
