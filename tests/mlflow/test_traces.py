"""Traces: spans, tags, assessments, search, deletion."""

import json
import os

import mlflow
from mlflow.entities import AssessmentSource, Feedback

from support import TestCase, beyond_mlflow, fresh

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
