"""Who may do what: the real mlflow client and the real pyspark client against `chert serve --auth`, over TLS too.

    test_guard.py CHERT
"""

import base64
import contextlib
import http.client
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
import uuid
import unittest
import unittest.mock
import urllib.error
import urllib.request

# mlflow's client of users lives in a package that wants its server's Flask-WTF; nothing of it is used here
sys.modules["flask_wtf"] = types.ModuleType("flask_wtf")
sys.modules["flask_wtf.csrf"] = types.ModuleType("flask_wtf.csrf")
sys.modules["flask_wtf.csrf"].CSRFProtect = object

import grpc
import mlflow
import pyspark.sql.connect.proto as proto
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.server.auth.client import AuthServiceClient
from pyspark.errors import AnalysisException
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import SparkSession
from pyspark.sql.connect.client import DefaultChannelBuilder
from pyspark.sql.connect.proto.base_pb2_grpc import SparkConnectServiceStub

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "track"))
from postgres import Postgres

CHERT = ""
ROOT = "root's password"


@contextlib.contextmanager
def server(folder, *options, env=None, stderr=None):
    """Addresses (sc, http) of a server that keeps its things in `folder`."""
    command = [CHERT, "serve", "--port=0", "--ui-port=0", f"--store={folder}/t.db", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True,
                               env={**os.environ, **(env or {})})
    try:
        lines = [process.stdout.readline().rsplit(" ", 1)[-1].strip() for _ in range(2)]
        yield lines
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@contextlib.contextmanager
def as_user(name=None, password=None, token=None):
    """What the mlflow client sends."""
    values = {"MLFLOW_TRACKING_USERNAME": name, "MLFLOW_TRACKING_PASSWORD": password, "MLFLOW_TRACKING_TOKEN": token}
    before = {key: os.environ.pop(key, None) for key in values}
    os.environ.update({key: value for key, value in values.items() if value})
    try:
        yield
    finally:
        for key in values:
            os.environ.pop(key, None)
        os.environ.update({key: value for key, value in before.items() if value})


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@contextlib.contextmanager
def source_address(address):
    """A session of requests that come from this address."""
    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *arguments, **named):
            super().init_poolmanager(*arguments, source_address=(address, 0), **named)

    with requests.Session() as session:
        session.mount("http://", Adapter())
        yield session


def eventually(call, seconds=30):
    """What `call` gives as soon as it does not fail any more."""
    for _ in range(seconds * 20):
        try:
            return call()
        except (AssertionError, MlflowException) as failure:
            last = failure
            time.sleep(0.05)
    raise last


