/* SPDX-License-Identifier: Apache-2.0 */
/* A test that includes this is a program in which an allocation of more than 1 MiB fails. */
#ifndef TESTS_LIB_SMALL_MEMORY_H
#define TESTS_LIB_SMALL_MEMORY_H

#include <nicstack/types.h>

/* The sanitizer asks for it when the program begins. */
NST_API const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=1";
}

#endif
