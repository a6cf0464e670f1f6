/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nst capture: the packets of a running instance, as text or as pcapng.
 *
 * Theory of operation. The instance sends pcapng; this end reads blocks, writes them where -w says
 * or a line of text for each packet, and counts. SIGINT and SIGTERM shut our side: the instance
 * finishes, with its statistics, and closes. A second one ends at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "attach/attach_text.h"
#include "capture/filter.h"
#include "commands.h"
#include "instance/instance_find.h"
#include "tool/json.h"
#include "tool/options.h"
#include "wire/pcapng.h"
#include "wire/show.h"

#define COMMAND      "nst capture"
#define FAILED       1
#define BUFFER       (2u * PCAPNG_BLOCK_MAX)
#define NICS_MAX     NST_CAPTURE_INTERFACES_MAX
#define SNAPLEN_MIN  64
#define SNAPLEN_TEXT 1024 /* text shows no more than headers */

struct capture_options {
    const char *file, *name;
    uint64_t count, snaplen;
    bool list, json, quiet, help;
};

struct nic_text {
    uint16_t link; /* enum pcapng_link */
    char name[32];
};

struct client {
    struct capture_options options;
    struct filter filter;
    int fd;
    FILE *out; /* pcapng or text */
    bool is_text;
    uint8_t *buffer;
    size_t len;
    struct nic_text nics[NICS_MAX];
    uint32_t nic_count;
    uint64_t packets;
    uint64_t received, dropped; /* as the instance says at the end */
    bool has_statistics;
    int write_error;           /* errno, or 0 */
    uint64_t written, flushed; /* bytes for out, and those of them that are there for certain */
};

#define MEMBER(name) offsetof(struct capture_options, name)

static const struct option_spec specs[] = {
    {"write", 'w', OPTION_TEXT, "FILE|-", "write pcapng there instead of text", MEMBER(file)},
    {"socket", 's', OPTION_TEXT, "NAME", "which run; default the only one", MEMBER(name)},
    {"count", 'c', OPTION_SIZE, "N", "end after N packets", MEMBER(count)},
    {"snaplen", 0, OPTION_SIZE, "BYTES", "only so much of each packet", MEMBER(snaplen)},
    {"list", 'l', OPTION_FLAG, NULL, "which runs there are", MEMBER(list)},
    {"json", 'j', OPTION_FLAG, NULL, "packets, or the list, as JSON", MEMBER(json)},
    {"quiet", 'q', OPTION_FLAG, NULL, "no counts at the end", MEMBER(quiet)},
    {"help", 'h', OPTION_FLAG, NULL, "this", MEMBER(help)},
    {NULL, 0, OPTION_FLAG, NULL, NULL, 0},
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
    interrupted++;
    if (interrupted > 1)
        _exit(128 + signal);
}

/* ---- Text ---- */

static void print_time(const struct pcapng_packet *p, FILE *out)
{
    struct tm tm;
    const time_t seconds = (time_t)(p->time / NST_SEC);
    localtime_r(&seconds, &tm);
    fprintf(out, "%02d:%02d:%02d.%06u", tm.tm_hour, tm.tm_min, tm.tm_sec,
            (unsigned)(p->time % NST_SEC / NST_USEC));
}

static const char *show(const struct nic_text *nic, const struct pcapng_packet *p, char *text,
                        size_t size)
{
    return nic->link == PCAPNG_ETHERNET ? show_eth(p->data, p->captured, text, size)
                                        : show_ip(p->data, p->captured, text, size);
}

static void print_packet(const struct nic_text *nic, const struct pcapng_packet *p, FILE *out)
{
    char text[SHOW_TEXT];
    print_time(p, out);
    fprintf(out, " %s %s %s\n", nic->name, p->direction == PCAPNG_INBOUND ? "In " : "Out",
            show(nic, p, text, sizeof(text)));
    for (unsigned i = 0; i < p->comment_count; i++)
        fprintf(out, "    # %.*s\n", (int)p->comment_len[i], p->comments[i]);
}

static void print_json_packet(const struct nic_text *nic, const struct pcapng_packet *p, FILE *out)
{
    char text[SHOW_TEXT], comment[PCAPNG_COMMENT_LEN + 1];
    show(nic, p, text, sizeof(text));
    fprintf(out, "{\"time\":%llu.%09llu,\"nic\":", (unsigned long long)(p->time / NST_SEC),
            (unsigned long long)(p->time % NST_SEC));
    json_print_text(nic->name, out);
    fprintf(out, ",\"direction\":\"%s\",\"length\":%u,\"text\":",
            p->direction == PCAPNG_INBOUND ? "in" : "out", p->len);
    json_print_text(text, out);
    fprintf(out, ",\"comments\":[");
    for (unsigned i = 0; i < p->comment_count; i++) {
        snprintf(comment, sizeof(comment), "%.*s", (int)p->comment_len[i], p->comments[i]);
        fputs(i > 0 ? "," : "", out);
        json_print_text(comment, out);
    }
    fputs("]}\n", out);
}

