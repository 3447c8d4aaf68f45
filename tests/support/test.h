/*
 * test: cmocka with what it wants included before it, and what every test file needs.
 */
#ifndef UNDERSTUDY_TESTS_TEST_H
#define UNDERSTUDY_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#endif
