"""What who runs a server decides: rules about where models may come from.

usage: test_operators.py CHERT
"""
import http.client
import json
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

from server import Server

CHERT = ""
PATTERN = "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX"


def call(server, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request(method, "/api/2.0/mlflow/" + path, json.dumps(body) if body is not None else None,
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


if __name__ == "__main__":
    CHERT = os.path.abspath(sys.argv.pop(1))
    unittest.main()
