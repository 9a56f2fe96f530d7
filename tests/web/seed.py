"""A server with something to look at: experiments, runs, artifacts, a model and its versions, all through MLflow's REST
API, as its client would log them."""

import http.client
import json
import math
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time

import otlp

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PIPELINE = ROOT / "tests" / "ml" / "data" / "m_pipeline"  # saved by real Spark: StringIndexer, VectorAssembler, LR
MLFLOW = "/api/2.0/mlflow/"
IDLE = 5  # seconds after which a connection is opened anew
START = 1_780_000_000_000

MLMODEL = """artifact_path: model
flavors:
  python_function:
    data: sparkml
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.spark
    python_version: 3.11.2
  spark:
    code: null
    model_data: sparkml
    pyspark_version: 4.0.1
mlflow_version: 3.17.2
model_uuid: m-0
run_id: RUN
signature:
  inputs: '[{"type": "string", "name": "cat", "required": true}, {"type": "double",
    "name": "x1", "required": true}]'
  outputs: '[{"type": "double", "name": "prediction", "required": true}]'
  params: null
utc_time_created: '2026-11-21 20:03:11.123456'
"""


class Server:
    """A `chert serve` on free ports with an empty store."""

    def __init__(self, chert, *options, **environment):
        self.folder = tempfile.TemporaryDirectory(prefix="chert-web-")
        store = ["--store", f"{self.folder.name}/tracking.db", "--artifacts", f"{self.folder.name}/artifacts"]
        self.process = subprocess.Popen(
            [chert, "serve", "--port", "0", "--ui-port", "0", *store, *options],
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ, **environment),
        )
        addresses = [self.process.stdout.readline().split("listening on ")[1].strip() for _ in range(2)]
        self.remote = next(a for a in addresses if a.startswith("sc://"))
        self.url = next(a for a in addresses if a.startswith("http://"))
        self.used = time.monotonic()
        self.connection = http.client.HTTPConnection(self.url.split("//")[1], timeout=120)

    def stop(self):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.process.stdout.close()
        self.folder.cleanup()

    def request(self, method, path, body=None, headers=None):
        """(status, headers, bytes)"""
        if time.monotonic() > self.used + IDLE:
            self.connection.close()  # the server may be about to: the next request opens it again
        self.used = time.monotonic()
        self.connection.request(method, path, body, headers or {})
        response = self.connection.getresponse()
        return response.status, response.headers, response.read()

    def call(self, method, path, body=None):
        """A call of MLflow's API; what it answers."""
        status, _, data = self.request(
            method, MLFLOW + path, None if body is None else json.dumps(body), {"Content-Type": "application/json"}
        )
        if status != 200:
            raise AssertionError(f"{method} {path}: {status} {data[:500]}")
        return json.loads(data or b"{}")

    def post(self, path, **body):
        return self.call("POST", path, body)

    def put_artifact(self, uri, name, data):
        path = f"/api/2.0/mlflow-artifacts/artifacts/{uri.split(':/')[1].lstrip('/')}/{name}"
        status, _, answer = self.request("PUT", path, data, {"Content-Type": "application/octet-stream"})
        if status != 200:
            raise AssertionError(f"PUT {path}: {status} {answer[:500]}")

    # ---- what is logged

    def experiment(self, name):
        return self.post("experiments/create", name=name)["experiment_id"]

    def run(self, experiment, name, params=(), metrics=(), tags=(), status="FINISHED", start=START, series=()):
        """A run; `series` is {metric: values over steps}. Returns its info."""
        info = self.post("runs/create", experiment_id=experiment, run_name=name, start_time=start, user_id="anna")[
            "run"
        ]["info"]
        points = [{"key": k, "value": v, "timestamp": start, "step": 0} for k, v in dict(metrics).items()]
        for key, values in dict(series).items():
            points += [{"key": key, "value": v, "timestamp": start + 1000 * s, "step": s} for s, v in enumerate(values)]
        for at in range(0, max(1, len(points)), 1000):
            self.post(
                "runs/log-batch",
                run_id=info["run_id"],
                metrics=points[at : at + 1000],
                params=[{"key": k, "value": str(v)} for k, v in dict(params).items()] if not at else [],
                tags=[{"key": k, "value": v} for k, v in dict(tags).items()] if not at else [],
            )
        if status != "RUNNING":
            self.post("runs/update", run_id=info["run_id"], status=status, end_time=start + 61_000)
        return info