def head_only(uri, method, path, headers):
    """The status that comes when only the head of a request is sent."""
    with contextlib.closing(http.client.HTTPConnection(uri.split("//")[1], timeout=30)) as connection:
        connection.putrequest(method, path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status


@contextlib.contextmanager
def as_session(spark):
    """Machine learning goes to the active session."""
    active = type(spark)._active_session
    before = getattr(active, "session", None)
    active.session = spark
    try:
        yield spark
    finally:
        active.session = before


def user_line(*arguments, password=""):
    done = subprocess.run([CHERT, "user", *arguments], input=password, capture_output=True, text=True, check=True)
    return done.stdout, done.stderr.strip()


class Store(unittest.TestCase):
    """Users in the store, made over REST."""

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        env = {"MLFLOW_AUTH_ADMIN_USERNAME": "root", "MLFLOW_AUTH_ADMIN_PASSWORD": ROOT}
        self.sc, self.uri = self.stack.enter_context(server(folder, "--auth=store", *self.store(folder), env=env))
        mlflow.set_tracking_uri(self.uri)
        self.users = AuthServiceClient(self.uri)
        self.client = MlflowClient(self.uri)

    def store(self, folder):
        return []

    def root(self):
        return as_user("root", ROOT)

    def make(self, *names):
        with self.root():
            for name in names:
                self.users.create_user(name, name + "'s password")

    def user(self, name):
        return as_user(name, name + "'s password")

    def denied(self, call, *arguments, code="PERMISSION_DENIED", **named):
        with self.assertRaises(MlflowException) as caught:
            call(*arguments, **named)
        self.assertEqual(caught.exception.error_code, code, caught.exception)

    def test_asks_who_it_is(self):
        for credentials in (as_user(), as_user("root", "wrong"), as_user("nobody", ROOT), as_user(token="made up")):
            with credentials, self.assertRaisesRegex(MlflowException, "not authenticated"):
                self.client.search_experiments()
        with self.root():
            self.assertEqual(len(self.client.search_experiments()), 1)
        for path, status in ("/health", 200), ("/version", 200), ("/metrics", 401), ("/api/chert/v1/server", 401):
            try:
                got = urllib.request.urlopen(self.uri + path).status
            except urllib.error.HTTPError as error:
                got = error.code
                self.assertEqual(error.headers["WWW-Authenticate"], 'Basic realm="mlflow"')
            self.assertEqual((path, got), (path, status))

    def test_users(self):
        self.make("alice", "bob")
        with self.root():
            self.assertEqual(self.users.get_user("alice").username, "alice")
            self.denied(self.users.create_user, "alice", "x", code="RESOURCE_ALREADY_EXISTS")
            self.denied(self.users.get_user, "carol", code="RESOURCE_DOES_NOT_EXIST")
            self.denied(self.users.delete_user, "root", code="BAD_REQUEST")
        with self.user("alice"):
            self.denied(self.users.create_user, "carol", "x")
            self.denied(self.users.get_user, "bob")
            self.denied(self.users.delete_user, "bob")
            self.denied(self.users.update_user_admin, "alice", True)
            self.denied(self.users.update_user_password, "bob", "x")
            self.denied(self.users.update_user_password, "alice", "x", code="INVALID_PARAMETER_VALUE")
            self.users.update_user_password("alice", "new", current_password="alice's password")
            with self.assertRaisesRegex(MlflowException, "not authenticated"):
                self.users.get_user("alice")
        with as_user("alice", "new"):
            self.assertFalse(self.users.get_user("alice").is_admin)
        with self.root():
            self.users.update_user_admin("alice", True)
        with as_user("alice", "new"):
            self.users.delete_user("bob")
        with self.user("bob"), self.assertRaisesRegex(MlflowException, "not authenticated"):
            self.client.search_experiments()

    def test_experiments(self):
        self.make("alice", "bob")
        with self.user("alice"):
            experiment = self.client.create_experiment("alice's")
            run = self.client.create_run(experiment).info.run_id
            self.client.log_metric(run, "m", 1)
            self.client.log_text(run, "text", "a.txt")
        artifact = f"{self.uri}/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/a.txt"
        with self.user("bob"):  # READ is the default
            self.assertEqual(self.client.get_run(run).data.metrics, {"m": 1})
            self.assertEqual(len(self.client.search_runs([experiment])), 1)
            self.denied(self.client.log_metric, run, "m", 2)
            self.denied(self.client.create_run, experiment)
            with self.assertRaisesRegex(requests.HTTPError, "PERMISSION_DENIED"):
                self.client.log_text(run, "text", "b.txt")
            self.denied(self.client.delete_experiment, experiment)
            self.denied(self.grant, "bob", experiment, "MANAGE")
        with self.user("alice"):
            self.grant("bob", experiment, "EDIT")
        with self.user("bob"):
            self.client.log_metric(run, "m", 2)
            self.client.log_text(run, "text", "b.txt")
            self.denied(self.client.delete_experiment, experiment)
            self.assertEqual(self.users.get_user_permission("bob", "experiment", experiment).permission, "EDIT")
        with self.user("alice"):
            self.grant("bob", experiment, "NO_PERMISSIONS")
        with self.user("bob"):
            self.denied(self.client.get_run, run)
            self.denied(self.client.get_experiment, experiment)
            self.denied(self.client.get_experiment_by_name, "alice's")
            self.denied(self.client.search_runs, [experiment])
            self.denied(self.client.list_artifacts, run)
            self.assertEqual([e.name for e in self.client.search_experiments()], ["Default"])
            self.assertEqual(self.client.search_runs([experiment, "0"]), [])
            self.assertEqual(self.client.search_logged_models(experiment_ids=[experiment]), [])
            self.assertEqual(self.client.search_traces(locations=[experiment]), [])
            listed = self.users._request("/api/chert/v1/experiments", "GET")["experiments"]
            self.assertEqual([e["name"] for e in listed], ["Default"])
            for disguised in f"+{experiment}", f" {experiment}", f"0{experiment}":
                with self.assertRaises(MlflowException):
                    self.client.get_experiment(disguised)
            get = self.uri + "/api/2.0/mlflow/"
            with self.root():
                self.grant("bob", "0", "EDIT")
            mine = self.client.create_run("0").info.run_id
            for query in (f"runs/get?run_id={run}&run_id={mine}",
                          f"metrics/get-history-bulk?run_id={mine}&run_id={run}&metric_key=m",
                          f"metrics/get-history?run_uuid={run}&metric_key=m"):
                self.assertEqual(self.status(get + query, "bob"), 403, query)
            self.assertEqual(self.status(self.uri + f"/get-artifact?run_id={run}&path=a.txt", "bob"), 403)
            self.assertEqual(self.status(self.uri + f"/get-artifact?path=a.txt&run_id={mine}&run_id={run}", "bob"), 403)
            self.client.create_registered_model("bob's")
            for source in f"mlflow-artifacts:/{experiment}/{run}/artifacts", f"runs:/{run}/model":
                self.denied(self.client.create_model_version, "bob's", source, run)
            for path in artifact, artifact.replace(f"/{experiment}/", f"/%252e/%3{experiment}/"):
                self.assertIn(self.status(path, "bob"), (400, 403), path)
        self.assertEqual(self.status(artifact, "alice"), 200)
        with self.user("alice"):
            self.users.revoke_user_permission("bob", "experiment", experiment)
            self.denied(self.users.revoke_user_permission, "bob", "experiment", experiment, code="RESOURCE_DOES_NOT_EXIST")
        with self.user("bob"):
            self.client.get_run(run)

    def test_big_files(self):
        """Parts and downloads go by signed address, without credentials."""
        self.make("alice", "bob")
        part = 1 << 20
        settings = {"MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": part, "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": part,
                    "MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE": part}
        settings = {name: str(value) for name, value in settings.items()}
        content = os.urandom(3 * part + 1)
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.dict(os.environ, settings):
            local = os.path.join(folder, "big.bin")
            with open(local, "wb") as file:
                file.write(content)
            with self.user("alice"):
                experiment = self.client.create_experiment("alice's")
                run = self.client.create_run(experiment).info.run_id
                self.client.log_artifact(run, local)
            with self.user("bob"):
                with open(self.client.download_artifacts(run, "big.bin", folder), "rb") as file:
                    self.assertEqual(file.read(), content)
                with self.assertRaisesRegex(requests.HTTPError, "PERMISSION_DENIED"):
                    self.client.log_artifact(run, local)
        proxy = self.uri + "/api/2.0/mlflow-artifacts"
        folder = f"{experiment}/{run}/artifacts"
        alice, bob = (requests.auth.HTTPBasicAuth(name, f"{name}'s password") for name in ("alice", "bob"))
        made = requests.post(f"{proxy}/mpu/create/{folder}", json={"path": "f", "num_parts": 1}, auth=alice).json()
        url = made["credentials"][0]["url"]
        for forged in url.split("?")[0], url[:-1] + ("0" if url[-1] != "0" else "1"), url.replace("/1?", "/2?"):
            self.assertEqual(requests.put(forged, b"x").status_code, 401)
            self.assertEqual(requests.put(forged, b"x", auth=alice).status_code, 403)
        end = {"path": "f", "upload_id": made["upload_id"],
               "parts": [{"part_number": 1, "etag": requests.put(url, b"x").headers["ETag"]}]}
        for what in "complete", "abort":
            self.assertEqual(requests.post(f"{proxy}/mpu/{what}/{folder}", json=end, auth=bob).status_code, 403)
            self.assertEqual(requests.post(f"{proxy}/mpu/{what}/{folder}", json=end).status_code, 401)
            with self.root():
                self.grant("bob", "0", "EDIT")  # his own folder does not make her upload his
            self.assertEqual(requests.post(f"{proxy}/mpu/{what}/0/x", json=end, auth=bob).status_code, 400)
        self.assertEqual(requests.post(f"{proxy}/mpu/complete/{folder}", json=end, auth=alice).status_code, 200)
        signed = requests.get(f"{proxy}/presigned/{folder}/f", auth=bob).json()["url"]
        self.assertEqual(requests.get(signed).content, b"x")
        self.assertEqual(requests.get(f"{proxy}/presigned/{folder}/f").status_code, 401)
        with self.user("alice"):
            self.grant("bob", experiment, "NO_PERMISSIONS")
        self.assertEqual(requests.get(f"{proxy}/presigned/{folder}/f", auth=bob).status_code, 403)
        self.assertEqual(requests.get(f"{proxy}/presigned/0/%2e%2e/{folder}/f", auth=bob).status_code, 400)

    def test_uploads_are_refused_before_they_are_sent(self):
        self.make("alice", "bob")
        with self.user("alice"):
            experiment = self.client.create_experiment("hers")
            run = self.client.create_run(experiment).info.run_id
        proxy = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/big.bin"
        page = f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=big.bin"
        credentials = {name: basic(name, name + "'s password") for name in ("alice", "bob", "nobody")}
        for method, path, lengths in ("PUT", proxy, ("1000000000000", "100")), ("POST", page, ("10000000", "100")):
            for name, status in ("bob", 403), ("nobody", 401):
                for length in lengths:
                    head = {"Authorization": credentials[name], "Content-Length": length, "Expect": "100-continue"}
                    self.assertEqual(head_only(self.uri, method, path, head), status, (path, name, length))
        # who does not wait for leave hears why, too, and not only that the connection broke
        for size in 1000, 3 << 20, 30 << 20:
            answer = requests.put(self.uri + proxy, data=b"x" * size, headers={"Authorization": credentials["bob"]})
            self.assertEqual((answer.status_code, answer.json()["error_code"]), (403, "PERMISSION_DENIED"), size)
            answer = requests.put(self.uri + proxy, data=b"x" * size, headers={"Authorization": credentials["alice"]})
            self.assertEqual(answer.status_code, 200, size)

    def test_guessing_passwords(self):
        self.make("alice", "carol", "dave")

        def ask(name, password, source="127.0.0.1"):
            with source_address(source) as session:
                answer = session.get(self.uri + "/api/2.0/mlflow/users/current",
                                     headers={"Authorization": basic(name, password)})
            return answer.status_code

        self.assertEqual(ask("alice", "alice's password"), 200)
        self.assertEqual(ask("root", ROOT), 200)
        guesses = (ask("alice", f"guess {i}") for i in range(300))
        self.assertIn(429, guesses)
        self.assertEqual(ask("alice", "alice's password"), 200)  # is remembered
        self.assertEqual(ask("carol", "carol's password"), 200)
        self.assertIn(429, (ask(f"name {i}", "guess") for i in range(300)))
        for name in "alice", "carol":
            self.assertEqual(ask(name, name + "'s password"), 200)
        self.assertEqual(ask("dave", "dave's password"), 429)
        self.assertEqual(ask("dave", "dave's password", "127.0.0.2"), 200)

    def grant(self, username, experiment, permission):
        self.users.grant_user_permission(username, "experiment", experiment, permission)

    def status(self, url, name, body=None):
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        request.add_header("Authorization", basic(name, f"{name}'s password"))
        try:
            return urllib.request.urlopen(request).status
        except urllib.error.HTTPError as error:
            return error.code

    def test_registered_models(self):
        self.make("alice", "bob")
        with self.user("alice"):
            self.client.create_registered_model("hers")
        with self.user("bob"):
            self.client.get_registered_model("hers")
            self.denied(self.client.update_registered_model, "hers", "x")
            self.denied(self.client.delete_registered_model, "hers")
        score = self.uri + "/serve/hers/1/invocations"
        self.assertEqual(self.status(score, "bob", b"{}"), 404)  # there is no version 1
        with self.user("alice"):
            self.users.grant_user_permission("bob", "registered_model", "hers", "DENY")
        self.assertEqual(self.status(score, "bob", b"{}"), 403)
        self.assertEqual(self.status(score, "alice", b"{}"), 404)
        with self.user("bob"):
            self.denied(self.client.get_registered_model, "hers")
            self.client.create_registered_model("his")
            self.denied(self.client.create_model_version, "his", "models:/hers/1")
            self.assertEqual([m.name for m in self.client.search_registered_models()], ["his"])
            self.assertEqual(self.client.search_model_versions(), [])
        with self.user("alice"):
            self.assertEqual([m.name for m in self.client.search_registered_models()], ["hers", "his"])
            self.client.rename_registered_model("hers", "still hers")
            self.client.delete_registered_model("still hers")
        with self.user("bob"):
            self.client.create_registered_model("still hers")
            self.client.delete_registered_model("still hers")

    def test_old_permission_endpoints(self):
        self.make("alice", "bob")

        def ask(method, path, **arguments):
            named = {"params": arguments} if method == "GET" else {"json": arguments}
            return self.users._request("/api/2.0/mlflow/" + path, method, **named)

        with self.user("alice"):
            experiment = self.client.create_experiment("e")
            self.client.create_registered_model("m")
            for base, key in (("experiments", {"experiment_id": experiment}), ("registered-models", {"name": "m"})):
                member = "experiment_permission" if base == "experiments" else "registered_model_permission"
                made = ask("POST", base + "/permissions/create", username="bob", permission="EDIT", **key)[member]
                self.assertEqual(made["permission"], "EDIT")
                self.assertEqual(ask("GET", base + "/permissions/get", username="bob", **key)[member], made)
                self.denied(ask, "POST", base + "/permissions/create", username="bob", permission="EDIT", **key,
                            code="RESOURCE_ALREADY_EXISTS")
                self.denied(ask, "PATCH", base + "/permissions/update", username="bob", permission="ALL", **key,
                            code="INVALID_PARAMETER_VALUE")
                ask("PATCH", base + "/permissions/update", username="bob", permission="MANAGE", **key)
                self.assertEqual(ask("GET", base + "/permissions/get", username="bob", **key)[member]["permission"],
                                 "MANAGE")
                ask("DELETE", base + "/permissions/delete", username="bob", **key)
                self.denied(ask, "GET", base + "/permissions/get", username="bob", **key,
                            code="RESOURCE_DOES_NOT_EXIST")

    def test_tokens(self):
        self.make("alice")
        with self.user("alice"):
            made = self.users._request("/api/2.0/mlflow/users/tokens/create", "POST", json={"name": "laptop"})
            brief = self.users._request("/api/2.0/mlflow/users/tokens/create", "POST", json={"expires_in": 1})
            listed = self.users._request("/api/2.0/mlflow/users/tokens/list", "GET")["tokens"]
            self.assertEqual([t["name"] for t in listed], ["laptop", ""])
            self.assertNotIn("token", listed[0])
        with as_user(token=made["token"]):
            experiment = self.client.create_experiment("by token")
            self.assertTrue(self.client.create_run(experiment).info.run_id)
            self.users._request("/api/2.0/mlflow/users/tokens/delete", "DELETE", json={"id": made["id"]})
            with self.assertRaisesRegex(MlflowException, "not authenticated"):
                self.client.search_experiments()
        with as_user(token=brief["token"]):
            eventually(lambda: self.assertRaisesRegex(MlflowException, "not authenticated",
                                                      self.client.search_experiments))


class Engine(unittest.TestCase):
    """What users may do on the Spark Connect port and on the engine's pages."""

    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.folder = stack.enter_context(tempfile.TemporaryDirectory())
        env = {"MLFLOW_AUTH_ADMIN_USERNAME": "root", "MLFLOW_AUTH_ADMIN_PASSWORD": ROOT}
        cls.sc, cls.uri = stack.enter_context(server(cls.folder, "--auth=store", env=env))
        cls.sc = cls.sc.replace("127.0.0.1", "localhost")
        mlflow.set_tracking_uri(cls.uri)
        cls.users, cls.client, cls.tokens = AuthServiceClient(cls.uri), MlflowClient(cls.uri), {}
        with as_user("root", ROOT):
            for name in "alice", "bob":
                cls.users.create_user(name, "x")
            for name in "root", "alice", "bob":
                made = cls.users._request("/api/2.0/mlflow/users/tokens/create", "POST", json={"username": name})
                cls.tokens[name] = made["token"]

    def spark(self, name, session_id=None, claimed=None):
        address = f"{self.sc}/;token={self.tokens[name]}"
        address += f";session_id={session_id}" if session_id else ""
        address += f";user_id={claimed}" if claimed else ""
        session = SparkSession.builder.remote(address).create()
        self.addCleanup(session.stop)
        return session

    def denied(self, name, call):
        with self.assertRaises(AnalysisException) as caught:
            call()
        self.assertEqual(caught.exception.getCondition(), "INSUFFICIENT_PERMISSIONS")
        self.assertIn(f"User '{name}'", str(caught.exception))

    def grant(self, kind, thing, permission):
        with as_user(token=self.tokens["alice"]):
            self.users.grant_user_permission("bob", kind, thing, permission)

    def test_artifacts(self):
        mine, theirs = self.spark("alice"), self.spark("bob")
        assembler = VectorAssembler(inputCols=["a"], outputCol="v")
        with as_user(token=self.tokens["alice"]):
            experiment = self.client.create_experiment("engine")
            run = self.client.create_run(experiment).info.run_id
            self.client.log_text(run, "1\n2\n", "data/t.csv")
            self.client.create_registered_model("engine's")
        with as_session(mine):
            assembler.write().save(f"runs:/{run}/va")
            with as_user(token=self.tokens["alice"]):
                self.client.create_model_version("engine's", f"runs:/{run}/va", run)
        folder = f"{self.folder}/artifacts/{experiment}/{run}/artifacts"
        link = os.path.join(self.folder, "link")
        os.symlink(folder, link)
        readable = [f"runs:/{run}/data/t.csv", f"mlflow-artifacts:/{experiment}/{run}/artifacts/data/t.csv",
                    f"{folder}/data/t.csv", f"file:{folder}/data", f"{folder}/d*/*", f"{link}/data",
                    f"{self.folder}/artifacts/../artifacts/{experiment}/{run}/artifacts/data/t.csv"]
        models = [f"runs:/{run}/va", "models:/engine's/1", f"{folder}/va"]
        writable = [f"runs:/{run}/new", f"mlflow-artifacts:/{experiment}/{run}/artifacts/new", f"{folder}/new",
                    f"{link}/new/deeper"]
        with as_session(theirs):
            rows = theirs.range(1)
            for step, (permission, reads, writes) in enumerate(
                    [("NO_PERMISSIONS", False, False), ("READ", True, False), ("EDIT", True, True)]):
                self.grant("experiment", experiment, permission)
                for path in readable:
                    read = lambda: theirs.read.csv(path).count()
                    self.assertEqual(read(), 2) if reads else self.denied("bob", read)
                for path in models:
                    load = lambda: VectorAssembler.load(path)
                    self.assertEqual(load().getInputCols(), ["a"]) if reads else self.denied("bob", load)
                for path in writable:
                    for write in (lambda: rows.write.mode("overwrite").csv(path),
                                  lambda: assembler.write().overwrite().save(path)):
                        write() if writes else self.denied("bob", write)
                query = lambda: theirs.sql(f"SELECT * FROM text.`{folder}/data`").count()
                self.assertEqual(query(), 2) if reads else self.denied("bob", query)
            # READ on the files does not make up for none on the registered model
            self.grant("registered_model", "engine's", "DENY")
            self.denied("bob", lambda: VectorAssembler.load("models:/engine's/1"))
            self.grant("registered_model", "engine's", "READ")
            VectorAssembler.load("models:/engine's/1")

    def test_files_of_the_server(self):
        with as_session(self.spark("bob")) as spark:
            rows = spark.range(1)
            for path in f"{self.folder}/t.db", f"{self.folder}/t.db-wal", f"{self.folder}/t*", self.folder:
                self.denied("bob", lambda: spark.read.text(path).count())
            for path in self.folder, f"{self.folder}/artifacts", f"{self.folder}/t.db", f"{self.folder}/artifacts/.uploads":
                self.denied("bob", lambda: rows.write.mode("overwrite").csv(path))
            with tempfile.TemporaryDirectory() as elsewhere:
                rows.write.csv(elsewhere + "/new")
                self.assertEqual(spark.read.csv(elsewhere + "/new").count(), 1)
        self.assertGreater(self.spark("root").read.text(f"{self.folder}/t.db").count(), 0)

    def test_sessions_are_their_openers(self):
        session_id = str(uuid.uuid4())
        mine = self.spark("alice", session_id, "somebody")
        mine.range(3).createTempView("secret")
        thief = self.spark("bob", session_id, "alice")
        self.assertFalse(thief.catalog.tableExists("secret"))
        thief.stop()  # his own of that id, if any
        self.assertEqual(mine.table("secret").count(), 3)

    def test_calls_into_the_sessions_of_others(self):
        session_id, operation_id = str(uuid.uuid4()), str(uuid.uuid4())
        alice = proto.UserContext(user_id="alice")
        stubs = {name: self.stub(name) for name in ("alice", "bob")}
        plan = self.spark("alice").range(5)._plan.to_proto(self.spark("alice").client)
        request = proto.ExecutePlanRequest(session_id=session_id, user_context=alice, operation_id=operation_id, plan=plan)
        request.request_options.add().reattach_options.reattachable = True
        self.assertTrue(list(stubs["alice"].ExecutePlan(request)))
        ids = {"session_id": session_id, "user_context": alice}
        reattach = proto.ReattachExecuteRequest(operation_id=operation_id, **ids)
        for call in (lambda: list(stubs["bob"].ReattachExecute(reattach)),
                     lambda: stubs["bob"].ReleaseExecute(proto.ReleaseExecuteRequest(
                         operation_id=operation_id, release_all={}, **ids)),
                     lambda: stubs["bob"].CloneSession(proto.CloneSessionRequest(**ids)),
                     lambda: stubs["bob"].FetchErrorDetails(proto.FetchErrorDetailsRequest(error_id="x", **ids))):
            with self.assertRaisesRegex(grpc.RpcError, "SESSION_NOT_FOUND"):
                call()
        stubs["bob"].ReleaseSession(proto.ReleaseSessionRequest(**ids))
        self.assertTrue(list(stubs["alice"].ReattachExecute(reattach)))
        stubs["alice"].ReleaseSession(proto.ReleaseSessionRequest(**ids))

    def stub(self, name):
        channel = DefaultChannelBuilder(f"{self.sc}/;token={self.tokens[name]}").toChannel()
        self.addCleanup(channel.close)
        return SparkConnectServiceStub(channel)

    def ask(self, name, path, method="GET"):
        headers = {"Authorization": f"Bearer {self.tokens[name]}"}
        answer = requests.request(method, f"{self.uri}/api/chert/v1/{path}", headers=headers)
        return answer.json() if answer.status_code == 200 else answer.status_code

    def test_connections_that_say_nothing(self):
        """Hundreds hang on the Spark port, before and in the middle of HTTP/2's beginning: others work, and they end."""
        port, preface = int(self.sc.rsplit(":", 1)[1]), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        with contextlib.ExitStack() as stack:
            hanging = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(300)]
            for i, connection in enumerate(hanging):
                connection.sendall(preface[:i % len(preface)])
            self.assertEqual(self.spark("bob").range(5).count(), 5)

            def all_ended():
                for connection in list(hanging):
                    readable, _, _ = select.select([connection], [], [], 0)
                    if readable:
                        with contextlib.suppress(ConnectionError):
                            if connection.recv(65536):
                                continue  # the server's settings come first
                        hanging.remove(connection)
                self.assertEqual(len(hanging), 0)

            eventually(all_ended, 120)

    def test_pages_show_ones_own(self):
        mine, theirs = self.spark("alice"), self.spark("bob", claimed="alice")
        mine.range(7).count()
        theirs.range(8).cache().count()
        session = theirs.client._session_id
        for name, seen in ("root", {"alice", "bob"}), ("alice", {"alice"}), ("bob", {"bob"}):
            listed = self.ask(name, "operations")
            self.assertLessEqual({o["user"] for o in listed["operations"]}, seen | {"root"} if name == "root" else seen)
            self.assertLessEqual(seen, {s["user"] for s in self.ask(name, "sessions")["sessions"]})
            frames = {f["session_id"] for f in self.ask(name, "storage")["frames"]}
            self.assertEqual(session in frames, name != "alice", name)
        operation = self.ask("bob", "operations")["operations"][0]["id"]
        detail = self.ask("bob", f"operations/{operation}")
        self.assertEqual(detail["id"], operation)
        self.assertGreater(detail["cpu_seconds"], 0)
        self.assertGreaterEqual(detail["peak_bytes"], 0)
        self.assertIs(detail["alone"], True)
        self.assertEqual([p["name"] for p in detail["phases"]], ["parse", "analyze", "plan", "execute", "send"])
        self.assertEqual(self.ask("root", f"operations/{operation}")["id"], operation)
        self.assertEqual(self.ask("alice", f"operations/{operation}"), 404)
        self.assertEqual(self.ask("alice", f"operations/{operation}/cancel", "POST"), 404)
        self.assertEqual(self.ask("bob", f"operations/{operation}/cancel", "POST"), {"cancelled": False})
        self.assertEqual(self.ask("alice", f"sessions/{session}/close", "POST"), 404)
        self.assertEqual(theirs.range(2).count(), 2)
        self.assertEqual(self.ask("bob", f"sessions/{session}/close", "POST"), {})
        with self.assertRaisesRegex(Exception, "SESSION_CLOSED"):
            theirs.range(2).count()


