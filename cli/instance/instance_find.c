/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "attach/attach_text.h"
#include "instance/instance_address.h"
#include "tool/json.h"

/* An answer is expected within. */
#define ANSWER_SECONDS 5
#define FAILED         1

/* ---- Finding ---- */

/* "Num: RefCount Protocol Flags Type St Inode @nicstack/UID/NAME" of one that listens. */
static bool read_entry(const char *line, struct instance_entry *ret_entry)
{
    static const char prefix[] = "@nicstack/";
    char flags[16], path[128], *slash;
    struct instance_entry entry;
    if (sscanf(line, "%*s %*s %*s %15s %*s %*s %*s %127s", flags, path) != 2 ||
        (strtoul(flags, NULL, 16) & 0x10000) == 0 || strncmp(path, prefix, sizeof(prefix) - 1) != 0)
        return false;
    entry.uid = (uid_t)strtoul(path + sizeof(prefix) - 1, &slash, 10);
    snprintf(entry.name, sizeof(entry.name), "%s", *slash == '/' ? slash + 1 : "");
    if (!instance_name_is_valid(entry.name))
        return false;
    *ret_entry = entry;
    return entry.uid == geteuid() || geteuid() == 0;
}

int instance_list(struct instance_entry ret_list[INSTANCE_LIST_MAX])
{
    char line[512];
    int count = 0;
    FILE *file = fopen("/proc/net/unix", "re");
    if (file == NULL)
        return -errno;
    while (count < INSTANCE_LIST_MAX && fgets(line, sizeof(line), file) != NULL)
        if (read_entry(line, &ret_list[count]))
            count++;
    fclose(file);
    return count;
}

/* ---- Choosing ---- */

static void say_choice(const struct instance_entry *list, int count)
{
    for (int i = 0; i < count; i++)
        if (list[i].uid == geteuid())
            fprintf(stderr, "  %s\n", list[i].name);
        else
            fprintf(stderr, "  %u/%s\n", (unsigned)list[i].uid, list[i].name);
}

/* Keeps those that `name` may mean: the one that it is, or those that begin with it. */
static int match(struct instance_entry *list, int count, uid_t uid, const char *name)
{
    int kept = 0;
    for (int i = 0; i < count; i++) {
        if (list[i].uid != uid || strncmp(list[i].name, name, strlen(name)) != 0)
            continue;
        list[kept++] = list[i];
        if (strcmp(list[i].name, name) == 0) {
            list[0] = list[i];
            return 1;
        }
    }
    return kept;
}

/* "UID/NAME" gives another user's; the name. */
static const char *split_uid(const char *name, uid_t *uid)
{
    char *slash;
    unsigned long number = strtoul(name, &slash, 10);
    if (*slash != '/' || slash == name)
        return name;
    *uid = (uid_t)number;
    return slash + 1;
}

static bool choose(const char *command, const char *name, struct instance_entry *ret_entry)
{
    struct instance_entry list[INSTANCE_LIST_MAX];
    uid_t uid = geteuid();
    int count = instance_list(list);
    if (count < 0 && name == NULL) {
        fprintf(stderr, "%s: cannot read /proc/net/unix (%s): name the run with -s\n", command,
                attach_text_errno(-count));
        return false;
    }
    if (name != NULL)
        name = split_uid(name, &uid);
    if (name != NULL && count > 0)
        count = match(list, count, uid, name);
    if (count == 1) {
        *ret_entry = list[0];
        return true;
    }
    if (name != NULL && count < 0 && instance_name_is_valid(name)) {
        ret_entry->uid = uid;
        snprintf(ret_entry->name, sizeof(ret_entry->name), "%s", name);
        return true;
    }
    if (count > 1) {
        fprintf(stderr, "%s: there are several: choose with -s\n", command);
        say_choice(list, count);
    } else if (name != NULL) {
        fprintf(stderr, "%s: -s %s: there is no such run here; %s --list tells which there are\n",
                command, name, command);
    } else {
        fprintf(stderr, "%s: no nst runs here: start one, as in nst run -- bash\n", command);
    }
    return false;
}

