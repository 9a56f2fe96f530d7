"""What clients rely on below the API: health, versions, prefixes, content types, error bodies."""

import json
import unittest

from support import beyond_mlflow, request


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

    @beyond_mlflow
    def test_broken_json(self):
        for body in (b"{", b"[1]", b'"x"', b"nul", b"\xff\xfe"):
            status, _, _ = request("POST", "/api/2.0/mlflow/experiments/create", data=body,
                                   headers={"Content-Type": "application/json"})
            self.assertEqual(status // 100, 4, body)
