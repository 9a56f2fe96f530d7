"""Requests to a tracking server and what of the replies must be the same everywhere.

`REQUESTS` is played by record_replies.py against MLflow's own server, whose replies are kept in replies.json, and by
test_replies.py against chert. A request is (method, path below /api/2.0/mlflow/, body or query arguments); "$name" in it
stands for a value saved from an earlier reply: a request with a fourth element {"name": "path.in.reply"} saves some.
"""
import json
import re

E, R, M = "experiments/", "runs/", "metrics/"
RUN = {"run_id": "$r"}


def batch(**more):
    return ("POST", R + "log-batch", {**RUN, **more})


def search(**more):
    return ("POST", R + "search", {"experiment_ids": ["$e"], **more})


def metric(**more):
    return ("POST", R + "log-metric", {**RUN, **more})


def find(text, **more):
    return search(filter=text, **more)


def measure(name, what, view_type="TRACES", **more):
    return ("POST", "/api/3.0/mlflow/traces/metrics", {
        "experiment_ids": ["$e"], "view_type": view_type, "metric_name": name,
        "aggregations": [{"aggregation_type": what}], **more})


def correlate(one, other, **more):
    return ("POST", "/api/3.0/mlflow/traces/calculate-filter-correlation", {
        "experiment_ids": ["$e"], "filter_string1": one, "filter_string2": other, **more})


