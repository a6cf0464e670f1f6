/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status page: GET and HEAD of a page for people and of the JSON that nst nic|addr|... -j
 * shows. One request a connection; no scripts, nothing from elsewhere, nothing that changes
 * anything.
 */
#include <stdlib.h>
#include <string.h>

#include "up/services.h"

bool http_is_whole(const char *request, size_t len)
{
    return memmem(request, len, "\r\n\r\n", 4) != NULL || memmem(request, len, "\n\n", 2) != NULL;
}

/* ---- Pages ---- */

/* The order that a part of the page, or a path, shows. */
struct part {
    const char *title, *path;
    enum order_object object;
};

static const struct part parts[] = {
    {"Addresses", "/addr.json", ORDER_ADDR},    {"Routes", "/route.json", ORDER_ROUTE},
    {"Neighbours", "/neigh.json", ORDER_NEIGH}, {"Services", "/service.json", ORDER_SERVICE},
    {"Bridges", "/bridge.json", ORDER_BRIDGE},  {"VLANs", "/vlan.json", ORDER_VLAN},
    {"Counters", "/stats.json", ORDER_STATS},
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

/* What an order shows: malloc's; NULL without memory. */
static char *show_part(const struct services *services, const struct part *part, bool json,
                       size_t *ret_len)
{
    const struct order order = {.object = part->object, .verb = ORDER_SHOW};
    struct fault fault;
    char *text = NULL;
    struct show show = {.out = open_memstream(&text, ret_len), .is_json = json};
    if (show.out == NULL)
        return NULL;
    const bool ok = order_act(services->scene, &order, &show, &fault);
    if (fclose(show.out) == 0 && ok)
        return text;
    free(text);
    return NULL;
}

static void put_escaped(const char *text, size_t len, FILE *out)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '<')
            fputs("&lt;", out);
        else if (text[i] == '>')
            fputs("&gt;", out);
        else if (text[i] == '&')
            fputs("&amp;", out);
        else
            fputc(text[i], out);
    }
}

static bool put_page(const struct services *services, FILE *out)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>nicstack: ",
          out);
    put_escaped(services->instance, strlen(services->instance), out);
    fputs("</title><style>body{font:15px/1.4 sans-serif;max-width:60em;margin:2em auto;padding:0 "
          "1em}pre{background:#f4f4f4;padding:.6em;overflow:auto}</style></head><body>\n<h1>",
          out);
    put_escaped(services->instance, strlen(services->instance), out);
    fprintf(out, "</h1>\n<p>A stack of nicstack, up for %lld s.</p>\n",
            (long long)((nst_host_now() - services->begun) / NST_SEC));
    for (size_t i = 0; i < PARTS; i++) {
        size_t len;
        char *text = show_part(services, &parts[i], false, &len);
        if (text == NULL)
            return false;
        fprintf(out, "<h2>%s</h2><p><a href=\"%s\">as JSON</a></p>\n<pre>", parts[i].title,
                parts[i].path);
        put_escaped(text, len, out);
        fputs("</pre>\n", out);
        free(text);
    }
    fputs("</body></html>\n", out);
    return true;
}

/* ---- Requests ---- */

struct request_http {
    bool is_head, is_get;
    char path[64]; /* without a query */
};

/* The first line. A path that is too long is none of ours. */
static void read_request(const char *request, size_t len, struct request_http *ret)
{
    *ret = (struct request_http){
        .is_head = len > 5 && memcmp(request, "HEAD ", 5) == 0,
        .is_get = len > 4 && memcmp(request, "GET ", 4) == 0,
    };
    const size_t begin = ret->is_head ? 5 : 4;
    size_t n = 0;
    if (!ret->is_head && !ret->is_get)
        return;
    while (begin + n < len && n < sizeof(ret->path) - 1 &&
           strchr(" ?\r\n", request[begin + n]) == NULL)
        n++;
    if (begin + n < len && strchr(" ?\r\n", request[begin + n]) != NULL)
        memcpy(ret->path, request + begin, n);
}

struct body {
    const char *status, *type;
    char *text; /* malloc's */
    size_t len;
};

static bool make_page(const struct services *services, struct body *body)
{
    FILE *out = open_memstream(&body->text, &body->len);
    if (out == NULL)
        return false;
    const bool ok = put_page(services, out);
    return fclose(out) == 0 && ok;
}

static bool make_body(const struct services *services, const struct request_http *r,
                      struct body *body)
{
    *body = (struct body){.status = "200 OK", .type = "text/html; charset=utf-8"};
    if (!r->is_get && !r->is_head) {
        body->status = "405 Method Not Allowed";
        body->text = strdup("only GET and HEAD\n");
    } else if (strcmp(r->path, "/") == 0) {
        return make_page(services, body);
    } else {
        for (size_t i = 0; i < PARTS; i++) {
            if (strcmp(r->path, parts[i].path) != 0)
                continue;
            body->type = "application/json";
            body->text = show_part(services, &parts[i], true, &body->len);
            return body->text != NULL;
        }
        body->status = "404 Not Found";
        body->text = strdup("there is no such page; / has them all\n");
    }
    body->type = "text/plain; charset=utf-8";
    body->len = body->text != NULL ? strlen(body->text) : 0;
    return body->text != NULL;
}

char *http_answer(const struct services *services, const char *request, size_t len, size_t *ret_len)
{
    struct request_http r;
    struct body body;
    char *answer = NULL;
    read_request(request, len, &r);
    FILE *out = make_body(services, &r, &body) ? open_memstream(&answer, ret_len) : NULL;
    if (out != NULL) {
        fprintf(out,
                "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: "
                "no-store\r\nConnection: close\r\n%s\r\n",
                body.status, body.type, body.len,
                r.is_get || r.is_head ? "" : "Allow: GET, HEAD\r\n");
        if (!r.is_head)
            fwrite(body.text, 1, body.len, out);
        if (fclose(out) != 0) {
            free(answer);
            answer = NULL;
        }
    }
    free(body.text);
    return answer;
}
