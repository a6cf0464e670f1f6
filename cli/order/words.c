/* SPDX-License-Identifier: Apache-2.0 */
/* A line as words: see words.h. */
#include "order/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool fault_set(struct fault *fault, unsigned column, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fault->column = column;
    vsnprintf(fault->text, sizeof(fault->text), format, args);
    va_end(args);
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || (unsigned char)c == 0x7f;
}

/* One word: reads at *at, writes at *to, which is never ahead of it. */
struct scan {
    char *at, *to;
    const char *line;
    struct fault *fault;
};

static unsigned column_of(const struct scan *s, const char *at)
{
    return (unsigned)(at - s->line) + 1;
}

/* What stands between quotes; `at` is at the first one. */
static bool scan_quoted(struct scan *s)
{
    const char *begun = s->at++;
    while (*s->at != '"') {
        if (*s->at == '\\' && (s->at[1] == '"' || s->at[1] == '\\'))
            s->at++;
        if (*s->at == '\0' || is_control(*s->at))
            return fault_set(s->fault, column_of(s, begun),
                             "this quote is not closed: write a \" where the word ends");
        *s->to++ = *s->at++;
    }
    s->at++;
    return true;
}

static bool scan_word(struct scan *s)
{
    while (*s->at != '\0' && !is_blank(*s->at)) {
        if (is_control(*s->at))
            return fault_set(s->fault, column_of(s, s->at), "a byte 0x%02x is no text: write words",
                             (unsigned char)*s->at);
        if (*s->at != '"')
            *s->to++ = *s->at++;
        else if (!scan_quoted(s))
            return false;
    }
    return true;
}

bool words_split(char *line, struct words *ret_words, struct fault *fault)
{
    struct scan s = {.at = line, .line = line, .fault = fault};
    ret_words->count = 0;
    for (;;) {
        while (is_blank(*s.at))
            s.at++;
        if (*s.at == '\0' || *s.at == '#')
            return true;
        if (ret_words->count == WORDS_MAX)
            return fault_set(fault, column_of(&s, s.at), "more than %d words: use several lines",
                             WORDS_MAX);
        struct word *word = &ret_words->word[ret_words->count++];
        *word = (struct word){.text = s.at, .column = column_of(&s, s.at)};
        s.to = s.at;
        if (!scan_word(&s))
            return false;
        const bool is_last = *s.at == '\0';
        *s.to = '\0';
        if (is_last)
            return true;
        s.at++;
    }
}

/* Appends to `line`; what does not fit is told by *len >= size. */
static void put(char *line, size_t size, size_t *len, char c)
{
    if (*len < size)
        line[*len] = c;
    ++*len;
}

bool words_join(int count, const char *const *words, char *line, size_t size)
{
    size_t len = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0)
            put(line, size, &len, ' ');
        put(line, size, &len, '"');
        for (const char *c = words[i]; *c != '\0'; c++) {
            if (is_control(*c))
                return false;
            if (*c == '"' || *c == '\\')
                put(line, size, &len, '\\');
            put(line, size, &len, *c);
        }
        put(line, size, &len, '"');
    }
    put(line, size, &len, '\0');
    return len <= size;
}
