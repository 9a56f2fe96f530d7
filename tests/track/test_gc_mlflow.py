"""`chert gc` removes what `mlflow gc` removes: the same things are made, deleted and collected in a store of each.

    test_gc_mlflow.py CHERT

To be run with the Python of deps/venv-mlflow.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from postgres import Postgres
from server import Server
from test_import_mlflow import mlflow_server

os.environ.update(MLFLOW_ENABLE_ASYNC_TRACE_LOGGING="false", MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
                  GIT_PYTHON_REFRESH="quiet")
import mlflow  # noqa: E402: the settings above must come first
from mlflow.entities import LoggedModelOutput, ViewType  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

CHERT = ""


def fill(url):
    """Two experiments, one of them deleted, with runs, models and traces; in the first, one of each is deleted."""
    mlflow.set_tracking_uri(url)
    mlflow.set_registry_uri(url)
    client = mlflow.MlflowClient(url, url)
    client.create_registered_model("M")
    ids = {}
    for name in ("kept", "gone"):
        experiment = ids[name] = client.create_experiment(name)
        mlflow.set_experiment(experiment_id=experiment)
        for part in ("stays", "goes"):
            run = client.create_run(experiment, run_name=part).info
            ids[name, part] = run.run_id
            client.log_metric(run.run_id, "m", 1.0)
            client.log_text(run.run_id, part, "model/f.txt")
            model = client.create_logged_model(experiment, part, source_run_id=run.run_id)
            ids[name, part, "model"] = model.model_id
            client.log_outputs(run.run_id, [LoggedModelOutput(model.model_id, 0)])
            client.log_model_artifact(model.model_id, __file__)
            client.create_model_version("M", f"{run.artifact_uri}/model", run_id=run.run_id)
            with mlflow.start_span(name=part):
                pass
            client.link_traces_to_run([mlflow.get_last_active_trace_id()], run.run_id)
        client.delete_run(ids[name, "goes"])
        client.delete_logged_model(ids[name, "goes", "model"])
    client.delete_experiment(ids["gone"])
    return ids


def exists(call, *arguments):
    try:
        call(*arguments)
        return True
    except MlflowException:
        return False


def look(url, ids, artifacts):
    """What is there still, by what fill called it."""
    client = mlflow.MlflowClient(url, url)
    found = {}
    for key, value in ids.items():
        if isinstance(key, str):
            found[key] = exists(client.get_experiment, value)
        elif len(key) == 2:
            files = artifacts / ids[key[0]] / value
            found[key] = (exists(client.get_run, value), any(p.is_file() for p in files.rglob("*")))
        else:
            # a model that is deleted softly cannot be asked for: its files tell
            found[key] = any(p.is_file() for p in (artifacts / ids[key[0]] / "models" / value).rglob("*"))
    found["traces"] = len(client.search_traces(locations=[ids["kept"]]))
    found["versions"] = sorted(v.version for v in client.search_model_versions("name = 'M'"))
    found["names"] = sorted(e.name for e in client.search_experiments(view_type=ViewType.ALL))
    found["runs"] = sorted(r.info.run_name for r in client.search_runs([ids["kept"]], run_view_type=ViewType.ALL))
    return found


def chert_gc(store, artifacts, *options, check=True):
    done = subprocess.run([CHERT, "gc", "--store", store, "--artifacts", artifacts, *options], capture_output=True,
                          text=True)
    if check and done.returncode:
        raise AssertionError(done.stderr)
    return done


class Gc(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def of_mlflow(self):
        """What is left by MLflow itself."""
        folder = self.folder / "mlflow"
        folder.mkdir()
        with mlflow_server(folder) as url:
            ids = fill(url)
            subprocess.run([sys.executable, "-m", "mlflow", "gc", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
                            "--tracking-uri", url], check=True, capture_output=True)
            return look(url, ids, folder / "mlartifacts")

    def of_chert(self, store):
        folder = self.folder / "chert"
        folder.mkdir()
        store, artifacts = store or str(folder / "store.db"), folder / "artifacts"
        server = Server(CHERT, str(folder), store=store)
        with server:
            ids = fill(f"http://127.0.0.1:{server.port}")
            before = look(f"http://127.0.0.1:{server.port}", ids, artifacts)
        self.check_refusals(store, artifacts, ids)
        told = chert_gc(store, artifacts, "--dry-run").stdout
        self.assertIn(f"run {ids['kept', 'goes']} in mlflow-artifacts:/", told)
        self.assertIn("would remove 3 runs, 1 experiments, 3 logged models\n", told)
        self.assertEqual(told.count("would lose its files"), 3)
        with server:
            url = f"http://127.0.0.1:{server.port}"
            self.assertEqual(look(url, ids, artifacts), before)
            request = urllib.request.Request(f"{url}/api/chert/v1/gc", b'{"dry_run": true}',
                                             {"Content-Type": "application/json"})
            with urllib.request.urlopen(request) as reply:
                answer = json.load(reply)
            self.assertEqual((answer["runs"], sorted(answer["model_versions"])), (3, ["M/2", "M/3", "M/4"]))
        told = chert_gc(store, artifacts).stdout
        self.assertTrue(told.startswith("removed 3 runs, 1 experiments, 3 logged models\n"), told)
        self.assertEqual(told.count("lost its files"), 3)
        self.assertEqual(chert_gc(store, artifacts).stdout, "removed 0 runs, 0 experiments, 0 logged models\n")
        with server:
            return look(f"http://127.0.0.1:{server.port}", ids, artifacts)

    def check_refusals(self, store, artifacts, ids):
        for options, message in (
            (("--run-ids", ids["kept", "stays"]), "is not in the deleted state"),
            (("--experiment-ids", ids["kept"]), "is not in the deleted state"),
            (("--logged-model-ids", ids["kept", "stays", "model"]), "is not in the deleted state"),
            (("--run-ids", "0" * 32), "not found"),
            (("--run-ids", ids["kept", "goes"], "--older-than", "1d"), "more recently than asked for"),
            (("--experiment-ids", ids["gone"], "--older-than", "1d"), "more recently than asked for"),
            (("--older-than", "soon"), "is no duration"),
        ):
            done = chert_gc(store, artifacts, *options, check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""), options)
            self.assertIn(message, done.stderr)
        self.assertEqual(chert_gc(store, artifacts, "--older-than", "1d").stdout,
                         "removed 0 runs, 0 experiments, 0 logged models\n")

    def test_sqlite(self):
        expected = self.of_mlflow()
        self.assertTrue(expected["gone", "stays", "model"])  # files that MLflow leaves behind, without their model
        expected["gone", "stays", "model"] = False
        self.assertEqual(self.of_chert(None), expected)

    def test_postgres(self):
        with Postgres() as url:
            if not url:
                self.skipTest("PostgreSQL is not installed")
            left = self.of_chert(url)
        self.assertEqual((left["names"], left["runs"], left["traces"]), (["Default", "kept"], ["stays"], 2))
        self.assertEqual((left["kept", "goes"], left["kept", "goes", "model"]), ((False, False), False))

    def test_abandoned_uploads_go(self):
        folder = self.folder / "chert"
        (folder / "artifacts/.uploads" / ("a" * 32)).mkdir(parents=True)
        part = folder / "artifacts/.uploads" / ("a" * 32) / "1"
        part.write_text("a part")
        for path in (part, part.parent):
            os.utime(path, (0, 0))
        with Server(CHERT, str(folder)):
            pass
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text("a part")
        for path in (part, part.parent):
            os.utime(path, (0, 0))
        chert_gc(str(folder / "store.db"), folder / "artifacts")
        self.assertFalse(part.exists())


if __name__ == "__main__":
    CHERT = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
