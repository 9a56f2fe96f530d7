"""Traces: spans, tags, assessments, search, deletion."""

import gzip
import json
import math
import os

import mlflow
from mlflow.entities import AssessmentSource, Feedback
from mlflow.entities.trace_data import TraceData
from mlflow.entities.trace_status import TraceStatus
from mlflow.tracing.client import TracingClient

from support import TestCase, beyond_mlflow, fresh, request

ME = AssessmentSource(source_type="HUMAN", source_id="me")


@mlflow.trace
def inner(x):
    return x + 1


@mlflow.trace(name="outer", attributes={"number": 1.5, "list": [1, "2", None]})
def outer(x):
    mlflow.update_current_trace(tags={"fruit": "apple"})
    return inner(x) * 2


class Traces(TestCase):
    def setUp(self):
        super().setUp()
        self.number = self.new_experiment()
        mlflow.set_experiment(experiment_id=self.number)

    def trace(self):
        outer(3)
        return mlflow.get_last_active_trace_id()

    def test_spans(self):
        trace = mlflow.get_trace(self.trace())
        self.assertEqual((trace.info.state.value, trace.info.request_preview, trace.info.tags["fruit"]),
                         ("OK", '{"x": 3}', "apple"))
        self.assertEqual([(s.name, s.inputs, s.outputs) for s in trace.data.spans],
                         [("outer", {"x": 3}, 8), ("inner", {"x": 3}, 4)])
        root, child = trace.data.spans
        self.assertEqual((child.parent_id, root.attributes["number"], root.attributes["list"]),
                         (root.span_id, 1.5, [1, "2", None]))

    def test_a_failure(self):
        with self.assertRaises(TypeError):
            inner("x")
        trace = mlflow.get_trace(mlflow.get_last_active_trace_id())
        self.assertEqual(trace.info.state.value, "ERROR")
        self.assertEqual(trace.data.spans[0].events[0].name, "exception")

    def test_tags(self):
        trace = self.trace()
        self.client.set_trace_tag(trace, "k", "v")
        self.client.delete_trace_tag(trace, "fruit")
        tags = mlflow.get_trace(trace).info.tags
        self.assertEqual((tags["k"], "fruit" in tags), ("v", False))
        self.assertFails("RESOURCE_DOES_NOT_EXIST", f"No trace tag with key 'fruit' for trace with ID '{trace}'",
                         self.client.delete_trace_tag, trace, "fruit")
        self.assertFails("RESOURCE_DOES_NOT_EXIST", "Trace with ID 'tr-nope' not found.", self.client.get_trace, "tr-nope")

    def test_assessments(self):
        trace = self.trace()
        good = mlflow.log_feedback(trace_id=trace, name="good", value=True, rationale="why", source=ME,
                                   metadata={"m": "1"})
        right = mlflow.log_expectation(trace_id=trace, name="right", value={"a": [1]}, source=ME)
        mlflow.update_assessment(trace, good.assessment_id, Feedback(name="good", value=False))
        changed = mlflow.get_assessment(trace, good.assessment_id)
        self.assertEqual((changed.value, changed.rationale, changed.metadata), (False, "why", {"m": "1"}))
        self.assertEqual(mlflow.get_assessment(trace, right.assessment_id).value, {"a": [1]})
        mlflow.delete_assessment(trace, right.assessment_id)
        self.assertEqual([a.name for a in mlflow.get_trace(trace).info.assessments], ["good"])

    def test_search(self):
        with mlflow.start_run() as run:
            first = self.trace()
        self.client.set_trace_tag(first, "k", "v")
        with self.assertRaises(TypeError):
            inner("x")
        second = mlflow.get_last_active_trace_id()
        for filter_string, expected in {
            "": [second, first], "trace.status = 'OK'": [first], "tags.k = 'v'": [first], "trace.name = 'outer'": [first],
            "attributes.timestamp_ms > 0": [second, first], "metadata.`mlflow.user` LIKE '%'": [second, first],
            f"run_id = '{run.info.run_id}'": [first], "trace.status = 'ERROR'": [second],
        }.items():
            found = self.client.search_traces(locations=[self.number], filter_string=filter_string or None)
            self.assertEqual([t.info.trace_id for t in found], expected, filter_string)
        page = self.client.search_traces(locations=[self.number], max_results=1, order_by=["timestamp_ms ASC"])
        self.assertEqual([t.info.trace_id for t in page], [first])
        self.assertEqual(len(mlflow.search_traces(locations=[self.number])), 2)

    def found(self, filter_string):
        """The names of the traces that match, sorted."""
        found = self.client.search_traces(locations=[self.number], filter_string=filter_string)
        return sorted(t.info.tags["mlflow.traceName"] for t in found)

    def test_search_by_spans(self):
        self.trace()
        with mlflow.start_span("tool", span_type="TOOL", attributes={"text": 'say "hi"', "count": 7}):
            pass
        for filter_string, expected in {
            "span.name = 'inner'": ["outer"], "span.name LIKE '%o%'": ["outer", "tool"],
            "span.type = 'TOOL'": ["tool"], "span.type IN ('TOOL', 'LLM')": ["tool"],
            "span.name = 'inner' AND span.type = 'TOOL'": [],  # one span must be both
            "span.status = 'OK'": ["outer", "tool"], "span.status = 'ERROR'": [],
            "span.content LIKE '%say%'": ["tool"], "span.attributes.text LIKE '%say%'": ["tool"],
            "span.attributes.`text` LIKE '%nothing%'": [],
        }.items():
            self.assertEqual(self.found(filter_string), expected, filter_string)
        for filter_string, message in {
            "span.bogus = 'x'": "Invalid span attribute 'bogus'.",
            "span.content = 'x'": "span.content comparator '=' not one of",
            "span.name > 'x'": "Invalid comparator",
            "span.name = 5": "Expected a quoted string value for span",
        }.items():
            if filter_string != "span.name > 'x'" or "MLFLOW_OWN_SERVER" not in os.environ:
                self.assertFails("INVALID_PARAMETER_VALUE", message, self.found, filter_string)

    @beyond_mlflow
    def test_search_by_values_of_attributes(self):
        with mlflow.start_span("tool", attributes={"text": 'say "hi"', "count": 7}):
            pass
        self.assertEqual(self.found("span.attributes.text = 'say \"hi\"'"), ["tool"])
        self.assertEqual(self.found("span.attributes.count = '7'"), ["tool"])
        self.assertEqual(self.found("span.attributes.count = '70'"), [])

    def test_search_by_assessments_and_prompts(self):
        trace = self.trace()
        self.trace()
        for name, value in (("flag", False), ("number", 0.5), ("word", "good")):
            mlflow.log_feedback(trace_id=trace, name=name, value=value, source=ME)
        mlflow.log_expectation(trace_id=trace, name="answer", value="42", source=ME)
        prompt = mlflow.genai.register_prompt(name=fresh("prompt"), template="Hi {{name}}")
        for _ in range(2):
            self.client.link_prompt_versions_to_trace([prompt], trace)
        linked = mlflow.get_trace(trace).info.tags["mlflow.linkedPrompts"]
        self.assertEqual(json.loads(linked), [{"name": prompt.name, "version": "1"}])
        for filter_string, expected in {
            "feedback.flag = 'false'": 1, "feedback.number = '0.5'": 1, "feedback.word = 'good'": 1,
            "feedback.word != 'good'": 0, "feedback.word LIKE '%oo%'": 1, "feedback.word IS NOT NULL": 1,
            "feedback.word IS NULL": 1, "feedback.answer = '42'": 0, "expectation.answer = '42'": 1,
            f"prompt = '{prompt.name}/1'": 1, f"prompt = '{prompt.name}/11'": 0,
        }.items():
            self.assertEqual(len(self.found(filter_string)), expected, filter_string)
        self.assertFails("INVALID_PARAMETER_VALUE", "Invalid prompts filter value 'x'.", self.found, "prompt = 'x'")
        self.assertFails("INVALID_PARAMETER_VALUE", "for prompts filter.", self.found, "prompt != 'a/1'")

    def test_deleting(self):
        first, second = self.trace(), self.trace()
        self.assertEqual(self.client.delete_traces(self.number, trace_ids=[first]), 1)
        self.assertEqual([t.info.trace_id for t in self.client.search_traces(locations=[self.number])], [second])

    def test_as_older_clients_do(self):
        store = TracingClient(mlflow.get_tracking_uri()).store
        info = store.deprecated_start_trace_v2(experiment_id=self.number, timestamp_ms=1000,
                                               request_metadata={"a": "1", "b": "2"},
                                               tags={"t": "x", "mlflow.traceName": "old"})
        self.assertEqual((info.timestamp_ms, info.execution_time_ms, info.status), (1000, 0, TraceStatus.IN_PROGRESS))
        info = store.deprecated_end_trace_v2(request_id=info.request_id, timestamp_ms=3500, status=TraceStatus.ERROR,
                                             request_metadata={"b": "3"}, tags={"u": "y"})
        self.assertEqual((info.execution_time_ms, info.status), (2500, TraceStatus.ERROR))
        self.assertEqual(info.request_metadata, {"a": "1", "b": "3"})
        self.assertEqual({k: v for k, v in info.tags.items() if not k.startswith("mlflow.art")},
                         {"t": "x", "u": "y", "mlflow.traceName": "old"})
        status, _, body = request("GET", f"/api/2.0/mlflow/traces/{info.request_id}/info")
        self.assertEqual((status, json.loads(body)["trace_info"]["request_id"]), (200, info.request_id))
        status, _, body = request("GET", "/api/2.0/mlflow/traces",
                                  {"experiment_ids": self.number, "filter": "tags.u = 'y'"})
        self.assertEqual([t["request_id"] for t in json.loads(body)["traces"]], [info.request_id])
        self.assertEqual(mlflow.MlflowClient().search_traces(locations=[self.number], include_spans=False)[0].info.state.value, "ERROR")
        self.assertRefused(404, "RESOURCE_DOES_NOT_EXIST", "Trace with ID 'none' not found.", "PATCH", "traces/none",
                           {"timestamp_ms": 1, "status": "OK"})

    def test_the_file_of_spans(self):
        trace = self.trace()
        for prefix in "/ajax-api/2.0", "/ajax-api/3.0":
            status, headers, body = request("GET", prefix + "/mlflow/get-trace-artifact", {"request_id": trace})
            self.assertEqual((status, headers["Content-Disposition"]), (200, "attachment; filename=traces.json"))
        spans = TraceData.from_dict(json.loads(body)).spans
        self.assertEqual([s.to_dict() for s in spans], [s.to_dict() for s in mlflow.get_trace(trace).data.spans])
        for wrong, expected in (({}, 400), ({"request_id": "none"}, 404),
                                ({"request_id": trace, "path": "../x"}, 400), ({"request_id": trace, "path": "x"}, 400)):
            self.assertEqual(request("GET", "/ajax-api/2.0/mlflow/get-trace-artifact", wrong)[0], expected, wrong)
        attachment = "01234567-89ab-cdef-0123-456789abcdef"
        root = self.client.get_trace(trace).info.tags["mlflow.artifactLocation"].removeprefix("mlflow-artifacts:/")
        request("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{root}/attachments/{attachment}", data=b"picture")
        status, _, body = request("GET", "/ajax-api/2.0/mlflow/get-trace-artifact",
                                  {"request_id": trace, "path": attachment})
        self.assertEqual((status, body), (200, b"picture"))

    def ask(self, view, metric, *aggregations, **more):
        wanted = [{"aggregation_type": a} if isinstance(a, str) else
                  {"aggregation_type": "PERCENTILE", "percentile_value": a} for a in aggregations]
        status, _, body = request("POST", "/api/3.0/mlflow/traces/metrics", {
            "experiment_ids": [self.number], "view_type": view, "metric_name": metric, "aggregations": wanted, **more})
        reply = json.loads(body)
        if status != 200:
            return reply["message"]
        return [(*(p.get("dimensions", {}).values()), p["values"]) for p in reply.get("data_points", [])]

    def finished(self, name, start, duration, state="OK", metadata=None):
        """A trace as the client describes it, without spans."""
        number = "tr-" + os.urandom(16).hex()
        status, _, body = request("POST", "/api/3.0/mlflow/traces", {"trace": {"trace_info": {
            "trace_id": number, "state": state, "execution_duration": f"{duration / 1000}s",
            "request_time": f"2026-01-01T00:{start // 60:02}:{start % 60:02}Z",
            "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": self.number}},
            "tags": {"mlflow.traceName": name}, "trace_metadata": metadata or {}}}})
        self.assertEqual(status, 200, body)
        return number

    def test_metrics(self):
        self.assertEqual(self.ask("TRACES", "trace_count", "COUNT"), [({"COUNT": 0},)])
        self.assertEqual(self.ask("TRACES", "latency", "AVG"), [])
        tokens = {"mlflow.trace.tokenUsage": json.dumps({"input_tokens": 10, "output_tokens": 4, "total_tokens": 14}),
                  "mlflow.trace.session": "s1"}
        first = self.finished("a", 1, 100, metadata=tokens)
        self.finished("a", 30, 200, metadata=tokens)
        self.finished("b", 90, 400, "ERROR", metadata={**tokens, "mlflow.trace.session": "s2"})
        self.finished("b", 121, 1000)
        self.assertEqual(self.ask("TRACES", "trace_count", "COUNT"), [({"COUNT": 4},)])
        self.assertEqual(self.ask("TRACES", "trace_count", "COUNT", dimensions=["trace_status"]),
                         [("ERROR", {"COUNT": 1}), ("OK", {"COUNT": 3})])
        self.assertEqual(self.ask("TRACES", "session_count", "COUNT"), [({"COUNT": 2},)])
        self.assertEqual(self.ask("TRACES", "latency", "AVG", "MIN", "MAX", 50.0, dimensions=["trace_name"]),
                         [("a", {"AVG": 150, "MIN": 100, "MAX": 200, "P50.0": 150}),
                          ("b", {"AVG": 700, "MIN": 400, "MAX": 1000, "P50.0": 700})])
        self.assertEqual(self.ask("TRACES", "latency", 25.0, 100.0), [({"P25.0": 175, "P100.0": 1000},)])
        self.assertEqual(self.ask("TRACES", "total_tokens", "SUM", "AVG"), [({"SUM": 42, "AVG": 14},)])
        second = 1767225600000  # 2026-01-01T00:00:00Z
        self.assertEqual(self.ask("TRACES", "trace_count", "COUNT", time_interval_seconds=60, start_time_ms=second,
                                  end_time_ms=second + 90_000),
                         [("2026-01-01T00:00:00+00:00", {"COUNT": 2}), ("2026-01-01T00:01:00+00:00", {"COUNT": 1})])
        for filters, count in ((["trace.status = 'OK'"], 3), (["trace.tag.`mlflow.traceName` = 'b'"], 2),
                               (["trace.metadata.mlflow.trace.session = \"s1\"", "trace.status='OK'"], 2)):
            self.assertEqual(self.ask("TRACES", "trace_count", "COUNT", filters=filters), [({"COUNT": count},)], filters)
        me = AssessmentSource(source_type="HUMAN", source_id="me")
        for value in True, "no", 4:
            mlflow.log_feedback(trace_id=first, name="good", value=value, source=me)
        self.assertEqual(self.ask("ASSESSMENTS", "assessment_count", "COUNT", dimensions=["assessment_value"]),
                         [('"no"', {"COUNT": 1}), ("4.0", {"COUNT": 1}), ("true", {"COUNT": 1})])
        self.assertAlmostEqual(self.ask("ASSESSMENTS", "assessment_value", "AVG",
                                        filters=["assessment.name = 'good'"])[0][0]["AVG"], 5 / 3)
        self.assertEqual(self.ask("ASSESSMENTS", "assessment_count", "COUNT", filters=["trace.status = 'ERROR'"]),
                         [({"COUNT": 0},)])

    def test_metrics_of_spans(self):
        @mlflow.trace(span_type="LLM")
        def llm(model, cost):
            mlflow.get_current_active_span().set_attributes(
                {"mlflow.llm.model": model, "mlflow.llm.cost": {"total_cost": cost}})

        for model, cost in ("x", 1.0), ("x", 3.0), ("y", 5.0):
            llm(model, cost)
        self.assertEqual(self.ask("SPANS", "span_count", "COUNT", dimensions=["span_model_name", "span_type"]),
                         [("x", "LLM", {"COUNT": 2}), ("y", "LLM", {"COUNT": 1})])
        self.assertEqual(self.ask("SPANS", "total_cost", "SUM", dimensions=["span_model_name"]),
                         [("x", {"SUM": 4}), ("y", {"SUM": 5})])
        self.assertEqual(self.ask("SPANS", "span_count", "COUNT", filters=["span.name = 'llm'"]), [({"COUNT": 3},)])
        self.assertEqual(set(self.ask("SPANS", "latency", "MIN", "MAX")[0][0]), {"MIN", "MAX"})

    def test_wrong_questions(self):
        for arguments, more, message in (
                (("TRACES", "x", "COUNT"), {}, "metric_name must be one of ['trace_count', 'session_count', 'latency'"),
                (("TRACES", "latency", "COUNT"), {}, "Found invalid aggregation_type(s): ['COUNT']. Supported "
                                                     "aggregation types: ['AVG', 'MAX', 'MIN', 'PERCENTILE']"),
                (("TRACES", "latency", "AVG"), {"dimensions": ["trace_status"]},
                 "Found invalid dimension(s): ['trace_status']. Supported dimensions: ['trace_name']"),
                (("TRACES", "latency", "AVG"), {"time_interval_seconds": 60}, "start_time_ms and end_time_ms are required"),
                (("TRACES", "trace_count", "COUNT"), {"filters": ["trace.status != 'OK'"]}, "only '=' operator"),
                (("TRACES", "trace_count", "COUNT"), {"filters": ["trace.status = 5"]}, "Expected a quoted string value"),
                (("TRACES", "trace_count", "COUNT"), {"filters": ["trace.status = OK"]},
                 "Parameter value is either not quoted or unidentified quote types used for string value OK."),
                (("TRACES", "trace_count", "COUNT"), {"filters": ["trace.bogus = 'x'"]}, "Invalid entity 'bogus'"),
                (("TRACES", "trace_count", "COUNT"), {"filters": ["foo.bogus = 'x'"]}, "Invalid view type 'foo'"),
                (("TRACES", "trace_count", "COUNT"), {"filters": ["trace.tag = 'x'"]}, "Filtering by tag requires a key"),
                (("TRACES", "trace_count", "COUNT"), {"filters": ["span.name = 'x'"]},
                 "Filtering by span is only supported for SPANS view type, got TRACES")):
            self.assertIn(message, self.ask(*arguments, **more))
        for filters in "trace.status = 'OK' AND trace.status = 'OK'", "", "trace.status", "= 'x'", "trace.status = 'x", "'":
            self.assertIsInstance(self.ask("TRACES", "trace_count", "COUNT", filters=[filters]), str, filters)

    def test_correlation(self):
        for number in range(10):
            self.finished("prod" if number < 6 else "dev", number, 1, "OK" if number < 7 else "ERROR")
        client = TracingClient(mlflow.get_tracking_uri())
        found = client.calculate_trace_filter_correlation([self.number], "name = 'prod'", "status = 'OK'")
        self.assertEqual((found.total_count, found.filter1_count, found.filter2_count, found.joint_count), (10, 6, 7, 6))
        self.assertAlmostEqual(found.npmi, 0.698, 3)  # ln(6 * 10 / (6 * 7)) / -ln(6 / 10)
        self.assertEqual(client.calculate_trace_filter_correlation([self.number], "name = 'prod'", "status = 'ERROR'").npmi, -1)
        nothing = client.calculate_trace_filter_correlation([self.number], "name = 'none'", "status = 'OK'")
        self.assertTrue(math.isnan(nothing.npmi))
        within = client.calculate_trace_filter_correlation([self.number], "name = 'prod'", "status = 'OK'", "name = 'dev'")
        self.assertEqual((within.total_count, within.filter1_count, within.filter2_count), (4, 0, 1))

    def send(self, body, **headers):
        headers = {"Content-Type": "application/json", "x-mlflow-experiment-id": self.number, **headers}
        status, _, reply = request("POST", "/v1/traces", data=body, headers=headers)
        return status, reply

    @beyond_mlflow
    def test_spans_in_json(self):
        number, parent, child = os.urandom(16).hex(), os.urandom(8).hex(), os.urandom(8).hex()
        values = {"s": {"stringValue": "grüße\u0000"}, "i": {"intValue": "-7"}, "j": {"intValue": 12345678901234},
                  "d": {"doubleValue": 2.5}, "b": {"boolValue": True},
                  "l": {"arrayValue": {"values": [{"intValue": 1}, {"stringValue": "x"}]}},
                  "m": {"kvlistValue": {"values": [{"key": "k", "value": {"doubleValue": "NaN"}}]}}}
        spans = [{"traceId": number, "spanId": parent, "name": "root", "startTimeUnixNano": "1700000000000000000",
                  "endTimeUnixNano": 1700000001500000000, "status": {"code": 2, "message": "bad"}, "kind": 1,
                  "attributes": [{"key": k, "value": v} for k, v in values.items()],
                  "events": [{"timeUnixNano": "5", "name": "e", "attributes": [{"key": "x", "value": {"intValue": "1"}}]}]},
                 {"traceId": number.upper(), "spanId": child, "parentSpanId": parent, "name": "leaf",
                  "startTimeUnixNano": "1700000000000000001", "endTimeUnixNano": "1700000000000000002",
                  "status": {"code": "STATUS_CODE_OK"}}]
        body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
        self.assertEqual(self.send(body), (200, b""))
        self.assertEqual(self.send(gzip.compress(body), **{"Content-Encoding": "gzip"})[0], 200)
        trace = mlflow.get_trace("tr-" + number)
        self.assertEqual((trace.info.state.value, trace.info.execution_duration, trace.info.request_time),
                         ("ERROR", 1500, 1700000000000))
        root, leaf = trace.data.spans
        self.assertEqual((root.name, leaf.name, leaf.parent_id, leaf.status.status_code.value),
                         ("root", "leaf", root.span_id, "OK"))
        self.assertEqual({k: root.attributes.get(k) for k in ("i", "j", "d", "b", "l")},
                         {"i": -7, "j": 12345678901234, "d": 2.5, "b": True, "l": [1, "x"]})
        self.assertEqual((root.events[0].name, root.events[0].attributes), ("e", {"x": 1}))
        wrong = [b"", b"[]", b"{", b"{}", b'{"resourceSpans": {}}', b'{"resourceSpans": [1]}',
                 json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{**spans[0], "traceId": "xyz"}]}]}]}).encode(),
                 json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{**spans[0], "traceId": "00"}]}]}]}).encode(),
                 json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{**spans[0], "name": 5}]}]}]}).encode(),
                 b'{"resourceSpans":' * 100000]
        for body in wrong:
            status, reply = self.send(body)
            self.assertEqual((status, "Invalid OpenTelemetry format" in json.loads(reply)["detail"]), (400, True), body[:99])
        status, reply = self.send(b"{}", **{"Content-Type": "text/plain"})
        self.assertEqual((status, json.loads(reply)["detail"]),
                         (400, "Invalid Content-Type: text/plain. Expected: application/x-protobuf or application/json"))
        status, _, reply = request("POST", "/v1/traces", data=b"{}", headers={"Content-Type": "application/json"})
        self.assertEqual((status, json.loads(reply)["detail"][0]["msg"]), (422, "Field required"))
