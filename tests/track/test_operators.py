"""What who runs a server decides: rules about where models may come from, several servers on one database.

usage: test_operators.py CHERT
"""
import concurrent.futures
import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
import urllib.parse

from postgres import Postgres
from server import Server

CHERT = ""
PATTERN = "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX"


def call(server, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request(method, os.path.normpath("/api/2.0/mlflow/" + path), json.dumps(body) if body is not None else None,
                       {"Content-Type": "application/json"})
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, json.loads(text)


class Sources(unittest.TestCase):
    def test_a_pattern_for_sources(self):
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.dict(os.environ, {PATTERN: "^s3://(good|fine)/"}):
            with Server(CHERT, folder) as server:
                call(server, "POST", "registered-models/create", {"name": "m"})
                for source, expected in (("s3://good/x", 200), ("s3://bad/x", 400), ("xs3://good/x", 400)):
                    status, said = call(server, "POST", "model-versions/create", {"name": "m", "source": source})
                    self.assertEqual(status, expected, source)
                    if status == 400:
                        self.assertEqual((said["error_code"], said["message"]),
                                         ("INVALID_PARAMETER_VALUE", f"Invalid model version source: '{source}'."))

    def test_a_pattern_that_is_none(self):
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.dict(os.environ, {PATTERN: "(("}):
            command = [CHERT, "serve", "--port=0", "--ui-port=0", f"--store={folder}/store.db"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(PATTERN, done.stderr)


class Company(unittest.TestCase):
    def test_servers_that_start_together(self):
        """One of them makes the schema."""
        with Postgres() as store, tempfile.TemporaryDirectory() as folder:
            if not store:
                self.skipTest("PostgreSQL is not installed")
            servers = [Server(CHERT, folder, store) for _ in range(4)]
            with concurrent.futures.ThreadPoolExecutor() as pool, contextlib.ExitStack() as stack:
                for server in pool.map(Server.start, servers):
                    stack.callback(server.stop)
                    self.assertEqual(call(server, "GET", "experiments/get?experiment_id=0")[0], 200)

    def test_two_servers_share_uploads(self):
        """On one PostgreSQL with one artifact folder: what one began the other goes on with."""
        with Postgres() as store, tempfile.TemporaryDirectory() as folder:
            if not store:
                self.skipTest("PostgreSQL is not installed")
            with Server(CHERT, folder, store) as one, Server(CHERT, folder, store) as other:
                run = call(one, "POST", "runs/create", {"experiment_id": "0"})[1]["run"]["info"]
                self.assertEqual(call(other, "GET", f"runs/get?run_id={run['run_id']}")[0], 200)
                path = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
                made = call(one, "POST", f"../mlflow-artifacts/mpu/create/{path}", {"path": "f", "num_parts": 1})[1]
                url = urllib.parse.urlsplit(made["credentials"][0]["url"])
                connection = http.client.HTTPConnection("127.0.0.1", other.port, timeout=60)
                connection.request("PUT", f"{url.path}?{url.query}", b"content")
                reply = connection.getresponse()
                self.assertEqual(reply.status, 200, reply.read())
                parts = [{"part_number": 1, "etag": reply.headers["ETag"]}]
                connection.close()
                done = call(other, "POST", f"../mlflow-artifacts/mpu/complete/{path}",
                            {"path": "f", "upload_id": made["upload_id"], "parts": parts})
                self.assertEqual(done, (200, {}))
                files = call(one, "GET", f"artifacts/list?run_id={run['run_id']}")[1]["files"]
                self.assertEqual([f["path"] for f in files], ["f"])


if __name__ == "__main__":
    CHERT = os.path.abspath(sys.argv.pop(1))
    unittest.main()
