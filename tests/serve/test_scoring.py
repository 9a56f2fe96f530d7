#!/usr/bin/env python3
"""`chert score-server` and scoring in `chert serve`, over HTTP: test_scoring.py CHERT [unittest arguments]

models/ was saved by Spark 4.1.3 through mlflow 3.17.2, replies.json holds what MLflow's own server answered for them
(make_models.py, record.py).
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "track")]
from postgres import Postgres  # noqa: E402
from run_programs import die_with_parent  # noqa: E402

CHERT = os.path.abspath(sys.argv.pop(1))
MODELS = HERE / "models"
JSON = "application/json"
LEAD = {"age": 30, "salary": 40000.5, "source": "web", "visits": 7}

FORMATS = re.compile(r"\{'\w+', '\w+', '\w+', '\w+'\}")

# Where chert answers otherwise on purpose: (model, case) -> status, and what the answer must contain.
DIFFERENT = {
    # a fraction, or high bits, would be cut off there
    ("leads", "double for a whole number"): (400, "Failed to convert column age to type 'int64'"),
    ("leads", "too big for an integer"): (400, "Failed to convert column visits to type 'int32'"),
    # the same fault, found or worded in another way
    ("leads", "columns twice"): (400, "column 'age' is given more than once"),
    ("leads", "rows of two lengths"): (400, "Failed to convert column visits to type 'int32'"),
    ("leads", "split with another member"): (400, "optionally 'columns' and 'index' fields. Got {"),
    ("leads", "instances without names"): (400, "Model is missing inputs ['age', 'salary', 'source', 'visits']"),
    ("leads", "inputs without names"): (400, "Model is missing inputs ['age', 'salary', 'source', 'visits']"),
    ("leads", "two formats"): (400, "with input fields: ['dataframe_split', 'dataframe_records']"),
    ("leads", "csv that is none"): (400, "Expected 1 fields in line 2, saw 3"),
    ("leads", "csv with text for a number"): (400, "Failed to convert column age to type 'int64'"),
    ("leads", "plain text"): (415, "Got 'text/plain'."),
    ("leads", "a number"): (400, "Received unexpected input type '<class 'int'>."),
    # pandas in between cannot carry these to Spark; the pipeline itself can take them
    ("leads", "null text"): (200, '{"predictions":[1.0]}'),
    ("leads", "no rows"): (200, '{"predictions":[]}'),
    ("leads", "csv without rows"): (200, '{"predictions":[]}'),
    ("plain", "instances"): (200, '{"predictions":[1.0,1.0,1.0,0.0]}'),
    ("plain", "inputs by column"): (200, '{"predictions":[1.0,1.0,1.0,0.0]}'),
    ("vector", "records"): (200, '{"predictions":[0.0,1.0]}'),
    ("vector", "inputs"): (200, '{"predictions":[0.0,1.0]}'),
    ("vector", "vector of another size"): (400, "x.size = 3, y.size = 2"),
}


class Scorer:
    """A server under test and one connection to it."""

    def __init__(self, *arguments, env=None, port=None):
        self.process = subprocess.Popen(
            [CHERT, *map(str, arguments)],
            env=dict(os.environ, **(env or {})),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,
        )
        line = ""
        while "http://" not in line:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(self.process.stderr.read())
        self.port = int(line.strip().rsplit(":", 1)[1])
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)
        if self.process.returncode:
            raise RuntimeError(f"the server exited with {self.process.returncode}")

    def call(self, method, path, body=None, **headers):
        """(status, text, headers)"""
        return call(self.connection, method, path, body, **headers)

    def score(self, body, path="/invocations"):
        status, text, _ = self.call("POST", path, body)
        return status, json.loads(text)


def call(connection, method, path, body=None, content_type=JSON, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None:
        headers["Content-Type"] = content_type
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
    connection.request(method, path, body.encode() if isinstance(body, str) else body, headers)
    reply = connection.getresponse()
    return reply.status, reply.read().decode(), reply.headers


def one(model, **options):
    return Scorer("score-server", "--port", "0", MODELS / model, **options)


def records(*rows):
    return {"dataframe_records": list(rows)}


class Recorded(unittest.TestCase):
    """Request by request what MLflow's server answered."""

    def same_fault(self, got, want):
        self.assertEqual(got["error_code"], want["error_code"])
        self.assertEqual(got["error_class"], want["error_class"])
        self.assertEqual(got["sqlstate"], want["sqlstate"])
        if got["message"].startswith(want["message"]):
            return  # with what the stage said behind it
        # "Failed to predict data '<a DataFrame as pandas prints it>'. Error: ... Error: what is wrong"; and a Python set
        got_end, want_end = (reply["message"].rsplit("Error: ", 1)[-1] for reply in (got, want))
        self.assertEqual(FORMATS.sub("FORMATS", got_end), FORMATS.sub("FORMATS", want_end))

    def check(self, server, case):
        status, text, headers = server.call("POST", "/invocations", case["body"], content_type=case["content_type"])
        different = DIFFERENT.get((case["model"], case["name"]))
        if different:
            self.assertEqual(status, different[0], text)
            self.assertIn(different[1], json.loads(text)["message"] if text[2:12] == "error_code" else text)
            return
        self.assertEqual(status, case["status"], text)
        self.assertEqual(headers["Content-Type"], case["reply_type"])
        got = json.loads(text) if headers["Content-Type"] == JSON else text
        if status == 400:
            self.same_fault(got, case["reply"])
        else:
            self.assertEqual(got, case["reply"])

    def test_all(self):
        cases = json.loads((HERE / "replies.json").read_text())
        names = {(case["model"], case["name"]) for case in cases}
        self.assertEqual(set(DIFFERENT) - names, set())
        for model in dict.fromkeys(case["model"] for case in cases):
            with one(model) as server:
                for case in cases:
                    if case["model"] == model:
                        with self.subTest(model=model, case=case["name"]):
                            self.check(server, case)


