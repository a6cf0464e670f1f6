/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/attach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach/attach_child.h"
#include "attach/attach_notify.h"
#include "attach/control.h"
#include "attach/descendants.h"
#include "attach/namespaces.h"
#include "attach/terminal.h"
#include "tool/descriptors.h"

_Static_assert((int)ATTACH_MAX_QUEUES == (int)ATTACH_LINK_MAX_QUEUES &&
                   (int)ATTACH_MAX_QUEUES == (int)CONTROL_MAX_FDS,
               "a link's descriptors travel in one record");

bool attach_has_method(const char *name)
{
    return strcmp(name, "notify") == 0 || attach_child_find_method(name) >= 0;
}

static const char *or_default(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

/* Parses "ADDRESS/PREFIX" and a gateway (or NULL). Returns 0 or -EINVAL. */
static int parse_network(int family, const char *address, const char *gateway,
                         struct netlink_network *ret_network)
{
    struct netlink_network network = {.family = family};
    char text[64];
    char *end;
    const char *slash = strchr(address, '/');
    if (!slash || (size_t)(slash - address) >= sizeof(text) || slash[1] < '0' || slash[1] > '9')
        return -EINVAL;
    snprintf(text, sizeof(text), "%.*s", (int)(slash - address), address);
    unsigned long prefix = strtoul(slash + 1, &end, 10);
    if (*end != '\0' || prefix > (family == AF_INET6 ? 128 : 32))
        return -EINVAL;
    network.prefix = (uint8_t)prefix;
    if (inet_pton(family, text, network.address) != 1 ||
        (gateway && inet_pton(family, gateway, network.gateway) != 1))
        return -EINVAL;
    *ret_network = network;
    return 0;
}

static int add_server(int family, const char *text, struct resolv_servers *servers)
{
    uint8_t bytes[16];
    if (strlen(text) >= RESOLV_SERVER_SIZE || inet_pton(family, text, bytes) != 1)
        return -EINVAL;
    memcpy(servers->text[servers->count++], text, strlen(text) + 1);
    return 0;
}

static int parse_options(const struct attach_options *options, struct attach_config *config)
{
    config->mtu = options->mtu ? options->mtu : ATTACH_DEFAULT_MTU;
    config->queues = options->queues ? options->queues : 1;
    config->vnet_hdr = !options->no_vnet_hdr;
    config->single_segments = options->single_segments;
    config->by_notify = options->method != NULL && strcmp(options->method, "notify") == 0;
    config->method = options->method && !config->by_notify
                         ? attach_child_find_method(options->method)
                         : ATTACH_CHILD_ANY;
    if (!options->argv || !options->argv[0] || config->queues > ATTACH_MAX_QUEUES ||
        config->method < ATTACH_CHILD_ANY)
        return -EINVAL;
    int error = parse_network(AF_INET, or_default(options->address, "10.0.2.15/24"),
                              or_default(options->gateway, "10.0.2.2"), &config->networks[0]);
    if (error == 0 && options->address6)
        error = parse_network(AF_INET6, options->address6, options->gateway6, &config->networks[1]);
    if (error == 0)
        error = add_server(AF_INET, or_default(options->dns, "10.0.2.3"), &config->servers);
    if (error == 0 && options->dns6)
        error = add_server(AF_INET6, options->dns6, &config->servers);
    return error;
}

/* The control line, and the one whose news wakes a stopped nst. */
static int open_lines(int ret_control[2], int ret_wake[2])
{
    int error = control_pair(ret_control);
    if (error < 0)
        return error;
    error = control_pair(ret_wake);
    if (error < 0) {
        close(ret_control[0]);
        close(ret_control[1]);
    }
    return error;
}

/* Clones init, which never returns from here. */
static int spawn(struct attach *attach, struct attach_config *config, enum attach_step *ret_step)
{
    int fds[2], wake[2];
    int error = open_lines(fds, wake);
    *ret_step = ATTACH_STEP_FORK;
    if (error < 0)
        return error;
    *ret_step = ATTACH_STEP_NAMESPACES;
    config->program.wake_fd = wake[1];
    pid_t pid = config->by_notify
                    ? namespaces_clone_raw(0)
                    : namespaces_clone(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID, &config->owner);
    if (pid == 0) {
        close(fds[0]);
        close(wake[0]);
        if (config->by_notify)
            attach_notify_run(config, fds[1]);
        attach_child_run(config, fds[1]);
    }
    close(fds[1]);
    close(wake[1]);
    attach->control_fd = fds[0];
    attach->wake_fd = wake[0];
    if (pid < 0)
        return pid;
    attach->init_pid = pid;
    attach->born = config->by_notify ? descendants_birth(pid) : 0;
    return 0;
}

static void describe(struct attach *attach, enum attach_step step, int error)
{
    attach->failed_step = step;
    attach_text_describe(step, error, attach->program, NULL, attach->message);
}

static void print_note(const struct attach *attach, const struct control_record *record)
{
    char text[ATTACH_TEXT_SIZE];
    enum attach_step step = (enum attach_step)record->a;
    if (!attach->is_verbose && !attach_text_is_warning(step))
        return;
    attach_text_describe(step, record->b, attach->program,
                         record->c > 0 ? attach_child_method_name(record->c) : NULL, text);
    fprintf(stderr, "nst: %s\n", text);
}

static void take_link(struct attach *attach, const struct control_record *record, const int *fds,
                      size_t count)
{
    attach->how = attach_child_method_name(record->a);
    attach->kind = attach_child_method_kind(record->a);
    attach->vnet_hdr_len = (unsigned)record->b;
    attach->offload = (unsigned)record->c;
    attach->link_count = (unsigned)count;
    memcpy(attach->link_fd, fds, count * sizeof(*fds));
}

static int take_listener(struct attach *attach, const struct control_record *record)
{
    int fd = attach_notify_take_listener(record->c, record->b);
    if (fd < 0) {
        describe(attach, ATTACH_STEP_LISTENER, -fd);
        return fd;
    }
    attach->how = "notify";
    attach->kind = ATTACH_KIND_NOTIFY;
    attach->listener_fd = fd;
    return 0;
}

/* Reads what init reports until it is ready. Returns 0, or a negative errno with the message
 * written. */
static int await_ready(struct attach *attach)
{
    for (;;) {
        struct control_record record;
        int fds[CONTROL_MAX_FDS];
        size_t count;
        int received = control_receive(attach->control_fd, 0, &record, fds, &count);
        if (received <= 0) {
            describe(attach, ATTACH_STEP_INIT_DIED, received < 0 ? -received : EPIPE);
            return received < 0 ? received : -EPIPE;
        }
        switch (record.kind) {
        case CONTROL_NOTE:
            print_note(attach, &record);
            break;
        case CONTROL_READY:
            if (record.a == ATTACH_NOTIFY_METHOD)
                return take_listener(attach, &record);
            take_link(attach, &record, fds, count);
            return 0;
        case CONTROL_FAILED:
            describe(attach, (enum attach_step)record.a, record.b);
            return -record.b;
        default: /* the program cannot end or stop before this: its end is told after */
            break;
        }
    }
}

/* Joins control line and signals in one descriptor. */
static int open_events(struct attach *attach)
{
    int fds[] = {attach->control_fd, attach->signals.fd};
    attach->event_fd = epoll_create1(EPOLL_CLOEXEC);
    if (attach->event_fd < 0)
        return -errno;
    for (size_t i = 0; i < 2; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};
        if (epoll_ctl(attach->event_fd, EPOLL_CTL_ADD, fds[i], &event) < 0)
            return -errno;
    }
    return 0;
}

