"""What a data scientist leaves in an MLflow store, made with the real client, and all that the client tells of a store.

    mlflow_store.py fill URI [ROOT]  makes it in the store at a tracking URI (a folder, sqlite:///..., http://...), the
                                     main experiment's artifacts in the folder ROOT if that is given
    mlflow_store.py dump URI         prints it as JSON, ids that an import gives anew replaced by names

To be run with the Python of deps/venv-mlflow.
"""

import hashlib
import json
import math
import os
import pathlib
import sys
import tempfile

os.environ.setdefault("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import mlflow  # noqa: E402: the settings above must come first
from mlflow.entities import (  # noqa: E402
    AssessmentError, AssessmentSource, Dataset, DatasetInput, InputTag, LoggedModelInput, LoggedModelOutput,
    LoggedModelParameter, LoggedModelTag, Metric, Param, RunTag, ViewType,
)
from mlflow.exceptions import MlflowException  # noqa: E402

ODD_NAMES = ["plain.txt", "with space.txt", "ünï©ode.txt", "pl+us&amp=;,.txt", "q'uote\".txt", "a:b.txt"]
ALL_STAGES = ("Staging", "Production", "Archived")
HUMAN = AssessmentSource(source_type="HUMAN", source_id="ann@example.org")


# ---- making -------------------------------------------------------------------------------------------------------


def write_artifacts(folder):
    """Nested folders, an empty file, odd names, and one file of several megabytes."""
    deep = folder / "a/b/c d"
    deep.mkdir(parents=True)
    (folder / "empty").write_bytes(b"")
    (folder / "big.bin").write_bytes(bytes(range(256)) * (5 << 12))
    for name in ODD_NAMES:
        (deep / name).write_text(name)
    return folder


def fill_runs(client, experiment):
    """Runs of every status, nested, deleted, with all that a run can have: the ids of the main run and its child."""
    main = client.create_run(experiment, start_time=1_700_000_000_000, run_name="main run",
                             tags={"mlflow.user": "ann", "mlflow.source.name": "train.py", "mlflow.note.content": "# note"})
    run_id = main.info.run_id
    long = [Metric("loss/train", 1 / (1 + i), 1_700_000_000_000 + i, i) for i in range(2500)]
    for start in range(0, len(long), 1000):
        client.log_batch(run_id, metrics=long[start:start + 1000])
    client.log_batch(run_id, metrics=[
        Metric("loss/train", 9.0, 1_700_000_000_005, 5), Metric("odd", math.nan, 5, 0), Metric("odd", math.inf, 6, 1),
        Metric("odd", -math.inf, 7, 2), Metric("odd", 1e-300, 8, -3), Metric("nan at last", 1.0, 1, 0),
        Metric("nan at last", math.nan, 2, 1), Metric("tiny", 5e-324, 1, 0)])
    client.log_batch(run_id, params=[Param("alpha", "0.5"), Param("a/b", "nested"), Param("words", "it's \"x\"\nsecond: line"),
                                     Param("unicode", "naïve ☃ 漢字"), Param("long", "x" * 6000), Param("spaces", "  x  ")],
                     tags=[RunTag("team", "x: y"), RunTag("yes", "yes"), RunTag("number", "1e3"), RunTag("empty", "")])
    child = client.create_run(experiment, start_time=1_700_000_000_100, run_name="child",
                              tags={"mlflow.parentRunId": run_id}).info.run_id
    client.log_metric(child, "auc", 0.75, timestamp=3, step=0)
    client.set_terminated(child, "FAILED", end_time=1_700_000_001_000)
    client.set_terminated(run_id, "FINISHED", end_time=1_700_000_002_000)
    for number, status in enumerate(("RUNNING", "SCHEDULED", "KILLED")):
        other = client.create_run(experiment, start_time=1_700_000_000_200 + number, run_name=f"run {status}").info.run_id
        if status == "KILLED":
            client.set_terminated(other, "KILLED", end_time=1_700_000_003_000)
        else:
            client.update_run(other, status=status)
    gone = client.create_run(experiment, start_time=1_700_000_000_300, run_name="gone").info.run_id
    client.log_param(gone, "p", 1)
    client.delete_run(gone)
    return run_id, child


def fill_inputs(client, run_id, child):
    data = [Dataset(name="leads", digest="abc123", source_type="local", source='{"uri": "/data/leads.csv"}',
                    schema='{"mlflow_colspec": [{"type": "long", "name": "x"}]}', profile='{"num_rows": 3}'),
            Dataset(name="plain", digest="d", source_type="code", source="{}")]
    tags = [InputTag("mlflow.data.context", "training"), InputTag("extra", "it's: \"tagged\"")]
    client.log_inputs(run_id, datasets=[DatasetInput(data[0], tags), DatasetInput(data[1], [])])
    client.log_inputs(child, datasets=[DatasetInput(data[0], [InputTag("mlflow.data.context", "validation")])])


def fill_models(client, experiment, run_id, child, folder):
    """Logged models: one with everything, one that is pending, one that failed, one deleted. The first's id."""
    model = client.create_logged_model(experiment, "scorer", source_run_id=run_id, model_type="classifier",
                                       params={"depth": "3", "long": "y" * 400}, tags={"team": "x", "quoted": "it's"})
    (folder / "MLmodel").write_text("flavors: {}\n")
    client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=3)])
    client.log_inputs(child, models=[LoggedModelInput(model.model_id)])
    client.log_metric(child, "auc", 0.7, timestamp=11, model_id=model.model_id, dataset_name="leads",
                      dataset_digest="abc123")
    client.log_metric(run_id, "auc", 0.8, timestamp=12, step=2, model_id=model.model_id)
    failed = client.create_logged_model(experiment, "failed")
    client.finalize_logged_model(failed.model_id, "FAILED")
    client.create_logged_model(experiment, "pending")
    gone = client.create_logged_model(experiment, "gone")
    client.delete_logged_model(gone.model_id)
    return model


