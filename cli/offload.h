/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel may leave to an interface. */
#ifndef NICSTACK_CLI_OFFLOAD_H
#define NICSTACK_CLI_OFFLOAD_H

/* Lets the kernel hand the interface TCP packets of its MTU only, none that is to be cut yet: as
 * `ethtool -K tso off`. Returns 0 or a negative errno. */
int offload_stop_segments(unsigned ifindex);

#endif
