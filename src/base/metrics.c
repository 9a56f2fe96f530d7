/* metrics.c: the registry of metrics. A family's cells are in a hash table of fixed size whose chains only grow, so
 * that readers need no lock; adding a family or a cell takes one. */
#include "base/metrics.h"

#include "base/log.h"

#include <dirent.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Upper bounds of the buckets, in seconds and in bytes, and the parts of one that sums are kept in. */
enum { BUCKETS = 18 };
typedef struct bucket_scale {
    double bounds[BUCKETS], parts;
} bucket_scale;
static const bucket_scale SECONDS = {
    {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600}, 1e9};
static const bucket_scale BYTES = {{0, 65536, 262144, 1048576, 2097152, 4194304, 8388608, 16777216, 33554432, 67108864,
                                    134217728, 268435456, 536870912, 1073741824, 4294967296, 17179869184, 68719476736,
                                    274877906944},
                                   1};

struct ch_metric_cell {
    uint64_t hash;
    char *labels; /* {a="x",b="y"} without the braces */
    const char *values[CH_METRIC_LABELS_MAX];
    _Atomic(ch_metric_cell *) chain; /* of the slot */
    ch_metric_cell *next;            /* of the family, oldest first */
    _Atomic uint64_t count;          /* a counter; observations of a histogram */
    const bucket_scale *scale;       /* of a histogram */
    _Atomic uint64_t sum;            /* of a histogram, in its parts */
    _Atomic double gauge;
    _Atomic uint64_t buckets[]; /* BUCKETS of a histogram, none otherwise */
};

typedef struct collector {
    void (*fn)(void *arg);
    void *arg;
    struct collector *next;
} collector;

static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER; /* of adding */
static pthread_mutex_t collect_mutex = PTHREAD_MUTEX_INITIALIZER;  /* of the collectors and of writing */
static ch_metric *families, *last_family;
static collector *collectors;

static void *must_alloc(size_t size)
{
    void *memory = calloc(1, size);
    if (memory) return memory;
    ch_log(CH_LOG_ERROR, "out of memory: %zu bytes wanted", size);
    abort();
}

static uint64_t hash_values(const char *const values[])
{
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < CH_METRIC_LABELS_MAX; i++) {
        for (const char *c = values[i]; c && *c; c++) hash = (hash ^ (unsigned char)*c) * 1099511628211u;
        hash = (hash ^ 0xff) * 1099511628211u;
    }
    return hash ^ hash >> 32;
}

static bool same_values(const ch_metric_cell *cell, const char *const values[])
{
    for (int i = 0; i < CH_METRIC_LABELS_MAX; i++) {
        if (strcmp(cell->values[i], values[i] ? values[i] : "")) return false;
    }
    return true;
}

static ch_metric_cell *find(ch_metric *metric, uint64_t hash, const char *const values[])
{
    ch_metric_cell *cell = atomic_load_explicit(&metric->slots[hash % CH_METRIC_SLOTS], memory_order_acquire);
    while (cell && (cell->hash != hash || !same_values(cell, values))) {
        cell = atomic_load_explicit(&cell->chain, memory_order_acquire);
    }
    return cell;
}

/* Prometheus escapes backslash, quote and newline. */
static void add_label(ch_buf *out, const char *name, const char *value)
{
    if (out->len) ch_buf_char(out, ',');
    ch_buf_printf(out, "%s=\"", name);
    for (const char *c = value; *c; c++) {
        if (*c == '\\' || *c == '"') ch_buf_char(out, '\\');
        if (*c == '\n') {
            ch_buf_str(out, "\\n");
        } else {
            ch_buf_char(out, *c);
        }
    }
    ch_buf_char(out, '"');
}