class StoreInPostgres(Store):
    """The same with the users in PostgreSQL."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Postgres()
        cls.url = cls.cluster.__enter__()
        cls.addClassCleanup(cls.cluster.__exit__)
        if not cls.url:
            raise unittest.SkipTest("there is no PostgreSQL here")

    def store(self, folder):
        base = self.url.rsplit("/", 1)[0]
        name = self._testMethodName
        subprocess.run([self.cluster.bin / "psql", "-q", "-c", f"CREATE DATABASE {name}", self.url], check=True)
        return [f"--store={base}/{name}", f"--artifacts={folder}/artifacts"]


    def test_its_password_is_nobodys(self):
        with self.root():
            told = self.users._request("/api/chert/v1/server", "GET")["store"]
        self.assertTrue(told.startswith("postgresql://") and told.endswith(self._testMethodName), told)
        base, _, name = told.rpartition("/")
        user, _, host = base.partition("//")[2].rpartition("@")
        with tempfile.TemporaryDirectory() as folder:
            secret = f"postgresql://{user or 'postgres'}:hush-hush@{host}/{name}?application_name=hush"
            env = {"MLFLOW_AUTH_ADMIN_USERNAME": "root", "MLFLOW_AUTH_ADMIN_PASSWORD": ROOT}
            _, uri = self.stack.enter_context(
                server(folder, "--auth=store", f"--store={secret}", f"--artifacts={folder}", env=env))
            answer = requests.get(uri + "/api/chert/v1/server", headers={"Authorization": basic("root", ROOT)})
        self.assertEqual(answer.json()["store"], f"postgresql://{user or 'postgres'}@{host}/{name}")
        self.assertNotIn("hush", answer.text)

    def test_two_processes(self):
        """A second process on the same database knows of users, tokens and permissions soon."""
        base = self.url.rsplit("/", 1)[0]
        with tempfile.TemporaryDirectory() as folder:
            options = [f"--store={base}/{self._testMethodName}", f"--artifacts={folder}"]
            _, uri = self.stack.enter_context(server(folder, "--auth=store", *options))
            other = MlflowClient(uri)
            self.make("alice", "bob")
            with self.user("alice"):
                eventually(other.search_experiments)
                made = self.users._request("/api/2.0/mlflow/users/tokens/create", "POST", json={})
                experiment = self.client.create_experiment("hers")
                self.client.create_registered_model("hers")
                self.users.grant_user_permission("bob", "experiment", experiment, "NO_PERMISSIONS")
            with as_user(token=made["token"]):
                eventually(other.search_experiments)
            with self.user("bob"):
                self.denied(other.get_experiment, experiment)
            with self.user("alice"):
                self.users._request("/api/2.0/mlflow/users/tokens/delete", "DELETE", json={"id": made["id"]})
            with as_user(token=made["token"]):
                eventually(lambda: self.assertRaisesRegex(MlflowException, "not authenticated", other.search_experiments))
            score = uri + "/serve/hers/1/invocations"
            eventually(lambda: self.assertEqual(self.status(score, "bob", b"{}"), 404))
            with self.user("alice"):
                self.users.grant_user_permission("bob", "registered_model", "hers", "DENY")
            eventually(lambda: self.assertEqual(self.status(score, "bob", b"{}"), 403))
            with self.root():
                self.users.delete_user("bob")
            with self.user("bob"):
                eventually(lambda: self.assertRaisesRegex(MlflowException, "not authenticated", other.search_experiments))


PROGRAM = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
print("sum", spark.range(10).groupBy().sum("id").collect()[0][0])
spark.stop()
"""


