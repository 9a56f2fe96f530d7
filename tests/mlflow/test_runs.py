"""Runs: metrics, params, tags, batches, histories, inputs, deletion."""

import json
import math

import mlflow
import numpy
import pandas
from mlflow.entities import Metric, Param, RunTag

from support import TestCase, api, fresh, request


class Runs(TestCase):
    def test_create_and_get(self):
        number = self.new_experiment()
        run = self.client.create_run(number, start_time=1234, tags={"a": "b"}, run_name="first")
        got = self.client.get_run(run.info.run_id)
        self.assertEqual(got.info.experiment_id, number)
        self.assertEqual(got.info.run_name, "first")
        self.assertEqual((got.info.status, got.info.start_time, got.info.end_time), ("RUNNING", 1234, None))
        self.assertEqual(got.info.artifact_uri, f"mlflow-artifacts:/{number}/{run.info.run_id}/artifacts")
        self.assertEqual(got.data.tags, {"a": "b", "mlflow.runName": "first"})
        self.assertRegex(run.info.run_id, "^[0-9a-f]{32}$")

    def test_a_run_without_a_name_gets_one(self):
        run = self.new_run()
        self.assertRegex(run.info.run_name, r"^[a-z]+-[a-z]+-\d+$")
        self.assertEqual(run.data.tags["mlflow.runName"], run.info.run_name)

    def test_the_fluent_api(self):
        number = self.new_experiment()
        mlflow.set_experiment(experiment_id=number)
        with mlflow.start_run(run_name="outer", tags={"t": "1"}, description="text") as outer:
            mlflow.log_param("p", 3)
            mlflow.log_params({"q": 0.5, "r": "x"})
            mlflow.log_metric("m", 1)
            mlflow.log_metrics({"n": 2.5, "o": -1}, step=7)
            mlflow.set_tag("s", "v")
            mlflow.set_tags({"u": 1, "w": True})
            with mlflow.start_run(nested=True) as inner:
                mlflow.log_metric("m", 9)
        got = mlflow.get_run(outer.info.run_id)
        self.assertEqual(got.info.status, "FINISHED")
        self.assertGreaterEqual(got.info.end_time, got.info.start_time)
        self.assertEqual(got.data.params, {"p": "3", "q": "0.5", "r": "x"})
        self.assertEqual(got.data.metrics, {"m": 1.0, "n": 2.5, "o": -1.0})
        for key, value in {"t": "1", "s": "v", "u": "1", "w": "True", "mlflow.note.content": "text"}.items():
            self.assertEqual(got.data.tags[key], value)
        self.assertEqual(mlflow.get_run(inner.info.run_id).data.tags["mlflow.parentRunId"], outer.info.run_id)
        self.assertEqual(mlflow.get_parent_run(inner.info.run_id).info.run_id, outer.info.run_id)

    def test_a_failing_program_fails_its_run(self):
        mlflow.set_experiment(experiment_id=self.new_experiment())
        with self.assertRaises(ZeroDivisionError):
            with mlflow.start_run() as run:
                1 / 0
        self.assertEqual(self.client.get_run(run.info.run_id).info.status, "FAILED")

    def test_status_and_name_change(self):
        run = self.new_run().info.run_id
        self.client.update_run(run, status="SCHEDULED", name="other")
        got = self.client.get_run(run)
        self.assertEqual((got.info.status, got.info.run_name), ("SCHEDULED", "other"))
        self.assertEqual(got.data.tags["mlflow.runName"], "other")
        self.client.set_tag(run, "mlflow.runName", "third")
        self.assertEqual(self.client.get_run(run).info.run_name, "third")
        self.client.set_terminated(run, "KILLED", end_time=99)
        got = self.client.get_run(run)
        self.assertEqual((got.info.status, got.info.end_time), ("KILLED", 99))

    def test_delete_and_restore(self):
        run = self.new_run().info.run_id
        self.client.delete_run(run)
        self.assertEqual(self.client.get_run(run).info.lifecycle_stage, "deleted")
        self.assertFails("INVALID_PARAMETER_VALUE",
                         f"The run {run} must be in the 'active' state. Current state is deleted.",
                         self.client.log_metric, run, "m", 1)
        self.client.restore_run(run)
        self.client.log_metric(run, "m", 1)
        self.assertEqual(self.client.get_run(run).data.metrics, {"m": 1.0})

    def test_params_do_not_change(self):
        run = self.new_run().info.run_id
        self.client.log_param(run, "alpha", 0.5)
        self.client.log_param(run, "alpha", 0.5)
        self.assertFails(
            "INVALID_PARAMETER_VALUE",
            "Changing param values is not allowed. Param with key='alpha' was already logged with value='0.5' for run "
            f"ID='{run}'. Attempted logging new value 'other'.",
            self.client.log_param, run, "alpha", "other")
        self.assertEqual(self.client.get_run(run).data.params, {"alpha": "0.5"})

    def test_delete_tag(self):
        run = self.new_run().info.run_id
        self.client.set_tag(run, "k", "v")
        self.client.delete_tag(run, "k")
        self.assertNotIn("k", self.client.get_run(run).data.tags)
        self.assertFails("RESOURCE_DOES_NOT_EXIST", "No tag with name: k", self.client.delete_tag, run, "k")

    def test_refusals(self):
        run = self.new_run().info.run_id
        absent = "0" * 32
        self.assertRefused(404, "RESOURCE_DOES_NOT_EXIST", f"Run with id={absent} not found", "GET", "runs/get",
                           {"run_id": absent})
        for name in ("", "a//b", "../a", "a?b"):
            status, answer = api("POST", "runs/log-metric", {"run_id": run, "key": name, "value": 1, "timestamp": 1})
            self.assertEqual((status, answer["error_code"]), (400, "INVALID_PARAMETER_VALUE"), name)
        status, answer = api("POST", "runs/log-metric", {"run_id": run, "key": "m", "value": "much", "timestamp": 1})
        self.assertEqual(status, 400)
        status, _, _ = request("POST", "/api/2.0/mlflow/runs/get", data=b"x", headers={"Content-Type": "text/plain"})
        self.assertIn(status, (400, 404, 405))


