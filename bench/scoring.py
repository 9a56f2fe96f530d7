#!/usr/bin/env python3
"""Scores a pipeline with chert and with `mlflow models serve`, and prints what each needs and by what factor.

    bench/scoring.py [--chert build/chert] [--mlflow PYTHON] [--seconds S] [JOB...]

Jobs: start (to the first answered request), idle (memory and processes after it), one and thousand (requests of so many
rows, one after the other on a connection that stays open, by a client in Python whose own time is in the wall time of
both), busy (requests of one row over 4 connections, by wrk where it is installed: what the server can do), steady (5,000
requests of one row a second by the clock, over 8 connections: how late the answers are; chert only).

The model is tests/serve/models/leads: a string index, an assembled vector and boosted trees, saved by Spark. --mlflow is
a Python with mlflow and the full pyspark (and Java), which then serves the same folder with Spark; if it has scikit-learn,
its server is also run over a logistic regression of two columns: what MLflow's server costs when the model costs nothing.

CPU is that of the server, all its processes; ratios above 1 say that chert is the cheaper or faster.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from tracking import ROOT, Connection, Server, family

MODEL = ROOT / "tests" / "serve" / "models" / "leads"
COLUMNS = ["age", "salary", "source", "visits"]
STEADY, CONNECTIONS, BUSY_CONNECTIONS = 5000, 8, 4
SKLEARN = """
import sys, mlflow.sklearn
from sklearn.linear_model import LogisticRegression
model = LogisticRegression().fit([[20, 1000.5], [60, 9000.5]], [0, 1])
mlflow.sklearn.save_model(model, sys.argv[1], serialization_format="cloudpickle", pip_requirements=[])
"""


class Chert(Server):
    name = "chert"
    columns = COLUMNS

    def command(self):
        return [self.options.chert, "score-server", "--port", str(self.port), str(MODEL)]


class Mlflow(Server):
    name = "mlflow"
    columns = COLUMNS

    def command(self):
        return self.serve(MODEL)

    def serve(self, model):
        """It starts uvicorn, which must be the one beside that Python."""
        path = f"PATH={pathlib.Path(self.options.mlflow).parent}:{os.environ['PATH']}"
        serve = ["env", path, self.options.mlflow, "-m", "mlflow", "models", "serve", "--env-manager", "local"]
        return [*serve, "--model-uri", str(model), "--port", str(self.port)]


class Sklearn(Mlflow):
    name = "mlflow, scikit-learn"
    columns = COLUMNS[:2]

    def command(self):
        model = pathlib.Path(self.folder) / "model"
        subprocess.run([self.options.mlflow, "-c", SKLEARN, str(model)], check=True, stderr=subprocess.DEVNULL)
        return self.serve(model)


def body(columns, rows):
    sources = ["web", "mail", "phone", "fair"]
    leads = [
        {"age": 20 + i % 45, "salary": 20000.5 + i * 37.25, "source": sources[i % 4], "visits": i % 11} for i in range(rows)
    ]
    return {"dataframe_split": {"columns": columns, "data": [[lead[name] for name in columns] for lead in leads]}}


def request(columns, rows):
    text = json.dumps(body(columns, rows)).encode()
    head = "POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return head.encode() + f"Content-Length: {len(text)}\r\n\r\n".encode() + text


def closed_loop(server, rows, options):
    """One client: as many requests as it can in so many seconds."""
    sender, message, n = Connection(server.port), request(server.columns, rows), 0
    for _ in range(20):
        assert len(json.loads(sender.send(message))["predictions"]) == rows
    server.settle()
    began, cpu = time.monotonic(), server.cpu()
    while time.monotonic() < began + options.seconds:
        sender.send(message)
        n += 1
    wall, cpu = time.monotonic() - began, server.cpu() - cpu
    what = "1 row" if rows == 1 else f"{rows} rows"
    return {f"{what}: requests per second": n / wall, f"{what}: CPU ms": 1000 * cpu / n}


WRK = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [==[%s]==]
"""