class Server(unittest.TestCase):
    def test_contract(self):
        with one("leads") as server:
            self.assertEqual(server.call("GET", "/ping")[:2], (200, "\n"))
            self.assertEqual(server.call("GET", "/health")[:2], (200, "\n"))
            self.assertEqual(server.call("GET", "/version")[:2], (200, "3.17.2"))
            self.assertEqual(server.call("GET", "/invocations")[:2], (405, '{"detail":"Method Not Allowed"}'))
            self.assertEqual(server.call("GET", "/nothing")[:2], (404, '{"detail":"Not Found"}'))
            status, _, headers = server.call(
                "POST", "/invocations", records(LEAD), X_Amzn_SageMaker_Custom_Attributes="trace=7"
            )
            self.assertEqual((status, headers["X-Amzn-SageMaker-Custom-Attributes"]), (200, "trace=7"))

    def test_columns(self):
        with one("leads") as server:
            status, answer = server.score(records(LEAD), "/invocations?columns=prediction,probability,source")
            self.assertEqual(status, 200, answer)
            row = answer["predictions"][0]
            self.assertEqual(list(row), ["prediction", "probability", "source"])
            self.assertEqual(row["prediction"], 1.0)
            self.assertEqual(row["source"], "web")
            self.assertAlmostEqual(sum(row["probability"]), 1.0, delta=1e-15)
            self.assertGreater(row["probability"][1], 0.5)
            asked = {**records(LEAD), "params": {"columns": ["probability"]}}
            self.assertEqual(server.score(asked)[1], {"predictions": [{"probability": row["probability"]}]})
            text = "\u00e4" * 2000  # repeated by the message up to somewhere
            status, answer = server.score(records({**LEAD, "age": text}))
            self.assertEqual(status, 400)
            self.assertIn("invalid literal for int() with base 10: '\u00e4\u00e4", answer["message"])
            status, answer = server.score('{"x": "' + "\u00e4" * 2000)
            self.assertEqual(status, 400)
            status, answer = server.score(records(LEAD), "/invocations?columns=probabilities")
            self.assertEqual(status, 400)
            self.assertIn("no column 'probabilities', but ['source', 'age', 'salary', 'visits', 'source_index'", answer["message"])

    def test_bare_pipeline(self):
        """Without MLmodel: the folder that Spark's writer made."""
        with one("leads/sparkml") as server:
            self.assertEqual(server.score(records(LEAD))[1], {"predictions": [1.0]})

    def test_metrics(self):
        with one("leads") as server:
            server.score(records(LEAD, LEAD))
            server.score(records({}))
            text = server.call("GET", "/metrics")[1]
            for line in (
                'chert_scoring_requests_total{model="leads",version="",status="200"} 1',
                'chert_scoring_requests_total{model="leads",version="",status="400"} 1',
                'chert_scoring_seconds_count{model="leads",version=""} 2',
                "chert_scoring_models 1",
            ):
                self.assertIn(line + "\n", text)

    def test_signature_in_other_letters(self):
        """Columns of a signature are found as it spells them, and are those of the pipeline in any case."""
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder) / "model"
            shutil.copytree(MODELS / "leads", model)
            (model / "MLmodel").write_text((model / "MLmodel").read_text().replace('"age"', '"Age"'))
            with Scorer("score-server", "--port", "0", model) as server:
                self.assertEqual(server.score(records({**LEAD, "Age": 30}))[1], {"predictions": [1.0]})
                self.assertIn("Model is missing inputs ['Age']", server.score(records(LEAD))[1]["message"])

    def test_many_rows(self):
        rows = [{**LEAD, "age": 20 + i % 45, "visits": i % 11} for i in range(10000)]
        with one("leads") as server:
            few = [server.score(records(*rows[i : i + 100]))[1]["predictions"] for i in range(0, 1000, 100)]
            status, answer = server.score(records(*rows))
            self.assertEqual(status, 200)
            self.assertEqual(len(answer["predictions"]), 10000)
            self.assertEqual(answer["predictions"][:1000], sum(few, []))

    def test_timeout(self):
        rows = {"inputs": {name: [value] * 200000 for name, value in LEAD.items()}}
        with one("leads", env={"MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "0.0001"}) as server:
            status, text, _ = server.call("POST", "/invocations", rows)
            self.assertEqual((status, text), (504, "Request processing time exceeded limit"))
            self.assertEqual(server.score(records(LEAD))[0], 200)

    def test_broken_models(self):
        with tempfile.TemporaryDirectory() as folder:
            sklearn = pathlib.Path(folder) / "sklearn"
            sklearn.mkdir()
            (sklearn / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n")
            for path, said in (
                (folder, "has neither an MLmodel file nor a metadata folder"),
                (folder + "/none", "there is no such folder"),
                (sklearn, "has no spark flavor, its loader is mlflow.sklearn"),
            ):
                done = subprocess.run([CHERT, "score-server", path], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 1)
                self.assertIn(said, done.stderr)

    def test_uris(self):
        """Without a store there is nothing to look up, and none is made; one that is open may be looked into."""
        with tempfile.TemporaryDirectory() as folder:
            start = [CHERT, "score-server", "--store", folder + "/store.db", "models:/leads/1"]
            done = subprocess.run(start, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn("no store", done.stderr)
            self.assertEqual(os.listdir(folder), [])
            with Scorer("serve", "--port", "0", "--ui-port", "0", "--store", folder + "/store.db"):
                done = subprocess.run(start, capture_output=True, text=True, timeout=60)
                self.assertIn("Registered Model with name=leads not found", done.stderr)
            done = subprocess.run(start, capture_output=True, text=True, timeout=60)
            self.assertIn("Registered Model with name=leads not found", done.stderr)
            nobody = dict(os.environ, MLFLOW_TRACKING_URI="http://127.0.0.1:1")
            done = subprocess.run([CHERT, "score-server", "models:/leads/1"], capture_output=True, text=True,
                                  timeout=60, env=nobody)
            self.assertEqual(done.returncode, 1)
            self.assertIn("http://127.0.0.1:1: ", done.stderr)

class Registry(unittest.TestCase):
    """Models of the registry, in `chert serve`."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.server = Scorer("serve", "--port", "0", "--ui-port", "0", "--store", self.folder.name + "/store.db")

    def tearDown(self):
        if self.server:
            self.server.__exit__()
        self.folder.cleanup()

    def api(self, method, path, **fields):
        status, text, _ = self.server.call(method, "/api/2.0/mlflow/" + path, fields)
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def register(self, name, model):
        """A new version of a registered model, from a logged model with the files of models/MODEL."""
        files = {str(p.relative_to(MODELS / model)): p for p in (MODELS / model).rglob("*") if p.is_file()}
        return self.register_files(name, {path: file.read_bytes() for path, file in files.items()})

    def register_files(self, name, files):
        info = self.api("POST", "logged-models", experiment_id="0", name="model")["model"]["info"]
        folder = info["artifact_uri"].replace("mlflow-artifacts:", "/api/2.0/mlflow-artifacts/artifacts")
        for path, content in files.items():
            status, text, _ = self.server.call("PUT", f"{folder}/{path}", content)
            self.assertEqual(status, 200, text)
        source = {"source": f"models:/{info['model_id']}", "model_id": info["model_id"]}
        return self.api("POST", "model-versions/create", name=name, **source)["model_version"]["version"]

    def stage(self, version, stage):
        self.api(
            "POST", "model-versions/transition-stage", name="leads", version=version, stage=stage,
            archive_existing_versions=True,
        )

    def test_names(self):
        self.api("POST", "registered-models/create", name="leads")
        server = self.server
        status, answer = server.score(records(LEAD), "/serve/nobody/1/invocations")
        self.assertEqual((status, answer["error_code"]), (404, "RESOURCE_DOES_NOT_EXIST"))
        self.assertEqual(server.score(records(LEAD), "/serve/leads/latest/invocations")[0], 404)
        self.assertEqual(self.register("leads", "leads"), "1")
        self.assertEqual(self.register("leads", "names"), "2")
        for which, prediction in ("1", 1.0), ("2", 2.0), ("latest", 2.0):
            answer = server.score(records(LEAD), f"/serve/leads/{which}/invocations")[1]
            self.assertEqual(answer, {"predictions": [prediction]})
        self.assertEqual(server.score(records(LEAD), "/serve/leads/Production/invocations")[0], 404)
        self.assertEqual(server.score(records(LEAD), "/endpoints/leads/invocations")[1], {"predictions": [2.0]})
        self.stage("1", "Production")
        self.assertEqual(server.score(records(LEAD), "/serve/leads/Production/invocations")[1], {"predictions": [1.0]})
        status, text, headers = server.call("POST", "/endpoints/leads/invocations", records(LEAD))
        self.assertEqual((status, text), (200, '{"predictions":[1.0]}'))
        self.assertEqual(headers["x-Amzn-Invoked-Production-Variant"], "Production")
        self.assertEqual(server.score(records(LEAD), "/serve/leads/invocations")[1], {"predictions": [1.0]})
        self.api("POST", "registered-models/alias", name="leads", alias="best", version="2")
        for which in "best", "@best":
            answer = server.score(records(LEAD), f"/serve/leads/{which}/invocations")[1]
            self.assertEqual(answer, {"predictions": [2.0]})
        self.api("POST", "registered-models/alias", name="leads", alias="best", version="1")
        self.assertEqual(server.score(records(LEAD), "/serve/leads/best/invocations")[1], {"predictions": [1.0]})
        self.assertEqual(server.call("GET", "/serve/leads/best/ping")[:2], (200, "\n"))
        self.assertEqual(server.call("GET", "/serve/leads/worst/ping")[0], 404)
        self.assertEqual(server.call("GET", "/serve/leads/1/version")[:2], (200, "3.17.2"))
        self.assertEqual(server.call("GET", "/serve/leads/1/invocations")[0], 405)
        other = {"MLmodel": b"flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n"}
        path = f"/serve/leads/{self.register_files('leads', other)}/invocations"
        status, answer = server.score(records(LEAD), path)
        self.assertEqual(status, 400)
        self.assertIn("Version 3 of model 'leads' cannot be served", answer["message"])
        self.assertIn("has no spark flavor, its loader is mlflow.sklearn", answer["message"])
        self.api("POST", "model-versions/create", name="leads", source="s3://bucket/model")
        status, answer = server.score(records(LEAD), "/serve/leads/4/invocations")
        self.assertEqual((status, answer["error_code"]), (400, "BAD_REQUEST"))
        self.assertIn("The artifacts at 's3://bucket/model' are not kept by this server", answer["message"])
        self.server = self.server.__exit__()
        uri = "models:/leads/Production"  # the same by a server of its own
        with Scorer("score-server", "--port", "0", "--store", self.folder.name + "/store.db", uri) as alone:
            self.assertEqual(alone.score(records(LEAD))[1], {"predictions": [1.0]})

    def check_alone(self, uri, prediction, *options, **env):
        """A server of one model, beside the one that has the store."""
        with Scorer("score-server", "--port", "0", *options, uri, env=env) as alone:
            self.assertEqual(alone.score(records(LEAD))[1], {"predictions": [prediction]}, uri)

    def check_refused(self, uri, message, *options, **env):
        done = subprocess.run([CHERT, "score-server", "--port", "0", *options, uri], capture_output=True, text=True,
                              timeout=60, env={**os.environ, **env})
        self.assertEqual(done.returncode, 1, uri)
        self.assertRegex(done.stderr, message)

    def check_uris(self, *options, **env):
        self.api("POST", "registered-models/create", name="leads")
        self.register("leads", "leads")
        self.register("leads", "names")
        self.stage("1", "Production")
        self.api("POST", "registered-models/alias", name="leads", alias="best", version="2")
        folder = self.api("GET", "model-versions/get-download-uri?name=leads&version=2")["artifact_uri"]
        model_id = folder.split("/")[-2]
        run = self.api("POST", "runs/create", experiment_id="0")["run"]["info"]
        for path in (MODELS / "leads").rglob("*"):
            if path.is_file():
                target = run["artifact_uri"].replace("mlflow-artifacts:", "/api/2.0/mlflow-artifacts/artifacts")
                name = path.relative_to(MODELS / "leads")
                self.assertEqual(self.server.call("PUT", f"{target}/a/model/{name}", path.read_bytes())[0], 200)
        self.check_alone("models:/leads/1", 1.0, *options, **env)
        self.check_alone("models:/leads/Production", 1.0, *options, **env)
        self.check_alone("models:/leads@best", 2.0, *options, **env)
        self.check_alone("models:/leads/latest", 2.0, *options, **env)
        self.check_alone(f"models:/{model_id}", 2.0, *options, **env)
        self.check_alone(folder, 2.0, *options, **env)
        self.check_alone(f"runs:/{run['run_id']}/a/model", 1.0, *options, **env)
        for uri in ("models:/leads/3", "models:/leads@worst", "models:/leads/Staging", "models:/nobody/1",
                    "runs:/" + "0" * 32 + "/model"):
            self.check_refused(uri, "found|no version", *options, **env)

    def test_uris_of_an_open_store(self):
        self.check_uris("--store", self.folder.name + "/store.db")

    def test_uris_of_a_server(self):
        """From where the model is downloaded; nothing of it is left."""
        with tempfile.TemporaryDirectory() as folder:
            self.check_uris(MLFLOW_TRACKING_URI=f"http://127.0.0.1:{self.server.port}", TMPDIR=folder)
            self.assertEqual(os.listdir(folder), [])

    def test_uris_in_postgres(self):
        with Postgres() as store:
            if not store:
                self.skipTest("PostgreSQL is not installed")
            self.server.__exit__()
            options = ["--store", store, "--artifacts", self.folder.name + "/artifacts"]
            self.server = Scorer("serve", "--port", "0", "--ui-port", "0", *options)
            self.check_uris(*options)
            self.server = self.server.__exit__()

    def test_two_servers_of_one_database(self):
        """What one does to the registry, the other notices soon."""
        with Postgres() as store:
            if not store:
                self.skipTest("PostgreSQL is not installed")
            self.server.__exit__()
            command = ["serve", "--port", "0", "--ui-port", "0", "--store", store,
                       "--artifacts", self.folder.name + "/artifacts"]
            self.server = Scorer(*command)
            with Scorer(*command) as other:
                self.api("POST", "registered-models/create", name="leads")
                self.register("leads", "leads")
                self.register("leads", "names")
                for version, prediction in ("1", 1.0), ("2", 2.0), ("1", 1.0):
                    self.api("POST", "registered-models/alias", name="leads", alias="best", version=version)
                    until = time.monotonic() + 60  # half a second on a machine with nothing else to do
                    while other.score(records(LEAD), "/serve/leads/best/invocations")[1] != {"predictions": [prediction]}:
                        self.assertLess(time.monotonic(), until)
                self.api("DELETE", "registered-models/alias", name="leads", alias="best")
                while other.score(records(LEAD), "/serve/leads/best/invocations")[0] != 404:
                    self.assertLess(time.monotonic(), until)
            self.server = self.server.__exit__()

    def test_no_request_is_lost(self):
        """While the stage moves from version to version, each request is answered by one of the two."""
        self.api("POST", "registered-models/create", name="leads")
        versions = {self.register("leads", "leads"): 1.0, self.register("leads", "names"): 2.0}
        self.stage("1", "Production")
        stop, answers, failures = threading.Event(), [], []

        def ask():
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
            while not stop.is_set():
                status, text, _ = call(connection, "POST", "/serve/leads/Production/invocations", records(LEAD))
                (answers if status == 200 else failures).append(text)
            connection.close()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for turn in range(20):
            version = "21"[turn % 2]
            self.stage(version, "Production")
            status, answer = self.server.score(records(LEAD), "/serve/leads/Production/invocations")
            self.assertEqual((status, answer), (200, {"predictions": [versions[version]]}))
            time.sleep(0.02)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(set(answers), {'{"predictions":[1.0]}', '{"predictions":[2.0]}'})


if __name__ == "__main__":
    unittest.main(verbosity=2)
