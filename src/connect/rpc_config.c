/* rpc_config.c: the Config method: the session's configuration, read and changed. */
#include "connect/service.h"

#include <string.h>

static void add_pair(ch_request *req, PB(ConfigResponse) *response, const char *key, const char *value)
{
    PB(KeyValue) *pair = PB_NEW(req->arena, key_value);
    pair->key = ch_arena_strdup(req->arena, key);
    if (value) {
        pair->_value_case = SPARK__CONNECT__KEY_VALUE___VALUE_VALUE;
        pair->value = ch_arena_strdup(req->arena, value);
    }
    response->pairs[response->n_pairs++] = pair;
}

static int set_pair(ch_session *session, const PB(KeyValue) *pair, ch_error *err)
{
    if (!pair->_value_case) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: value cannot be null for key: %s", pair->key);
    }
    return ch_config_set(session, pair->key, pair->value, err);
}

/* With `silent`, what cannot be set becomes a warning: a builder's options meant for a cluster must not fail. */
static int config_set(ch_request *req, const PB(ConfigRequest__Set) *set, PB(ConfigResponse) *response, ch_error *err)
{
    bool silent = set->_silent_case && set->silent;
    response->warnings = CH_NEW_ARRAY(req->arena, char *, set->n_pairs);
    for (size_t i = 0; i < set->n_pairs; i++) {
        const PB(KeyValue) *pair = set->pairs[i];
        int status = set_pair(ch_holder_frame(req->holder), pair, err);
        if (!status) continue;
        if (!silent) return status;
        const char *format =
            pair->_value_case ? "Failed to set %s to Some(%s) due to %s" : "Failed to set %s to %s due to %s";
        response->warnings[response->n_warnings++] =
            ch_arena_printf(req->arena, format, pair->key, pair->_value_case ? pair->value : "None", err->message);
    }
    return CH_OK;
}

static int config_get(ch_request *req, size_t n, char **keys, PB(ConfigResponse) *response, ch_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const char *value;
        CH_TRY(ch_config_get(ch_holder_frame(req->holder), req->arena, keys[i], &value, err));
        add_pair(req, response, keys[i], value);
    }
    return CH_OK;
}

/* The keys come back without the prefix they were asked by, as Spark's do. */
static int config_get_all(ch_request *req, const PB(ConfigRequest__GetAll) *get, PB(ConfigResponse) *response)
{
    const char *prefix = get->_prefix_case ? get->prefix : "";
    size_t n;
    ch_option *all;
    ch_config_all(ch_holder_frame(req->holder), req->arena, prefix, &n, &all);
    response->pairs = CH_NEW_ARRAY(req->arena, PB(KeyValue) *, n);
    for (size_t i = 0; i < n; i++) {
        const char *key = all[i].key;
        if (strncmp(key, prefix, strlen(prefix)) == 0) add_pair(req, response, key + strlen(prefix), all[i].value);
    }
    return CH_OK;
}

static int config_unset(ch_request *req, const PB(ConfigRequest__Unset) *unset, ch_error *err)
{
    for (size_t i = 0; i < unset->n_keys; i++)
        CH_TRY(ch_config_unset(ch_holder_frame(req->holder), unset->keys[i], err));
    return CH_OK;
}

static int run_operation(ch_request *req, const PB(ConfigRequest__Operation) *op, PB(ConfigResponse) *response,
                         ch_error *err)
{
    ch_session *session = ch_holder_frame(req->holder);
    switch (op->op_type_case) {
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_SET: return config_set(req, op->set, response, err);
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_UNSET: return config_unset(req, op->unset, err);
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_GET_ALL: return config_get_all(req, op->get_all, response);
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_GET:
        response->pairs = CH_NEW_ARRAY(req->arena, PB(KeyValue) *, op->get->n_keys);
        return config_get(req, op->get->n_keys, op->get->keys, response, err);
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_GET_OPTION:
        response->pairs = CH_NEW_ARRAY(req->arena, PB(KeyValue) *, op->get_option->n_keys);
        for (size_t i = 0; i < op->get_option->n_keys; i++) {
            const char *key = op->get_option->keys[i];
            add_pair(req, response, key, ch_config_find(session, req->arena, key));
        }
        return CH_OK;
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_GET_WITH_DEFAULT:
        response->pairs = CH_NEW_ARRAY(req->arena, PB(KeyValue) *, op->get_with_default->n_pairs);
        for (size_t i = 0; i < op->get_with_default->n_pairs; i++) {
            const PB(KeyValue) *pair = op->get_with_default->pairs[i];
            const char *value = ch_config_find(session, req->arena, pair->key);
            add_pair(req, response, pair->key, value ? value : pair->_value_case ? pair->value : NULL);
        }
        return CH_OK;
    case SPARK__CONNECT__CONFIG_REQUEST__OPERATION__OP_TYPE_IS_MODIFIABLE:
        response->pairs = CH_NEW_ARRAY(req->arena, PB(KeyValue) *, op->is_modifiable->n_keys);
        for (size_t i = 0; i < op->is_modifiable->n_keys; i++) {
            const char *key = op->is_modifiable->keys[i];
            add_pair(req, response, key, ch_config_modifiable(session, key) ? "true" : "false");
        }
        return CH_OK;
    default: return ch_failf(err, CH_E_UNSUPPORTED, " not supported.");
    }
}

int ch_rpc_config(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response, ch_error *err)
{
    const PB(ConfigRequest) *msg = (const void *)request;
    CH_TRY(CH_ENTER(req, msg, true, err));
    PB(ConfigResponse) *out = PB_NEW(req->arena, config_response);
    if (!msg->operation) return ch_failf(err, CH_E_UNSUPPORTED, " not supported.");
    CH_TRY(run_operation(req, msg->operation, out, err));
    out->session_id = ch_request_session_id(req);
    out->server_side_session_id = ch_request_server_id(req);
    *response = &out->base;
    return CH_OK;
}
