"""`chert score-server` for models of MLflow's own server, which it downloads: test_from_mlflow.py CHERT

One server hands out artifacts through its proxy, the other has them in a folder that score-server does not see. To be run
with the Python of deps/venv-mlflow.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "track"))
CHERT = os.path.abspath(sys.argv.pop(1))

os.environ.update(MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true", GIT_PYTHON_REFRESH="quiet")
import mlflow  # noqa: E402: the settings above must come first

from test_import_mlflow import HIDING, mlflow_server  # noqa: E402

BODY = json.dumps({"dataframe_records": [{"age": 30, "salary": 40000.5, "source": "web", "visits": 7}]}).encode()


def predictions(uri, prefix=(), **env):
    """What a score-server of the URI answers."""
    with subprocess.Popen([*prefix, CHERT, "score-server", "--port", "0", uri], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env={**os.environ, **env}) as server:
        line = server.stdout.readline()
        if not line:
            raise AssertionError(server.stderr.read())
        request = urllib.request.Request(line.split()[-1] + "/invocations", BODY, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            answer = json.load(reply)
        server.terminate()
        server.wait()
    return answer["predictions"]


class FromMlflow(unittest.TestCase):
    def fill(self, url, root=None):
        """A run with one model, and a logged model with another, both registered: their URIs with what they predict."""
        client = mlflow.MlflowClient(url, url)
        experiment = client.create_experiment("models", artifact_location=root)
        run = client.create_run(experiment).info
        client.log_artifacts(run.run_id, HERE / "models/leads", "model")
        model = client.create_logged_model(experiment, "other", source_run_id=run.run_id)
        client.log_model_artifacts(model.model_id, str(HERE / "models/names"))
        client.finalize_logged_model(model.model_id, "READY")
        client.create_registered_model("leads")
        client.create_model_version("leads", f"{run.artifact_uri}/model", run_id=run.run_id)
        client.create_model_version("leads", f"models:/{model.model_id}", run_id=run.run_id, model_id=model.model_id)
        client.set_registered_model_alias("leads", "best", "2")
        client.transition_model_version_stage("leads", "1", "Production")
        return {"models:/leads/1": 1.0, "models:/leads/Production": 1.0, "models:/leads@best": 2.0,
                "models:/leads/latest": 2.0, f"models:/{model.model_id}": 2.0, f"runs:/{run.run_id}/model": 1.0,
                f"runs:/{run.run_id}/other": 2.0}

    def test_proxy(self):
        with tempfile.TemporaryDirectory() as folder, mlflow_server(pathlib.Path(folder)) as url:
            for uri, expected in self.fill(url).items():
                self.assertEqual(predictions(uri, MLFLOW_TRACKING_URI=url), [expected], uri)

    def test_folder_of_the_server(self):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as root:
            if subprocess.run([*HIDING, root, "true"], capture_output=True).returncode:
                self.skipTest("no mounts of its own")
            with mlflow_server(pathlib.Path(folder)) as url:
                for uri, expected in self.fill(url, root).items():
                    found = predictions(uri, [*HIDING, root], MLFLOW_TRACKING_URI=url)
                    self.assertEqual(found, [expected], uri)


if __name__ == "__main__":
    unittest.main(verbosity=2)
