/* native.c: C functions as SQL functions, and the reference counts of functions and transforms.
 *
 * DuckDB wants a function's return type when it is registered, so there is one engine function for each distinct return
 * type, `ch_native_<slot>(id, arguments...)`; the id is a constant which binding folds and turns into the function.
 * Slots and ids belong to the process, registration to a database.
 */
#include "frame/engine/native.h"

#include "base/map.h"
#include "frame/session/session_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    pthread_mutex_t lock;
    unsigned long next_id;
    ch_map *natives;       /* id as text -> ch_native *, not counted: gone when the last reference is */
    ch_map *slots;         /* return type in DuckDB's spelling -> slot + 1 */
    const ch_type **types; /* by slot */
    size_t nslot, slot_cap;
    ch_arena *arena; /* of the types */
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

enum { ID_TEXT = 24 };

static void id_text(unsigned long id, char out[ID_TEXT])
{
    snprintf(out, ID_TEXT, "%lu", id);
}

static void init_registry(void)
{
    if (registry.natives) return;
    registry.natives = ch_map_new();
    registry.slots = ch_map_new();
    registry.arena = ch_arena_new();
}

ch_native *ch_native_new(const char *name, const ch_type *out_type,
                         int (*eval)(const void *, const ch_batch *, ch_column *, ch_error *), const void *state,
                         void (*free_state)(void *))
{
    ch_native *fn = calloc(1, sizeof *fn);
    if (!fn) abort(); /* as any arena does */
    *fn = (ch_native){.name = name, .out_type = out_type, .eval = eval, .state = state, .free_state = free_state};
    atomic_init(&fn->refs, 1);
    pthread_mutex_lock(&registry.lock);
    init_registry();
    fn->id = ++registry.next_id;
    char key[ID_TEXT];
    id_text(fn->id, key);
    ch_map_put(registry.natives, key, fn);
    pthread_mutex_unlock(&registry.lock);
    return fn;
}

ch_native *ch_native_retain(ch_native *fn)
{
    atomic_fetch_add(&fn->refs, 1);
    return fn;
}

/* The last reference is given up under the lock, so that a lookup never finds a function that is being freed. */
void ch_native_release(ch_native *fn)
{
    if (!fn) return;
    int refs = atomic_load(&fn->refs);
    while (refs > 1) {
        if (atomic_compare_exchange_weak(&fn->refs, &refs, refs - 1)) return;
    }
    pthread_mutex_lock(&registry.lock);
    bool last = atomic_fetch_sub(&fn->refs, 1) == 1;
    if (last) {
        char key[ID_TEXT];
        id_text(fn->id, key);
        ch_map_remove(registry.natives, key);
    }
    pthread_mutex_unlock(&registry.lock);
    if (!last) return;
    if (fn->free_state) fn->free_state((void *)(uintptr_t)fn->state);
    free(fn);
}

static void release_native(void *fn)
{
    ch_native_release(fn);
}

ch_native *ch_native_hold(ch_arena *arena, ch_native *fn)
{
    ch_native_retain(fn);
    ch_arena_defer(arena, release_native, fn);
    return fn;
}

ch_transform *ch_transform_retain(ch_transform *t)
{
    atomic_fetch_add(&t->refs, 1);
    return t;
}

void ch_transform_release(ch_transform *t)
{
    if (t && atomic_fetch_sub(&t->refs, 1) == 1) t->free(t);
}

static void release_transform(void *t)
{
    ch_transform_release(t);
}

ch_transform *ch_transform_hold(ch_arena *arena, ch_transform *t)
{
    ch_transform_retain(t);
    ch_arena_defer(arena, release_transform, t);
    return t;
}

/* --- in the engine -------------------------------------------------------------------------------------------------
 */

/* What binding finds out about one call. */
typedef struct call_info {
    ch_native *fn;
    size_t narg;
    const ch_type **types; /* of the arguments */
    ch_arena *arena;
    atomic_int refs;
} call_info;

static void free_call(void *data)
{
    call_info *call = data;
    if (atomic_fetch_sub(&call->refs, 1) != 1) return;
    ch_native_release(call->fn);
    ch_arena_free(call->arena);
    free(call);
}

static void *copy_call(void *data)
{
    call_info *call = data;
    atomic_fetch_add(&call->refs, 1);
    return call;
}

static ch_native *find_native(int64_t id)
{
    char key[ID_TEXT];
    id_text((unsigned long)id, key);
    pthread_mutex_lock(&registry.lock);
    ch_native *fn = registry.natives ? ch_map_get(registry.natives, key) : NULL;
    if (fn) ch_native_retain(fn);
    pthread_mutex_unlock(&registry.lock);
    return fn;
}

/* The constant first argument; 0 if it is none. */
static int64_t fold_id(duckdb_bind_info info)
{
    duckdb_expression e = duckdb_scalar_function_bind_get_argument(info, 0);
    duckdb_client_context context = NULL;
    duckdb_scalar_function_get_client_context(info, &context);
    int64_t id = 0;
    duckdb_value value = NULL;
    if (duckdb_expression_is_foldable(e)) {
        duckdb_error_data failed = duckdb_expression_fold(context, e, &value);
        if (failed && duckdb_error_data_has_error(failed)) value = NULL;
        if (failed) duckdb_destroy_error_data(&failed);
    }
    if (value) {
        id = duckdb_get_int64(value);
        duckdb_destroy_value(&value);
    }
    duckdb_destroy_client_context(&context);
    duckdb_destroy_expression(&e);
    return id;
}

