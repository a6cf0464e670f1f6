/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program in namespaces of its own and hands back the other end of its network: the process
 * side of `nst run`.
 *
 *     nst (host's namespaces) --control line--> init (process 1) --leash--> PROGRAM
 *      ^----------------- descriptors of the link ---'
 *
 * Theory of operation. attach_start() clones init straight into new network, mount and process id
 * namespaces (and a user namespace when not root). Init forks the program, which waits, then makes
 * the interface and sends its descriptors over the control line, sets addresses, resolv.conf and
 * /proc up, and says that it is ready. attach_release() lets the program exec, so that whoever
 * serves the link misses no packet. The owner polls event_fd beside the link and calls attach_run()
 * when it is readable.
 *
 * Life: attach_start -> (attach_release -> attach_run ... until 1 -> attach_status) -> attach_fini.
 *
 * (1) nst never enters another namespace.
 * (2) No descriptor of nst survives exec; only nst holds its end of the control line.
 * (3) Whichever of nst, init and the program dies first, by whatever signal, no process, namespace,
 *     interface or mount is left: init ends with nst, every process with init, and the rest with
 *     the last process and the last descriptor of the link.
 * (4) nst stops when the program was stopped, and goes on with it.
 *
 * The ways to attach in namespaces are rows in the table of attach_child.c. Where namespaces are
 * refused it goes by seccomp notification (attach_notify.c): init is in the host's namespaces then,
 * both it and nst are child subreapers, and end what comes from the program one by one. (3) holds
 * but for a killed nst whose init is killed at the same moment.
 *
 * Not done: sysfs inside shows the host's interfaces.
 */
#ifndef NICSTACK_CLI_ATTACH_ATTACH_H
#define NICSTACK_CLI_ATTACH_ATTACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "attach/attach_link.h"
#include "attach/attach_text.h"
#include "attach/signals.h"

enum {
    ATTACH_MAX_QUEUES = 16,
    ATTACH_DEFAULT_MTU = 65520,
    ATTACH_EXIT_FAILED = 125, /* our own failure */
    ATTACH_EXIT_NOT_EXECUTABLE = 126,
    ATTACH_EXIT_NOT_FOUND = 127,
    ATTACH_EXIT_SIGNAL = 128, /* and the signal's number */
};

/* What to run and how its network looks. Zeros give the defaults. The strings are used during start
 * only. */
struct attach_options {
    char *const
        *argv;    /* the program and its arguments, NULL-terminated; until attach_start returns */
    uint32_t mtu; /* bytes; 0: ATTACH_DEFAULT_MTU */
    const char *address;  /* "10.0.2.15/24" */
    const char *gateway;  /* "10.0.2.2" */
    const char *dns;      /* "10.0.2.3" */
    const char *address6; /* NULL: no IPv6 address; "fd00:0:0:2::15/64" */
    const char *gateway6; /* NULL: no IPv6 default route */
    const char *dns6;     /* NULL: none */
    unsigned queues;      /* of the link, 1 to ATTACH_MAX_QUEUES; 0: 1 */
    bool single_segments; /* the program's kernel sends packets of the MTU, not larger ones */
    const char *method;   /* "tun", "veth" or "notify"; NULL: the first that works */
    bool no_vnet_hdr;     /* bare packets: no virtio-net header and no offloads */
    bool verbose; /* print what is done without, and how the program is attached, to stderr */
};

struct attach {
    const char *how;                /* "tun", "veth" or "notify" */
    enum attach_kind kind;          /* what comes out of the descriptors */
    int link_fd[ATTACH_MAX_QUEUES]; /* non-blocking; whoever takes one over sets it to -1 here */
    unsigned link_count;
    unsigned vnet_hdr_len; /* bytes of virtio-net header before each packet: 10, or 0 */
    unsigned offload;      /* TUN_F_* that the kernel accepted: what may arrive unfinished */
    int listener_fd;       /* by notify, instead of a link (notify.h); else -1 */
    int event_fd;          /* readable: call attach_run() */
    pid_t init_pid;        /* whose end is the program's; attach_fini() kills it */

    /* private */
    int control_fd;
    int wake_fd; /* becomes readable after the program was continued; suspend() */
    struct signals signals;
    char program[128];
    int terminal_fd; /* what is given back at the end; -1: it was not ours */
    bool has_ended;
    bool is_verbose;
    enum attach_step failed_step; /* during start */
    uint64_t born;                /* by notify, when init was: descendants.h */
    int stopped_by; /* the signal that stopped the program, until nst stopped too; or 0 */
    int status;
    char message[ATTACH_TEXT_SIZE];
};

/* Is there a way to attach of this name? */
bool attach_has_method(const char *name);

/*
 * Makes the namespaces, the link and the program's process, which waits. Call it before anything
 * else touches signals or RLIMIT_NOFILE (raised here): the program gets what holds now. The calling
 * process must have one thread. ret_message: on failure, one sentence without a newline. Returns 0,
 * or a negative errno with everything undone; -EACCES, -ENOENT and -EPERM ask for another way to
 * attach.
 */
int attach_start(const struct attach_options *options, char ret_message[ATTACH_TEXT_SIZE],
                 struct attach *ret_attach);

/* Lets the program go. Returns 0 or a negative errno (-EPIPE: it was killed meanwhile; attach_run
 * tells). */
int attach_release(struct attach *attach);

/*
 * Serves event_fd: passes signals on, stops nst along with the program (this call returns when it
 * goes on), and learns of its end. Never blocks otherwise. Returns 1 once the program has ended,
 * else 0.
 */
int attach_run(struct attach *attach);

/* Sends a signal to the program. Returns 0 or a negative errno (-EPIPE: it is gone). */
int attach_signal(struct attach *attach, int signal);

/* The exit status that nst should have; ATTACH_EXIT_FAILED while attach_run() has not returned 1.
 */
int attach_status(const struct attach *attach);

/* The sentence that goes with a status of 125 to 127 that is ours and not the program's; else NULL.
 */
const char *attach_message(const struct attach *attach);

/* Ends the program if it still runs, and everything else: closes the link, waits for init,
 * restores. */
void attach_fini(struct attach *attach);

#endif
