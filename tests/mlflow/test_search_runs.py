"""The search of runs: MLflow's filter language, orders, pages."""

import mlflow
from mlflow.entities import Metric, Param, RunTag, ViewType

from support import TestCase, api


class SearchRuns(TestCase):
    @classmethod
    def setUpClass(cls):
        # Five runs, a to e: metric m = 0..4 (e has none), param p in x, x, y, z; tag t; a name; times.
        instance = cls()
        instance.setUp()
        client = instance.client
        cls.number = instance.new_experiment()
        cls.ids = {}
        for i, name in enumerate("abcde"):
            run = client.create_run(cls.number, start_time=1000 + i, run_name=name).info.run_id
            cls.ids[run] = name
            metrics = [Metric("m", i, 1, 0), Metric("a metric", -i, 1, 0)] if name != "e" else []
            params = [Param("p", "xxyz"[i]), Param("my.param", str(i))] if name != "e" else []
            client.log_batch(run, metrics, params, [RunTag("t", "Odd" if i % 2 else "even"), RunTag("a b", name)])
            if name != "c":
                client.set_terminated(run, "FAILED" if name == "b" else "FINISHED", end_time=2000 + i)

    def found(self, filter_string="", order_by=None, **kwargs):
        runs = self.client.search_runs([self.number], filter_string, order_by=order_by, **kwargs)
        return "".join(self.ids[r.info.run_id] for r in runs)

    def test_without_a_filter_the_newest_come_first(self):
        self.assertEqual(self.found(), "edcba")

    def test_metrics(self):
        for filter_string, expected in {
            "metrics.m > 1": "dc", "metrics.m >= 1": "dcb", "metrics.m = 1": "b", "metrics.m != 1": "dca",
            "metrics.m < 1": "a", "metrics.m <= 1": "ba", "metric.m > 0.5 and metrics.m < 2.5": "cb",
            "metrics.`a metric` < -2": "d", 'metrics."a metric" = 0': "a", "metrics.'a metric' = 0": "a",
            "metrics.m > -1e3": "dcba",
        }.items():
            self.assertEqual(self.found(filter_string), expected, filter_string)

    def test_params_and_tags(self):
        for filter_string, expected in {
            "params.p = 'x'": "ba", "params.p != 'x'": "dc", "params.p LIKE 'X'": "", "params.p ILIKE 'X'": "ba",
            "params.`my.param` = '3'": "d", "tags.t = 'even'": "eca", "tags.t LIKE 'O%'": "db", "tag.t ILIKE 'o%'": "db",
            "tags.`a b` = 'c'": "c", "params.p = 'x' AND tags.t = 'even'": "a", "param.p = \"y\"": "c",
            "tags.`a b` LIKE '_'": "edcba", "tags.none = 'x'": "", "params.p LIKE '%'": "dcba",
        }.items():
            self.assertEqual(self.found(filter_string), expected, filter_string)

    def test_attributes(self):
        a = next(run for run, name in self.ids.items() if name == "a")
        for filter_string, expected in {
            "status = 'FINISHED'": "eda", "attributes.status = 'FAILED'": "b", "attr.status != 'FINISHED'": "cb",
            "run_name = 'd'": "d", "attributes.`run name` = 'd'": "d", "start_time > 1002": "ed", "end_time <= 2001": "ba",
            f"run_id = '{a}'": "a", f"attributes.run_id IN ('{a}', 'none')": "a", "run_name LIKE '%'": "edcba",
        }.items():
            self.assertEqual(self.found(filter_string), expected, filter_string)

    def test_order(self):
        for order, expected in {
            "metrics.m ASC": "abcde", "metrics.m DESC": "dcbae", "params.p": "bacde",
            "start_time ASC": "abcde", "attributes.start_time DESC": "edcba", "tags.`a b` DESC": "edcba",
            "metrics.`a metric`": "dcbae", "run_name ASC": "abcde",
        }.items():
            self.assertEqual(self.found(order_by=[order]), expected, order)
        self.assertEqual(self.found(order_by=["tags.t ASC", "metrics.m DESC"]), "dbcae")

    def test_pages(self):
        token, pages = None, []
        while True:
            page = self.client.search_runs([self.number], max_results=2, page_token=token)
            pages.append("".join(self.ids[r.info.run_id] for r in page))
            token = page.token
            if not token:
                break
        self.assertEqual(pages, ["ed", "cb", "a"])

    def test_deleted_runs(self):
        number = self.new_experiment()
        kept, gone = (self.new_run(number).info.run_id for _ in range(2))
        self.client.delete_run(gone)
        for view, expected in ((ViewType.ACTIVE_ONLY, {kept}), (ViewType.DELETED_ONLY, {gone}),
                               (ViewType.ALL, {kept, gone})):
            self.assertEqual({r.info.run_id for r in self.client.search_runs([number], run_view_type=view)}, expected)

    def test_as_a_data_frame(self):
        frame = mlflow.search_runs([self.number], order_by=["metrics.m DESC"])
        self.assertEqual(list(frame["tags.a b"]), list("dcbae"))
        self.assertEqual(list(frame["params.p"][:4]), list("zyxx"))

    def test_refusals(self):
        for filter_string, message in {
            "bad filter": "Invalid clause(s) in filter string: 'bad filter'",
            "metrics.m > 'x'": "Expected numeric value type for metric. Found 'x'",
            "foo.m = 'x'": "Invalid entity type 'foo'. Valid values are ['metric', 'parameter', 'tag', 'attribute', "
                           "'dataset']",
            "metrics.m LIKE 1": "Invalid comparator 'LIKE' not one of",
            "bogus = 'a'": "Invalid attribute key 'bogus' specified.",
        }.items():
            self.assertFails("INVALID_PARAMETER_VALUE", message, self.client.search_runs, [self.number], filter_string)
        self.assertFails("INVALID_PARAMETER_VALUE", "Could not be parsed.", self.client.search_runs, [self.number],
                         order_by=["x y z"])
        status, answer = api("POST", "runs/search", {"experiment_ids": [self.number], "page_token": "bad"})
        self.assertEqual((status, answer["message"]), (400, "Invalid page token, could not base64-decode"))
        for most in (0, 50001):
            status, answer = api("POST", "runs/search", {"experiment_ids": [self.number], "max_results": most})
            self.assertEqual((status, answer["error_code"]), (400, "INVALID_PARAMETER_VALUE"), most)
