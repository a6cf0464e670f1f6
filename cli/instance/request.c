/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/request.h"

#include <stdio.h>
#include <string.h>

#include "tool/units.h"

int request_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* %XX in place. False: a percent sign without two digits, or a NUL. */
static bool decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        const int high = request_hex_digit(from[1]);
        const int low = high < 0 ? -1 : request_hex_digit(from[2]);
        if (low < 0 || high * 16 + low == 0)
            return false;
        *to++ = (char)(high * 16 + low);
        from += 2;
    }
    *to = '\0';
    return true;
}

bool request_parse(char *line, struct request *ret_request)
{
    char *rest = NULL;
    struct request request = {.word = strtok_r(line, " ", &rest)};
    if (request.word == NULL)
        return false;
    char *field;
    while ((field = strtok_r(NULL, " ", &rest)) != NULL) {
        char *equals = strchr(field, '=');
        if (equals == NULL || equals == field || request.count == REQUEST_FIELDS_MAX ||
            !decode(equals + 1))
            return false;
        *equals = '\0';
        request.fields[request.count++] = (struct request_field){field, equals + 1};
    }
    *ret_request = request;
    return true;
}

const char *request_get(const struct request *request, const char *key)
{
    for (unsigned i = 0; i < request->count; i++)
        if (strcmp(request->fields[i].key, key) == 0)
            return request->fields[i].value;
    return NULL;
}

bool request_get_number(const struct request *request, const char *key, uint64_t otherwise,
                        uint64_t *ret_value)
{
    const char *text = request_get(request, key);
    if (text != NULL)
        return units_parse_decimal(text, ret_value);
    *ret_value = otherwise;
    return true;
}

static void put(struct request_line *line, const char *text, size_t n)
{
    /* The newline and the NUL fit always. */
    if (line->full || line->len + n + 2 > line->size) {
        line->full = true;
        return;
    }
    memcpy(line->text + line->len, text, n);
    line->len += n;
}

void request_begin(struct request_line *line, char *text, size_t size, const char *word)
{
    *line = (struct request_line){.text = text, .size = size};
    put(line, word, strlen(word));
}

void request_put(struct request_line *line, const char *key, const char *value)
{
    char code[4];
    put(line, " ", 1);
    put(line, key, strlen(key));
    put(line, "=", 1);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c > 0x20 && *c < 0x7f && *c != '%') {
            put(line, c, 1);
        } else {
            snprintf(code, sizeof(code), "%%%02x", (unsigned char)*c);
            put(line, code, 3);
        }
    }
}

void request_put_number(struct request_line *line, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    request_put(line, key, text);
}

bool request_end(struct request_line *line)
{
    if (line->size >= 2) {
        line->text[line->len] = '\n';
        line->text[line->len + 1] = '\0';
    }
    return !line->full && line->size >= 2;
}
