"""What the tests of the MLflow side share. The server under test is at MLFLOW_TRACKING_URI."""

import itertools
import json
import os
import unittest
import urllib.error
import urllib.parse
import urllib.request

os.environ.setdefault("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # a 500 is a failure here, not something to wait out
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import mlflow  # noqa: E402: the settings above must come first
from mlflow.exceptions import MlflowException  # noqa: E402

URI = os.environ["MLFLOW_TRACKING_URI"].rstrip("/")
_serial = itertools.count(os.getpid() * 1000)


# Some tests ask for more than MLflow's own server gives.
beyond_mlflow = unittest.skipIf("MLFLOW_OWN_SERVER" in os.environ, "more than MLflow's own server gives")


def fresh(prefix):
    """A name that nothing has yet."""
    return f"{prefix}-{next(_serial)}"


def request(method, path, body=None, headers=None, data=None):
    """One raw request: (status, headers, body as bytes). `body` is sent as JSON, or as the query of a GET."""
    url, sent = URI + path, dict(headers or {})
    if body is not None and method == "GET":
        url += "?" + urllib.parse.urlencode(body, doseq=True)
    elif body is not None:
        data = json.dumps(body).encode()
        sent["Content-Type"] = "application/json"
    call = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        with urllib.request.urlopen(call, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


def api(method, path, body=None):
    """A call of the REST API below /api/2.0/mlflow/: (status, parsed JSON)."""
    status, _, data = request(method, "/api/2.0/mlflow/" + path, body)
    return status, json.loads(data)


class TestCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        mlflow.set_tracking_uri(URI)
        mlflow.set_registry_uri(URI)
        self.client = mlflow.MlflowClient(URI, URI)

    def tearDown(self):
        while mlflow.active_run():
            mlflow.end_run()

    def new_experiment(self):
        return self.client.create_experiment(fresh("experiment"))

    def new_run(self, experiment_id=None, **kwargs):
        return self.client.create_run(experiment_id or self.new_experiment(), **kwargs)

    def assertFails(self, code, message, call, *args, **kwargs):
        """The call raises MLflow's exception with this error code and a message that holds `message`."""
        with self.assertRaises(MlflowException) as caught:
            call(*args, **kwargs)
        self.assertEqual(caught.exception.error_code, code, str(caught.exception))
        self.assertIn(message, str(caught.exception))

    def assertRefused(self, status, code, message, method, path, body=None):
        """The REST call gives this status, error code and exactly this message."""
        got, answer = api(method, path, body)
        self.assertEqual((got, answer.get("error_code"), answer.get("message")), (status, code, message))