def job_busy(server, options):
    if not shutil.which("wrk"):
        return {}
    script = pathlib.Path(server.folder) / "busy.lua"
    script.write_text(WRK % json.dumps(body(server.columns, 1)))
    url = f"http://127.0.0.1:{server.port}/invocations"
    command = ["wrk", "-t1", f"-c{BUSY_CONNECTIONS}", f"-d{max(1, round(options.seconds))}s", "-s", str(script), url]
    cpu = server.cpu()
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    cpu = server.cpu() - cpu
    n = int(re.search(r"(\d+) requests in", said)[1])
    assert "Non-2xx" not in said, said
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    return {"busy: requests per second": rate, "busy: CPU ms": 1000 * cpu / n}


def on_schedule(port, message, number, seconds, start, late):
    """One connection's part of the requests; how long after its time each was answered, in milliseconds."""
    sender, taken = Connection(port), []
    start.wait()
    began, step = time.monotonic() + number / STEADY, CONNECTIONS / STEADY
    for i in range(int(seconds / step)):
        due = began + i * step
        wait = due - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        sender.send(message)
        taken.append(1000 * (time.monotonic() - max(due, began)))
    late.put(taken)


def job_start(server, options):
    return {"start ms": 1000 * server.start_seconds, "start CPU s": server.cpu()}


def job_idle(server, options):
    return {"idle MB": server.memory_mb(), "processes": len(family(server.process.pid))}


def job_one(server, options):
    return closed_loop(server, 1, options)


def job_thousand(server, options):
    return closed_loop(server, 1000, options)


def job_steady(server, options):
    if not isinstance(server, Chert):
        return {}
    message = request(server.columns, 1)
    start, late = multiprocessing.Barrier(CONNECTIONS), multiprocessing.Queue()
    clients = [
        multiprocessing.Process(target=on_schedule, args=(server.port, message, i, options.seconds, start, late))
        for i in range(CONNECTIONS)
    ]
    for process in clients:
        process.start()
    taken = sorted(sum((late.get() for _ in clients), []))
    for process in clients:
        process.join()
    return {f"steady p{p} ms": taken[int(len(taken) * p / 100)] for p in (50, 99)}


JOBS = {
    "start": job_start,
    "idle": job_idle,
    "one": job_one,
    "thousand": job_thousand,
    "busy": job_busy,
    "steady": job_steady,
}


def run(contender, options):
    results = {}
    with tempfile.TemporaryDirectory(prefix="chert-bench-") as folder, contender(options, folder) as server:
        server.settle()
        for job in options.jobs:
            results.update(JOBS[job](server, options))
            print(f"  {server.name}: {job} done", file=sys.stderr)
    return results


def can_import(python, modules):
    return os.path.exists(python) and not subprocess.run([python, "-c", f"import {modules}"], capture_output=True).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chert", default=str(ROOT / "build" / "chert"))
    parser.add_argument("--mlflow", default=str(ROOT / "deps" / "venv-mlflow" / "bin" / "python"))
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("jobs", nargs="*", metavar="JOB")
    options = parser.parse_args()
    options.chert, options.jobs = os.path.abspath(options.chert), options.jobs or list(JOBS)
    others = {Mlflow: "mlflow, py4j, pyspark", Sklearn: "mlflow, sklearn"}
    ours, theirs = run(Chert, options), {}
    for contender, modules in others.items():
        if can_import(options.mlflow, modules):
            theirs[contender.name] = run(contender, options)
        else:
            print(f"  ({options.mlflow} cannot import {modules}: left out)")
    for name, value in ours.items():
        line = f"  {name:29s} chert {value:10.3f}"
        for other, results in theirs.items():
            if name in results:
                better = value / results[name] if name.endswith("per second") else results[name] / max(value, 1e-9)
                line += f"   {other} {results[name]:10.3f} ({better:7.1f} x)"
        print(line)


if __name__ == "__main__":
    main()
