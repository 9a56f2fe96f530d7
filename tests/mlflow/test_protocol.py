"""What clients rely on below the API: health, versions, prefixes, content types, error bodies."""

import json
import unittest

from support import api, beyond_mlflow, fresh, request


class Protocol(unittest.TestCase):
    def test_health_and_version(self):
        self.assertEqual(request("GET", "/health")[::2], (200, b"OK"))
        self.assertEqual(request("GET", "/version")[::2], (200, b"3.17.2"))

    def test_the_same_under_every_prefix(self):
        for prefix in ("/api/2.0/mlflow", "/ajax-api/2.0/mlflow"):
            status, headers, body = request("GET", prefix + "/experiments/get", {"experiment_id": "0"})
            self.assertEqual((status, json.loads(body)["experiment"]["name"]), (200, "Default"))
            self.assertTrue(headers["Content-Type"].startswith("application/json"))

    def test_server_info(self):
        for prefix in ("/api/3.0/mlflow", "/ajax-api/3.0/mlflow"):
            status, _, body = request("GET", prefix + "/server-info")
            self.assertEqual((status, json.loads(body)["store_type"]), (200, "SqlStore"))

    def test_content_type_must_be_json(self):
        status, _, body = request("POST", "/api/2.0/mlflow/experiments/create", data=b"{}",
                                  headers={"Content-Type": "text/plain"})
        self.assertEqual(status, 400)
        self.assertIn("Content-Type must be one of ['application/json']", json.loads(body)["message"])

    def test_unknown_paths(self):
        self.assertEqual(request("GET", "/api/2.0/mlflow/nothing")[0], 404)

    def test_foreign_pages_are_refused(self):
        self.assertEqual(request("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0",
                                 headers={"Host": "evil.example"})[0], 403)
        status, _, _ = request("POST", "/api/2.0/mlflow/experiments/create", {"name": "from-elsewhere"},
                               headers={"Origin": "http://evil.example"})
        self.assertEqual(status, 403)

    @beyond_mlflow  # which takes them for 0
    def test_numbers_that_json_does_not_know(self):
        """As Python's json.dumps, and with it requests, writes them."""
        run = api("POST", "runs/create", {"experiment_id": "0", "tags": [{"key": "t", "value": 'NaN, "NaN'}]})[1]["run"]
        self.assertIn({"key": "t", "value": 'NaN, "NaN'}, run["data"]["tags"])
        point = {"run_id": run["info"]["run_id"], "timestamp": 1}
        self.assertEqual(api("POST", "runs/log-metric", {**point, "key": "a", "value": float("nan")}), (200, {}))
        points = [{"key": "NaN: Infinity", "value": float("inf"), "timestamp": 1},
                  {"key": "b", "value": -float("inf"), "timestamp": 1}]
        self.assertEqual(api("POST", "runs/log-batch", {"run_id": point["run_id"], "metrics": points}), (200, {}))
        metrics = api("GET", "runs/get", {"run_id": point["run_id"]})[1]["run"]["data"]["metrics"]
        self.assertEqual({m["key"]: m["value"] for m in metrics},
                         {"a": "NaN", "NaN: Infinity": 1.7976931348623157e308, "b": -1.7976931348623157e308})

    def test_byte_order_mark(self):
        body = b'\xef\xbb\xbf{"name": "%s"}' % fresh("marked").encode()
        status, _, _ = request("POST", "/api/2.0/mlflow/experiments/create", data=body,
                               headers={"Content-Type": "application/json"})
        self.assertEqual(status, 200)

    @beyond_mlflow
    def test_broken_json(self):
        for body in (b"{", b"[1]", b'"x"', b"nul", b"\xff\xfe"):
            status, _, _ = request("POST", "/api/2.0/mlflow/experiments/create", data=body,
                                   headers={"Content-Type": "application/json"})
            self.assertEqual(status // 100, 4, body)