/* ---- Blocks ---- */

static void take_packet(struct client *c, const struct pcapng_packet *p)
{
    c->packets++;
    if (!c->is_text || p->interface >= c->nic_count)
        return;
    const struct nic_text *nic = &c->nics[p->interface];
    if (c->options.json)
        print_json_packet(nic, p, c->out);
    else
        print_packet(nic, p, c->out);
}

static void take_block(struct client *c, const struct pcapng_block *block)
{
    struct pcapng_packet packet;
    struct pcapng_statistics statistics;
    struct nic_text nic;
    if (pcapng_read_packet(block, &packet)) {
        take_packet(c, &packet);
    } else if (pcapng_read_statistics(block, &statistics)) {
        c->received += statistics.received;
        c->dropped += statistics.dropped;
        c->has_statistics = true;
    } else if (c->nic_count < NICS_MAX &&
               pcapng_read_interface(block, &nic.link, nic.name, sizeof(nic.name))) {
        c->nics[c->nic_count++] = nic;
    }
}

/* What was said so far is out. False: it cannot be; a file stays a good one, up to the last time.
 */
static bool flush(struct client *c)
{
    if (c->write_error == 0 && fflush(c->out) != 0)
        c->write_error = errno;
    if (c->write_error == 0) {
        c->flushed = c->written;
        return true;
    }
    if (c->out != stdout && ftruncate(fileno(c->out), (off_t)c->flushed) < 0 && errno != EINVAL)
        c->write_error = errno;
    if (c->write_error != EPIPE)
        fprintf(stderr, COMMAND ": cannot write %s (%s): the capture ends here\n",
                c->options.file != NULL ? c->options.file : "standard output",
                attach_text_errno(c->write_error));
    return false;
}

static void write_blocks(struct client *c, size_t len)
{
    errno = 0;
    if (len > 0 && fwrite(c->buffer, len, 1, c->out) != 1)
        c->write_error = errno != 0 ? errno : EIO;
    c->written += len;
}

/* The whole blocks of the buffer. False: they are none, or cannot be written. */
static bool take_blocks(struct client *c)
{
    struct pcapng_block block;
    size_t at = 0;
    int r = 0;
    while (at < c->len && (r = pcapng_read(c->buffer + at, c->len - at, &block)) > 0) {
        take_block(c, &block);
        at += block.len;
    }
    if (!c->is_text)
        write_blocks(c, at);
    c->len -= at;
    memmove(c->buffer, c->buffer + at, c->len);
    if (r < 0)
        fprintf(stderr, COMMAND ": what the run sends is no capture: is it of another version?\n");
    return flush(c) && r >= 0;
}

/* Until the run closes. False: it ended badly. */
static bool read_stream(struct client *c)
{
    sigset_t blocked, open;
    bool has_shut = false;
    struct pollfd waited = {.fd = c->fd, .events = POLLIN};
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &open);
    for (;;) {
        if (interrupted && !has_shut) {
            shutdown(c->fd, SHUT_WR);
            has_shut = true;
        }
        if (ppoll(&waited, 1, NULL, &open) < 0)
            continue;
        ssize_t n = recv(c->fd, c->buffer + c->len, BUFFER - c->len, MSG_DONTWAIT);
        if (n == 0)
            return true;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n < 0)
            return errno == ECONNRESET;
        c->len += (size_t)n;
        if (!take_blocks(c))
            return false;
    }
}

/* ---- The command ---- */

static char *hex_of(const struct nst_capture_filter *filter)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = (const uint8_t *)filter->code;
    const size_t len = filter->count * sizeof(*filter->code);
    char *text = malloc(2 * len + 1);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * len] = '\0';
    return text;
}

static void put_filter(struct request_line *line, const struct filter *filter)
{
    static const char *const keys[NST_CAPTURE_LINK_TYPES] = {
        [NST_CAPTURE_RAW_IP] = "raw",
        [NST_CAPTURE_ETHERNET] = "ethernet",
    };
    if (filter->text == NULL)
        return;
    request_put(line, "filter", filter->text);
    for (int i = 0; i < NST_CAPTURE_LINK_TYPES; i++) {
        char *hex = filter->code[i].count != 0 ? hex_of(&filter->code[i]) : NULL;
        if (hex != NULL)
            request_put(line, keys[i], hex);
        free(hex);
    }
}

