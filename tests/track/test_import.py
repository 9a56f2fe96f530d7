"""`chert import-mlflow` and `chert gc`: small stores as MLflow writes them, and what a server tells of them afterwards.

usage: test_import.py CHERT
"""
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

from server import Server

RUN, GONE = "a" * 32, "b" * 32
MODEL = "m-" + "c" * 32


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def meta(path, **values):
    write(path / "meta.yaml", "".join(f"{key}: {'null' if v is None else v}\n" for key, v in values.items()))


def make_folder(root):
    """mlruns of MLflow's file store."""
    first = root / "7"
    meta(root / "0", experiment_id="'0'", name="Default", artifact_location=f"file://{root}/0",
         lifecycle_stage="active", creation_time=1, last_update_time=1)
    meta(first, experiment_id="'7'", name="'it''s one'", artifact_location=f"file://{first}", lifecycle_stage="active",
         creation_time=10, last_update_time=20)
    write(first / "tags/team", "x")
    run = first / RUN
    meta(run, run_id=RUN, run_uuid=RUN, run_name="one", user_id="ann", status=3, start_time=1000, end_time=2000,
         lifecycle_stage="active", artifact_uri=f"file://{run}/artifacts", experiment_id="'7'", tags="[]")
    write(run / "metrics/loss/val", "100 1.0 0\n101 0.5 1\n102 0.25 2\n")
    write(run / "metrics/nan", "1 nan 0\n")
    write(run / "params/a/b", "1")
    write(run / "params/quoted", "it's \"x\"")
    write(run / "tags/mlflow.runName", "one")
    write(run / "artifacts/sub/f.txt", "hello")
    meta(first / GONE, run_id=GONE, run_name="two", user_id="", status=1, start_time=1500, end_time=None,
         lifecycle_stage="deleted", deleted_time=1600, artifact_uri=f"file://{first}/{GONE}/artifacts")
    meta(first / "models" / MODEL, model_id=MODEL, name="lm", experiment_id="'7'", status=2, creation_timestamp=5,
         last_updated_timestamp=6, source_run_id=RUN, artifact_location=f"file://{first}/models/{MODEL}/artifacts")
    write(first / "models" / MODEL / "artifacts/MLmodel", "flavors: {}")
    model = root / "models/Model"
    meta(model, name="Model", description="described", creation_timestamp=1, last_updated_timestamp=2)
    write(model / "aliases/champion", "2")
    write(model / "tags/k", "v")
    for number, stage in ((1, "Production"), (2, "None")):
        meta(model / f"version-{number}", name="Model", version=f"'{number}'", current_stage=stage, run_id=RUN,
             creation_timestamp=3, last_updated_timestamp=4, source=f"file://{run}/artifacts/sub", status="READY")
    write(model / "version-1/tags/t", "u")
    return root


def make_sqlite(file, artifacts):
    """The parts of MLflow's SQLite store that an import reads."""
    proxied = f"mlflow-artifacts:/7/{RUN}/artifacts"
    write(artifacts / "7" / RUN / "artifacts/sub/f.txt", "hello")
    write(artifacts / "7/models" / MODEL / "artifacts/MLmodel", "flavors: {}")
    db = sqlite3.connect(file)
    db.executescript(f"""
        CREATE TABLE alembic_version(version_num);
        CREATE TABLE experiments(experiment_id INTEGER, name, artifact_location, lifecycle_stage, creation_time,
                                 last_update_time);
        INSERT INTO experiments VALUES (0, 'Default', 'mlflow-artifacts:/0', 'active', 1, 1),
                                       (7, 'it''s one', 'mlflow-artifacts:/7', 'active', 10, 20);
        CREATE TABLE experiment_tags(experiment_id INTEGER, key, value);
        INSERT INTO experiment_tags VALUES (7, 'team', 'x');
        CREATE TABLE runs(run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, deleted_time,
                          artifact_uri, experiment_id INTEGER);
        INSERT INTO runs VALUES
            ('{RUN}', 'one', 'ann', 'FINISHED', 1000, 2000, 'active', NULL, '{proxied}', 7),
            ('{GONE}', 'two', '', 'RUNNING', 1500, NULL, 'deleted', 1600, 'mlflow-artifacts:/7/{GONE}/artifacts', 7);
        CREATE TABLE params(run_uuid, key, value);
        INSERT INTO params VALUES ('{RUN}', 'a/b', '1'), ('{RUN}', 'quoted', 'it''s "x"');
        CREATE TABLE tags(run_uuid, key, value);
        INSERT INTO tags VALUES ('{RUN}', 'mlflow.runName', 'one');
        CREATE TABLE metrics(run_uuid, key, value REAL, timestamp, step, is_nan);
        INSERT INTO metrics VALUES ('{RUN}', 'loss/val', 1.0, 100, 0, 0), ('{RUN}', 'loss/val', 0.5, 101, 1, 0),
                                   ('{RUN}', 'loss/val', 0.25, 102, 2, 0), ('{RUN}', 'nan', 0, 1, 0, 1);
        CREATE TABLE logged_models(model_id, experiment_id INTEGER, name, artifact_location, model_type, source_run_id,
            status_message, creation_timestamp_ms, last_updated_timestamp_ms, status, lifecycle_stage);
        INSERT INTO logged_models VALUES ('{MODEL}', 7, 'lm', 'mlflow-artifacts:/7/models/{MODEL}/artifacts', NULL,
            '{RUN}', NULL, 5, 6, 2, 'active');
        CREATE TABLE logged_model_params(model_id, param_key, param_value);
        CREATE TABLE logged_model_tags(model_id, tag_key, tag_value);
        CREATE TABLE registered_models(name, description, creation_time, last_updated_time);
        INSERT INTO registered_models VALUES ('Model', 'described', 1, 2);
        CREATE TABLE registered_model_tags(name, key, value);
        INSERT INTO registered_model_tags VALUES ('Model', 'k', 'v');
        CREATE TABLE registered_model_aliases(name, alias, version);
        INSERT INTO registered_model_aliases VALUES ('Model', 'champion', 2);
        CREATE TABLE model_versions(name, version INTEGER, creation_time, last_updated_time, description, user_id,
            current_stage, source, run_id, run_link, status, status_message, storage_location);
        INSERT INTO model_versions VALUES
            ('Model', 1, 3, 4, NULL, NULL, 'Production', '{proxied}/sub', '{RUN}', NULL, 'READY', NULL, NULL),
            ('Model', 2, 3, 4, NULL, NULL, 'None', '{proxied}/sub', '{RUN}', NULL, 'READY', NULL, NULL);
        CREATE TABLE model_version_tags(name, version INTEGER, key, value);
        INSERT INTO model_version_tags VALUES ('Model', 1, 't', 'u');
    """)
    db.commit()
    db.close()
    return file


