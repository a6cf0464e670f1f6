/* SPDX-License-Identifier: Apache-2.0 */
/* The rates and the texts of --top. What it does to a terminal is tested by
 * tests/interop/run_top_test.sh. */
#include "testing.h"

#include "run/top.h"

#define COUNT 5

/* Flows 1 to 5, TCP but for the last. */
static struct top_sample make_sample(struct top_row rows[COUNT])
{
    for (unsigned i = 0; i < COUNT; i++)
        rows[i] = (struct top_row){
            .flow = {
                .summary = {.type = i == COUNT - 1 ? NST_DATAGRAM : NST_STREAM,
                            .inside = {.addr = nst_addr_v4(10, 0, 2, 15),
                                       .port = (uint16_t)(40000 + i)},
                            .outside = {.addr = nst_addr_v4(192, 0, 2, (uint8_t)i), .port = 443},
                            .bytes_out = 1000 * (i + 1),
                            .bytes_in = 500,
                            .begun = 10 * NST_SEC,
                            .srtt = 12440 * NST_USEC},
                .id = i + 1,
                .tcp_state = i == COUNT - 1 ? 0 : NST_TCP_ESTABLISHED}};
    return (struct top_sample){.now = 13 * NST_SEC,
                               .begun = 9 * NST_SEC,
                               .gateway.active = COUNT,
                               .rows = rows,
                               .count = COUNT};
}

static void rates_are_those_since_the_last_sample(void **state)
{
    struct top_row rows[COUNT], before[3];
    struct top_sample s = make_sample(rows);
    before[0] = rows[0]; /* has ended meanwhile: its id is in no row any more */
    before[1] = rows[1];
    before[2] = rows[3];
    s.rows++;
    s.count--;
    before[1].flow.summary.bytes_out = 1500;
    before[2].flow.summary.bytes_out = 0;
    before[2].flow.summary.bytes_in = 500;
    top_fill_rates(&s, before, 3, NST_SEC / 2);
    assert_int_equal(s.rows[0].out_bits, 500 * 8 * 2);
    assert_int_equal(s.rows[0].in_bits, 0);
    assert_int_equal(s.rows[1].out_bits, 3000 * 8 * 2); /* new: since its begin */
    assert_int_equal(s.rows[1].in_bits, 500 * 8 * 2);
    assert_int_equal(s.rows[2].out_bits, 4000 * 8 * 2);
    assert_int_equal(s.rows[2].in_bits, 0);
    top_fill_rates(&s, NULL, 0, NST_SEC);
    assert_int_equal(s.rows[0].out_bits, 2000 * 8);
}

static char *table_of(const struct top_sample *s, unsigned lines, unsigned columns,
                      unsigned *ret_count)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    *ret_count = top_print_table(s, lines, columns, false, out);
    fclose(out);
    return text;
}

static void the_table_fits(void **state)
{
    struct top_row rows[COUNT];
    struct top_sample s = make_sample(rows);
    char long_name[1000];
    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    rows[1].name = long_name;
    for (unsigned columns = 40; columns < 300; columns += 7) {
        for (unsigned lines = 1; lines < 10; lines++) {
            unsigned count, newlines = 0, column = 0;
            char *text = table_of(&s, lines, columns, &count);
            for (const char *c = text; *c != '\0'; c++) {
                newlines += *c == '\n';
                column = *c == '\n' ? 0 : column + 1;
                assert_in_range(column, 0, columns);
            }
            assert_int_equal(count, newlines);
            assert_in_range(count, 1, lines);
            free(text);
        }
    }
}

static void a_row_says_what_there_is(void **state)
{
    struct top_row rows[COUNT];
    struct top_sample s = make_sample(rows);
    unsigned count;
    rows[0].name = "www.example.test";
    rows[0].flow.summary.published = true;
    rows[0].out_bits = 93240000;
    rows[1].name = "evil\033[2Jname\n";
    rows[2].flow.is_waiting = true;
    char *text = table_of(&s, 20, 120, &count);
    assert_int_equal(count, 2 + COUNT);
    assert_non_null(strstr(text, "nst: 4s; 5 flows;"));
    assert_non_null(strstr(text, "tcp  :40000 < www.example.test:443"));
    assert_non_null(strstr(text, "93.2Mbit"));
    assert_non_null(strstr(text, "12.4ms"));
    assert_non_null(strstr(text, "tcp  :40001 > evil?[2Jname?:443"));
    assert_non_null(strstr(text, "udp  :40004 > 192.0.2.4:443"));
    assert_non_null(strstr(text, " WAITS\n"));
    assert_non_null(strstr(text, " ESTAB\n"));
    assert_null(strchr(text, '\033'));
    free(text);
}

static void json_is_one_line(void **state)
{
    struct top_row rows[COUNT];
    struct top_sample s = make_sample(rows);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    rows[0].name = "a\"b\\c\n";
    top_print_json(&s, out);
    fclose(out);
    assert_ptr_equal(strchr(text, '\n'), text + size - 1);
    assert_int_equal(strncmp(text, "{\"milliseconds\":4000,\"active\":5,", 32), 0);
    assert_non_null(strstr(text, "\"name\":\"a\\\"b\\\\c\\u000a\""));
    assert_non_null(strstr(text, "\"name\":null"));
    assert_non_null(strstr(text, "\"rtt_us\":12440"));
    assert_non_null(strstr(text, "\"protocol\":\"udp\""));
    free(text);
}

TESTS({"rates are those since the last sample", rates_are_those_since_the_last_sample},
      {"the table fits its lines and columns, whatever names are like", the_table_fits},
      {"a row says what there is, and no control characters", a_row_says_what_there_is},
      {"JSON is one line", json_is_one_line})
