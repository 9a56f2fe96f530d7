#!/usr/bin/env python3
"""Runs chert's tracking server beside the real `mlflow server` and prints what each needs and by what factor.

    bench/tracking.py [--chert build/chert] [--mlflow PYTHON] [--seconds S] [--runs N] [JOB...]

Jobs: start (to the first answered request; its CPU until it is calm), idle (memory and processes then), log_metric and
log_batch (of 1,000 metrics; each with 1 and 16 clients over connections that stay open), search (the first 100 of N
runs ordered by a metric). --mlflow is a Python that has mlflow; without it chert runs alone.

CPU is that of the server, all its processes; ratios above 1 say that chert is the cheaper or faster. Clients are
processes that send prepared bytes over sockets: they cost little beside any server.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
API = "/api/2.0/mlflow/"
TICKS = os.sysconf("SC_CLK_TCK")


# --- servers ---------------------------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def family(pid):
    """A process and all below it."""
    pids = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            pids += family(int(child))
    return pids


class Server:
    """A tracking server in a folder of its own, started and answering."""

    def __init__(self, options, folder):
        self.options, self.folder, self.port = options, folder, free_port()
        began = time.monotonic()
        self.process = subprocess.Popen(
            self.command(), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=60) as reply:
                    assert reply.read() in (b"OK", b"\n")
                    break
            except (OSError, urllib.error.URLError):
                if self.process.poll() is not None:
                    raise RuntimeError(f"{self.name} did not start") from None
                time.sleep(0.002)
        self.start_seconds = time.monotonic() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def cpu(self):
        """Seconds of all processes, those that ended included."""
        total = 0
        for pid in family(self.process.pid):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += sum(int(fields[i]) for i in (11, 12, 13, 14))
        return total / TICKS

    def memory_mb(self):
        total = 0
        for pid in family(self.process.pid):
            pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
            total += pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        return total

    def settle(self):
        """Waits until the server has nothing of its own to do any more, two minutes at the most."""
        end, cpu = time.monotonic() + 120, -1
        while self.cpu() - cpu > 0.05 and time.monotonic() < end:
            cpu = self.cpu()
            time.sleep(1)

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{API}{path}", data=data, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=600) as reply:
            return json.loads(reply.read())

    def new_run(self):
        return self.ask("runs/create", {"experiment_id": "0", "start_time": 1})["run"]["info"]["run_id"]


class Chert(Server):
    name = "chert"

    def command(self):
        return [self.options.chert, "serve", "--port", "0", "--ui-port", str(self.port)]

    def fill(self, runs):
        sender = Connection(self.port)
        for i in range(runs):
            run = json.loads(sender.send(request("runs/create", {"experiment_id": "0", "start_time": i})))
            sender.send(request("runs/log-batch", {"run_id": run["run"]["info"]["run_id"], **run_data(i)}))


class Mlflow(Server):
    name = "mlflow"

    def command(self):
        store = f"sqlite:///{self.folder}/mlflow.db"
        return [self.options.mlflow, "-m", "mlflow", "server", "--port", str(self.port), "--backend-store-uri", store]

    def fill(self, runs):
        """Straight into its database: by its API it would take most of an hour."""
        self.new_run()
        database = sqlite3.connect(f"{self.folder}/mlflow.db", timeout=60)
        columns = [row[1] for row in database.execute("PRAGMA table_info(runs)")]
        model = list(database.execute("SELECT * FROM runs LIMIT 1").fetchone())
        for i in range(runs):
            data, run = run_data(i), f"{i:032x}"
            row = dict(zip(columns, model), run_uuid=run, name=f"run-{i}", start_time=i)
            database.execute(f"INSERT INTO runs VALUES ({','.join('?' * len(columns))})", [row[c] for c in columns])
            for m in data["metrics"]:
                values = (m["key"], m["value"], m["timestamp"], m["step"], False, run)
                database.execute(
                    "INSERT INTO metrics(key, value, timestamp, step, is_nan, run_uuid) VALUES (?,?,?,?,?,?)", values
                )
                database.execute(
                    "INSERT INTO latest_metrics(key, value, timestamp, step, is_nan, run_uuid) VALUES (?,?,?,?,?,?)", values
                )
            for p in data["params"]:
                database.execute("INSERT INTO params(key, value, run_uuid) VALUES (?,?,?)", (p["key"], p["value"], run))
        database.commit()
        database.close()


def run_data(i):
    metrics = [{"key": f"m{k}", "value": (i * 7919 + k) % 10007 / 10007, "timestamp": i, "step": 0} for k in range(5)]
    return {"metrics": metrics, "params": [{"key": f"p{k}", "value": str(i % 10)} for k in range(5)]}


# --- clients ---------------------------------------------------------------------------------------------------------


def request(path, body):
    text = json.dumps(body).encode()
    head = f"POST {API}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return head.encode() + f"Content-Length: {len(text)}\r\n\r\n".encode() + text


class Connection:
    """A connection that stays open; whole replies by their Content-Length."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, message):
        self.socket.sendall(message)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.more()
        head, body = data.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 200"), data[:300]
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        while len(body) < length:
            body += self.more()
        return body

    def more(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise RuntimeError("the server closed the connection")
        return data


def client(port, run, what, seconds, client_number, start, done):
    """One client: as many requests as it can in so many seconds."""
    sender, n = Connection(port), 0
    if what == "log_metric":
        messages = [
            request("runs/log-metric", {"run_id": run, "key": f"k{client_number}", "value": s / 7, "timestamp": s, "step": s})
            for s in range(200)
        ]
    else:
        metrics = [{"key": f"k{s % 10}", "value": s / 7, "timestamp": s, "step": s} for s in range(1000)]
        messages = []
        for b in range(10):
            moved = [dict(m, step=m["step"] + 1000 * b, key=f"{m['key']}c{client_number}") for m in metrics]
            messages.append(request("runs/log-batch", {"run_id": run, "metrics": moved}))
    start.wait()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sender.send(messages[n % len(messages)])
        n += 1
    done.put(n)


def load(server, what, clients, seconds):
    """Requests a second, and the server's CPU milliseconds for each."""
    server.settle()
    run, start, done = server.new_run(), multiprocessing.Barrier(clients + 1), multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=client, args=(server.port, run, what, seconds, i, start, done))
        for i in range(clients)
    ]
    for process in processes:
        process.start()
    start.wait()
    began, cpu = time.monotonic(), server.cpu()
    n = sum(done.get(timeout=seconds + 120) for _ in processes)
    wall, cpu = time.monotonic() - began, server.cpu() - cpu
    for process in processes:
        process.join()
    return {"per second": n / wall, "CPU ms": 1000 * cpu / n}