static ch_metric_cell *new_cell(const ch_metric *metric, uint64_t hash, const char *const values[])
{
    const bucket_scale *scale = metric->kind == CH_HISTOGRAM         ? &SECONDS
                                : metric->kind == CH_HISTOGRAM_BYTES ? &BYTES
                                                                     : NULL;
    size_t buckets = scale ? BUCKETS : 0;
    ch_metric_cell *cell = must_alloc(sizeof *cell + buckets * sizeof cell->buckets[0]);
    cell->hash = hash;
    cell->scale = scale;
    ch_buf labels = {0};
    for (int i = 0; i < CH_METRIC_LABELS_MAX; i++) {
        char *copy = strdup(values[i] ? values[i] : "");
        cell->values[i] = copy ? copy : "";
        if (metric->labels[i]) add_label(&labels, metric->labels[i], cell->values[i]);
    }
    cell->labels = labels.data;
    return cell;
}

static void append_cell(ch_metric *metric, ch_metric_cell *cell)
{
    if (!metric->first) { /* the family is new */
        if (last_family) {
            last_family->next = metric;
        } else {
            families = metric;
        }
        last_family = metric;
        metric->first = cell;
    } else {
        metric->last->next = cell;
    }
    metric->last = cell;
    metric->ncell++;
}

/* With the registry locked. */
static ch_metric_cell *add(ch_metric *metric, uint64_t hash, const char *const values[])
{
    if (metric->ncell >= CH_METRIC_CELLS_MAX) {
        static const char *const OTHER[CH_METRIC_LABELS_MAX] = {"other", "other", "other"};
        if (!metric->other) {
            metric->other = new_cell(metric, 0, OTHER);
            append_cell(metric, metric->other);
        }
        return metric->other;
    }
    ch_metric_cell *cell = new_cell(metric, hash, values);
    append_cell(metric, cell);
    _Atomic(ch_metric_cell *) *slot = &metric->slots[hash % CH_METRIC_SLOTS];
    atomic_store_explicit(&cell->chain, atomic_load(slot), memory_order_relaxed);
    atomic_store_explicit(slot, cell, memory_order_release);
    return cell;
}

ch_metric_cell *ch_metric_cell_of(ch_metric *metric, const char *one, const char *two, const char *three)
{
    const char *const values[CH_METRIC_LABELS_MAX] = {one, two, three};
    uint64_t hash = hash_values(values);
    ch_metric_cell *cell = find(metric, hash, values);
    if (cell) return cell;
    pthread_mutex_lock(&registry_mutex);
    cell = find(metric, hash, values);
    if (!cell) cell = add(metric, hash, values);
    pthread_mutex_unlock(&registry_mutex);
    return cell;
}

void ch_metric_add(ch_metric_cell *cell, uint64_t more)
{
    atomic_fetch_add_explicit(&cell->count, more, memory_order_relaxed);
}

void ch_metric_set(ch_metric_cell *cell, double value)
{
    atomic_store_explicit(&cell->gauge, value, memory_order_relaxed);
}

void ch_metric_observe(ch_metric_cell *cell, double value)
{
    int bucket = 0;
    while (bucket < BUCKETS && value > cell->scale->bounds[bucket]) bucket++;
    if (bucket < BUCKETS) atomic_fetch_add_explicit(&cell->buckets[bucket], 1, memory_order_relaxed);
    uint64_t parts = value > 0 ? (uint64_t)(value * cell->scale->parts) : 0;
    atomic_fetch_add_explicit(&cell->sum, parts, memory_order_relaxed);
    atomic_fetch_add_explicit(&cell->count, 1, memory_order_relaxed);
}

void ch_metrics_collect(void (*fn)(void *arg), void *arg)
{
    collector *c = must_alloc(sizeof *c);
    pthread_mutex_lock(&collect_mutex);
    *c = (collector){fn, arg, collectors};
    collectors = c;
    pthread_mutex_unlock(&collect_mutex);
}

void ch_metrics_forget(void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&collect_mutex);
    for (collector **place = &collectors; *place;) {
        collector *c = *place;
        if (c->fn == fn && c->arg == arg) {
            *place = c->next;
            free(c);
        } else {
            place = &c->next;
        }
    }
    pthread_mutex_unlock(&collect_mutex);
}

