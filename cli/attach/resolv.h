/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the programs of this mount namespace ask our DNS server: /etc/resolv.conf is covered, and
 * the sockets by which the C library would ask a daemon of the host instead are hidden.
 * /etc/nsswitch.conf is left alone.
 *
 * Theory of operation. A tmpfs, mounted for a moment where it is in nobody's way, carries what is
 * bound elsewhere, and is then lazily unmounted: the binds keep it. The host's search domains and
 * options are kept. Where /etc/resolv.conf leads decides how it is covered:
 *
 * (1) to a file: ours is bound over it;
 * (2) to nothing in a directory that is hidden anyway: ours is written into what hides it;
 * (3) to nothing elsewhere: the deepest directory that exists is covered by a copy in which each
 * old entry is bound again, and ours is written there.
 *
 * Not done: a host that replaces /etc/resolv.conf by rename meanwhile detaches the bind, as it does
 * any bind of any container.
 */
#ifndef NICSTACK_CLI_ATTACH_RESOLV_H
#define NICSTACK_CLI_ATTACH_RESOLV_H

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