REQUESTS = [
    # --- experiments
    ("POST", E + "create", {}),
    ("POST", E + "create", {"name": 123}),
    ("POST", E + "create", {"name": "first", "tags": [{"key": "k", "value": "v"}]}, {"e": "experiment_id"}),
    ("POST", E + "create", {"name": "first"}),
    ("POST", E + "create", {"name": "second", "artifact_location": "s3://bucket/path"}, {"e2": "experiment_id"}),
    ("POST", E + "create", {"name": "x", "artifact_location": "s3://bucket/path#part"}),
    ("POST", E + "create", {"name": "x" * 501}),
    ("GET", E + "get", {"experiment_id": "$e"}),
    ("GET", E + "get", {"experiment_id": "999"}),
    ("GET", E + "get", {"experiment_id": "abc"}),
    ("GET", E + "get", {}),
    ("GET", E + "get-by-name", {"experiment_name": "second"}),
    ("GET", E + "get-by-name", {"experiment_name": "none"}),
    ("POST", E + "set-experiment-tag", {"experiment_id": "$e", "key": "b", "value": "x"}),
    ("POST", E + "set-experiment-tag", {"experiment_id": "$e", "key": "b", "value": "x" * 20001}),
    ("POST", E + "set-experiment-tag", {"experiment_id": "$e", "key": "a//b", "value": "x"}),
    ("POST", E + "set-experiment-tag", {"experiment_id": "$e", "key": "a*b", "value": "x"}),
    ("POST", E + "set-experiment-tag", {"experiment_id": "$e", "key": "k" * 251, "value": "x"}),
    ("POST", E + "set-experiment-tag", {"experiment_id": "$e", "value": "x"}),
    ("POST", E + "set-experiment-tag", {"experiment_id": "$e", "key": "gone", "value": "x"}),
    ("POST", E + "delete-experiment-tag", {"experiment_id": "$e", "key": "gone"}),
    ("POST", E + "delete-experiment-tag", {"experiment_id": "$e", "key": "gone"}),
    ("POST", E + "update", {"experiment_id": "$e"}),
    ("POST", E + "update", {"experiment_id": "$e", "new_name": "renamed"}),
    ("POST", E + "search", {"max_results": 10}),
    ("POST", E + "search", {"max_results": 1}, {"t": "next_page_token"}),
    ("POST", E + "search", {"max_results": 1, "page_token": "$t"}),
    ("POST", E + "search", {"max_results": 50001}),
    ("POST", E + "search", {"max_results": -1}),
    ("POST", E + "search", {"max_results": 10, "order_by": ["name"]}),
    ("POST", E + "search", {"max_results": 10, "order_by": ["name DESC"]}),
    ("POST", E + "search", {"max_results": 10, "order_by": ["tags.k"]}),
    ("POST", E + "search", {"max_results": 10, "order_by": ["bogus"]}),
    ("POST", E + "search", {"max_results": 10, "order_by": ["last_update_time ASC", "experiment_id"]}),
    *[("POST", E + "search", {"max_results": 10, "view_type": "ALL", "filter": text}) for text in [
        "name = 'renamed'", "name != 'renamed'", "name LIKE 're%'", "name ILIKE 'RE%'", "name LIKE 'RE%'",
        "attribute.name = 'second'", "tags.k = 'v'", "tag.b = 'x' AND name = 'renamed'", "tags.b != 'x'",
        "tags.b != 'y'", "tags.k IS NULL", "tags.k IS NOT NULL", "experiment_id = '$e'", "experiment_id != '0'",
        "experiment_id IN ('0', '$e')", "experiment_id NOT IN ('0')", "experiment_id > '0'", "experiment_id = 'x'",
        "experiment_id = 0", "creation_time > 0", "creation_time < 5", "creation_time > 'x'", "name > 'x'", "name = 5",
        "bogus = 'x'", "foo.b = 'x'", "bad filter", "name IS NULL", "name IN ('a')", "tags.k > 'v'", "tags.k = 5"]],
    ("GET", E + "search", {"max_results": 10, "filter": "name = 'renamed'"}),
    # --- runs
    ("POST", R + "create", {"experiment_id": "999"}),
    ("POST", R + "create", {"experiment_id": 5}),
    ("POST", R + "create", {"experiment_id": "$e", "start_time": "abc"}),
    ("POST", R + "create", {"run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]}),
    ("POST", R + "create", {"experiment_id": "$e", "start_time": 1000, "user_id": "ann", "run_name": "one",
                            "tags": [{"key": "owner", "value": "ann"}]}, {"r": "run.info.run_id"}),
    ("POST", R + "create", {"experiment_id": "$e", "start_time": "2000", "user_id": "bob",
                            "tags": [{"key": "mlflow.runName", "value": "two"}]}, {"r2": "run.info.run_id"}),
    ("POST", R + "create", {"experiment_id": "$e", "start_time": 3000, "run_name": "three"},
     {"r3": "run.info.run_id"}),
    ("POST", R + "create", {"experiment_id": "$e2", "start_time": 4000, "run_name": "four"},
     {"r4": "run.info.run_id"}),
    ("GET", R + "get", {}),
    ("GET", R + "get", {"run_id": "nothing"}),
    ("GET", R + "get", {"run_uuid": "$r"}),
    # --- metrics
    metric(key="m", value="NaN", timestamp=1),
    metric(key="inf", value="Infinity", timestamp=1, step=-3),
    metric(key="ninf", value="-Infinity", timestamp=1, step=2),
    metric(key="loss", value=0.5, timestamp=1, step=1),
    metric(key="loss", value=0.5, timestamp=1, step=1),
    metric(key="loss", value=0.25, timestamp=2, step=2),
    metric(key="loss", value=9, timestamp=3, step=0),
    metric(key="loss", value="0.125", timestamp="2", step="2"),
    metric(key="loss", value="foo", timestamp=1),
    metric(key="loss", value=1, timestamp="foo"),
    metric(key="loss", value=1, timestamp=1, step="foo"),
    metric(key="loss", value=1, timestamp=-1),
    metric(key="loss", value=1),
    metric(key="loss", timestamp=1),
    metric(value=1, timestamp=1),
    metric(key=5, value=1, timestamp=1),
    metric(key="a//b", value=1, timestamp=1),
    metric(key="../b", value=1, timestamp=1),
    metric(key="a/./b", value=1, timestamp=1),
    metric(key="/a", value=1, timestamp=1),
    metric(key=".", value=1, timestamp=1),
    metric(key="a*b", value=1, timestamp=1),
    metric(key="a/b.c-d e:f_g", value=1, timestamp=1),
    metric(key="x" * 250, value=1, timestamp=1),
    metric(key="x" * 251, value=1, timestamp=1),
    ("POST", R + "log-metric", {"key": "m", "value": 1, "timestamp": 1}),
    ("POST", R + "log-metric", {"run_id": "nothing", "key": "m", "value": 1, "timestamp": 1}),
    ("POST", R + "log-metric", {"run_id": "$r2", "key": "loss", "value": 1.5, "timestamp": 1}),
    ("POST", R + "log-metric", {"run_id": "$r3", "key": "loss", "value": "NaN", "timestamp": 1}),
    # --- params and tags
    ("POST", R + "log-parameter", {**RUN, "key": "p", "value": "1"}),
    ("POST", R + "log-parameter", {**RUN, "key": "p", "value": "1"}),
    ("POST", R + "log-parameter", {**RUN, "key": "p", "value": "2"}),
    ("POST", R + "log-parameter", {**RUN, "key": "empty"}),
    ("POST", R + "log-parameter", {**RUN, "key": "number", "value": 5}),
    ("POST", R + "log-parameter", {**RUN, "key": "a//b", "value": "2"}),
    ("POST", R + "log-parameter", {**RUN, "key": "k" * 251, "value": "2"}),
    ("POST", R + "log-parameter", {**RUN, "key": "long", "value": "v" * 6001}),
    ("POST", R + "log-parameter", {"run_id": "$r2", "key": "p", "value": "x_y"}),
    ("POST", R + "set-tag", {**RUN, "key": "mlflow.runName", "value": "other"}),
    ("POST", R + "set-tag", {**RUN, "key": "t"}),
    ("POST", R + "set-tag", {**RUN, "key": "k" * 251, "value": "2"}),
    ("POST", R + "set-tag", {**RUN, "key": "long", "value": "v" * 8001}),
    ("POST", R + "set-tag", {**RUN, "value": "v"}),
    ("POST", R + "set-tag", {"run_id": "$r2", "key": "my tag", "value": "Hello"}),
    ("POST", R + "set-tag", {**RUN, "key": "gone", "value": "x"}),
    ("POST", R + "delete-tag", {**RUN, "key": "gone"}),
    ("POST", R + "delete-tag", {**RUN, "key": "gone"}),
    # --- batches
    batch(),
    batch(metrics="foo"),
    batch(params="foo"),
    batch(tags="foo"),
    batch(metrics=[{"value": 1}]),
    batch(metrics=[{"key": "m", "timestamp": 1}]),
    batch(metrics=[{"key": "m", "value": 1}]),
    batch(params=[{"value": "1"}]),
    batch(tags=[{"key": "", "value": "5"}]),
    batch(tags=[{"key": "a/../b", "value": "5"}]),
    batch(params=[{"key": "a", "value": "1"}, {"key": "a//b", "value": "5"}]),
    batch(metrics=[{"key": "a//b", "value": 1, "timestamp": 5}]),
    batch(metrics=[{"key": "m", "value": 1, "timestamp": -5}]),
    batch(metrics=[{"key": "k" * 251, "value": 1, "timestamp": 5}]),
    batch(params=[{"key": "k" * 251, "value": "1"}]),
    batch(tags=[{"key": "k" * 251, "value": "1"}]),
    batch(metrics=[{"key": "atomic", "value": 1, "timestamp": 5}],
          params=[{"key": "p", "value": "5"}, {"key": "atomic", "value": "5"}]),
    batch(params=[{"key": "p", "value": "5"}, {"key": "empty", "value": "6"}]),
    batch(params=[{"key": "new", "value": "5"}, {"key": "new", "value": "6"}]),
    batch(params=[{"key": f"p{i}", "value": "5"} for i in range(101)]),
    batch(tags=[{"key": f"p{i}", "value": "5"} for i in range(101)]),
    batch(metrics=[{"key": "m", "value": i, "timestamp": i} for i in range(1001)]),
    batch(metrics=[{"key": "m", "value": i, "timestamp": i} for i in range(950)],
          params=[{"key": f"p{i}", "value": "5"} for i in range(51)]),
    ("POST", R + "log-batch", {"run_id": "bad id!"}),
    ("POST", R + "log-batch", {"run_id": "0" * 32}),
    ("POST", R + "log-batch", {"metrics": []}),
    batch(metrics=[{"key": "acc", "value": i / 8, "timestamp": 10 + i % 3, "step": i} for i in range(10)],
          params=[{"key": "p", "value": "1"}, {"key": "depth", "value": "3"}],
          tags=[{"key": "owner", "value": "eve"}, {"key": "mlflow.runName", "value": "batched"}]),
    # --- inputs and outputs
    ("POST", R + "log-inputs", {**RUN, "datasets": [
        {"tags": [{"key": "mlflow.data.context", "value": "train"}, {"key": "z", "value": "1"}],
         "dataset": {"name": "d1", "digest": "1", "source_type": "local", "source": "s", "schema": "sc",
                     "profile": "pr"}},
        {"dataset": {"name": "d2", "digest": "2", "source_type": "local", "source": "s"}}],
        "models": [{"model_id": "m-1"}]}),
    ("POST", R + "log-inputs", {**RUN, "datasets": [
        {"dataset": {"name": "n" * 501, "digest": "1", "source_type": "local", "source": "s"}}]}),
    ("POST", R + "log-inputs", {**RUN, "datasets": [
        {"dataset": {"name": "n", "digest": "1" * 37, "source_type": "local", "source": "s"}}]}),
    ("POST", R + "log-inputs", {**RUN, "datasets": "x"}),
    ("POST", R + "log-inputs", {"run_id": "$r2", "datasets": [
        {"tags": [{"key": "mlflow.data.context", "value": "test"}],
         "dataset": {"name": "d1", "digest": "1", "source_type": "local", "source": "s"}}]}),
    ("POST", R + "outputs", {**RUN, "models": [{"model_id": "m-2", "step": 3}]}),
    ("POST", R + "outputs", RUN),
    ("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": ["$e"]}),
    ("POST", R + "log-model", {**RUN, "model_json": "{}"}),
    ("POST", R + "log-model", {**RUN, "model_json": "{x"}),
    ("POST", R + "log-model", RUN),
    ("GET", R + "get", RUN),
    # --- histories
    ("GET", M + "get-history", {**RUN, "metric_key": "loss"}),
    ("GET", M + "get-history", {**RUN, "metric_key": "acc", "max_results": 4}, {"t": "next_page_token"}),
    ("GET", M + "get-history", {**RUN, "metric_key": "acc", "max_results": 4, "page_token": "$t"}),
    ("GET", M + "get-history", {**RUN, "metric_key": "acc", "max_results": 0}),
    ("GET", M + "get-history", {**RUN, "metric_key": "none"}),
    ("GET", M + "get-history", RUN),
    ("GET", M + "get-history", {"run_id": "nothing", "metric_key": "m"}),
    ("GET", M + "get-history-bulk-interval", {"run_ids": ["$r", "$r2"], "metric_key": "loss"}),
    ("GET", M + "get-history-bulk-interval", {"run_ids": ["$r"], "metric_key": "acc", "max_results": 3}),
    ("GET", M + "get-history-bulk-interval", {"run_ids": ["$r"], "metric_key": "acc", "max_results": 1}),
    ("GET", M + "get-history-bulk-interval", {"run_ids": ["$r"], "metric_key": "acc", "start_step": 2, "end_step": 5}),
    ("GET", M + "get-history-bulk-interval", {"run_ids": ["$r"], "metric_key": "acc", "start_step": 2}),
    ("GET", M + "get-history-bulk-interval", {"run_ids": ["$r"], "metric_key": "a", "start_step": 2, "end_step": 1}),
    ("GET", M + "get-history-bulk-interval", {"run_ids": ["$r"], "metric_key": "acc", "max_results": 2501}),
    ("GET", M + "get-history-bulk-interval", {"run_ids": ["r"] * 101, "metric_key": "acc"}),
    ("GET", M + "get-history-bulk-interval", {"run_ids": ["$r"]}),
    ("GET", M + "get-history-bulk-interval", {"metric_key": "acc"}),
    ("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk", {"run_id": ["$r"], "metric_key": "loss"}),
    ("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk", {"metric_key": "loss"}),
    ("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk", {"run_id": "$r"}),
    ("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk", {"run_id": ["r"] * 101, "metric_key": "loss"}),
    # --- search
    search(),
    ("POST", R + "search", {"experiment_ids": ["$e", "$e2", "0"]}),
    ("POST", R + "search", {}),
    ("POST", R + "search", {"experiment_ids": ["x"]}),
    ("POST", R + "search", {"experiment_ids": "x"}),
    search(max_results=1),
    ("POST", R + "search", {"experiment_ids": ["$e"], "max_results": 2}, {"t": "next_page_token"}),
    search(max_results=2, page_token="$t"),
    search(max_results=0),
    search(max_results=50001),
    search(page_token="aGVsbG8="),
    search(run_view_type="DELETED_ONLY"),
    search(run_view_type="ALL"),
    *[find(text) for text in [
        "metrics.loss < 1", "metrics.loss >= 1.5", "metrics.loss = 0.25", "metrics.loss != 1.5", "metric.loss > -1e3",
        "metrics.`loss` < 1", 'metrics."loss" < 1', "metrics.`a/b.c-d e:f_g` = 1", "metrics.m = 0", "metrics.m != 0",
        "metrics.none != 0", "params.p = '1'", "param.p = \"1\"", "parameters.p != '1'", "params.p LIKE 'x%'",
        "params.p LIKE 'x_y'", "params.p ILIKE 'X%'", "params.p LIKE 'X%'", "params.p IS NULL",
        "params.p IS NOT NULL", "params.none IS NULL and params.p IS NOT NULL", "tags.owner = 'eve'",
        "tags.`my tag` = 'Hello'", 'tags."my tag" ILIKE \'hello\'', "tags.owner != 'x'", "tag.owner IS NULL",
        "tags.mlflow.runName = 'two'", "run_name = 'two'", "attributes.run_name LIKE '%o%'",
        "attributes.`run name` = 'two'", "attribute.`Run name` != 'two'", "status = 'RUNNING'", "status != 'RUNNING'",
        "user_id = 'ann'", "run_id = '$r'", "run_id IN ('$r', '$r2')", "run_id NOT IN ('$r')", "attr.run_id != '$r'",
        "start_time > 1000", "start_time >= 1000 AND start_time <= 2000", "created = 2000", "end_time > 0",
        "artifact_uri LIKE 'mlflow-artifacts%'", "dataset.name = 'd1'", "datasets.digest = '2'",
        "dataset.context = 'test'", "dataset.name IN ('d2', 'd3')", "dataset.name LIKE 'd%' AND metrics.loss < 1",
        "dataset.context != 'test'", "metrics.loss < 1 AND params.p = '1' AND tags.owner = 'eve'",
        "params.p = '1' AND", "  ", "bad filter", "foo.a = 3", "metrics.a = 'x'", "metrics.a = x", "metrics.a LIKE 5",
        "params.a > 'x'", "params.a = 5", "tags.a = b", "tags.a > 'b'", "bogus = 'b'", "status IN ('b')",
        "run_id IN ()", "run_id IN ('a', 5)", "params.a IN ('a')", "start_time = 'a'", "start_time LIKE 5",
        "params.a = 'x' OR params.b = 'y'", "params.a = 'x'; params.b = 'y'", "metrics.a IS NULL",
        "params.a <> 'x'", "dataset.foo = 'x'", "dataset.name > 'x'", "dataset.name = 5", "status > 'x'",
        "metrics.a <> 5", "attributes.start_time > 5.5"]],
    *[search(order_by=order) for order in [
        ["metrics.loss"], ["metrics.loss DESC"], ["metrics.`loss` ASC"], ["params.p"], ["params.p desc"],
        ["tags.owner DESC", "start_time ASC"], ["attributes.run_name"], ["start_time"], ["created DESC"], ["end_time"],
        ["status", "start_time"], ["metrics.none", "run_name DESC"], ["tag.`my tag`"], ["metrics.m DESC"],
        ["x y z"], ["bogus"], ["metrics.m ACS"], ["foo.x"], [5]]],
    # --- life of runs and experiments
    ("POST", R + "update", {**RUN, "status": "FINISHED", "end_time": 77, "run_name": "updated"}),
    ("POST", R + "update", {**RUN, "status": "NONSENSE"}),
    ("POST", R + "update", {**RUN, "end_time": "abc"}),
    ("POST", R + "update", {"run_id": "nothing"}),
    ("POST", R + "update", {"status": "FAILED"}),
    search(order_by=["end_time DESC"], filter="end_time > 0"),
    ("POST", R + "delete", RUN),
    metric(key="m", value=1, timestamp=1),
    batch(tags=[{"key": "a", "value": "b"}]),
    ("POST", R + "log-parameter", {**RUN, "key": "p", "value": "1"}),
    ("POST", R + "set-tag", {**RUN, "key": "p", "value": "1"}),
    ("POST", R + "delete-tag", {**RUN, "key": "p"}),
    ("POST", R + "update", {**RUN, "status": "FINISHED"}),
    ("POST", R + "delete", RUN),
    ("GET", R + "get", RUN),
    search(run_view_type="DELETED_ONLY"),
    ("POST", R + "restore", RUN),
    ("POST", R + "restore", {"run_id": "nothing"}),
    search(run_view_type="ACTIVE_ONLY", order_by=["run_name"]),
    ("POST", E + "delete", {"experiment_id": "$e"}),
    ("POST", E + "delete", {"experiment_id": "$e"}),
    ("POST", E + "update", {"experiment_id": "$e", "new_name": "zz"}),
    ("POST", E + "set-experiment-tag", {"experiment_id": "$e", "key": "b", "value": "x"}),
    ("POST", R + "create", {"experiment_id": "$e"}),
    ("POST", E + "create", {"name": "renamed"}),
    search(),
    search(run_view_type="DELETED_ONLY", order_by=["run_name"]),
    ("POST", E + "search", {"max_results": 10, "view_type": "DELETED_ONLY"}),
    ("POST", E + "search", {"max_results": 10, "view_type": "ACTIVE_ONLY"}),
    ("POST", E + "restore", {"experiment_id": "$e"}),
    ("POST", E + "restore", {"experiment_id": "$e"}),
    search(order_by=["run_name"]),
    # --- traces as older clients start and end them
    ("POST", "traces", {"experiment_id": "$e", "timestamp_ms": 1000, "request_metadata": [{"key": "a", "value": "1"}],
                        "tags": [{"key": "t", "value": "x"}]}, {"tr": "trace_info.request_id"}),
    ("POST", "traces", {"experiment_id": "999", "timestamp_ms": 1000}),
    ("POST", "traces", {"experiment_id": "$e", "timestamp_ms": "x"}),
    ("PATCH", "traces/$tr", {"timestamp_ms": 3500, "status": "OK", "request_metadata": [{"key": "a", "value": "2"}],
                             "tags": [{"key": "u", "value": "y"}]}),
    ("PATCH", "traces/none", {"timestamp_ms": 3500, "status": "OK"}),
    ("GET", "traces/$tr/info", {}),
    ("GET", "traces/none/info", {}),
    ("GET", "traces", {"experiment_ids": "$e", "max_results": 10}),
    ("GET", "traces", {"experiment_ids": "$e", "max_results": 10, "filter": "status = 'ERROR'"}),
    ("GET", "traces", {"experiment_ids": "$e", "max_results": 501}),
    ("GET", "/ajax-api/2.0/mlflow/get-trace-artifact", {}),
    ("GET", "/ajax-api/2.0/mlflow/get-trace-artifact", {"request_id": "none"}),
    ("POST", "/api/3.0/mlflow/traces", {}),
    # --- what traces come to
    measure("trace_count", "COUNT"),
    measure("trace_count", "COUNT", dimensions=["trace_status"]),
    measure("trace_count", "COUNT", dimensions=["trace_name"]),
    measure("latency", "AVG"),
    measure("latency", "COUNT"),
    measure("bogus", "COUNT"),
    measure("latency", "AVG", dimensions=["x"]),
    measure("latency", "AVG", time_interval_seconds=60),
    measure("latency", "AVG", time_interval_seconds=1, start_time_ms=0, end_time_ms=5000),
    measure("trace_count", "COUNT", filters=["trace.tag.t = 'x'"]),
    measure("trace_count", "COUNT", filters=["trace.tag.t = 'none'"]),
    measure("trace_count", "COUNT", filters=["trace.tag.t > 'x'"]),
    measure("trace_count", "COUNT", filters=["trace.tag = 'x'"]),
    measure("trace_count", "COUNT", filters=["trace.status.a = 'x'"]),
    measure("trace_count", "COUNT", filters=["trace.bogus = 'x'"]),
    measure("trace_count", "COUNT", filters=["tag = 'x'"]),
    measure("trace_count", "COUNT", filters=["bogus.tag = 'x'"]),
    measure("trace_count", "COUNT", filters=["trace.status = 5"]),
    measure("trace_count", "COUNT", filters=["trace.status = OK"]),
    measure("trace_count", "COUNT", filters=["assessment.name = 'x'"]),
    measure("span_count", "COUNT", view_type="SPANS"),
    measure("assessment_count", "COUNT", view_type="ASSESSMENTS", dimensions=["assessment_name"]),
    ("POST", "/api/3.0/mlflow/traces/metrics", {"experiment_ids": ["$e"], "view_type": "TRACES"}),
    correlate("tags.t = 'x'", "status = 'OK'"),
    correlate("tags.t = 'none'", "status = 'OK'"),
    correlate("tags.t = 'x'", "status = 'OK'", base_filter="status = 'ERROR'"),
    # --- big files of clouds, of which there are none
    ("POST", "artifacts/presigned-upload-url", {"run_id": "$r", "path": "x"}),
    ("POST", "artifacts/presigned-upload-url", {"path": "x"}),
    ("POST", "artifacts/presigned-upload-url", {"run_id": "$r", "model_id": "m-1", "path": "x"}),
    ("POST", "artifacts/presigned-upload-url", {"run_id": "$r", "path": "../x"}),
    ("POST", "artifacts/presigned-upload-url", {"run_id": "none", "path": "x"}),
    ("POST", "artifacts/presigned-download-url", {"run_id": "$r", "path": "x"}),
    ("POST", "artifacts/presigned-download-url", {"run_id": "$r", "path": "x", "expiration": 0}),
    ("POST", "artifacts/presigned-download-url", {"run_id": "$r"}),
]


class Player:
    """Plays requests through `send(method, path, arguments) -> (status, text)` and tidies the replies."""

    def __init__(self, send):
        self.send = send
        self.saved = {}

    def fill(self, value):
        if isinstance(value, str):
            return re.sub(r"\$(\w+)", lambda m: self.saved.get(m[1], m[0]), value)
        if isinstance(value, list):
            return [self.fill(v) for v in value]
        if isinstance(value, dict):
            return {k: self.fill(v) for k, v in value.items()}
        return value

    def play(self, method, path, arguments, saves=None):
        if not path.startswith("/"):
            path = "/api/2.0/mlflow/" + path
        status, text = self.send(method, self.fill(path), self.fill(arguments))
        reply = json.loads(text)
        for name, where in (saves or {}).items():
            value = reply
            for part in where.split("."):
                value = value[part]
            self.saved[name] = value
        for run in reply.get("runs", []) if path.endswith("runs/search") else []:
            run["inputs"].pop("model_inputs", None)  # chert tells them in searches too, MLflow forgets them
        if path.endswith("runs/search") and len(arguments) > 1 and "runs" in reply:
            reply["runs"] = [run["info"]["run_name"] for run in reply["runs"]]
        return {"status": status, "reply": self.tidy(reply)}

    def tidy(self, value, key=None):
        if isinstance(value, dict):
            return {k: self.tidy(v, k) for k, v in value.items()}
        if isinstance(value, list):
            value = [self.tidy(v) for v in value]
            if key in ("tags", "params", "metrics"):
                value.sort(key=lambda v: v["key"])  # points of one metric stay in their order
            if key == "dataset_summaries":
                value.sort(key=json.dumps)
            return value
        if key in ("creation_time", "last_update_time"):
            return "TIME"
        if isinstance(value, float) and value != value:
            return "NaN"  # bulk histories: MLflow writes what no JSON parser takes
        if isinstance(value, str):
            return self.tidy_text(value, key)
        return value

    def tidy_text(self, text, key):
        if key == "next_page_token":
            return "TOKEN"
        for name, value in self.saved.items():
            if len(value) == 32:
                text = text.replace(value, "$" + name)
        text = re.sub(r"(.)\1{99,}", lambda m: f"{m[1]} * {len(m[0])}", text)
        text = re.sub(r"Error: \(.*", "Error: ...", text, flags=re.S)
        # what MLflow prints of Python sets has no order
        return re.sub(r"\{('[^{}]*')\}", lambda m: "{" + ", ".join(sorted(m[1].split(", "))) + "}", text)
