/* SPDX-License-Identifier: Apache-2.0 */
/* What answers of a name server say of addresses. */
#include "testing.h"

#include "run/names.h"
#include "wire/dns.h"

static struct names names;

/* An answer to the question `name`: an alias, and addresses 192.0.2.`first` and on. */
static size_t build(uint8_t *message, uint16_t flags, const char *name, uint8_t first,
                    unsigned count)
{
    struct dns_builder b;
    struct dns_name question, alias;
    assert_true(dns_name_from_text(name, &question));
    assert_true(dns_name_from_text("alias.test", &alias));
    dns_builder_init(&b, message, 512, 7, flags);
    dns_builder_question(&b, &question, DNS_TYPE_A);
    const struct dns_record cname = {.name = question,
                                     .section = DNS_ANSWER,
                                     .type = DNS_TYPE_CNAME,
                                     .class = DNS_CLASS_IN,
                                     .rdata_len = alias.len};
    dns_builder_record(&b, &cname, alias.b);
    for (unsigned i = 0; i < count; i++) {
        const struct nst_addr addr = nst_addr_v4(192, 0, 2, (uint8_t)(first + i));
        dns_builder_addr(&b, &alias, 60, &addr);
    }
    return dns_builder_finish(&b);
}

static const char *look_up(uint8_t last)
{
    const struct nst_addr addr = nst_addr_v4(192, 0, 2, last);
    return names_lookup(&names, &addr);
}

static void an_address_has_the_name_that_was_asked_for(void **state)
{
    uint8_t message[512];
    assert_null(look_up(1));
    size_t len = build(message, DNS_QR, "www.example.test", 1, 2);
    names_learn(&names, message, len);
    assert_string_equal(look_up(1), "www.example.test");
    assert_string_equal(look_up(2), "www.example.test");
    assert_null(look_up(3));
    len = build(message, DNS_QR, "other.test", 2, 1);
    names_learn(&names, message, len); /* the latest counts */
    assert_string_equal(look_up(1), "www.example.test");
    assert_string_equal(look_up(2), "other.test");
    names_fini(&names);
    assert_null(look_up(1));
}

static void what_is_no_good_answer_says_nothing(void **state)
{
    uint8_t message[512];
    size_t len = build(message, 0, "question.test", 1, 1);
    names_learn(&names, message, len);
    len = build(message, DNS_QR | DNS_NXDOMAIN, "missing.test", 1, 1);
    names_learn(&names, message, len);
    assert_null(look_up(1));
    names_fini(&names);
}

/* Each in a block of its own size, so that a sanitizer sees what reads beyond. */
static void truncated_answers_are_survived(void **state)
{
    uint8_t message[512];
    const size_t len = build(message, DNS_QR, "www.example.test", 1, 4);
    for (size_t n = 0; n <= len; n++) {
        uint8_t *cut = malloc(n != 0 ? n : 1);
        memcpy(cut, message, n);
        names_learn(&names, cut, n);
        free(cut);
    }
    assert_string_equal(look_up(4), "www.example.test");
    names_fini(&names);
}

static void many_addresses_take_bounded_room(void **state)
{
    uint8_t message[512];
    struct dns_name name;
    assert_true(dns_name_from_text("many.test", &name));
    unsigned known = 0;
    for (unsigned i = 0; i < 10000; i++) {
        const struct nst_addr addr = nst_addr_v4(198, 18, (uint8_t)(i >> 8), (uint8_t)i);
        struct dns_builder b;
        dns_builder_init(&b, message, sizeof(message), 7, DNS_QR);
        dns_builder_question(&b, &name, DNS_TYPE_A);
        dns_builder_addr(&b, &name, 60, &addr);
        names_learn(&names, message, dns_builder_finish(&b));
        assert_string_equal(names_lookup(&names, &addr), "many.test");
    }
    for (unsigned i = 0; i < 10000; i++) {
        const struct nst_addr addr = nst_addr_v4(198, 18, (uint8_t)(i >> 8), (uint8_t)i);
        known += names_lookup(&names, &addr) != NULL;
    }
    assert_in_range(known, NAMES_SLOTS / 2, NAMES_SLOTS); /* most places are in use */
    names_fini(&names);
}

TESTS({"an address has the name that was asked for, not its aliases",
       an_address_has_the_name_that_was_asked_for},
      {"what is no good answer says nothing", what_is_no_good_answer_says_nothing},
      {"truncated answers are survived", truncated_answers_are_survived},
      {"many addresses take bounded room", many_addresses_take_bounded_room})
