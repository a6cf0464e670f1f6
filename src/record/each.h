/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EACH(WHAT, KIND, name, ...) gives WHAT_KIND(name) for every pair, up to six of them: how a row of
 * calls.def becomes code.
 */
#ifndef NICSTACK_SRC_RECORD_EACH_H
#define NICSTACK_SRC_RECORD_EACH_H

#define EACH_0(what)
#define EACH_2(what, k, a)       what##_##k(a)
#define EACH_4(what, k, a, ...)  what##_##k(a) EACH_2(what, __VA_ARGS__)
#define EACH_6(what, k, a, ...)  what##_##k(a) EACH_4(what, __VA_ARGS__)
#define EACH_8(what, k, a, ...)  what##_##k(a) EACH_6(what, __VA_ARGS__)
#define EACH_10(what, k, a, ...) what##_##k(a) EACH_8(what, __VA_ARGS__)
#define EACH_12(what, k, a, ...) what##_##k(a) EACH_10(what, __VA_ARGS__)

#define EACH_COUNT_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, ...) n
#define EACH_COUNT(...)                                            EACH_COUNT_(__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define EACH_PASTE_(n)                                             EACH_##n
#define EACH_PASTE(n)                                              EACH_PASTE_(n)
#define EACH(...)                                                  EACH_PASTE(EACH_COUNT(__VA_ARGS__))(__VA_ARGS__)

#endif
