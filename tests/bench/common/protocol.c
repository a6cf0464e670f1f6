/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LATENCIES_MAX 4000000

uint8_t pattern[PERIOD + CHUNK];

void pattern_fill(void)
{
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = (uint8_t)((uint32_t)(i % PERIOD) * 2654435761u >> 13);
}

bool pattern_matches(const uint8_t *data, size_t n, uint64_t at)
{
    return memcmp(data, pattern + at % PERIOD, n) == 0;
}

const uint8_t *pattern_at(uint64_t at)
{
    return pattern + at % PERIOD;
}

void verdict_build(uint8_t ret_verdict[VERDICT], uint64_t received)
{
    for (int i = 0; i < VERDICT; i++)
        ret_verdict[i] = (uint8_t)(received >> (56 - 8 * i));
}

uint64_t verdict_parse(const uint8_t verdict[VERDICT])
{
    uint64_t received = 0;
    for (int i = 0; i < VERDICT; i++)
        received = received << 8 | verdict[i];
    return received;
}

uint64_t clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void latencies_init(struct latencies *l)
{
    *l =
        (struct latencies){.value = calloc(LATENCIES_MAX, sizeof(*l->value)), .max = LATENCIES_MAX};
    if (l->value == NULL)
        give_up("memory");
}

void latencies_add(struct latencies *l, uint64_t nanoseconds)
{
    if (l->count < l->max)
        l->value[l->count++] = nanoseconds < UINT32_MAX ? (uint32_t)nanoseconds : UINT32_MAX;
}

static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void print_bulk(uint64_t bytes, uint64_t nanoseconds)
{
    printf("{\"gbit\": %.4f, \"bytes\": %llu}\n", (double)bytes * 8 / (double)nanoseconds,
           (unsigned long long)bytes);
}

void print_latencies(struct latencies *l)
{
    if (l->count == 0)
        give_up("no exchange was finished");
    qsort(l->value, l->count, sizeof(*l->value), compare);
    const size_t half = l->count / 2, most = l->count * 99 / 100;
    printf("{\"p50\": %.2f, \"p99\": %.2f, \"count\": %zu}\n", l->value[half] / 1e3,
           l->value[most] / 1e3, l->count);
    free(l->value);
}

void print_rate(uint64_t count, uint64_t nanoseconds)
{
    printf("{\"rate\": %.1f, \"count\": %llu}\n", (double)count * 1e9 / (double)nanoseconds,
           (unsigned long long)count);
}

_Noreturn void give_up(const char *what)
{
    const int saved = errno;
    fprintf(stderr, "%s%s%s\n", what, saved != 0 ? ": " : "", saved != 0 ? strerror(saved) : "");
    exit(1);
}