/* Connects, and looks whom it got. A descriptor or a negative errno; -EPERM: somebody else's. */
static int connect_to(const struct instance_entry *entry)
{
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    struct sockaddr_un address;
    uid_t uid;
    const socklen_t len = instance_address(entry->uid, entry->name, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = connect(fd, (struct sockaddr *)&address, len) < 0 ? errno : 0;
    if (error == 0 && (!instance_peer_uid(fd, &uid) || uid != entry->uid))
        error = EPERM;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (error == 0)
        return fd;
    close(fd);
    return -error;
}

int instance_connect(const char *command, const char *name)
{
    struct instance_entry entry;
    if (!choose(command, name, &entry))
        return -1;
    int fd = connect_to(&entry);
    if (fd >= 0)
        return fd;
    fprintf(
        stderr, "%s: cannot speak to %s (%s): %s\n", command, entry.name, attach_text_errno(-fd),
        fd == -EPERM ? "it is not the run of the user that its name says" : "has it just ended?");
    return -1;
}

/* ---- Asking ---- */

static bool send_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

/* Byte by byte: what follows the line is not ours. */
static bool read_answer(int fd, char *text)
{
    for (size_t len = 0; len < REQUEST_LINE_MAX; len++) {
        ssize_t n;
        do
            n = recv(fd, text + len, 1, 0);
        while (n < 0 && errno == EINTR);
        if (n <= 0)
            return false;
        if (text[len] == '\n') {
            text[len] = '\0';
            return true;
        }
    }
    return false;
}

bool instance_ask(const char *command, int fd, struct request_line *line, char *text,
                  struct request *ret_answer)
{
    if (!request_end(line)) {
        fprintf(stderr, "%s: the request is too long: a shorter filter would help\n", command);
        return false;
    }
    if (!send_all(fd, line->text, strlen(line->text)) || !read_answer(fd, text) ||
        !request_parse(text, ret_answer)) {
        fprintf(stderr,
                "%s: the run does not answer: it has just ended, or it has %d clients "
                "already\n",
                command, INSTANCE_CLIENTS_MAX);
        return false;
    }
    if (strcmp(ret_answer->word, "ok") == 0)
        return true;
    const char *why = request_get(ret_answer, "why");
    fprintf(stderr, "%s: refused: %s\n", command, why != NULL ? why : "it does not say why");
    return false;
}

/* ---- The table ---- */

static const char *field(const struct request *answer, const char *key)
{
    const char *value = request_get(answer, key);
    return value != NULL ? value : "?";
}

static void print_text(const char *text, FILE *out)
{
    for (; *text != '\0'; text++)
        fputc(*text >= 0x20 && *text < 0x7f ? *text : '?', out);
}

static void print_entry(const struct instance_entry *entry, const struct request *answer, FILE *out)
{
    fprintf(out, "%-24s %-8s %-8u %-8s %-8s ", entry->name, field(answer, "pid"),
            (unsigned)entry->uid, field(answer, "nics"), field(answer, "captures"));
    print_text(field(answer, "program"), out);
    fputc('\n', out);
}

static void print_json_entry(const struct instance_entry *entry, const struct request *answer,
                             struct json *json)
{
    json_begin(json, NULL, '{');
    json_text(json, "name", entry->name);
    json_number(json, "pid", strtoull(field(answer, "pid"), NULL, 10));
    json_number(json, "uid", entry->uid);
    json_number(json, "seconds", strtoull(field(answer, "seconds"), NULL, 10));
    json_begin(json, "nics", '[');
    json_text(json, NULL, field(answer, "nics"));
    json_end(json, ']');
    json_number(json, "captures", strtoull(field(answer, "captures"), NULL, 10));
    json_text(json, "program", field(answer, "program"));
    json_end(json, '}');
}

/* One that ends meanwhile, or does not answer, is none; that is said. json NULL: as a table. */
static void print_one(const char *command, const struct instance_entry *entry, struct json *json,
                      FILE *out)
{
    char text[256];
    struct request answer;
    struct request_line line;
    bool ok = false;
    char *said = malloc(REQUEST_LINE_MAX);
    int fd = said != NULL ? connect_to(entry) : -ENOMEM;
    if (fd >= 0) {
        request_begin(&line, text, sizeof(text), "info");
        ok = instance_ask(command, fd, &line, said, &answer);
        close(fd);
    }
    if (ok && json != NULL)
        print_json_entry(entry, &answer, json);
    else if (ok)
        print_entry(entry, &answer, out);
    free(said);
}

int instance_print_list(const char *command, bool json, FILE *out)
{
    struct instance_entry list[INSTANCE_LIST_MAX];
    struct json output = {.out = out};
    const int count = instance_list(list);
    if (count < 0) {
        fprintf(stderr, "%s: cannot read /proc/net/unix (%s): is /proc mounted?\n", command,
                attach_text_errno(-count));
        return FAILED;
    }
    if (!json && count > 0)
        fprintf(out, "%-24s %-8s %-8s %-8s %-8s %s\n", "NAME", "PID", "UID", "NICS", "CAPTURES",
                "PROGRAM");
    if (json)
        json_begin(&output, NULL, '[');
    for (int i = 0; i < count; i++)
        print_one(command, &list[i], json ? &output : NULL, out);
    if (json)
        json_end(&output, ']');
    return 0;
}
