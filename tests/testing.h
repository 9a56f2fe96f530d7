/* testing.h: what every unit test includes: cmocka with the headers it wants in front of it. */
#ifndef CHERT_TESTS_TESTING_H
#define CHERT_TESTS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
