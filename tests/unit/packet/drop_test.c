/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "packet/drop.h"

static void names(void **state)
{
    assert_string_equal(drop_name(DROP_NO_ROUTE), "no_route");
    assert_string_equal(drop_counter_name(DROP_NO_ROUTE), "drop_no_route");
    assert_string_equal(drop_name(DROP_TCP_OUT_OF_ORDER_LIMIT), "tcp_out_of_order_limit");
    assert_string_equal(drop_text(DROP_NO_ROUTE), "there is no route to the destination");
    assert_int_equal(drop_severity(DROP_NO_ROUTE), DROP_SEVERITY_LOSS);
    assert_int_equal(drop_severity(DROP_IP_CSUM), DROP_SEVERITY_BAD);
}

static void names_differ(void **state)
{
    for (int i = 0; i < DROP_REASON_MAX; i++) {
        assert_true(strlen(drop_name((enum drop_reason)i)) > 2);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(drop_name((enum drop_reason)i), drop_name((enum drop_reason)j));
    }
}

TESTS({"a reason has a word, a sentence and a severity", names},
      {"no two reasons share a word", names_differ})