/* ---- the text ---- */

static void write_sample(ch_buf *out, const char *name, const char *suffix, const char *labels, const char *more,
                         double value)
{
    ch_buf_printf(out, "%s%s", name, suffix);
    if (labels || more) {
        ch_buf_printf(out, "{%s%s%s}", labels ? labels : "", labels && more ? "," : "", more ? more : "");
    }
    ch_buf_printf(out, " %.15g\n", value);
}

static void write_histogram(ch_buf *out, const ch_metric *metric, ch_metric_cell *cell)
{
    uint64_t below = 0;
    char bound[48];
    /* what is observed meanwhile may be in a bucket and not yet in the count: the total is never less */
    uint64_t total = atomic_load(&cell->count);
    for (int i = 0; i < BUCKETS; i++) {
        below += atomic_load(&cell->buckets[i]);
        snprintf(bound, sizeof bound, "le=\"%.15g\"", cell->scale->bounds[i]);
        write_sample(out, metric->name, "_bucket", cell->labels, bound, (double)below);
    }
    if (total < below) total = below;
    write_sample(out, metric->name, "_bucket", cell->labels, "le=\"+Inf\"", (double)total);
    write_sample(out, metric->name, "_sum", cell->labels, NULL, (double)atomic_load(&cell->sum) / cell->scale->parts);
    write_sample(out, metric->name, "_count", cell->labels, NULL, (double)total);
}

static void write_head(ch_buf *out, const char *name, const char *help, const char *type)
{
    ch_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_family(ch_buf *out, const ch_metric *metric)
{
    static const char *const TYPES[] = {"counter", "gauge", "histogram", "histogram"};
    write_head(out, metric->name, metric->help, TYPES[metric->kind]);
    for (ch_metric_cell *cell = metric->first; cell; cell = cell->next) {
        switch (metric->kind) {
        case CH_COUNTER:
            write_sample(out, metric->name, "", cell->labels, NULL, (double)atomic_load(&cell->count));
            break;
        case CH_GAUGE: write_sample(out, metric->name, "", cell->labels, NULL, atomic_load(&cell->gauge)); break;
        case CH_HISTOGRAM:
        case CH_HISTOGRAM_BYTES: write_histogram(out, metric, cell); break;
        }
    }
}

static void write_one(ch_buf *out, const char *name, const char *help, const char *type, double value)
{
    write_head(out, name, help, type);
    write_sample(out, name, "", NULL, NULL, value);
}

static double resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long size, resident = 0;
    if (!file) return 0;
    if (fscanf(file, "%lu %lu", &size, &resident) != 2) resident = 0;
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* Entries of a folder of /proc/self. */
static double entries_in(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) return 0;
    int n = 0;
    for (const struct dirent *entry; (entry = readdir(folder));) n += entry->d_name[0] != '.';
    closedir(folder);
    return n;
}

static void write_process(ch_buf *out)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    write_one(out, "process_cpu_seconds_total", "CPU time used.", "counter", cpu);
    write_one(out, "process_resident_memory_bytes", "Memory held.", "gauge", resident_bytes());
    write_one(out, "process_open_fds", "Open file descriptors.", "gauge", entries_in("/proc/self/fd"));
    write_one(out, "process_threads", "Threads.", "gauge", entries_in("/proc/self/task"));
}

void ch_metrics_write(ch_buf *out)
{
    pthread_mutex_lock(&collect_mutex);
    for (const collector *c = collectors; c; c = c->next) c->fn(c->arg);
    pthread_mutex_lock(&registry_mutex); /* for the lists of families and cells */
    for (const ch_metric *metric = families; metric; metric = metric->next) write_family(out, metric);
    pthread_mutex_unlock(&registry_mutex);
    pthread_mutex_unlock(&collect_mutex);
    write_process(out);
}