static void bind_native(duckdb_bind_info info)
{
    size_t n = duckdb_scalar_function_bind_get_argument_count(info);
    ch_native *fn = n ? find_native(fold_id(info)) : NULL;
    if (!fn) {
        duckdb_scalar_function_bind_set_error(info, "no such native function");
        return;
    }
    call_info *call = calloc(1, sizeof *call);
    if (!call) abort();
    atomic_init(&call->refs, 1);
    call->fn = fn;
    call->narg = n - 1;
    call->arena = ch_arena_new();
    call->types = CH_NEW_ARRAY(call->arena, const ch_type *, n);
    for (size_t i = 0; i < call->narg; i++) {
        duckdb_expression e = duckdb_scalar_function_bind_get_argument(info, i + 1);
        duckdb_logical_type type = duckdb_expression_return_type(e);
        call->types[i] = ch_type_of_engine(call->arena, type);
        duckdb_destroy_logical_type(&type);
        duckdb_destroy_expression(&e);
        if (!call->types[i]) {
            duckdb_scalar_function_bind_set_error(info, "a native function cannot take an argument of this type");
            free_call(call);
            return;
        }
    }
    duckdb_scalar_function_set_bind_data(info, call, free_call);
    duckdb_scalar_function_set_bind_data_copy(info, copy_call);
}

static void eval_native(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const call_info *call = duckdb_scalar_function_get_bind_data(info);
    ch_arena *arena = ch_arena_new();
    ch_batch in = {.rows = duckdb_data_chunk_get_size(input), .ncol = call->narg};
    in.cols = CH_NEW_ARRAY(arena, ch_column, in.ncol);
    for (size_t i = 0; i < in.ncol; i++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(input, i + 1);
        ch_column_wrap(arena, vector, call->types[i], in.rows, false, &in.cols[i]);
    }
    ch_column out = {0};
    ch_column_wrap(arena, output, call->fn->out_type, in.rows, true, &out);
    ch_error err;
    if (call->fn->eval(call->fn->state, &in, &out, &err)) ch_engine_raise(info, &err);
    ch_arena_free(arena);
}

static void slot_name(size_t slot, char out[40])
{
    snprintf(out, 40, "ch_native_%zu", slot);
}

static int register_slot(duckdb_connection con, size_t slot, const ch_type *out_type, ch_error *err)
{
    char name[40];
    slot_name(slot, name);
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_logical_type any = duckdb_create_logical_type(DUCKDB_TYPE_ANY);
    duckdb_logical_type id = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_logical_type out = ch_engine_type(out_type);
    duckdb_scalar_function_set_name(function, name);
    duckdb_scalar_function_add_parameter(function, id);
    duckdb_scalar_function_set_varargs(function, any);
    duckdb_scalar_function_set_return_type(function, out);
    duckdb_scalar_function_set_special_handling(function); /* nulls are the function's business */
    duckdb_scalar_function_set_volatile(function);         /* evaluated once, however often its result is used */
    duckdb_scalar_function_set_bind(function, bind_native);
    duckdb_scalar_function_set_function(function, eval_native);
    duckdb_state state = duckdb_register_scalar_function(con, function);
    duckdb_destroy_logical_type(&any);
    duckdb_destroy_logical_type(&id);
    duckdb_destroy_logical_type(&out);
    duckdb_destroy_scalar_function(&function);
    return state == DuckDBSuccess ? 0 : ch_bug(err, "the engine refuses the function %s", name);
}

static size_t slot_of(const ch_type *type)
{
    ch_buf spelling = {0};
    ch_type_duckdb(&spelling, type);
    pthread_mutex_lock(&registry.lock);
    init_registry();
    size_t slot = (size_t)(uintptr_t)ch_map_get(registry.slots, ch_buf_text(&spelling));
    if (!slot) {
        if (registry.nslot == registry.slot_cap) {
            size_t cap = registry.slot_cap ? registry.slot_cap * 2 : 16;
            registry.types = ch_arena_grow(registry.arena, registry.types, sizeof *registry.types, registry.nslot, cap);
            registry.slot_cap = cap;
        }
        registry.types[registry.nslot++] = ch_type_copy(registry.arena, type);
        slot = registry.nslot;
        ch_map_put(registry.slots, ch_buf_text(&spelling), (void *)(uintptr_t)slot);
    }
    pthread_mutex_unlock(&registry.lock);
    ch_buf_reset(&spelling);
    return slot - 1;
}

int ch_native_sql(ch_buf *sql, const ch_native *fn, const char *args, ch_error *err)
{
    (void)err;
    char name[40];
    slot_name(slot_of(fn->out_type), name);
    ch_buf_printf(sql, "%s(%lu::BIGINT%s%s)", name, fn->id, *args ? ", " : "", args);
    return 0;
}

int ch_native_register(ch_engine *engine, duckdb_connection con, ch_error *err)
{
    int status = 0;
    pthread_mutex_lock(&engine->lock);
    for (;;) {
        pthread_mutex_lock(&registry.lock);
        bool more = engine->nnative < registry.nslot;
        const ch_type *type = more ? registry.types[engine->nnative] : NULL;
        pthread_mutex_unlock(&registry.lock);
        if (!more || (status = register_slot(con, engine->nnative, type, err))) break;
        engine->nnative++;
    }
    pthread_mutex_unlock(&engine->lock);
    return status;
}
