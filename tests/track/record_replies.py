"""Records replies.json: what MLflow's own server answers to the requests of replies.py.

Needs Python with mlflow: python record_replies.py > replies.json
"""
import json
import os
import sys
import tempfile

import replies

folder = tempfile.mkdtemp()
os.environ["_MLFLOW_SERVER_FILE_STORE"] = f"sqlite:///{folder}/mlflow.db"
os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = "mlflow-artifacts:/"
os.environ["_MLFLOW_SERVER_ARTIFACT_DESTINATION"] = folder + "/artifacts"
os.environ["_MLFLOW_SERVER_SERVE_ARTIFACTS"] = "true"
from mlflow.server import app  # noqa: E402: reads the environment

client = app.test_client()


def send(method, path, arguments):
    if method == "GET":
        reply = client.open(path, method=method, query_string=arguments)
    else:
        reply = client.open(path, method=method, data=json.dumps(arguments), content_type="application/json")
    text = reply.get_data(as_text=True)
    return reply.status_code, text if text.startswith("{") else json.dumps({"text": text})


player = replies.Player(send)
lines = [json.dumps(player.play(*request), sort_keys=True) for request in replies.REQUESTS]
sys.stdout.write("[\n" + ",\n".join(lines) + "\n]\n")
