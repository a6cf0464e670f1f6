/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files, or none. */
#include "small_memory.h"
#include "testing.h"

#include <errno.h>
#include <unistd.h>

#include "tool/file.h"
#include "up/config.h"

/* A file of so many bytes, 'a' to 'z' over and over; its name is written to `name`. */
static void make_file(size_t size, char name[32])
{
    strcpy(name, "/tmp/nst-file-XXXXXX");
    const int fd = mkstemp(name);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        fputc('a' + (int)(i % 26), file);
    assert_int_equal(fclose(file), 0);
}

static void a_file_is_read_whole_with_a_nul_behind(void **state)
{
    static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 300000};
    char name[32];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t len;
        make_file(sizes[i], name);
        char *text = file_read(name, FILE_ANY_SIZE, &len);
        assert_non_null(text);
        assert_int_equal(len, sizes[i]);
        for (size_t n = 0; n < len; n++)
            assert_int_equal(text[n], 'a' + (int)(n % 26));
        assert_int_equal(text[len], '\0');
        free(text);
        text = file_read(name, sizes[i], &len);
        assert_non_null(text);
        free(text);
        unlink(name);
    }
}

static void what_cannot_be_read_whole_is_not_read(void **state)
{
    char name[32];
    size_t len;
    make_file(20000, name);
    assert_null(file_read(name, 19999, &len));
    assert_int_equal(errno, EFBIG);
    assert_null(config_read("test", "/tmp", &len));
    assert_null(file_read("/tmp", FILE_ANY_SIZE, &len));
    assert_int_equal(errno, EISDIR);
    unlink(name);
    assert_null(file_read(name, FILE_ANY_SIZE, &len));
    assert_int_equal(errno, ENOENT);
}

static void without_memory_for_all_of_it_there_is_nothing(void **state)
{
    char name[32];
    size_t len;
    make_file(3 << 20, name);
    assert_null(file_read(name, FILE_ANY_SIZE, &len));
    assert_int_equal(errno, ENOMEM);
    unlink(name);
}

TESTS({"a file is read whole, with a NUL behind", a_file_is_read_whole_with_a_nul_behind},
      {"what cannot be read whole is not read", what_cannot_be_read_whole_is_not_read},
      {"without memory for all of it there is nothing",
       without_memory_for_all_of_it_there_is_nothing})