class Metrics(TestCase):
    def test_history(self):
        run = self.new_run().info.run_id
        points = [(3.0, 30, 2), (1.0, 10, 0), (2.0, 20, 1), (2.5, 20, 1)]
        for value, timestamp, step in points:
            self.client.log_metric(run, "m", value, timestamp=timestamp, step=step)
        history = [(m.value, m.timestamp, m.step) for m in self.client.get_metric_history(run, "m")]
        self.assertEqual(sorted(history), sorted(points))
        self.assertEqual(self.client.get_metric_history(run, "none"), [])

    def test_latest_is_the_largest_by_step_then_time_then_value(self):
        run = self.new_run().info.run_id
        for value, timestamp, step in [(5, 100, 1), (1, 50, 2), (2, 60, 2), (3, 60, 2), (9, 10, 0)]:
            self.client.log_metric(run, "m", value, timestamp=timestamp, step=step)
        self.assertEqual(self.client.get_run(run).data.metrics["m"], 3.0)

    def test_nan_and_infinity(self):
        run = self.new_run().info.run_id
        self.client.log_metric(run, "nan", float("nan"))
        self.client.log_metric(run, "inf", float("inf"))
        self.client.log_metric(run, "ninf", float("-inf"))
        metrics = self.client.get_run(run).data.metrics
        self.assertTrue(math.isnan(metrics["nan"]))
        self.assertEqual(metrics["inf"], 1.7976931348623157e308)
        self.assertEqual(metrics["ninf"], -1.7976931348623157e308)

    def test_the_same_point_twice_is_one(self):
        run = self.new_run().info.run_id
        for _ in range(2):
            self.client.log_batch(run, metrics=[Metric("m", 1.5, 10, 3)])
        self.assertEqual(len(self.client.get_metric_history(run, "m")), 1)

    def test_bulk_history_of_several_runs(self):
        number = self.new_experiment()
        runs = [self.new_run(number).info.run_id for _ in range(2)]
        for i, run in enumerate(runs):
            for step in range(3):
                self.client.log_metric(run, "m", i * 10 + step, step=step, timestamp=step)
        status, _, data = request("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk",
                                  {"run_id": runs, "metric_key": "m", "max_results": 100})

        points = json.loads(data)["metrics"]
        self.assertEqual(status, 200)
        self.assertEqual({(p["run_id"], p["value"]) for p in points},
                         {(run, float(i * 10 + s)) for i, run in enumerate(runs) for s in range(3)})

    def test_interval_history_keeps_the_ends(self):
        run = self.new_run().info.run_id
        self.client.log_batch(run, metrics=[Metric("m", s, s, s) for s in range(1000)])

        _, _, data = request("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval",
                             {"run_ids": [run], "metric_key": "m", "max_results": 50})
        steps = [p["step"] for p in json.loads(data)["metrics"]]
        self.assertIn(0, steps)
        self.assertIn(999, steps)
        self.assertLess(len(steps), 120)


