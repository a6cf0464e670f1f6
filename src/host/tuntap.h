/* SPDX-License-Identifier: Apache-2.0 */
/* What the loop needs of a TUN or TAP link. */
#ifndef NICSTACK_SRC_HOST_TUNTAP_H
#define NICSTACK_SRC_HOST_TUNTAP_H

#include <nicstack/link.h>

int tuntap_fd(const struct nst_link *link);

#endif