def fill_registry(client, run_id, run_uri, model):
    client.create_registered_model("Lead Scoring", tags={"owner": "ann"}, description="first line\nsecond: 'line'")
    client.create_registered_model("empty model")
    sources = [f"{run_uri}/model", f"runs:/{run_id}/model", f"models:/{model.model_id}", model.artifact_location]
    for number, source in enumerate(sources):
        of_model = number >= 2
        client.create_model_version("Lead Scoring", source, run_id=run_id, tags={"n": str(number)},
                                    description=None if number else "the first", model_id=model.model_id if of_model else None)
    for number, stage in enumerate(ALL_STAGES):
        client.transition_model_version_stage("Lead Scoring", str(number + 1), stage)
    client.create_model_version("Lead Scoring", sources[0], run_id=run_id)
    client.delete_model_version("Lead Scoring", "5")
    client.set_registered_model_alias("Lead Scoring", "champion", "2")
    client.set_registered_model_alias("Lead Scoring", "challenger", "4")


def fill_traces(client, experiment, run_id):
    mlflow.set_experiment(experiment_id=experiment)

    @mlflow.trace(span_type="RETRIEVER", attributes={"k": 3, "list": [1, "x"], "flag": True, "real": 0.5})
    def inner(text):
        if text == "fail":
            raise ValueError("no such text")
        return text.upper()

    @mlflow.trace
    def outer(text, number=1):
        mlflow.update_current_trace(tags={"user": "ann"}, metadata={"mlflow.trace.session": "s-1", "mine": "it's"},
                                    client_request_id=f"req-{text}")
        return {"answer": inner(text), "number": number}

    outer("plain ☃")
    first = mlflow.get_last_active_trace_id()
    try:
        outer("fail")
    except ValueError:
        pass
    failed = mlflow.get_last_active_trace_id()
    mlflow.log_feedback(trace_id=first, name="good", value=0.5, rationale="because: it's\nso", source=HUMAN,
                        metadata={"m": "1"})
    mlflow.log_feedback(trace_id=first, name="list", value=["a", "b"], source=HUMAN)
    mlflow.log_feedback(trace_id=failed, name="broken", error=AssessmentError("E", "went wrong"), source=HUMAN)
    mlflow.log_expectation(trace_id=first, name="expected", value={"a": [1, 2]}, source=HUMAN)
    feedback = mlflow.log_feedback(trace_id=first, name="changed", value=1, source=HUMAN)
    mlflow.override_feedback(trace_id=first, assessment_id=feedback.assessment_id, value=2, rationale="better")
    try:
        client.link_traces_to_run([first], run_id)
    except (MlflowException, NotImplementedError):
        pass  # file stores cannot
    return first


