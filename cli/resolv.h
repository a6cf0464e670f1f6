/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the programs of this mount namespace ask our DNS server: /etc/resolv.conf is covered, and
 * the sockets by which the C library would ask a daemon of the host instead are hidden.
 * /etc/nsswitch.conf is left alone.
 *
 * Theory of operation. A tmpfs, mounted for a moment where it is in nobody's way, carries what is
 * bound elsewhere, and is then lazily unmounted: the binds keep it. Three cases, by where
 * /etc/resolv.conf leads: a file                         our file is bound over it; nowhere, in a
 * hidden directory our file is written into the tmpfs that hides it; nowhere the deepest directory
 * that exists is covered by a tmpfs in which each old entry is bound again, and our file is written
 * there. The host's search domains and options are kept. Not done: a host that replaces
 * /etc/resolv.conf by rename meanwhile detaches the bind (Linux does).
 */
#ifndef NICSTACK_CLI_RESOLV_H
#define NICSTACK_CLI_RESOLV_H

enum {
    RESOLV_MAX_SERVERS = 3,
    RESOLV_SERVER_SIZE = 46
};

struct resolv_servers {
    unsigned count;
    char text[RESOLV_MAX_SERVERS][RESOLV_SERVER_SIZE]; /* addresses */
};

/*
 * Covers and hides, in the mount namespace of the caller, whose mounts must be private.
 * ret_hide_error: 0, or the positive errno for which a socket could not be hidden.
 * Returns 0 or a negative errno: /etc/resolv.conf is the host's.
 */
int resolv_cover(const struct resolv_servers *servers, int *ret_hide_error);

#endif