def seed_leads(server):
    """An experiment with a few runs, the best of which has artifacts and a registered model. (experiment, run)"""
    rng = random.Random(5)
    experiment = server.experiment("Lead scoring")
    for i, (name, auc) in enumerate(
        (("LR_baseline", 0.8418), ("RF_baseline", 0.8873), ("GBT_v1", 0.9011), ("GBT_v2", 0.9132))
    ):
        best = server.run(
            experiment,
            name,
            {"algorithm": name.split("_")[0], "max_depth": 3 + i, "max_iter": 10, "label": "converted"},
            {"auc": auc, "accuracy": auc - 0.04},
            {"team": "sales", "mlflow.source.name": "lead_scoring.py"},
            start=START + i * 3_600_000,
            series={"loss": [0.69 * math.exp(-s / 20) + 0.1 + rng.gauss(0, 0.01) for s in range(80)]},
        )
    parent = server.run(experiment, "grid search", {"grid": "2x1"}, start=START - 10_000_000)
    for depth in (4, 5):
        server.run(
            experiment,
            f"trial depth {depth}",
            {"max_depth": depth},
            {"auc": 0.8 + depth / 100},
            {"mlflow.parentRunId": parent["run_id"]},
            start=START - 9_000_000 + depth,
        )
    put_artifacts(server, best)
    register(server, best)
    return experiment, best


def put_artifacts(server, info):
    uri = info["artifact_uri"]
    rates = [i / 50 for i in range(51)]
    files = {
        "roc.json": {"fpr": rates, "tpr": [r**0.3 for r in rates], "auc": 0.913},
        "confusion_matrix.json": {"labels": ["stays", "converts"], "matrix": [[812, 43], [61, 284]]},
        "feature_importance.json": {"salary": 0.41, "age": 0.22, "web_visits": 0.31, "last_action": 0.06},
        "config.json": {"a": 1, "markup": "<b>not bold</b>"},
    }
    for name, data in files.items():
        server.put_artifact(uri, name, json.dumps(data))
    rows = "".join(f'{i},"Person {i}, jr",{i * 37 % 9000}\n' for i in range(3000))
    server.put_artifact(uri, "data/leads.csv", "id,name,salary\n" + rows)
    server.put_artifact(uri, "notes.txt", "<script>document.title = 'broken in'</script>\nplain text")
    server.put_artifact(
        uri, "report.html", "<h1>Report</h1><script>document.body.append('script ran ' + origin)</script>"
    )
    server.put_artifact(
        uri,
        "plot.svg",
        '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="90"><circle cx="50" cy="45" r="40"/></svg>',
    )
    server.put_artifact(uri, "model/MLmodel", MLMODEL.replace("RUN", info["run_id"]))
    for path in PIPELINE.rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            server.put_artifact(uri, f"model/sparkml/{path.relative_to(PIPELINE)}", path.read_bytes())
    logged = {
        "artifact_path": "model",
        "run_id": info["run_id"],
        "flavors": {"spark": {"model_data": "sparkml"}},
        "utc_time_created": "2026-11-21 20:03:11.123456",
    }
    server.post("runs/log-model", run_id=info["run_id"], model_json=json.dumps(logged))


def register(server, info):
    server.post("registered-models/create", name="LeadScoring", description="Who will become a customer.")
    for _ in range(3):
        server.post(
            "model-versions/create", name="LeadScoring", run_id=info["run_id"], source=f"{info['artifact_uri']}/model"
        )
    server.post(
        "model-versions/transition-stage",
        name="LeadScoring",
        version="2",
        stage="Production",
        archive_existing_versions=False,
    )
    server.post("registered-models/alias", name="LeadScoring", alias="champion", version="2")


def seed_clusters(server):
    """Clusterings: one run with a metric over steps that are k, and one run for each k. (experiment, run)"""
    experiment = server.experiment("Customer segmentation")
    cost, silhouette = [9100, 6400, 4100, 3600, 3300, 3100, 2950], [0.41, 0.52, 0.61, 0.58, 0.5, 0.47, 0.44]
    for k, values in enumerate(zip(cost, silhouette), 2):
        server.run(experiment, f"k-means {k}", {"k": k}, dict(zip(("wssse", "silhouette"), values)), start=START + k)
    run = server.run(experiment, "elbow", start=START + 100)
    points = [
        {"key": key, "value": v, "timestamp": START + k, "step": k}
        for key, values in (("wssse", cost), ("silhouette", silhouette))
        for k, v in enumerate(values, 2)
    ]
    server.post("runs/log-batch", run_id=run["run_id"], metrics=points)
    return experiment, run


