/* test_java_exp.c: Math.exp, bit for bit. */
#include "testing.h"

#include "math/java_exp.h"

#include <math.h>

/* OpenJDK 17 on x86-64: values that the C library of this machine gives otherwise. */
static void values_are_the_jvms(void **state)
{
    (void)state;
    static const double rows[][2] = {
        {-0x1.1ee21be4b6efbp-8, 0x1.fdc37cce3ea6p-1},   {-0x1.d9b432b814baep-9, 0x1.fe2726ac9b2aap-1},
        {-0x1.1ccff3f593db4p+0, 0x1.509c0c6457becp-2},  {-0x1.105f9a13924ap-2, 0x1.886bbeadadc0dp-1},
        {-0x1.382a9790fc49ap-11, 0x1.ffb1fb4c6dc95p-1}, {-0x1.f0733a01356d6p+8, 0x1.b5badb51aaedp-717},
        {-0x1.5180c42d47b51p+6, 0x1.350377d129abp-122}, {-0x1.32a87345cb1f1p-8, 0x1.fd9c1dde156cap-1},
        {0x1.efb4dcf979f2ap+1, 0x1.8094282ac5654p+5},   {0x1.4e7c259635d8ap+8, 0x1.795abd85938a2p+482},
        {0x1.5ba2d951c6394p+1, 0x1.e3c9470bdc8a8p+3},   {0x1.168aa5c762d1p+0, 0x1.7bf77331b6eb6p+1},
        {0x1.2d55b7402a37fp-8, 0x1.012e075641482p+0},   {-0x1.be134b0ce538cp+1, 0x1.f63fd6a3eff26p-6},
        {0x1.7f97cfd2d8aa9p-9, 0x1.00c013d2d1625p+0},   {-0x1.4d18dbbfeb57cp+1, 0x1.2f84edd5f7da6p-4},
        {0x1.ad22aa5471898p+1, 0x1.c93d85d84c4c2p+4},   {-0x1.bb7fcb02e78a4p-11, 0x1.ff912c0daf9bcp-1},
        {-0x1.23d70794cb7dp+1, 0x1.a2f4cc5faa32ap-4},   {0x1.5da51d6680facp+0, 0x1.f59d314da389ep+1},
        {0x1.275c344068473p-8, 0x1.012806d8ab388p+0},   {0x1.e1907da03bfbcp+1, 0x1.585a09af8c8d8p+5},
        {0x1.06891f56f3767p+8, 0x1.b130c664d1f07p+378}, {-0x1.2a684be497ba5p+8, 0x1.675114a4dba8cp-431},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double e;
        ch_java_exp(&rows[i][0], &e, 1);
        assert_true(e == rows[i][1]);
    }
}

static void special_values(void **state)
{
    (void)state;
    static const double x[] = {0, -0.0, 1e-300, -1e-300, 1000, -1000, INFINITY, -INFINITY, NAN, 700, -700};
    enum { N = sizeof x / sizeof *x };
    double out[N];
    ch_java_exp(x, out, N);
    for (size_t i = 0; i < N; i++) assert_true(isnan(x[i]) ? isnan(out[i]) : out[i] == exp(x[i]));
}

/* In place, over more than a block, and never further from e^x than a unit in the last place. */
static void arrays_in_place(void **state)
{
    (void)state;
    enum { N = 1000 };
    double x[N];
    for (int i = 0; i < N; i++) x[i] = (i - 500) * 1.21;
    ch_java_exp(x, x, N);
    for (int i = 0; i < N; i++) {
        double e = exp((i - 500) * 1.21);
        assert_true(x[i] >= nextafter(e, 0) && x[i] <= nextafter(e, INFINITY));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_the_jvms),
        cmocka_unit_test(special_values),
        cmocka_unit_test(arrays_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
