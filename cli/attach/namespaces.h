/* SPDX-License-Identifier: Apache-2.0 */
/* How a process gets into namespaces of its own: shared by `nst run` and by what `nst doctor`
 * tries. */
#ifndef NICSTACK_CLI_ATTACH_NAMESPACES_H
#define NICSTACK_CLI_ATTACH_NAMESPACES_H

#include <stdbool.h>
#include <sys/types.h>

/* Whoever makes namespaces: effective ids outside, and how it went. */
struct namespaces_owner {
    uid_t uid;
    gid_t gid;
    bool has_user_namespace; /* ids must be mapped */
    bool wanted_none;        /* root that was refused namespaces without one */
};

/*
 * fork() into new namespaces: 0 in the child, which goes on with a copy of our stack, its process
 * id in the parent, or a negative errno.
 * flags: CLONE_NEW*; and CLONE_NEWUSER is added unless we are root. A program that root runs must
 * be able to change ids, so root makes no user namespace, except where it is root in name only (a
 * container without CAP_SYS_ADMIN). ret_owner: written in both processes.
 */
pid_t namespaces_clone(unsigned long flags, struct namespaces_owner *ret_owner);

/* The same with exactly these flags. */
pid_t namespaces_clone_raw(unsigned long flags);

/*
 * In the child: maps both ids to themselves, all that a user may do without help
 * (user_namespaces(7)). Returns 0 or a negative errno.
 */
int namespaces_map_ids(const struct namespaces_owner *owner);

/* Writes a file such as those of /proc that takes a text in one write or not at all. Returns 0 or a
 * negative errno. */
int namespaces_write_text(const char *path, const char *text);

/* In the child: what is mounted from now on stays in here. Returns 0 or a negative errno. */
int namespaces_make_mounts_private(void);

#endif