static bool ask(struct client *c)
{
    struct request answer;
    struct request_line line;
    char *text = malloc(REQUEST_LINE_MAX), *said = malloc(REQUEST_LINE_MAX);
    bool ok = text != NULL && said != NULL;
    if (ok) {
        request_begin(&line, text, REQUEST_LINE_MAX, "capture");
        const uint64_t snaplen =
            c->options.snaplen == 0 && c->is_text ? SNAPLEN_TEXT : c->options.snaplen;
        request_put_number(&line, "snaplen", snaplen);
        request_put_number(&line, "packets", c->options.count);
        put_filter(&line, &c->filter);
        ok = instance_ask(COMMAND, c->fd, &line, said, &answer);
    }
    free(text);
    free(said);
    return ok;
}

static bool open_out(struct client *c)
{
    const char *file = c->options.file;
    c->is_text = file == NULL;
    c->out = stdout;
    if (file != NULL && strcmp(file, "-") == 0 && isatty(STDOUT_FILENO)) {
        fprintf(stderr,
                COMMAND ": -w -: standard output is a terminal: pipe it into a reader, such "
                        "as tshark -r -, or leave -w out for text\n");
        return false;
    }
    if (file == NULL || strcmp(file, "-") == 0)
        return true;
    c->out = fopen(file, "we");
    if (c->out == NULL)
        fprintf(stderr, COMMAND ": cannot write %s (%s): choose another place\n", file,
                attach_text_errno(errno));
    return c->out != NULL;
}

static void say_counts(const struct client *c)
{
    if (c->options.quiet)
        return;
    fprintf(stderr, "nst: %llu packets captured", (unsigned long long)c->packets);
    if (c->has_statistics)
        fprintf(stderr, ", of %llu that passed; %llu dropped", (unsigned long long)c->received,
                (unsigned long long)c->dropped);
    fputc('\n', stderr);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int capture(struct client *c)
{
    c->fd = instance_connect(COMMAND, c->options.name);
    if (c->fd < 0 || !open_out(c))
        return FAILED;
    /* What cannot be written must not wait to be tried again: a file is cut behind its last block.
     */
    if (!c->is_text)
        setvbuf(c->out, NULL, _IONBF, 0);
    catch_signals();
    if (!ask(c))
        return FAILED;
    c->buffer = malloc(BUFFER);
    if (c->buffer == NULL)
        return FAILED;
    if (isatty(STDERR_FILENO) && !c->options.quiet)
        fprintf(stderr, "nst: capturing; Ctrl-C ends\n");
    bool ok = read_stream(c);
    say_counts(c);
    if (c->out != stdout && fclose(c->out) != 0)
        ok = false;
    return ok ? 0 : FAILED;
}

/* The words of the filter, joined. False: no memory. */
static bool join(char **words, int count, char **ret_text)
{
    size_t size = 1;
    for (int i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    char *text = malloc(size);
    if (text == NULL)
        return false;
    *text = '\0';
    for (int i = 0; i < count; i++) {
        strcat(text, words[i]);
        if (i + 1 < count)
            strcat(text, " ");
    }
    *ret_text = text;
    return true;
}

static int usage(void)
{
    printf("usage: nst capture [OPTIONS] [FILTER]\n\n"
           "Shows the packets of a running nst, or writes them as pcapng, with comments that say "
           "why.\nFILTER is as tcpdump's: nst capture tcp port 80\n\n");
    options_print(specs);
    return 0;
}

int command_capture(int argc, char **argv)
{
    static struct client client;
    char message[FILTER_MESSAGE], *text = NULL;
    int first = options_parse(specs, COMMAND, argc, argv, &client.options);
    if (first < 0)
        return 2;
    if (client.options.help)
        return usage();
    if (client.options.list)
        return instance_print_list(COMMAND, client.options.json, stdout);
    const uint64_t snaplen = client.options.snaplen;
    if (snaplen != 0 && (snaplen < SNAPLEN_MIN || snaplen > NST_CAPTURE_SNAPLEN)) {
        fprintf(stderr, COMMAND ": --snaplen must be 64 to 262144\n");
        return 2;
    }
    if (!join(argv + first, argc - first, &text))
        return FAILED;
    int status = 2;
    if (filter_compile(text, &client.filter, message))
        status = capture(&client);
    else
        fprintf(stderr, COMMAND ": the filter: %s\n", message);
    filter_fini(&client.filter);
    free(client.buffer);
    free(text);
    return status;
}