class Batches(TestCase):
    def test_all_kinds_at_once(self):
        run = self.new_run().info.run_id
        self.client.log_batch(run, metrics=[Metric(f"m{i}", i, 1, 0) for i in range(500)],
                              params=[Param(f"p{i}", str(i)) for i in range(100)],
                              tags=[RunTag(f"t{i}", str(i)) for i in range(100)])
        data = self.client.get_run(run).data
        self.assertEqual((len(data.metrics), len(data.params)), (500, 100))
        self.assertEqual(data.tags["t99"], "99")

    def test_nothing_of_a_refused_batch_stays(self):
        run = self.new_run().info.run_id
        self.client.log_param(run, "p", "1")
        self.assertFails("INVALID_PARAMETER_VALUE", "Changing param values is not allowed", self.client.log_batch, run,
                         [Metric("m", 1, 1, 0)], [Param("p", "2")], [RunTag("t", "x")])
        data = self.client.get_run(run).data
        self.assertEqual(data.metrics, {})
        self.assertNotIn("t", data.tags)

    def test_limits(self):
        run = self.new_run().info.run_id
        for body in ({"metrics": [{"key": f"m{i}", "value": 1, "timestamp": 1, "step": 0} for i in range(1001)]},
                     {"params": [{"key": f"p{i}", "value": "1"} for i in range(101)]},
                     {"tags": [{"key": f"t{i}", "value": "1"} for i in range(101)]},
                     {"params": [{"key": "k" * 251, "value": "1"}]}):
            status, answer = api("POST", "runs/log-batch", {"run_id": run, **body})
            self.assertEqual((status, answer["error_code"]), (400, "INVALID_PARAMETER_VALUE"))

    def test_async_logging(self):
        mlflow.set_experiment(experiment_id=self.new_experiment())
        with mlflow.start_run() as run:
            for step in range(50):
                mlflow.log_metric("m", step, step=step, synchronous=False)
            mlflow.log_params({"p": 1}, synchronous=False).wait()
            mlflow.set_tag("t", "x", synchronous=False).wait()
            mlflow.flush_async_logging()
        got = self.client.get_run(run.info.run_id)
        self.assertEqual((got.data.metrics["m"], got.data.params["p"], got.data.tags["t"]), (49.0, "1", "x"))
        self.assertEqual(len(self.client.get_metric_history(run.info.run_id, "m")), 50)


class Inputs(TestCase):
    def test_datasets(self):
        number = self.new_experiment()
        mlflow.set_experiment(experiment_id=number)
        frame = pandas.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})
        name = fresh("data")
        with mlflow.start_run() as run:
            mlflow.log_input(mlflow.data.from_pandas(frame, source="s3://bucket/a.csv", name=name), context="training")
            mlflow.log_input(mlflow.data.from_numpy(numpy.ones((2, 2)), name=name + "-n"), context="test",
                             tags={"k": "v"})
        inputs = self.client.get_run(run.info.run_id).inputs.dataset_inputs
        found = {i.dataset.name: ({t.key: t.value for t in i.tags}, i.dataset.source_type) for i in inputs}
        self.assertEqual(found[name][0], {"mlflow.data.context": "training"})
        self.assertEqual(found[name + "-n"][0], {"mlflow.data.context": "test", "k": "v"})
        runs = self.client.search_runs([number], f"dataset.name = '{name}' AND dataset.context = 'training'")
        self.assertEqual([r.info.run_id for r in runs], [run.info.run_id])
        _, _, body = request("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": [number]})
        self.assertEqual({s["name"] for s in json.loads(body)["dataset_summaries"]}, {name, name + "-n"})
