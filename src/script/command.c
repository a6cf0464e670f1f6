/* SPDX-License-Identifier: Apache-2.0 */
#include "script/command.h"

#include <stdlib.h>
#include <string.h>

/* What a sysctl may be set to. */
enum sysctl_kind {
    SYSCTL_SAME,     /* to what the stack does anyway: `value` */
    SYSCTL_ANY,      /* to anything: it does not change what a script sees here */
    SYSCTL_SEND_MAX, /* three numbers: least, default, most bytes */
    SYSCTL_RECV_MAX,
    SYSCTL_RTO_MIN_US,
    SYSCTL_SWITCH, /* 0 turns `off` off, 1 leaves it on */
};

struct sysctl {
    const char *name; /* behind net.ipv4. */
    enum sysctl_kind kind;
    const char *value;
    uint32_t off; /* NST_TCP_OFF_* */
};

#define SAME(name, value)           \
    {                               \
        name, SYSCTL_SAME, value, 0 \
    }
#define ANY(name)                 \
    {                             \
        name, SYSCTL_ANY, NULL, 0 \
    }
#define SWITCH(name, feature)                            \
    {                                                    \
        name, SYSCTL_SWITCH, NULL, NST_TCP_OFF_##feature \
    }

static const struct sysctl sysctls[] = {
    SWITCH("tcp_sack", SACK),
    SWITCH("tcp_timestamps", TIMESTAMPS),
    SWITCH("tcp_window_scaling", WINDOW_SCALE),
    SWITCH("tcp_slow_start_after_idle", IDLE_RESTART),
    {"tcp_rto_min_us", SYSCTL_RTO_MIN_US, NULL, 0},
    {"tcp_wmem", SYSCTL_SEND_MAX, NULL, 0},
    {"tcp_rmem", SYSCTL_RECV_MAX, NULL, 0},
    SAME("tcp_dsack", "1"),
    SAME("tcp_congestion_control", "reno"),
    SAME("tcp_ecn", "0"),
    SAME("tcp_mtu_probing", "0"),
    SAME("tcp_fastopen", "0"),
    SAME("tcp_moderate_rcvbuf", "1"),
    SAME("tcp_reordering", "3"),
    SAME("tcp_keepalive_time", "7200"),
    SAME("tcp_keepalive_intvl", "75"),
    SAME("tcp_keepalive_probes", "9"),
    SAME("tcp_fin_timeout", "60"),
    SAME("tcp_abort_on_overflow", "0"),
    SAME("tcp_syncookies", "0"),
    SAME("tcp_rfc1337", "1"),
    SAME("tcp_stdurg", "0"),
    SAME("tcp_thin_linear_timeouts", "0"),
    SAME("tcp_autocorking", "0"),
    SAME("tcp_comp_sack_nr", "0"),
    SAME("tcp_recovery", "0"),      /* no RACK */
    SAME("tcp_early_retrans", "0"), /* no tail loss probes */
    SAME("tcp_frto", "0"),
    ANY("tcp_no_metrics_save"),
    ANY("tcp_tso_win_divisor"),
    ANY("tcp_min_tso_segs"),
    ANY("tcp_max_syn_backlog"),
    ANY("tcp_invalid_ratelimit"),
    ANY("tcp_ecn_fallback"),
    ANY("tcp_adv_win_scale"),
    ANY("tcp_limit_output_bytes"),
    ANY("tcp_pacing_ca_ratio"),
    ANY("tcp_pacing_ss_ratio"),
    ANY("tcp_comp_sack_delay_ns"),
    ANY("tcp_comp_sack_slack_ns"),
    ANY("tcp_backlog_ack_defer"),
    ANY("tcp_mem"),
    ANY("tcp_max_orphans"),
    ANY("tcp_max_tw_buckets"),
};

static const struct sysctl *find_sysctl(const char *name)
{
    for (size_t i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++)
        if (strcmp(sysctls[i].name, name) == 0)
            return &sysctls[i];
    return NULL;
}