def get(server, path, **query):
    url = f"http://127.0.0.1:{server.port}/api/2.0/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url) as reply:
        return reply.read().decode()


def pairs(items):
    return {item["key"]: item["value"] for item in items}


def check(server):
    experiment = json.loads(get(server, "mlflow/experiments/get-by-name", experiment_name="it's one"))["experiment"]
    assert experiment["experiment_id"] == "7"
    assert pairs(experiment["tags"]) == {"team": "x"} and experiment["creation_time"] == 10
    run = json.loads(get(server, "mlflow/runs/get", run_id=RUN))["run"]
    assert run["info"]["run_name"] == "one" and run["info"]["status"] == "FINISHED", run
    assert (run["info"]["start_time"], run["info"]["end_time"], run["info"]["user_id"]) == (1000, 2000, "ann")
    assert pairs(run["data"]["params"]) == {"a/b": "1", "quoted": 'it\'s "x"'}
    assert pairs(run["data"]["metrics"]) == {"loss/val": 0.25, "nan": "NaN"}
    history = json.loads(get(server, "mlflow/metrics/get-history", run_id=RUN, metric_key="loss/val"))["metrics"]
    assert [(p["timestamp"], p["step"], p["value"]) for p in history] == [(100, 0, 1.0), (101, 1, 0.5), (102, 2, 0.25)]
    deleted = json.loads(get(server, "mlflow/runs/get", run_id=GONE))["run"]["info"]
    assert deleted["lifecycle_stage"] == "deleted" and "end_time" not in deleted
    root = run["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    assert get(server, f"mlflow-artifacts/artifacts/{root}/sub/f.txt") == "hello"
    logged = json.loads(get(server, f"mlflow/logged-models/{MODEL}"))["model"]["info"]
    root = logged["artifact_uri"].removeprefix("mlflow-artifacts:/")
    assert get(server, f"mlflow-artifacts/artifacts/{root}/MLmodel") == "flavors: {}"
    version = json.loads(get(server, "mlflow/model-versions/get", name="Model", version="1"))["model_version"]
    assert version["current_stage"] == "Production" and pairs(version["tags"]) == {"t": "u"}
    assert version["source"] == run["info"]["artifact_uri"] + "/sub"
    alias = json.loads(get(server, "mlflow/registered-models/alias", name="Model", alias="champion"))
    assert alias["model_version"]["version"] == "2"


def run_chert(*arguments):
    return subprocess.run([sys.argv[1], *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def check_live(server, folder):
    """A server of our own tells an import what MLflow's would."""
    store = folder / "live/store.db"
    store.parent.mkdir()
    told = run_chert("import-mlflow", "--store", store, f"http://127.0.0.1:{server.port}/")
    assert told.startswith("imported 1 experiments, 2 runs with 4 metric points, 1 logged models, 0 traces, 1 registered "
                           "models with 2 versions, 2 files"), told
    with Server(sys.argv[1], os.fspath(store.parent)) as copy:
        check(copy)
    assert not (folder / "live/artifacts/.import").exists()


def check_gc(store, folder):
    """The deleted run goes, the other stays; a second time there is nothing to do."""
    leftover = folder / "artifacts/7" / GONE / "artifacts/x"
    write(leftover, "x")
    assert run_chert("gc", "--store", store, "--older-than", "100000d").startswith("removed 0 runs")
    assert run_chert("gc", "--store", store).startswith("removed 1 runs, 0 experiments")
    assert run_chert("gc", "--store", store).startswith("removed 0 runs, 0 experiments")
    assert not leftover.exists() and (folder / "artifacts/7" / RUN).exists()


def main():
    for make in (lambda f: make_folder(f / "mlruns"), lambda f: make_sqlite(f / "mlflow.db", f / "mlartifacts")):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            source = make(folder)
            store = folder / "new/store.db"
            store.parent.mkdir()
            told = run_chert("import-mlflow", "--store", store, source)
            assert told.startswith("imported 1 experiments, 2 runs with 4 metric points, 1 logged models, 0 traces, "
                                   "1 registered models with 2 versions, 2 files"), told
            assert "5 runs, logged models, traces and versions were there already" in run_chert("import-mlflow", "--store", store, source)
            with Server(sys.argv[1], os.fspath(store.parent)) as server:
                check(server)
                check_live(server, folder)
            check_gc(store, store.parent)
    print("imports from a folder, from SQLite and from a server, and gc: as expected")


if __name__ == "__main__":
    main()