def fill(uri, root=None):
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = mlflow.MlflowClient(uri, uri)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        experiment = client.create_experiment('one: "all" #1', artifact_location=root, tags={"team": "x", "mlflow.note.content": "two\nlines: yes"})
        run_id, child = fill_runs(client, experiment)
        write_artifacts(folder / "files")
        client.log_artifacts(run_id, str(folder / "files"))
        client.log_text(run_id, "flavors: {}\n", "model/MLmodel")
        fill_inputs(client, run_id, child)
        (folder / "model").mkdir()
        model = fill_models(client, experiment, run_id, child, folder / "model")
        fill_registry(client, run_id, client.get_run(run_id).info.artifact_uri, model)
        fill_traces(client, experiment, run_id)
        gone = client.create_experiment("gone")
        client.log_param(client.create_run(gone, start_time=5, run_name="of the gone").info.run_id, "p", "1")
        client.delete_experiment(gone)
        client.log_metric(client.create_run("0", start_time=6, run_name="by default").info.run_id, "m", 1.0, timestamp=1)


# ---- telling ------------------------------------------------------------------------------------------------------


def number(value):
    """Infinities are the largest doubles in databases, and themselves in folders."""
    largest = sys.float_info.max
    return "NaN" if math.isnan(value) else max(-largest, min(largest, value))


def fields(thing, *names):
    """What is not set is None in a store and may be "" or 0 through a server."""
    return {name: str(getattr(thing, name) or "") if name != "tags" else thing.tags for name in names}


def list_artifacts(client, run_id, path=None):
    """{path: [bytes, hash]} of everything below."""
    found = {}
    for item in client.list_artifacts(run_id, path):
        if item.is_dir:
            found.update(list_artifacts(client, run_id, item.path))
        else:
            data = pathlib.Path(client.download_artifacts(run_id, item.path)).read_bytes()
            found[item.path] = [len(data), item.file_size or 0, hashlib.sha256(data).hexdigest()]
    return found


def dump_run(client, run):
    info, history = run.info, {}
    for key in run.data.metrics:
        points = client.get_metric_history(info.run_id, key)
        history[key] = sorted([p.step, p.timestamp, str(number(p.value))] for p in points)
    return {
        **fields(info, "run_id", "run_name", "status", "start_time", "end_time", "lifecycle_stage", "user_id"),
        "params": run.data.params, "tags": run.data.tags,
        "metrics": {key: number(value) for key, value in run.data.metrics.items()}, "history": history,
        "datasets": sorted(
            (json.dumps([d.dataset.to_dictionary(), sorted((t.key, t.value) for t in d.tags)], sort_keys=True)
             for d in run.inputs.dataset_inputs)),
        "model_inputs": sorted(m.model_id for m in run.inputs.model_inputs or []),
        "model_outputs": sorted([m.model_id, m.step] for m in run.outputs.model_outputs) if run.outputs else [],
        "artifacts": list_artifacts(client, info.run_id),
    }


