/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: see json.h. */
#include "tool/json.h"

void json_print_text(const char *text, FILE *out)
{
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20 || *c >= 0x7f)
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

static void break_line(struct json *json)
{
    if (json->is_pretty)
        fprintf(json->out, "\n%*s", (int)(4 * json->depth), "");
}

/* What stands before each value: comma, line, name. */
static void start_value(struct json *json, const char *name)
{
    if (json->has_value)
        fputc(',', json->out);
    if (json->depth > 0)
        break_line(json);
    json->has_value = true;
    if (name == NULL)
        return;
    json_print_text(name, json->out);
    fputs(json->is_pretty ? ": " : ":", json->out);
}

void json_begin(struct json *json, const char *name, char bracket)
{
    start_value(json, name);
    fputc(bracket, json->out);
    json->depth++;
    json->has_value = false;
}

void json_end(struct json *json, char bracket)
{
    json->depth--;
    if (json->has_value)
        break_line(json);
    fputc(bracket, json->out);
    json->has_value = true;
    if (json->depth == 0)
        fputc('\n', json->out);
}

void json_text(struct json *json, const char *name, const char *text)
{
    start_value(json, name);
    if (text == NULL)
        fputs("null", json->out);
    else
        json_print_text(text, json->out);
}

void json_number(struct json *json, const char *name, uint64_t number)
{
    start_value(json, name);
    fprintf(json->out, "%llu", (unsigned long long)number);
}

void json_bool(struct json *json, const char *name, bool value)
{
    start_value(json, name);
    fputs(value ? "true" : "false", json->out);
}
