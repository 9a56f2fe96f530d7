#!/usr/bin/env python3
"""Runs chert beside the peers that are installed, alternating, and prints what each needs and by what factor.

    bench/run.py [--install] [--chert build/chert] [--peers PYTHON] [--spark PYTHON] [--rounds N] [--rows N]
                 [--report FILE] [JOB...]

Jobs: start (server start to first answer), leads (the lead-scoring example on 1,000 rows beyond its imports), lr, gbt,
rf (fits on 1,000,000 leads from CSV, reading included), round (one boosting round: 60 of them less 20, by 40), pandas
(toPandas of 10,000,000 x 4 doubles). --peers is a Python that has some of xgboost, lightgbm, scikit-learn and duckdb;
--spark one that has the full pyspark (and Java); --install makes both under run/bench with pip, and they are found
there afterwards. What cannot be imported is left out and said so.

Each cell is min/median/max over the rounds. CPU seconds are of all processes that do the work; ratios are of the
medians, and above 1 chert is the cheaper. Every result is kept in run/bench/results.jsonl; --report writes all that is
there as Markdown. A machine that does other work at the same time makes all of it worthless: the load is printed.
"""

import argparse
import json
import os
import pathlib
import platform
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
FOLDER = ROOT / "run" / "bench"
PACKAGES = {
    "peers": ["xgboost", "lightgbm", "scikit-learn", "duckdb", "pandas<3", "pyarrow"],
    "spark": ["pyspark==4.1.3", "pandas<3", "pyarrow", "numpy"],
}
CONTENDERS = {
    "lr": ["chert", "spark", "sklearn"],
    "gbt": ["chert", "spark", "xgboost", "lightgbm", "sklearn"],
    "rf": ["chert", "spark", "xgboost", "lightgbm", "sklearn"],
    "round": ["chert", "xgboost", "lightgbm"],
    "pandas": ["chert", "spark", "duckdb", "duckdb_cursor"],
}
MODULES = {"spark": "py4j, pyspark", "duckdb_cursor": "duckdb"}
TITLES = {
    "start": "Server start to first answer, ms (a client that has imported everything waits for it)",
    "leads": "The lead-scoring example on 1,000 rows",
    "lr": "Logistic regression, reading and preparing the CSV included",
    "gbt": "Boosted trees, 20 rounds of depth 5, reading and preparing the CSV included",
    "rf": "Random forest, 50 trees of depth 5, reading and preparing the CSV included",
    "round": "One boosting round of depth 5",
    "pandas": "toPandas of 10,000,000 x 4 doubles; DuckDB: in-process fetch to Arrow",
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
        self.results = self.folder / "results.jsonl"
        self.missing = set()

    def python(self, contender):
        if contender == "chert":
            return CLIENT
        return self.options.spark if contender == "spark" else self.options.peers

    def can_run(self, contender):
        if contender == "chert":
            return True
        if contender in self.missing or not self.python(contender):
            return False
        module = MODULES.get(contender, contender)
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
        result = {"server MB": peak} if peak else {}
        for line in done.stdout.splitlines():
            if line.startswith("{"):
                result.update(json.loads(line))
        return result

    def keep(self, job, contender, result):
        result = {"job": job, "contender": contender, "rows": self.options.rows, **result}
        with self.results.open("a") as f:
            f.write(json.dumps(result) + "\n")
        return result

    def compare(self, job):
        contenders = [c for c in CONTENDERS[job] if self.can_run(c)]
        runs = []
        for _ in range(self.options.rounds):
            for contender in contenders:  # alternating, so that a noisy minute hits all of them
                runs.append(self.keep(job, contender, self.one(contender, job)))
        print("\n".join(table(job, runs)))

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
                times = {"ready": 1000 * (ready - began), "answer": 1000 * (time.monotonic() - began)}
                runs.append(self.keep("start", "chert", times))
                client.communicate()
        print("\n".join(table("start", runs)))

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
                result = {"imports": imports, "beyond": wall - imports, "server MB": peak_mb(server.process.pid)}
            runs.append(self.keep("leads", "chert", result))
        print("\n".join(table("leads", runs)))

    def prepare(self):
        for rows in (1000, self.options.rows):
            subprocess.run([CLIENT, str(ROOT / "bench" / "data.py"), str(self.folder), str(rows)], check=True)


# ---- tables

COLUMNS = {
    "ready": "ready line, ms",
    "answer": "first answer, ms",
    "imports": "imports, s",
    "beyond": "beyond the imports, s",
    "cpu": "CPU, s",
    "client": "of it the client's",
    "again": "CPU repeated, s",
    "wall": "wall, s",
    "cores": "cores busy in the fit",
    "auc": "AUC",
    "server MB": "server's peak RSS, MB",
}
CLIENTS = {"chert", "spark"}  # whose client is a process beside a server


def spread(runs, key):
    values = [run[key] for run in runs if key in run]
    if not values or (key == "client" and runs[0]["contender"] not in CLIENTS):
        return ""
    if key == "auc":
        return f"{statistics.median(values):.4f}"
    return "/".join(f"{value:.3g}" for value in (min(values), statistics.median(values), max(values)))


def ratio(runs, base, key):
    values, ours = ([run[key] for run in some if key in run] for some in (runs, base))
    return f"{statistics.median(values) / statistics.median(ours):.3g}" if values and ours and runs is not base else ""


def table(job, runs):
    """Markdown: a line for each contender, min/median/max of what it said."""
    by_contender = {}
    for run in runs:
        by_contender.setdefault(run["contender"], []).append(run)
    base = by_contender.get("chert", [])
    keys = [key for key in COLUMNS if any(key in run for run in runs)]
    ratios = [key for key in ("cpu", "again") if key in keys]
    head = ["", *(COLUMNS[key] for key in keys), *(f"{COLUMNS[key].split(',')[0]}: times chert's" for key in ratios)]
    lines = [f"### {TITLES[job]}", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for contender, own in by_contender.items():
        cells = [contender, *(spread(own, key) for key in keys), *(ratio(own, base, key) for key in ratios)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines + [""]


def versions(python, packages):
    code = "import sys, importlib.metadata as m\nfor p in sys.argv[1:]:\n try: print(p, m.version(p))\n except Exception: pass"
    names = [package.split("=")[0].split("<")[0] for package in packages]
    if not python:
        return []
    return subprocess.run([python, "-c", code, *names], capture_output=True, text=True).stdout.splitlines()


def report(bench, path):
    runs = [json.loads(line) for line in bench.results.read_text().splitlines()]
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    installed = versions(bench.options.peers, PACKAGES["peers"]) + versions(bench.options.spark, ["pyspark"])
    lines = [
        "# Results of bench/run.py",
        "",
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, {len(os.sched_getaffinity(0))} cores ({platform.machine()}), "
        f"{gigabytes:.0f} GiB. {', '.join(installed)}.",
        "Cells are min/median/max; what they mean is told by `bench/run.py --help` and at the top of `bench/jobs.py`.",
        "",
    ]
    for job in TITLES:
        own = [run for run in runs if run["job"] == job]
        if own:
            lines += table(job, own)
    path.write_text("\n".join(lines))


# ---- the program


def peak_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1000
    return float("nan")


def install():
    for name, packages in PACKAGES.items():
        folder = FOLDER / name
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", *packages], check=True)


def installed(name):
    python = FOLDER / name / "bin" / "python"
    return str(python) if python.exists() else None


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--chert", default=str(ROOT / "build" / "chert"))
    parser.add_argument("--peers", default=os.environ.get("CHERT_BENCH_PEERS"))
    parser.add_argument("--spark", default=os.environ.get("CHERT_BENCH_SPARK"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of lr, gbt, rf and round")
    parser.add_argument("--data", default=str(FOLDER))
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("jobs", nargs="*", choices=["none", *TITLES], default=[])
    return parser.parse_args()


def main():
    options = arguments()
    if options.install:
        install()
    options.peers = options.peers or installed("peers") or sys.executable
    options.spark = options.spark or installed("spark")
    bench = Bench(options)
    bench.prepare()
    for job in options.jobs or TITLES:
        if job == "none":  # only the report is wanted
            continue
        print(f"(load {os.getloadavg()[0]:.1f})", flush=True)
        bench.compare(job) if job in CONTENDERS else {"start": bench.start, "leads": bench.leads}[job]()
        sys.stdout.flush()
    if options.report:
        report(bench, options.report)


if __name__ == "__main__":
    main()
