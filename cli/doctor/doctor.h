/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nst doctor: what of this machine nicstack can use.
 *
 * Theory of operation. A check is a row of a table and a small function that really tries one
 * facility, in a process of its own (doctor_try.h), so that nothing hangs, nothing is left behind
 * and no check changes the world of the next. It fills a result in. What needs another facility
 * that failed is not tried. From the results follows which attachments `nst run` can make
 * (doctor_attach.h).
 *
 * (1) A result that is not DOCTOR_WORKS says why in words, and one change that would help.
 * (2) Names of checks are stable: they are keys of the JSON.
 */
#ifndef NICSTACK_CLI_DOCTOR_DOCTOR_H
#define NICSTACK_CLI_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

enum doctor_status {
    DOCTOR_WORKS,
    DOCTOR_FAILS,
    DOCTOR_UNTESTED, /* what it needs failed */
};

struct doctor_result {
    enum doctor_status status;
    int error;      /* the errno that says why not, or 0 */
    char why[256];  /* what was found, or what refuses; may be "" when it works */
    char help[256]; /* the one change that would help; "" for none */
};

struct doctor_check {
    const char *name;
    void (*run)(struct doctor_result *ret_result);
    const char *needs;        /* names of checks above, with a space between; NULL: nothing */
    unsigned long namespaces; /* CLONE_NEW*: it is tried in there, as `nst run` would; 0: outside */
    bool is_unused;           /* nicstack does not use it yet */
};

/* The checks of one file. */
struct doctor_group {
    const char *name;
    const struct doctor_check *checks;
    size_t count;
};

extern const struct doctor_group doctor_namespaces, doctor_tun, doctor_packet, doctor_seccomp,
    doctor_kernel, doctor_host, doctor_limits, doctor_libraries;

/* It works; format and arguments (printf's) are its why. */
void doctor_works(struct doctor_result *ret_result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * It fails.
 * error: a positive errno, or 0. help: the change, a plain text. format: its why.
 */
void doctor_fails(struct doctor_result *ret_result, int error, const char *help, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

#endif
