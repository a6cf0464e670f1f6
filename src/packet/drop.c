/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/drop.h"

#include "base/check.h"

/*
 * The word is the enum constant in lower case, with "drop_" in front for counters. The compiler
 * writes it: LOWER gives character i of a string literal, or NUL behind its end.
 */
#define AT(s, i)      ((s)[(i) < sizeof(s) ? (i) : sizeof(s) - 1])
#define LOWER(s, i)   (char)(AT(s, i) >= 'A' && AT(s, i) <= 'Z' ? AT(s, i) + 'a' - 'A' : AT(s, i))
#define LOWER4(s, i)  LOWER(s, i), LOWER(s, (i) + 1), LOWER(s, (i) + 2), LOWER(s, (i) + 3)
#define LOWER16(s, i) LOWER4(s, i), LOWER4(s, (i) + 4), LOWER4(s, (i) + 8), LOWER4(s, (i) + 12)
#define WORD_MAX      32

#define DROP(name, severity, text) \
    _Static_assert(sizeof(#name) <= WORD_MAX, "the word of a drop reason is too long");
#include "packet/drop.def"
#undef DROP

static const char counter_names[DROP_REASON_MAX][5 + WORD_MAX] = {
#define DROP(name, severity, text) \
    {'d', 'r', 'o', 'p', '_', LOWER16(#name, 0u), LOWER16(#name, 16u)},
#include "packet/drop.def"
#undef DROP
};

static const char *const texts[DROP_REASON_MAX] = {
#define DROP(name, severity, text) text,
#include "packet/drop.def"
#undef DROP
};

/* The words of drop.def. */
enum {
    NORMAL = DROP_SEVERITY_NORMAL,
    LOSS = DROP_SEVERITY_LOSS,
    BAD = DROP_SEVERITY_BAD,
};

static const uint8_t severities[DROP_REASON_MAX] = {
#define DROP(name, severity, text) severity,
#include "packet/drop.def"
#undef DROP
};

const char *drop_counter_name(enum drop_reason reason)
{
    CHECK(reason < DROP_REASON_MAX);
    return counter_names[reason];
}

const char *drop_name(enum drop_reason reason)
{
    return drop_counter_name(reason) + 5;
}

const char *drop_text(enum drop_reason reason)
{
    CHECK(reason < DROP_REASON_MAX);
    return texts[reason];
}

enum drop_severity drop_severity(enum drop_reason reason)
{
    CHECK(reason < DROP_REASON_MAX);
    return (enum drop_severity)severities[reason];
}