def run_spark(address, env=None):
    python = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deps/venv-4.1.3/bin/python")
    return subprocess.run([python, "-c", PROGRAM, address], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **(env or {})})


class File(unittest.TestCase):
    """Users in a file; both ports, plain and with TLS."""

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.file = os.path.join(self.folder, "users")
        line, self.token = user_line("--token", "alice")
        self.write("# who\n", user_line("--admin", "alice", password="hers\n")[0], line)

    def write(self, *lines):
        with open(self.file, "w") as file:
            file.writelines(lines)

    def test_file_is_read_again(self):
        with server(self.folder, f"--auth={self.file}") as (_, uri):
            client, users = MlflowClient(uri), AuthServiceClient(uri)
            with as_user("alice", "hers"):
                self.assertTrue(users.get_user("alice").is_admin)
                with self.assertRaisesRegex(MlflowException, "kept in the file"):
                    users.create_user("bob", "x")
            self.write(user_line("bob", password="his\n")[0])
            with as_user("bob", "his"):
                eventually(lambda: client.create_experiment("his"))
            with as_user("alice", "hers"), self.assertRaisesRegex(MlflowException, "not authenticated"):
                client.search_experiments()
            self.write("nonsense\n")  # is refused: all stays as it was
            time.sleep(1.5)  # it is looked at twice a second
            with as_user("bob", "his"):
                client.search_experiments()

    def test_spark_connect_asks_for_a_token(self):
        with server(self.folder, f"--auth={self.file}") as (sc, _):
            address = sc.replace("127.0.0.1", "localhost")
            done = run_spark(f"{address}/;token={self.token}")
            self.assertIn("sum 45", done.stdout, done.stderr)
            for wrong in address, f"{address}/;token=made-up":
                done = run_spark(wrong)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("Invalid authentication token", done.stderr)

    def test_tls_on_both_ports(self):
        cert, key = os.path.join(self.folder, "cert.pem"), os.path.join(self.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert,
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       check=True, capture_output=True)
        with server(self.folder, f"--auth={self.file}", f"--tls-cert={cert}", f"--tls-key={key}") as (sc, uri):
            self.assertTrue(uri.startswith("https://"))
            os.environ["MLFLOW_TRACKING_SERVER_CERT_PATH"] = cert
            self.addCleanup(os.environ.pop, "MLFLOW_TRACKING_SERVER_CERT_PATH")
            client = MlflowClient(uri)
            with as_user(token=self.token):
                run = client.create_run("0").info.run_id
                client.log_text(run, "x" * 100000, "big.txt")
                path = client.download_artifacts(run, "big.txt", self.folder)
                self.assertEqual(os.path.getsize(path), 100000)
            address = sc.replace("127.0.0.1", "localhost")
            done = run_spark(f"{address}/;use_ssl=true;token={self.token}", {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": cert})
            self.assertIn("sum 45", done.stdout, done.stderr)

    def test_refuses_to_be_open_by_mistake(self):
        cases = {
            ("--host=0.0.0.0",): "--auth",
            ("--auth=/no/such/file",): "Cannot read /no/such/file",
            ("--auth=store",): "MLFLOW_AUTH_ADMIN_PASSWORD",
            ("--auth=store", "--no-ui"): "--no-ui",
            ("--tls-cert=/x",): "belong together",
            (f"--auth={self.file}", "--default-permission=ALL"): "ALL is no permission",
        }
        for options, words in cases.items():
            command = [CHERT, "serve", "--port=0", "--ui-port=0", f"--store={self.folder}/t.db", *options]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            self.assertNotEqual(done.returncode, 0, options)
            self.assertIn(words, done.stderr, options)


class Attacks(unittest.TestCase):
    """Requests that want out of the artifact folder, into somebody's browser, or past what is checked."""

    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.folder = stack.enter_context(tempfile.TemporaryDirectory())
        cls.sc, cls.uri = stack.enter_context(server(cls.folder))
        mlflow.set_tracking_uri(cls.uri)
        cls.client = MlflowClient(cls.uri)
        cls.run_id = cls.client.create_run("0").info.run_id
        cls.model = cls.client.create_logged_model("0").model_id
        cls.client.create_registered_model("m")
        cls.client.create_model_version("m", f"runs:/{cls.run_id}/x", cls.run_id)
        cls.client.log_text(cls.run_id, "good", "x/good.txt")
        with open(os.path.join(cls.folder, "secret.txt"), "w") as file:
            file.write("SECRET")

    def ask(self, method, target, body=None, headers=None):
        """Status and body of a request whose target is sent as it is, bytes included."""
        with socket.create_connection(("127.0.0.1", int(self.uri.rsplit(":", 1)[1])), timeout=30) as connection:
            target = target.encode("latin1") if isinstance(target, str) else target
            head = b"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" % (method.encode(), target)
            for name, value in {**({"Content-Length": len(body)} if body is not None else {}), **(headers or {})}.items():
                head += f"{name}: {value}\r\n".encode()
            with contextlib.suppress(ConnectionError):
                connection.sendall(head + b"\r\n" + (body or b""))
            answer = b""
            with contextlib.suppress(ConnectionError):
                while piece := connection.recv(65536):
                    answer += piece
        return int(answer[9:12] or 0), answer.partition(b"\r\n\r\n")[2]

    def outside(self):
        """All files but those of the store and below this run and model."""
        known = {"t.db", "t.db-wal", "t.db-shm"}
        found = {os.path.join(base, name) for base, _, names in os.walk(self.folder) for name in names}
        inside = os.path.join(self.folder, "artifacts", "0")
        return {path for path in found if os.path.basename(path) not in known and not path.startswith(inside)
                and ".uploads" not in path}

    ESCAPES = ["../secret.txt", "../../secret.txt", "../../../../secret.txt", "..%2f..%2f..%2fsecret.txt",
               "%2e%2e/%2e%2e/%2e%2e/secret.txt", "%252e%252e%252f%252e%252e%252fsecret.txt", "x/../../../../../secret.txt",
               "..%5c..%5csecret.txt", "..\\..\\secret.txt", "/../secret.txt", "//secret.txt", "%2f{folder}/secret.txt",
               "{folder}/secret.txt", "file:{folder}/secret.txt", "file:///{folder}/secret.txt", "%00../secret.txt",
               "x/good.txt%00.png", "%ff%fe", "%c0%ae%c0%ae/secret.txt", "%u002e%u002e/secret.txt", "x%2f..%2f..%2f..%2f..",
               "%", "%2", "%zz", "x/good.txt/..", "./././../../../secret.txt", "....//....//secret.txt", "C:/secret.txt",
               "~/secret.txt", "%e2%80%a5/secret.txt", "x/good.txt#../../secret.txt", ".uploads/x"]

    def test_no_path_leaves_the_artifacts(self):
        artifacts = f"/api/2.0/mlflow-artifacts/artifacts"
        places = [("{}/0/{}/artifacts/".format(artifacts, self.run_id), ""), (artifacts + "/", ""),
                  (f"/get-artifact?run_id={self.run_id}&path=", ""), ("/model-versions/get-artifact?name=m&version=1&path=", ""),
                  (f"/ajax-api/2.0/mlflow/logged-models/{self.model}/artifacts/files?artifact_file_path=", ""),
                  (f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={self.run_id}&path=", ""),
                  (artifacts + "?path=", ""), (f"/api/2.0/mlflow/artifacts/list?run_id={self.run_id}&path=", "")]
        before = self.outside()
        self.assertTrue(any(path.endswith("secret.txt") for path in before))
        for place, _ in places:
            for escape in self.ESCAPES:
                target = place + escape.format(folder=self.folder.lstrip("/"))
                for method, body in ("GET", None), ("PUT", b"BAD"), ("POST", b"BAD"), ("DELETE", None):
                    status, answer = self.ask(method, target, body)
                    self.assertNotIn(b"SECRET", answer, target)
                    self.assertNotIn(b"secret.txt", answer if status == 200 else b"", target)
                    self.assertIn(status // 100, (2, 3, 4), (method, target, status))
        self.assertEqual(self.outside(), before)
        with open(os.path.join(self.folder, "secret.txt")) as file:
            self.assertEqual(file.read(), "SECRET")

    def test_links_lead_nowhere(self):
        base = os.path.join(self.folder, "artifacts", "0", self.run_id, "artifacts")
        os.symlink(self.folder, os.path.join(base, "out"))
        os.symlink(os.path.join(self.folder, "secret.txt"), os.path.join(base, "leak.txt"))
        proxy = f"/api/2.0/mlflow-artifacts/artifacts/0/{self.run_id}/artifacts/"
        for name in "out/secret.txt", "leak.txt", "out":
            self.assertEqual(self.ask("GET", proxy + name)[0], 404, name)
            self.ask("PUT", proxy + name, b"BAD")
            self.ask("DELETE", proxy + name)
        with open(os.path.join(self.folder, "secret.txt")) as file:
            self.assertEqual(file.read(), "SECRET")
        listed = [entry.path for entry in self.client.list_artifacts(self.run_id)]
        self.assertNotIn("out", listed)

    def test_bytes_that_are_no_text(self):
        for target in (b"/api/2.0/mlflow/experiments/get?experiment_id=\xff\xfe", b"/\xff", b"/%ff", b"/a\x00b", b"/a\x01b",
                       b"/health?\x80=1", b"/api/2.0/mlflow/runs/get?run_id=%00", b"/api/2.0/mlflow/runs/get?run_id=a%ed%a0%80"):
            self.assertIn(self.ask("GET", target)[0], (0, 400, 404), target)
        json_type = {"Content-Type": "application/json"}
        for body in b"\xff\xfe", b'{"name": "\xff"}', b'{"name": "a\x00b"}', b'{"name": "\\u0000"}', b'{"name": "\\ud800"}':
            status, answer = self.ask("POST", "/api/2.0/mlflow/experiments/create", body, json_type)
            self.assertEqual((status, json.loads(answer)["error_code"]), (400, "INVALID_PARAMETER_VALUE"), body)

    def test_addresses_that_are_too_long(self):
        for size in 60_000, 200_000, 5_000_000:
            for target in "/" + "a" * size, "/health?" + "a=1&" * (size // 4), "/" + "a/" * (size // 2):
                self.assertIn(self.ask("GET", target)[0], (0, 200, 400, 404, 414, 431), size)
        self.assertEqual(self.ask("GET", "/health")[0], 200)

    def test_pages_of_others_write_nothing(self):
        body, json_type = b'{"name": "evil"}', {"Content-Type": "application/json"}
        create = "/api/2.0/mlflow/experiments/create"
        artifact = f"/api/2.0/mlflow-artifacts/artifacts/0/{self.run_id}/artifacts/evil.txt"
        foreign = [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                   {"Origin": "http://localhost.evil.example"}, {"Origin": f"{self.uri}.evil.example"}]
        for headers in foreign:
            for method, path in (("POST", create), ("PUT", artifact), ("DELETE", artifact), ("POST", "/ajax-api/2.0/mlflow" + create[15:]),
                                 ("POST", "/api/chert/v1/gc"), ("POST", "/api/chert/v1/sessions/x/close"),
                                 ("PATCH", "/api/2.0/mlflow/registered-models/update"),
                                 ("POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={self.run_id}&path=evil.txt"),
                                 ("POST", "/serve/m/1/invocations")):
                self.assertEqual(self.ask(method, path, body, {**json_type, **headers})[0], 403, (path, headers))
        # nor what forms can send, who need not ask before
        for kind in "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x":
            self.assertEqual(self.ask("POST", create, body, {"Content-Type": kind})[0], 400, kind)
        self.assertEqual(self.ask("POST", "/api/2.0/mlflow/experiments/create", body,
                                  {**json_type, "Host": "evil.example"})[0], 400)  # two Hosts
        self.assertNotIn("evil", [e.name for e in self.client.search_experiments()])
        self.assertEqual(self.ask("POST", create, body, {**json_type, "Origin": self.uri})[0], 200)

    def test_files_of_users_run_nowhere(self):
        script = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
        for name in ("a.html", "a.HTM", "a.svg", "a.xhtml", "a.xml", "a.xsl", "a.js", "a.mjs", "a.css", "a.pdf", "a.swf", "a.hta",
                     "a.htm.", "a", "a.png", "a.json", "a.html%20", "a.shtml", "a.htc", "a.mht", "a.vbs", "a.wasm"):
            proxy = f"{self.uri}/api/2.0/mlflow-artifacts/artifacts/0/{self.run_id}/artifacts/types/{name}"
            self.assertEqual(requests.put(proxy, data=script).status_code, 200, name)
            for url in proxy, f"{self.uri}/get-artifact?run_id={self.run_id}&path=types/{name}":
                answer = requests.get(url)
                kind, headers = answer.headers["Content-Type"].split(";")[0], answer.headers
                self.assertEqual(answer.content, script)
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                harmless = {"text/plain", "application/octet-stream", "image/png", "application/json"}
                if kind not in harmless:
                    self.assertIn("sandbox", headers["Content-Security-Policy"], (name, kind))
                    self.assertTrue(headers["Content-Disposition"].startswith("attachment"), (name, kind))


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\\\n]|\\\\["\\\\n])*",?)*)\})? (\S+)')


def read_metrics(text):
    """Samples of Prometheus' text format by name and labels, and the types of their families."""
    samples, types, family = {}, {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ", 3)[2]
            assert line.split(" ", 3)[3] and family not in types, line
        elif line.startswith("# TYPE "):
            assert line.split()[2] == family, line
            types[family] = line.split()[3]
        else:
            match = SAMPLE.fullmatch(line)
            assert match and match[1].startswith(family), line
            assert (match[1], match[2]) not in samples, line
            samples[match[1], match[2]] = float(match[3])
    return samples, types


class Telling(unittest.TestCase):
    """The access log and /metrics, while several clients are at work."""

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        users = os.path.join(folder, "users")
        lines, self.tokens = zip(*(user_line("--token", name) for name in ("alice", "bob")))
        with open(users, "w") as file:
            file.writelines([*lines, user_line("--admin", "alice", password="x\n")[0]])
        self.log = os.path.join(folder, "log")
        with open(self.log, "w") as log:
            _, self.uri = self.stack.enter_context(
                server(folder, f"--auth={users}", "--access-log", "--log-level=debug", stderr=log))

    def work(self, client, requests_each, sent):
        token, long = self.tokens[client % 2], "y" * 3000
        with requests.Session() as session:
            session.headers.update({"Authorization": f"Bearer {token}", "User-Agent": f'{client} "\\ {long}'})
            for i in range(requests_each):
                path = ("/version", "/api/2.0/mlflow/experiments/get?experiment_id=0", f"/nothing/{client}/{i}?{long}",
                        f"/api/2.0/mlflow/runs/get?run_id=%0A%22{client}-{i}")[i % 4]
                answer = session.get(self.uri + path)
                sent.append((str(client), answer.status_code, len(answer.content)))

    def test_lines_and_numbers(self):
        clients, each, sent, began = 8, 100, [], time.monotonic()
        token = {"Authorization": f"Bearer {self.tokens[0]}"}
        before, _ = read_metrics(requests.get(self.uri + "/metrics", headers=token).text)
        threads = [threading.Thread(target=self.work, args=(i, each, sent)) for i in range(clients)]
        for thread in threads:
            thread.start()
        during, _ = read_metrics(requests.get(self.uri + "/metrics", headers=token).text)
        for thread in threads:
            thread.join()
        after, types = read_metrics(requests.get(self.uri + "/metrics", headers=token).text)
        self.assertEqual(set(types.values()), {"counter", "gauge", "histogram"})
        for earlier, later in (before, during), (during, after):
            for (name, labels), value in earlier.items():
                grows = types.get(name) == "counter" or name.endswith(("_bucket", "_count", "_sum"))
                if grows:
                    self.assertGreaterEqual(later[name, labels], value, (name, labels))
        for family in (name for name, kind in types.items() if kind == "histogram"):
            counts = {labels: value for (name, labels), value in after.items() if name == family + "_count"}
            for labels, count in counts.items():
                prefix = labels + "," if labels else ""
                buckets = [value for (name, l), value in after.items()
                           if name == family + "_bucket" and l.startswith(prefix + "le=")]
                self.assertEqual(buckets, sorted(buckets))
                self.assertEqual(buckets[-1], count)
        # what clients make up is no label
        self.assertFalse([labels for _, labels in after if labels and "nothing" in labels])
        self.check_log(clients * each + 3, sent, time.monotonic() - began)

    def check_log(self, expected, sent, seconds):
        def read():
            with open(self.log) as file:
                lines = file.read().splitlines()
            requests_ = [json.loads(line) for line in lines if line.startswith("{")]
            others = [line for line in lines if not line.startswith("{")]
            self.assertEqual(len(requests_), expected)
            return requests_, others

        lines, others = eventually(read)
        for line in others:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO |WARN |ERROR) ")
        logged = []
        for line in lines:
            if "agent" in line and '"' in line["agent"]:
                client = line["agent"].split(" ")[0]
                nobody_is_asked = line["path"] == "/version" or line["path"].startswith("/nothing/")
                self.assertEqual(line.get("user"), None if nobody_is_asked else ("alice", "bob")[int(client) % 2])
                logged.append((client, line["status"], line["sent"]))
                self.assertTrue(0 < line["ms"] < seconds * 1000, line)
        self.assertEqual(sorted(logged), sorted(sent))


class Submit(unittest.TestCase):
    """`chert submit` of a folder whose server has users and a certificate."""

    PROGRAM = """
import os, mlflow
from pyspark.sql import SparkSession
print(SparkSession.builder.getOrCreate().range(5).count(), os.environ["MLFLOW_TRACKING_URI"])
mlflow.set_experiment("hers")
with mlflow.start_run() as run:
    mlflow.log_param("a", 1)
print(mlflow.get_run(run.info.run_id).data.params)
"""

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.users, self.program = f"{self.folder}/users", f"{self.folder}/program.py"
        with open(self.program, "w") as file:
            file.write(self.PROGRAM)
        with open(self.users, "w") as file:
            line, self.token = user_line("--token", "ann")
            file.write(line)
        self.token = self.token.split()[-1]

    def submit(self, **settings):
        unset = ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME")
        clean = {key: value for key, value in os.environ.items() if key not in unset}
        return subprocess.run([CHERT, "submit", "--python", sys.executable, f"--store={self.folder}/t.db", self.program],
                              capture_output=True, text=True, env={**clean, **settings})

    def check_refused(self, message, **settings):
        done = self.submit(**settings)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(message, done.stderr)

    def check_runs(self, uri, **settings):
        done = self.submit(**settings)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual((lines[0], lines[-1]), (f"5 {uri}", "{'a': '1'}"))

    def test_users(self):
        _, uri = self.stack.enter_context(server(self.folder, f"--auth={self.users}"))
        self.check_refused("set MLFLOW_TRACKING_TOKEN")
        self.check_refused("answered 401", MLFLOW_TRACKING_TOKEN="another")
        self.check_runs(uri, MLFLOW_TRACKING_TOKEN=self.token)

    def test_users_and_a_certificate(self):
        key, certificate = f"{self.folder}/key.pem", f"{self.folder}/cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True,
                       capture_output=True)
        _, uri = self.stack.enter_context(
            server(self.folder, f"--auth={self.users}", f"--tls-cert={certificate}", f"--tls-key={key}"))
        self.check_refused("set MLFLOW_TRACKING_TOKEN", MLFLOW_TRACKING_SERVER_CERT_PATH=certificate)
        self.check_refused("certificate", MLFLOW_TRACKING_TOKEN=self.token)
        self.check_runs(uri, MLFLOW_TRACKING_TOKEN=self.token, MLFLOW_TRACKING_SERVER_CERT_PATH=certificate)


if __name__ == "__main__":
    CHERT = os.path.abspath(sys.argv.pop(1))
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
    unittest.main()