/* One way to start. On failure the message is written. */
static int start_once(struct attach *attach, struct attach_config *config)
{
    if (config->by_notify)
        prctl(PR_SET_CHILD_SUBREAPER, 1); /* whoever is left when init is killed comes to nst */
    enum attach_step step;
    int error = spawn(attach, config, &step);
    if (error < 0) {
        describe(attach, step, -error);
        return error;
    }
    error = open_events(attach);
    if (error < 0) {
        describe(attach, ATTACH_STEP_PREPARE, -error);
        return error;
    }
    return await_ready(attach);
}

/* Whether what failed was namespaces, and not what was made in them. */
static bool are_namespaces_refused(const struct attach *attach)
{
    return attach->failed_step == ATTACH_STEP_NAMESPACES ||
           attach->failed_step == ATTACH_STEP_IDS ||
           attach->failed_step == ATTACH_STEP_PRIVATE_MOUNTS;
}

static void close_if_open(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Ends init and the program, with everything that comes from it. */
static void stop_init(struct attach *attach)
{
    close_if_open(&attach->listener_fd);
    close_if_open(&attach->control_fd);
    close_if_open(&attach->wake_fd);
    if (attach->init_pid > 0) {
        /* End of file is enough for an init that runs; one that somebody stopped needs more. */
        kill(attach->init_pid, SIGKILL);
        while (waitpid(attach->init_pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        attach->init_pid = 0;
    }
    if (attach->born != 0)
        descendants_kill(attach->born);
    close_if_open(&attach->event_fd);
}

/* The same without namespaces, after they were refused. On failure the message tells both. */
static int start_by_notify(struct attach *attach, struct attach_config *config)
{
    char refused[ATTACH_TEXT_SIZE];
    memcpy(refused, attach->message, sizeof(refused));
    if (attach->is_verbose)
        fprintf(stderr, "nst: %s\n", refused);
    stop_init(attach);
    attach->message[0] = '\0';
    config->by_notify = true;
    int error = start_once(attach, config);
    if (error < 0) {
        char text[ATTACH_TEXT_SIZE];
        memcpy(text, attach->message, sizeof(text));
        snprintf(attach->message, sizeof(attach->message), "%.300s; and %.300s", refused, text);
    }
    return error;
}

/* The part of start after the signals are ours. On failure the message is written. */
static int start(struct attach *attach, struct attach_config *config, bool may_choose)
{
    descriptors_raise_limit(&config->program.descriptors);
    int error = start_once(attach, config);
    if (error < 0 && may_choose && are_namespaces_refused(attach))
        error = start_by_notify(attach, config);
    return error;
}

/* And what this way does not cover. */
static void say_how(const struct attach *attach)
{
    fprintf(stderr, "nst: attached by %s\n", attach->how);
    if (attach->kind == ATTACH_KIND_NOTIFY)
        fprintf(stderr, "nst: notify covers TCP, UDP and ping of 64-bit programs; raw sockets are "
                        "refused, and interfaces, processes and files are the host's\n");
}

int attach_start(const struct attach_options *options, char ret_message[ATTACH_TEXT_SIZE],
                 struct attach *ret_attach)
{
    struct attach attach = {
        .event_fd = -1,
        .listener_fd = -1,
        .control_fd = -1,
        .wake_fd = -1,
        .terminal_fd = -1,
        .is_verbose = options->verbose,
    };
    struct attach_config config = {.program.argv = options->argv};
    attach.status = ATTACH_EXIT_FAILED;
    int error = parse_options(options, &config);
    if (error < 0) {
        attach_text_describe(ATTACH_STEP_OPTIONS, -error, "", NULL, ret_message);
        return error;
    }
    snprintf(attach.program, sizeof(attach.program), "%s", options->argv[0]);
    descriptors_reserve_standard();
    error = signals_start(&attach.signals);
    if (error < 0) {
        attach_text_describe(ATTACH_STEP_PREPARE, -error, "", NULL, ret_message);
        return error;
    }
    attach.terminal_fd = terminal_open_ours();
    config.program.signals = &attach.signals;
    error = start(&attach, &config, options->method == NULL);
    if (error < 0) {
        memcpy(ret_message, attach.message, ATTACH_TEXT_SIZE);
        attach_fini(&attach);
        setrlimit(RLIMIT_NOFILE, &config.program.descriptors);
        return error;
    }
    if (attach.is_verbose)
        say_how(&attach);
    *ret_attach = attach;
    return 0;
}

static int command(struct attach *attach, enum control_kind kind, int signal)
{
    struct control_record record = {.kind = kind, .a = signal};
    return control_send(attach->control_fd, &record, NULL, 0, MSG_DONTWAIT);
}

int attach_release(struct attach *attach)
{
    return command(attach, CONTROL_GO, 0);
}

int attach_signal(struct attach *attach, int signal)
{
    return command(attach, CONTROL_SIGNAL, signal);
}

static void end(struct attach *attach, int status)
{
    attach->has_ended = true;
    attach->status = status;
}

static void note_exec_failed(struct attach *attach, int error)
{
    describe(attach, ATTACH_STEP_EXEC, error);
    end(attach, error == ENOENT ? ATTACH_EXIT_NOT_FOUND : ATTACH_EXIT_NOT_EXECUTABLE);
}

static int status_of(int wait_status)
{
    return WIFSIGNALED(wait_status) ? ATTACH_EXIT_SIGNAL + WTERMSIG(wait_status)
                                    : WEXITSTATUS(wait_status);
}

/* Takes one record of init in. Returns false when there is none, or none to come. */
static bool handle_record(struct attach *attach)
{
    struct control_record record;
    int received = control_receive(attach->control_fd, MSG_DONTWAIT, &record, NULL, NULL);
    if (received == -EAGAIN)
        return false;
    if (received <= 0) {
        describe(attach, ATTACH_STEP_INIT_DIED, EPIPE);
        end(attach, ATTACH_EXIT_FAILED);
    } else if (record.kind == CONTROL_EXEC_FAILED) {
        note_exec_failed(attach, record.b);
    } else if (record.kind == CONTROL_EXITED) {
        end(attach, status_of(record.a));
    } else if (record.kind == CONTROL_STOPPED) {
        attach->stopped_by = record.a;
    } else if (record.kind == CONTROL_CONTINUED) {
        attach->stopped_by = 0;
    }
    return !attach->has_ended;
}

static void handle_records(struct attach *attach)
{
    while (!attach->has_ended && handle_record(attach))
        continue;
}

/* Lets what init sends on the wake line send us a SIGCONT, or no longer: what wakes us when the
 * program alone goes on. So does init's end. */
static void arm_wake_up(struct attach *attach, bool armed)
{
    int flags = fcntl(attach->wake_fd, F_GETFL);
    fcntl(attach->wake_fd, F_SETOWN, getpid());
    fcntl(attach->wake_fd, F_SETSIG, armed ? SIGCONT : 0);
    fcntl(attach->wake_fd, F_SETFL, armed ? flags | O_ASYNC : flags & ~O_ASYNC);
}

/* What woke us before, or needed not, makes room. */
static void drain_wake_line(struct attach *attach)
{
    struct control_record record;
    while (control_receive(attach->wake_fd, MSG_DONTWAIT, &record, NULL, NULL) > 0)
        continue;
}

static bool is_pending(int signal)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, signal) == 1;
}

/*
 * Stops nst as the program was stopped, so that the shell sees it, until someone continues either.
 * The stop signal is made pending before the last look for news: a SIGCONT that comes after the
 * look takes it back, because the kernel drops pending stops then. So no continuation is slept
 * through. One that came before the look has taken it back as well: then nothing is done, and
 * stopped_by says whether to try again.
 *
 * It is the wake line that sends SIGCONT, and not the control line: the kernel signals after it
 * queued, so a record that tells of a stop may be read, and slept upon, before its own signal
 * comes, which would wake nst for nothing. On the wake line init speaks after a continuation only,
 * and has done so before it tells of the next stop.
 */
static void suspend(struct attach *attach)
{
    const struct timespec at_once = {0};
    int signal = signals_stop_like(attach->stopped_by);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    drain_wake_line(attach);
    arm_wake_up(attach, true);
    kill(getpid(), signal);
    handle_records(attach);
    if (attach->stopped_by && !attach->has_ended && is_pending(signal)) {
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        sigprocmask(SIG_BLOCK, &set, NULL);
        attach->stopped_by = 0;
    }
    sigtimedwait(&set, NULL, &at_once);
    arm_wake_up(attach, false);
}

static void hear(struct attach *attach)
{
    int signal;
    while ((signal = signals_next(attach->signals.fd)) > 0)
        command(attach, CONTROL_SIGNAL, signal);
    handle_records(attach);
}

int attach_run(struct attach *attach)
{
    hear(attach);
    while (attach->stopped_by && !attach->has_ended) {
        suspend(attach);
        hear(attach);
    }
    return attach->has_ended;
}

int attach_status(const struct attach *attach)
{
    return attach->status;
}

const char *attach_message(const struct attach *attach)
{
    return attach->message[0] != '\0' ? attach->message : NULL;
}

void attach_fini(struct attach *attach)
{
    for (unsigned i = 0; i < attach->link_count; i++)
        close_if_open(&attach->link_fd[i]);
    stop_init(attach);
    if (attach->terminal_fd >= 0)
        terminal_take_back(attach->terminal_fd);
    close_if_open(&attach->terminal_fd);
    signals_stop(&attach->signals);
}
