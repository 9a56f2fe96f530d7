#!/usr/bin/env python3
"""Runs chert beside the peers that are installed, alternating, and prints what each needs and by what factor.

    bench/run.py [--chert build/chert] [--peers PYTHON] [--spark PYTHON] [--rounds N] [--rows N] [JOB...]

Jobs: start (server start to first answer), leads (the lead-scoring example on 1,000 rows beyond its imports), lr, gbt,
rf (fits on 1,000,000 leads from CSV, reading included), round (one boosting round, from 60 against 20), pandas
(toPandas of 10,000,000 x 4 doubles). --peers is a Python that has some of xgboost, lightgbm, scikit-learn and duckdb;
--spark one that has the full pyspark (and Java). What cannot be imported is left out and said so.

Each cell is min/median/max over the rounds. CPU seconds are of all processes that do the work; ratios are of the
medians, and above 1 chert is the cheaper.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from run_programs import Server  # noqa: E402

CLIENT = str(ROOT / "deps" / "venv-4.1.3" / "bin" / "python")
JOBS = ROOT / "bench" / "jobs.py"
CONTENDERS = {
    "lr": ["chert", "spark", "sklearn"],
    "gbt": ["chert", "spark", "xgboost", "lightgbm", "sklearn"],
    "rf": ["chert", "spark", "xgboost", "lightgbm", "sklearn"],
    "round": ["chert", "xgboost", "lightgbm"],
    "pandas": ["chert", "spark", "duckdb"],
}
IMPORTS = "import pyspark.ml, pyspark.ml.classification, pyspark.ml.evaluation, pyspark.ml.functions, numpy, pandas"
FIRST_ANSWER = """
import sys, time
from pyspark.sql.connect.session import SparkSession
SparkSession.builder.remote("sc://127.0.0.1:1")
import numpy, pandas, pyarrow, grpc
print("imported", flush=True)
remote = sys.stdin.readline().strip()
spark = SparkSession.builder.remote(remote).create()
spark.range(1).count()
print("answered", flush=True)
"""


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(options.data)
        self.pythons = {"chert": CLIENT, "spark": options.spark}
        self.missing = set()

    def python(self, contender):
        return self.pythons.get(contender, self.options.peers)

    def can_run(self, contender):
        if contender == "chert":
            return True
        if contender in self.missing or not self.python(contender):
            return False
        module = {"spark": "pyspark.java_gateway"}.get(contender, contender)
        if contender == "spark":
            module = "py4j, pyspark"
        if subprocess.run([self.python(contender), "-c", f"import {module}"], capture_output=True).returncode:
            self.missing.add(contender)
            print(f"  ({contender} is not installed in {self.python(contender)})")
            return False
        return True

    def run_job(self, contender, job):
        """The JSON lines of one run, merged."""
        command = [self.python(contender), str(JOBS), contender, job, str(self.folder / f"leads_{self.options.rows}.csv")]
        if contender == "chert":
            with Server(self.options.chert) as server:
                environment = dict(os.environ, SPARK_REMOTE=server.remote, CHERT_BENCH_SERVER=str(server.process.pid))
                done = subprocess.run(command, env=environment, capture_output=True, text=True)
                peak = peak_mb(server.process.pid)
        else:
            environment = {key: value for key, value in os.environ.items() if key != "SPARK_REMOTE"}
            done, peak = subprocess.run(command, env=environment, capture_output=True, text=True), None
        if done.returncode:
            raise RuntimeError(f"{contender} {job} failed:\n{done.stderr[-3000:]}")
        result = {"server_mb": peak} if peak else {}
        for line in done.stdout.splitlines():
            if line.startswith("{"):
                result.update({key: value for key, value in json.loads(line).items() if value is not None})
        return result

    def compare(self, job):
        contenders = [c for c in CONTENDERS[job] if self.can_run(c)]
        results = {contender: [] for contender in contenders}
        for _ in range(self.options.rounds):
            for contender in contenders:  # alternating, so that a noisy minute hits all of them
                results[contender].append(self.one(contender, job))
        base = median(results["chert"], "cpu")
        for contender, runs in results.items():
            ratio = "" if contender == "chert" else f"   {median(runs, 'cpu') / base:6.1f} x chert"
            extra = {k: v for k, v in runs[-1].items() if k in ("auc", "server_mb", "rows")}
            print(f"  {contender:10s} CPU {spread(runs, 'cpu')} s   wall {spread(runs, 'wall')} s{ratio}   {pretty(extra)}")

    def one(self, contender, job):
        if job != "round":
            return self.run_job(contender, job)
        few, many = self.run_job(contender, "rounds20"), self.run_job(contender, "rounds60")
        return {key: (many[key] - few[key]) / 40 for key in ("cpu", "wall")}

    def start(self):
        """Milliseconds from starting the program to its ready line, and to the answer of a first query."""
        runs = []
        for _ in range(max(self.options.rounds, 5)):
            client = subprocess.Popen(
                [CLIENT, "-c", FIRST_ANSWER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            client.stdout.readline()
            began = time.monotonic()
            with Server(self.options.chert) as server:
                ready = time.monotonic()
                client.stdin.write(server.remote + "\n")
                client.stdin.flush()
                client.stdout.readline()
                runs.append({"ready": 1000 * (ready - began), "answer": 1000 * (time.monotonic() - began)})
                client.communicate()
        print(f"  ready {spread(runs, 'ready')} ms   first answer {spread(runs, 'answer')} ms (client included)")

    def leads(self):
        """The whole example on 1,000 rows, beyond what its imports take; the server's largest resident size."""
        runs = []
        csv = self.folder / "leads_1000.csv"
        for _ in range(max(self.options.rounds, 3)):
            began = time.monotonic()
            subprocess.run([CLIENT, "-c", IMPORTS], check=True)
            imports = time.monotonic() - began
            with tempfile.TemporaryDirectory() as out, Server(self.options.chert) as server:
                began = time.monotonic()
                subprocess.run(
                    [CLIENT, str(ROOT / "examples" / "lead_scoring.py"), str(csv), out],
                    env=dict(os.environ, SPARK_REMOTE=server.remote),
                    stdout=subprocess.DEVNULL,
                    check=True,
                )
                wall = time.monotonic() - began
                runs.append({"imports": imports, "beyond": wall - imports, "mb": peak_mb(server.process.pid)})
        print(
            f"  imports {spread(runs, 'imports')} s   beyond them {spread(runs, 'beyond')} s   "
            f"server RSS {spread(runs, 'mb')} MB"
        )

    def prepare(self):
        for rows in (1000, self.options.rows):
            subprocess.run([CLIENT, str(ROOT / "bench" / "data.py"), str(self.folder), str(rows)], check=True)


def peak_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1000
    return float("nan")


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def spread(runs, key):
    values = [run[key] for run in runs]
    return "/".join(f"{value:.3g}" for value in (min(values), statistics.median(values), max(values)))


def pretty(extra):
    return "  ".join(f"{key} {value:.4g}" for key, value in extra.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chert", default=str(ROOT / "build" / "chert"))
    parser.add_argument("--peers", default=os.environ.get("CHERT_BENCH_PEERS", sys.executable))
    parser.add_argument("--spark", default=os.environ.get("CHERT_BENCH_SPARK"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of lr, gbt, rf and round")
    parser.add_argument("--data", default=str(ROOT / "run" / "bench"))
    parser.add_argument("jobs", nargs="*")
    options = parser.parse_args()
    bench = Bench(options)
    bench.prepare()
    for job in options.jobs or ["start", "leads", *CONTENDERS]:
        print(job, flush=True)
        if job in CONTENDERS:
            bench.compare(job)
        else:
            {"start": bench.start, "leads": bench.leads}[job]()
        sys.stdout.flush()


if __name__ == "__main__":
    main()
