/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of a script: arguments as the script writes them to what kernel.h takes, and back.
 */
#ifndef NICSTACK_SRC_SCRIPT_CALL_H
#define NICSTACK_SRC_SCRIPT_CALL_H

#include "script/run.h"

#define CALL_BUFFER_MAX (64u << 20) /* bytes that one call may move */

/* One call by name. `make` is called again with the same arguments while it gives KERNEL_WAIT;
 * `check` compares what it wrote, after a result that was expected. */
struct call_entry {
    const char *name;
    uint32_t least, most; /* arguments */
    int64_t (*make)(struct call *c);
    bool (*check)(struct call *c, int64_t result); /* NULL: it writes nothing */
    bool opens;                                    /* the result is a descriptor */
};

/* The tables, each of which ends with a NULL name. */
extern const struct call_entry call_socket_table[];
extern const struct call_entry call_data_table[];
extern const struct call_entry call_option_table[];
extern const struct call_entry call_poll_table[];

/* ---- Arguments ---- */

/* The n-th, or NULL. */
const struct script_value *call_arg(const struct call *c, unsigned n);
/* A field of a struct by name; NULL: it has none. */
const struct script_value *call_field(const struct script_value *v, const char *name);
/* The number of a value (htons() and its kin too). False: it is none, and the call is at fault. */
bool call_number(struct call *c, const struct script_value *v, int64_t *ret_number);
/* The same of the n-th argument; `otherwise` where there is none or it is "...". */
int64_t call_int(struct call *c, unsigned n, int64_t otherwise);
/* Our descriptor of the script's in argument n; a number that nobody has for one not known. */
int call_fd(struct call *c, unsigned n);
int call_map_fd(const struct call *c, int64_t script_fd);
/* The value cannot be what the call needs: `what` says what would. Gives -EINVAL. */
int call_blame(struct call *c, const struct script_value *v, const char *what);

/* `size` bytes that stay over tries: the same at the same turn of each. Zeros at first. */
void *call_slot(struct call *c, size_t size);
/* What a string, or "...", of argument v gives as `len` bytes of data. */
void *call_data(struct call *c, const struct script_value *v, size_t len);

/* ---- Addresses ---- */
enum call_whose {
    CALL_LOCAL,  /* "..." is the local address and --bind_port */
    CALL_REMOTE, /* "..." is the remote address and --connect_port */
};
/* The address in v, into a slot; NULL for a number 0, or a fault. */
struct sockaddr *call_address(struct call *c, const struct script_value *v, enum call_whose whose,
                              socklen_t *ret_len);
/* inet_addr("1.2.3.4"), inet6_addr("::1"), inet_pton(AF_INET6, "::1"), a number; "..." is the local
 * address. False: it is none, and the call is at fault. */
bool call_ip(struct call *c, const struct script_value *v, struct nst_addr *ret_addr);
/* Compares an address that was written with what the script has ("...": anything). */
bool call_check_address(struct call *c, const struct script_value *v, const struct sockaddr *addr);

/* ---- Control messages: msg_control of the msghdr in argument 1 ---- */
/* Those of the script, for a send. */
void call_control_put(struct call *c, struct msghdr *msg);
/* Room for those that the script awaits. */
void call_control_room(struct call *c, struct msghdr *msg);
/* Compares what came, in order. */
bool call_control_check(struct call *c, struct msghdr *msg);

/* ---- Checks of what was written; false: the script has failed ---- */
bool call_check_number(struct call *c, const struct script_value *v, const char *what, int64_t got);
/* The same of a field of a struct, which is called as it is. */
bool call_check_field(struct call *c, const struct script_value *v, const char *name, int64_t got);
/* Two numbers that are not the same: the script has failed. */
bool call_differ_number(struct call *c, const struct script_value *v, const char *what,
                        int64_t want, int64_t got);
bool call_check_text(struct call *c, const struct script_value *v, const void *got, size_t len);

#endif
