/* test_metrics.c: counters, gauges and histograms as Prometheus text. */
#include "base/metrics.h"

#include "testing.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static ch_metric counter = {
    .kind = CH_COUNTER, .name = "test_events_total", .help = "Events.", .labels = {"what", "how"}};
static ch_metric plain = {.kind = CH_GAUGE, .name = "test_level", .help = "A level."};
static ch_metric histogram = {.kind = CH_HISTOGRAM, .name = "test_seconds", .help = "Times.", .labels = {"what"}};
static ch_metric many = {.kind = CH_COUNTER, .name = "test_many_total", .help = "Many.", .labels = {"n"}};

static void expect_line(const char *line)
{
    ch_buf out = {0};
    ch_metrics_write(&out);
    char text[512];
    snprintf(text, sizeof text, "\n%s\n", line);
    if (!strstr(out.data, text)) fail_msg("no line %s in\n%s", line, out.data);
    ch_buf_reset(&out);
}

static void counts_and_escapes(void **state)
{
    (void)state;
    ch_metric_cell *cell = ch_metric_cell_of(&counter, "a\"b\\c\nd", "x", NULL);
    assert_ptr_equal(cell, ch_metric_cell_of(&counter, "a\"b\\c\nd", "x", NULL));
    assert_ptr_not_equal(cell, ch_metric_cell_of(&counter, "a", "x", NULL));
    ch_metric_add(cell, 2);
    ch_metric_add(cell, 3);
    ch_metric_set(ch_metric_cell_of(&plain, NULL, NULL, NULL), -1.5);
    expect_line("# TYPE test_events_total counter");
    expect_line("test_events_total{what=\"a\\\"b\\\\c\\nd\",how=\"x\"} 5");
    expect_line("test_level -1.5");
    expect_line("# TYPE process_resident_memory_bytes gauge");
}

static void sorts_times_into_buckets(void **state)
{
    (void)state;
    ch_metric_cell *cell = ch_metric_cell_of(&histogram, "x", NULL, NULL);
    ch_metric_observe(cell, 0.0001);
    ch_metric_observe(cell, 0.3);
    ch_metric_observe(cell, 1e6);
    expect_line("test_seconds_bucket{what=\"x\",le=\"0.0001\"} 1");
    expect_line("test_seconds_bucket{what=\"x\",le=\"0.25\"} 1");
    expect_line("test_seconds_bucket{what=\"x\",le=\"0.5\"} 2");
    expect_line("test_seconds_bucket{what=\"x\",le=\"600\"} 2");
    expect_line("test_seconds_bucket{what=\"x\",le=\"+Inf\"} 3");
    expect_line("test_seconds_count{what=\"x\"} 3");
    expect_line("test_seconds_sum{what=\"x\"} 1000000.3001");
}

static void bounds_label_values(void **state)
{
    (void)state;
    for (int i = 0; i < CH_METRIC_CELLS_MAX + 100; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        ch_metric_add(ch_metric_cell_of(&many, text, NULL, NULL), 1);
    }
    expect_line("test_many_total{n=\"4999\"} 1");
    expect_line("test_many_total{n=\"other\"} 100");
}

static void *count_up(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i % 50);
        ch_metric_add(ch_metric_cell_of(&counter, text, "threads", NULL), 1);
    }
    return NULL;
}

static void loses_nothing_between_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, count_up, NULL);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    expect_line("test_events_total{what=\"0\",how=\"threads\"} 800");
    expect_line("test_events_total{what=\"49\",how=\"threads\"} 800");
}

static void set_level(void *arg)
{
    ch_metric_set(ch_metric_cell_of(&plain, NULL, NULL, NULL), *(const double *)arg);
}

static void asks_collectors(void **state)
{
    (void)state;
    double level = 7;
    ch_metrics_collect(set_level, &level);
    expect_line("test_level 7");
    level = 8;
    expect_line("test_level 8");
    ch_metrics_forget(set_level, &level);
    level = 9;
    expect_line("test_level 8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_escapes),  cmocka_unit_test(sorts_times_into_buckets),
        cmocka_unit_test(bounds_label_values), cmocka_unit_test(loses_nothing_between_threads),
        cmocka_unit_test(asks_collectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
