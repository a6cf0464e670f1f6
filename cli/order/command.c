/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nst nic, addr, route, neigh, stats, bridge, vlan: words that are sent to a running instance as
 * they are, which does and shows what they say (answer.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "commands.h"
#include "instance/instance_find.h"
#include "order/order.h"
#include "tool/options.h"

#define FAILED    1
#define WRONG     2
#define LINE_SIZE 8192 /* of the words */

struct order_options {
    const char *name;
    bool json, pretty, ipv4, ipv6, help;
};

#define MEMBER(name) offsetof(struct order_options, name)

static const struct option_spec specs[] = {
    {"socket", 's', OPTION_TEXT, "NAME", "which instance; default the only one", MEMBER(name)},
    {"json", 'j', OPTION_FLAG, NULL, "JSON", MEMBER(json)},
    {"pretty", 'p', OPTION_FLAG, NULL, "with -j: over several lines", MEMBER(pretty)},
    {"ipv4", '4', OPTION_FLAG, NULL, "only IPv4", MEMBER(ipv4)},
    {"ipv6", '6', OPTION_FLAG, NULL, "only IPv6", MEMBER(ipv6)},
    {"help", 'h', OPTION_FLAG, NULL, "this", MEMBER(help)},
    {NULL, 0, OPTION_FLAG, NULL, NULL, 0},
};

static int usage(const char *command, int object)
{
    printf("usage: %s [OPTIONS] [VERB ...]\n\n", command);
    order_print_usage(object, "  nst ", stdout);
    printf("\nof a running nst up, or to see one of nst run.\n\n");
    options_print(specs);
    return 0;
}

/* Words and options, in any order. False: it was said what is wrong. */
static bool read_arguments(const char *command, int argc, char **argv,
                           struct order_options *options, const char **words, int *ret_count)
{
    int count = 0;
    words[count++] = argv[0];
    for (int i = 1; i < argc; i++) {
        int n = options_parse(specs, command, argc - i + 1, argv + i - 1, options);
        if (n < 0)
            return false;
        i += n - 1;
        if (i < argc && count < WORDS_MAX)
            words[count++] = argv[i];
    }
    *ret_count = count;
    return true;
}

/* Copies `len` bytes of the answer to stdout. */
static bool copy_out(const char *command, int fd, uint64_t len)
{
    char buffer[16384];
    while (len > 0) {
        const ssize_t n = recv(fd, buffer, len < sizeof(buffer) ? len : sizeof(buffer), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            fprintf(stderr, "%s: the answer is cut short: has the instance just ended?\n", command);
            return false;
        }
        fwrite(buffer, 1, (size_t)n, stdout);
        len -= (uint64_t)n;
    }
    if (fflush(stdout) == 0)
        return true;
    fprintf(stderr, "%s: cannot write standard output (errno %d): is its disk full?\n", command,
            errno);
    return false;
}

/* Asks, and shows what comes. The exit status. */
static int ask(const char *command, const struct order_options *o, const char *words)
{
    char text[3 * LINE_SIZE + 128], *said = malloc(REQUEST_LINE_MAX);
    struct request_line line;
    struct request answer;
    uint64_t len;
    int fd = said != NULL ? instance_connect(command, o->name) : -1;
    request_begin(&line, text, sizeof(text), "order");
    request_put(&line, "line", words);
    request_put_number(&line, "json", o->json);
    request_put_number(&line, "pretty", o->pretty);
    if (o->ipv4 != o->ipv6)
        request_put_number(&line, "family", o->ipv4 ? 4 : 6);
    bool ok = fd >= 0 && instance_ask(command, fd, &line, said, &answer);
    if (ok && !request_get_number(&answer, "bytes", 0, &len))
        len = 0;
    ok = ok && copy_out(command, fd, len);
    if (fd >= 0)
        close(fd);
    free(said);
    return ok ? 0 : FAILED;
}

/* What is no order at all is said here, without an instance. */
static bool check(const char *command, const char *line)
{
    char copy[LINE_SIZE];
    struct words words;
    struct order order;
    struct fault fault;
    snprintf(copy, sizeof(copy), "%s", line);
    if (words_split(copy, &words, &fault) && order_parse(&words, &order, &fault))
        return true;
    fprintf(stderr, "%s: %s\n", command, fault.text);
    return false;
}

int command_order(int argc, char **argv)
{
    struct order_options options = {0};
    char command[32], line[LINE_SIZE];
    const char *words[WORDS_MAX];
    int count;
    snprintf(command, sizeof(command), "nst %s", argv[0]);
    if (!read_arguments(command, argc, argv, &options, words, &count))
        return WRONG;
    if (options.help)
        return usage(command, order_object_of(argv[0]));
    if (!words_join(count, words, line, sizeof(line))) {
        fprintf(stderr, "%s: these words are too many, or no text: say it shorter\n", command);
        return WRONG;
    }
    if (!check(command, line))
        return WRONG;
    return ask(command, &options, line);
}