def seed_traces(server, name="Assistant", count=12):
    """An experiment of an assistant's traces: quick ones, and the eighth failed. (experiment, ids of the traces)"""
    experiment = server.experiment(name)
    rng = random.Random(3)
    ids = []
    for i in range(count):
        key = bytes([int(experiment), i + 1]) * 8
        start, fails = START + i * 60_000, i == 7
        took = rng.uniform(300, 1500)

        def part(number, name, begin, end, kind, inputs, outputs, parent=1, **more):
            values = {"mlflow.spanType": json.dumps(kind), "mlflow.spanInputs": json.dumps(inputs),
                      "mlflow.spanOutputs": json.dumps(outputs), **more}
            times = (start + begin * took, start + end * took)
            return otlp.span(key, number, name, *times, parent if number > 1 else None, values)

        question = {"question": f"Who converted last week? <b>{i}</b>"}
        spans = [
            part(1, "answer", 0, 1, "AGENT", question, None if fails else {"answer": f"{i} leads converted."}),
            part(2, "find leads", 0.02, 0.4, "RETRIEVER", {"week": 21}, [{"page_content": "lead 17"}]),
            part(3, "embed", 0.03, 0.15, "EMBEDDING", {"text": "converted"}, [0.1, 0.7], parent=2),
            part(4, "write answer", 0.41, 0.97, "CHAT_MODEL",
                 {"messages": [{"role": "user", "content": question["question"]}]},
                 {"role": "assistant", "content": "…"}, **{"llm.tokens": 118 + i, "temperature": 0.2}),
        ]
        if fails:
            spans.append(otlp.span(key, 5, "look up", start + 0.5 * took, start + 0.8 * took, 4, {},
                                   "no such lead", {"exception": {"exception.message": "no such lead"}}))
            values = {"mlflow.spanType": '"AGENT"', "mlflow.spanInputs": json.dumps(question)}
            spans[0] = otlp.span(key, 1, "answer", start, start + took, None, values, "no such lead")
        headers = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": experiment}
        status, _, answer = server.request("POST", "/v1/traces", otlp.request(spans), headers)
        if status != 200:
            raise AssertionError(f"POST /v1/traces: {status} {answer[:500]}")
        ids.append(f"tr-{key.hex()}")
    return experiment, ids


def seed_models(server):
    """A run with models of several kinds, as mlflow.spark logs them. Its info."""
    info = server.run(server.experiment("Kinds of models"), "several models", {"kinds": 4})
    history = []
    for path in (ROOT / "tests/web/data/m_multinomial", ROOT / "tests/web/data/m_tree",
                 ROOT / "tests/ml/data/m_kmeans", ROOT / "tests/ml/data/m_rf"):
        for file in path.rglob("*"):
            if file.is_file() and not file.name.startswith("."):
                name = f"{path.name}/sparkml/{file.relative_to(path)}"
                server.put_artifact(info["artifact_uri"], name, file.read_bytes())
        text = MLMODEL.replace("RUN", info["run_id"]).split("signature:")[0]
        server.put_artifact(info["artifact_uri"], f"{path.name}/MLmodel", text)
        history.append({"artifact_path": path.name, "run_id": info["run_id"], "flavors": {"spark": {}},
                        "utc_time_created": "2026-11-21 20:03:11.123456"})
    server.post("runs/set-tag", run_id=info["run_id"], key="mlflow.log-model.history", value=json.dumps(history))
    return info


def seed_sweep(server, runs):
    """Many runs with five metrics and four params each."""
    rng = random.Random(7)
    experiment = server.experiment("Sweep")
    for i in range(runs):
        rate, depth = 10 ** rng.uniform(-4, -1), rng.randrange(2, 12)
        auc = 0.72 + 0.2 * math.exp(-((math.log10(rate) + 2.2) ** 2)) + 0.01 * depth + rng.gauss(0, 0.005)
        server.run(
            experiment,
            f"{rng.choice(['bold', 'calm', 'able', 'wise', 'keen'])}-{rng.choice(['fox', 'owl', 'elk', 'cod'])}-{i}",
            {
                "learning_rate": f"{rate:.6f}",
                "max_depth": depth,
                "algorithm": rng.choice(["GBT", "RandomForest"]),
                "seed": i,
            },
            {
                "auc": auc,
                "accuracy": auc - 0.05,
                "f1": auc - 0.08,
                "loss": 1.2 - auc,
                "train_seconds": rng.uniform(3, 300),
            },
            start=START + i * 1000,
        )
    return experiment
