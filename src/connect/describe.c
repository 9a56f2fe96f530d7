/* describe.c: operations in a few words, for the pages and the log: "fit GBTClassifier", "write parquet to /data/out".
 */
#include "connect/execute.h"

#include <string.h>

enum { TEXT_SHOWN = 500 };

/* The name of a class without its package. */
static const char *short_name(const char *class_name)
{
    const char *dot = strrchr(class_name, '.');
    return dot ? dot + 1 : class_name;
}

/* The name of the field that is set in a oneof of a message: its kind, as the protocol calls it. */
static const char *field_name(const ProtobufCMessageDescriptor *type, unsigned number)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(type, number);
    return field ? field->name : "nothing";
}

static ch_summary describe_relation(ch_arena *arena, const PB(Relation) *root)
{
    const char *top = root ? field_name(PB_TYPE(relation), (unsigned)root->rel_type_case) : "nothing";
    if (strcmp(top, "show_string") == 0 || strcmp(top, "html_string") == 0)
        return (ch_summary){"execute", "show", false};
    if (strcmp(top, "ml_relation") == 0) return (ch_summary){"transform", "collect", false};
    if (strcmp(top, "catalog") == 0) return (ch_summary){"catalog", "catalog", true};
    return (ch_summary){"execute", ch_arena_printf(arena, "collect %s", top), false};
}

static const char *operator_name(const PB(MlOperator) *op)
{
    return op ? short_name(op->name) : "?";
}

static const char *fetched(ch_arena *arena, const PB(Fetch) *fetch)
{
    const char *text = "";
    for (size_t i = 0; i < fetch->n_methods && i < 4; i++) {
        text = ch_arena_printf(arena, "%s%s%.100s", text, i ? "." : "", fetch->methods[i]->method);
    }
    return text;
}

static ch_summary describe_ml(ch_arena *arena, const PB(MlCommand) *ml)
{
    switch (ml->command_case) {
    case SPARK__CONNECT__ML_COMMAND__COMMAND_FIT: return (ch_summary){"fit", operator_name(ml->fit->estimator), false};
    case SPARK__CONNECT__ML_COMMAND__COMMAND_EVALUATE:
        return (ch_summary){"evaluate", operator_name(ml->evaluate->evaluator), false};
    case SPARK__CONNECT__ML_COMMAND__COMMAND_FETCH: return (ch_summary){"fetch", fetched(arena, ml->fetch), true};
    case SPARK__CONNECT__ML_COMMAND__COMMAND_WRITE:
        return (ch_summary){"write", ch_arena_printf(arena, "model to %.*s", TEXT_SHOWN, ml->write->path), false};
    case SPARK__CONNECT__ML_COMMAND__COMMAND_READ:
        return (ch_summary){
            "read",
            ch_arena_printf(arena, "%.100s from %.*s", operator_name(ml->read->operator_), TEXT_SHOWN, ml->read->path),
            false};
    default: return (ch_summary){"ml", field_name(PB_TYPE(ml_command), (unsigned)ml->command_case), true};
    }
}

static ch_summary describe_write(ch_arena *arena, const PB(WriteOperation) *write)
{
    const char *format = write->_source_case && write->source[0] ? write->source : "default format";
    const char *to = "";
    if (write->save_type_case == SPARK__CONNECT__WRITE_OPERATION__SAVE_TYPE_PATH) to = write->path;
    if (write->save_type_case == SPARK__CONNECT__WRITE_OPERATION__SAVE_TYPE_TABLE) to = write->table->table_name;
    return (ch_summary){"write", ch_arena_printf(arena, "%.100s to %.*s", format, TEXT_SHOWN, to), false};
}

/* The text of spark.sql comes in one of two places, by the client's version. */
static ch_summary describe_sql(ch_arena *arena, const PB(SqlCommand) *sql)
{
    const PB(Relation) *input = sql->input;
    const char *text = sql->sql ? sql->sql : "";
    if (input && input->rel_type_case == SPARK__CONNECT__RELATION__REL_TYPE_SQL) text = input->sql->query;
    return (ch_summary){"sql", ch_arena_printf(arena, "%.*s", TEXT_SHOWN, text), false};
}

static ch_summary describe_command(ch_arena *arena, const PB(Command) *command)
{
    switch (command->command_type_case) {
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_ML_COMMAND: return describe_ml(arena, command->ml_command);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_WRITE_OPERATION: return describe_write(arena, command->write_operation);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_SQL_COMMAND: return describe_sql(arena, command->sql_command);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_CHECKPOINT_COMMAND:
        return (ch_summary){"checkpoint", "checkpoint", false};
    default: return (ch_summary){"command", field_name(PB_TYPE(command), (unsigned)command->command_type_case), true};
    }
}

ch_summary ch_describe(ch_arena *arena, const PB(Plan) *plan)
{
    switch (plan ? plan->op_type_case : SPARK__CONNECT__PLAN__OP_TYPE__NOT_SET) {
    case SPARK__CONNECT__PLAN__OP_TYPE_ROOT: return describe_relation(arena, plan->root);
    case SPARK__CONNECT__PLAN__OP_TYPE_COMMAND: return describe_command(arena, plan->command);
    default: return (ch_summary){"execute", "?", false};
    }
}