def dump_logged_model(model):
    metrics = [[m.key, str(number(m.value)), m.step, m.timestamp, m.run_id, m.dataset_name, m.dataset_digest]
               for m in model.metrics or []]
    folder = pathlib.Path(mlflow.artifacts.download_artifacts(f"models:/{model.model_id}")) if model.metrics else None
    return {
        **fields(model, "model_id", "name", "model_type", "source_run_id", "creation_timestamp", "status_message"),
        "status": str(model.status), "params": model.params, "tags": model.tags, "metrics": sorted(metrics, key=str),
        "files": sorted({str(p.relative_to(folder)) for p in folder.rglob("*")} - {"registered_model_meta"}) if folder else [],
    }


def dump_trace(trace):
    info = trace.info.to_dict()
    info.pop("trace_location")
    for told_by_store in ("mlflow.artifactLocation", "mlflow.trace.spansLocation"):
        info["tags"].pop(told_by_store, None)
    # whether an expectation is valid the client forgets on the way from a server
    info["assessments"] = sorted(({"valid": True, **a} for a in info.get("assessments", [])),
                                 key=lambda a: a["assessment_id"])
    return {"info": info, "spans": sorted((s.to_dict() for s in trace.data.spans), key=lambda s: s["span_id"])}


def dump_experiment(client, experiment):
    runs = client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL, max_results=1000)
    models = client.search_logged_models([experiment.experiment_id])
    traces = client.search_traces(locations=[experiment.experiment_id]) if experiment.lifecycle_stage == "active" else []
    linked = {}
    for run in runs if traces and not client._tracking_client.tracking_uri.startswith("file:") else []:  # folders know no links
        found = client.search_traces(locations=[experiment.experiment_id],
                                     filter_string=f"attributes.run_id = '{run.info.run_id}'")
        linked[run.info.run_name] = sorted(trace.info.trace_id for trace in found)
    return {
        **fields(experiment, "name", "lifecycle_stage", "tags"),
        # the default experiment is there already
        "times": experiment.name != "Default" and [experiment.creation_time, experiment.last_update_time],
        "runs": {run.info.run_name: dump_run(client, client.get_run(run.info.run_id)) for run in runs},
        "logged_models": {model.name: dump_logged_model(model) for model in models},
        "linked": linked,
        "traces": {trace.info.trace_id: dump_trace(trace) for trace in traces},
    }


def dump_version(client, version, roots):
    """The source's root is where its experiment keeps artifacts."""
    source = version.source
    for name, root in roots.items():
        source = source.replace(root.rstrip("/") + "/", f"<{name}>/")
    return {
        **fields(version, "version", "creation_timestamp", "last_updated_timestamp", "description", "current_stage",
                 "run_id", "status", "status_message", "tags", "user_id", "run_link"),
        "source": source, "aliases": sorted(version.aliases),
        # the client adds a file to what it downloads
        "files": sorted({*os.listdir(mlflow.artifacts.download_artifacts(f"models:/{version.name}/{version.version}"))}
                        - {"registered_model_meta"}),
    }


def dump(uri):
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = mlflow.MlflowClient(uri, uri)
    experiments = client.search_experiments(view_type=ViewType.ALL)
    roots = {e.name: e.artifact_location for e in experiments}
    models = {}
    for model in client.search_registered_models():
        versions = client.search_model_versions(f"name = '{model.name}'")
        models[model.name] = {
            **fields(model, "description", "creation_timestamp", "last_updated_timestamp", "tags"),
            "aliases": {alias: str(version) for alias, version in model.aliases.items()},
            "versions": {v.version: dump_version(client, client.get_model_version(v.name, v.version), roots) for v in versions},
        }
    return {"experiments": {e.name: dump_experiment(client, e) for e in experiments}, "models": models}


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        fill(*sys.argv[2:])
    else:
        json.dump(dump(sys.argv[2]), sys.stdout, indent=1, sort_keys=True, default=str)