# --- jobs: what each gives is {name: value}; less is better but for "per second" --------------------------------------


def job_start(server, options):
    return {"start ms": 1000 * server.start_seconds, "start CPU s": server.cpu()}


def job_idle(server, options):
    return {"idle MB": server.memory_mb(), "processes": len(family(server.process.pid))}


def job_log_metric(server, options):
    return both(server, "log_metric", options)


def job_log_batch(server, options):
    return both(server, "log_batch", options)


def both(server, what, options):
    return {
        f"{what} x{clients} {unit}": value
        for clients in (1, 16)
        for unit, value in load(server, what, clients, options.seconds).items()
    }


def job_search(server, options):
    server.fill(options.runs)
    question = {"experiment_ids": ["0"], "order_by": ["metrics.m1 DESC"], "max_results": 100}
    best, rounds = float("inf"), 5
    server.ask("runs/search", question)
    cpu = server.cpu()
    for _ in range(rounds):
        began = time.monotonic()
        found = server.ask("runs/search", question)
        best = min(best, time.monotonic() - began)
    values = [next(m["value"] for m in run["data"]["metrics"] if m["key"] == "m1") for run in found["runs"]]
    assert len(values) == 100 and values == sorted(values, reverse=True)
    return {"search ms": 1000 * best, "search CPU ms": 1000 * (server.cpu() - cpu) / rounds}


JOBS = {"start": job_start, "idle": job_idle, "log_metric": job_log_metric, "log_batch": job_log_batch, "search": job_search}


def run(contender, options):
    results = {}
    with tempfile.TemporaryDirectory(prefix="chert-bench-") as folder, contender(options, folder) as server:
        server.settle()
        for job in options.jobs:
            results.update(JOBS[job](server, options))
            print(f"  {server.name}: {job} done", file=sys.stderr)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chert", default=str(ROOT / "build" / "chert"))
    parser.add_argument("--mlflow", default=str(ROOT / "deps" / "venv-mlflow" / "bin" / "python"))
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--runs", type=int, default=10000)
    parser.add_argument("jobs", nargs="*", metavar="JOB")
    options = parser.parse_args()
    options.chert, options.jobs = os.path.abspath(options.chert), options.jobs or list(JOBS)
    ours = run(Chert, options)
    theirs = run(Mlflow, options) if os.path.exists(options.mlflow) else {}
    if not theirs:
        print(f"  (mlflow is not installed: {options.mlflow})")
    for name, value in ours.items():
        line = f"  {name:28s} chert {value:12.3f}"
        if name in theirs:
            factor = value / theirs[name] if name.endswith("per second") else theirs[name] / max(value, 1e-9)
            line += f"   mlflow {theirs[name]:12.3f}   {factor:8.1f} x"
        print(line)


if __name__ == "__main__":
    main()
