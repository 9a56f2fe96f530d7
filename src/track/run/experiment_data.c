/* experiment_data.c: experiments out of the store and into JSON. */
#include "track/run/experiment_data.h"

#include <stdio.h>

void ch_experiment_read(const ch_db *db, ch_arena *arena, ch_experiment *out)
{
    *out = (ch_experiment){
        .id = ch_db_get_int(db, 0),
        .name = ch_arena_strdup(arena, ch_db_get_text(db, 1)),
        .artifact_location = ch_arena_strdup(arena, ch_db_get_text(db, 2)),
        .deleted = ch_db_get_int(db, 3) != 0,
        .created = ch_db_get_int(db, 4),
        .updated = ch_db_get_int(db, 5),
    };
}

static int write_tags(ch_db *db, ch_json *json, int64_t id, ch_error *err)
{
    bool more, any = false;
    ch_db_sql(db, "SELECT key, value FROM experiment_tags WHERE experiment = ?1 ORDER BY key");
    ch_db_int(db, 1, id);
    for (;;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) break;
        if (!any) {
            ch_json_key(json, "tags");
            ch_json_begin(json, '[');
        }
        any = true;
        ch_json_begin(json, '{');
        ch_json_member(json, "key", ch_db_get_text(db, 0));
        ch_json_member(json, "value", ch_db_get_text(db, 1));
        ch_json_end(json, '}');
    }
    if (any) ch_json_end(json, ']');
    return 0;
}

int ch_experiment_write(ch_db *db, ch_json *json, const ch_experiment *e, const ch_experiment_counts *counts,
                        ch_error *err)
{
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)e->id);
    ch_json_begin(json, '{');
    ch_json_member(json, "experiment_id", id);
    ch_json_member(json, "name", e->name);
    ch_json_member(json, "artifact_location", e->artifact_location);
    ch_json_member(json, "lifecycle_stage", e->deleted ? "deleted" : "active");
    ch_json_member_int(json, "last_update_time", e->updated);
    ch_json_member_int(json, "creation_time", e->created);
    CH_TRY(write_tags(db, json, e->id, err));
    ch_json_member(json, "workspace", "default");
    if (counts) {
        ch_json_member_int(json, "active_runs", counts->active);
        ch_json_member_int(json, "deleted_runs", counts->deleted);
        if (counts->last) ch_json_member_int(json, "last_run_time", counts->last);
    }
    ch_json_end(json, '}');
    return 0;
}