/* The last of the numbers in "4096 87380 6291456". */
static uint32_t last_number(const char *value)
{
    unsigned long number = 0;
    while (*value != '\0') {
        char *next;
        number = strtoul(value, &next, 10);
        if (next == value)
            break;
        value = next;
        value += strspn(value, " \t,");
    }
    return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

static const char *apply_switch(struct arena *arena, const struct sysctl *s, const char *value,
                                struct command_settings *settings)
{
    if (strcmp(value, "0") == 0)
        settings->tcp_off |= s->off;
    else if (strcmp(value, "1") == 0)
        settings->tcp_off &= ~s->off;
    else
        return arena_format(arena, "sysctl %s=%s: 0 or 1 is all that there is", s->name, value);
    return NULL;
}

/* It says what holds already. */
static bool is_so(const struct sysctl *s, const char *value,
                  const struct command_settings *settings)
{
    const bool off = (settings->tcp_off & s->off) != 0;
    return s->kind == SYSCTL_SWITCH && strcmp(value, off ? "0" : "1") == 0;
}

static const char *apply(struct arena *arena, const struct sysctl *s, const char *value, bool begun,
                         struct command_settings *settings)
{
    if (s->kind == SYSCTL_ANY || is_so(s, value, settings))
        return NULL;
    if (s->kind == SYSCTL_SAME)
        return strcmp(s->value, value) == 0
                   ? NULL
                   : arena_format(arena, "sysctl %s=%s: here it is always %s", s->name, value,
                                  s->value);
    if (begun)
        return arena_format(arena, "sysctl %s cannot change while the stack runs", s->name);
    if (s->kind == SYSCTL_SWITCH)
        return apply_switch(arena, s, value, settings);
    if (s->kind == SYSCTL_SEND_MAX)
        settings->send_buffer_max = last_number(value);
    if (s->kind == SYSCTL_RECV_MAX)
        settings->receive_buffer_max = last_number(value);
    if (s->kind == SYSCTL_RTO_MIN_US)
        settings->rto_min = (nst_time)last_number(value) * NST_USEC;
    return NULL;
}

/* NAME=VALUE, where NAME may be net.ipv4.x, /proc/sys/net/ipv4/x or x. */
static const char *take_sysctl(struct arena *arena, const char *word, bool begun,
                               struct command_settings *settings)
{
    const char *equals = strchr(word, '='), *name = word;
    if (equals == NULL)
        return arena_format(arena, "sysctl '%.60s' sets nothing", word);
    for (const char *c = word; c < equals; c++)
        if (*c == '.' || *c == '/')
            name = c + 1;
    name = arena_text(arena, name, (size_t)(equals - name));
    const struct sysctl *s = find_sysctl(name);
    if (s == NULL)
        return arena_format(arena, "sysctl %s is not known here", name);
    return apply(arena, s, equals + 1, begun, settings);
}

/* Does a word end here, outside of quotes? An & behind > belongs to a redirection. */
static bool ends_word(const char *from, size_t at)
{
    if (from[at] == '&')
        return at == 0 || from[at - 1] != '>';
    return strchr(" \t\r\n;", from[at]) != NULL;
}

/* How long the word at `from` is; a separator is a word of its own. */
static size_t word_len(const char *from)
{
    size_t len = 0;
    char quote = 0;
    while (from[len] != '\0' && (quote != 0 || !ends_word(from, len))) {
        if (quote == 0 && (from[len] == '"' || from[len] == '\''))
            quote = from[len];
        else if (from[len] == quote)
            quote = 0;
        len++;
    }
    return len > 0 ? len : 1;
}

/* The next word, without the quotes in it; NULL at the end. */
static char *next_word(struct arena *arena, const char **at)
{
    const char *from = *at;
    size_t out = 0;
    while (*from == ' ' || *from == '\t' || *from == '\r' || (from[0] == '\\' && from[1] == '\n'))
        from += *from == '\\' ? 2 : 1;
    if (*from == '\0')
        return NULL;
    const size_t len = word_len(from);
    char *word = arena_alloc(arena, len + 1);
    for (size_t i = 0; i < len; i++)
        if (from[i] != '"' && from[i] != '\'')
            word[out++] = from[i];
    *at = from + len;
    return word;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static bool is_separator(const char *word)
{
    return strcmp(word, ";") == 0 || strcmp(word, "&") == 0 || strcmp(word, "\n") == 0;
}

/* What `sysctl` or a script of settings is given. */
static const char *take_settings(struct arena *arena, const char **at, bool begun,
                                 struct command_settings *settings)
{
    char *word;
    while ((word = next_word(arena, at)) != NULL && !is_separator(word)) {
        if (word[0] == '-' || strchr(word, '>') != NULL)
            continue;
        const char *why = take_sysctl(arena, word, begun, settings);
        if (why != NULL)
            return why;
    }
    return NULL;
}

static void skip_rest(struct arena *arena, const char **at)
{
    char *word;
    while ((word = next_word(arena, at)) != NULL && !is_separator(word))
        ;
}

/* ip route change|replace ... initcwnd 10: the route there is already, its settings are the
 * stack's.
 */
static const char *take_route(struct arena *arena, const char **at, bool begun,
                              struct command_settings *settings)
{
    char *word;
    const char *name = "";
    while ((word = next_word(arena, at)) != NULL && !is_separator(word)) {
        const unsigned long number = strtoul(word, NULL, 10);
        const uint32_t now = settings->initial_window != 0 ? settings->initial_window : 10;
        if (strcmp(name, "initcwnd") == 0 && number >= 1 && number <= 1000 &&
            (!begun || number == now))
            settings->initial_window = (uint32_t)number;
        else if (strcmp(name, "initcwnd") == 0 || strcmp(word, "initrwnd") == 0 ||
                 strcmp(word, "mtu") == 0 || strcmp(word, "rto_min") == 0)
            return arena_format(arena, "a route with %s %s: the stack has no such setting", name,
                                word);
        name = word;
    }
    return NULL;
}

static const char *take_one(struct arena *arena, const char *word, const char **at, bool begun,
                            struct command_settings *settings)
{
    if (ends_with(word, "sysctl") || ends_with(word, "set_sysctls.py") ||
        ends_with(word, "defaults.sh"))
        return take_settings(arena, at, begun, settings);
    const char *rest = *at + strspn(*at, " \t");
    /* No destination is remembered from one script to the next, and no queue shapes the link. */
    if (strcmp(word, "ip") == 0 && strncmp(rest, "tcp_metrics flush", 17) == 0) {
        skip_rest(arena, at);
        return NULL;
    }
    if (strcmp(word, "true") == 0 || strcmp(word, "sync") == 0 || strcmp(word, "tc") == 0) {
        skip_rest(arena, at);
        return NULL;
    }
    if (strcmp(word, "ip") == 0 && strncmp(rest, "route ", 6) == 0)
        return take_route(arena, at, begun, settings);
    return arena_format(arena, "no command is run here, and '%.60s' has no meaning for the stack",
                        word);
}

const char *command_take(struct arena *arena, const char *text, bool begun,
                         struct command_settings *settings)
{
    char *word;
    while ((word = next_word(arena, &text)) != NULL) {
        if (is_separator(word))
            continue;
        const char *why = take_one(arena, word, &text, begun, settings);
        if (why != NULL)
            return why;
    }
    return NULL;
}
