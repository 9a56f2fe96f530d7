#!/usr/bin/env python3
"""Runs programs of the real mlflow client against a server: tests/mlflow/test_*.py.

    run.py --chert build/chert [NAME...]   against chert, on SQLite and, where PostgreSQL is installed, on PostgreSQL
    run.py --url http://HOST:PORT [NAME...] against MLflow's own server, for which most tests hold, too

To be started with the Python of deps/venv-mlflow. Prints 'N passed, N failed' last.
"""

import argparse
import contextlib
import ctypes
import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def die_with_parent():
    """For a child: ends when this process does, however that happens."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def stop(process):
    process.send_signal(signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def chert(program, store, folder):
    """A `chert serve` on free ports: its URL. Spark programs find it as those of `chert submit` do."""
    process = subprocess.Popen(
        [program, "serve", "--port", "0", "--ui-port", "0", "--store", store, "--artifacts", f"{folder}/artifacts"],
        stdout=subprocess.PIPE, text=True, cwd=folder, preexec_fn=die_with_parent)
    try:
        url = None
        while not url:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("chert serve did not start")
            if "sc://" in line:
                os.environ["SPARK_REMOTE"] = "sc://" + line.split("sc://")[1].strip()
                os.environ["PYTHONPATH"] = os.path.join(os.path.dirname(program), "python")
            if "http://" in line:
                url = "http://" + line.split("http://")[1].strip()
        yield url
    finally:
        stop(process)
        process.stdout.close()
    if process.returncode:
        raise RuntimeError(f"chert serve exited with {process.returncode}")


def postgres_programs():
    """The folder of initdb and postgres; None when they are not installed."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    found = folders[-1] if folders else shutil.which("initdb")
    return os.path.dirname(found) if found else None


def postgres_user():
    """PostgreSQL refuses to run as root: who it runs as instead."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return None


@contextlib.contextmanager
def postgres(programs):
    """A database of its own, reached through a socket in a temporary folder: its URL."""
    user = postgres_user()
    with tempfile.TemporaryDirectory() as folder:
        if user:
            shutil.chown(folder, user)
        data, quiet = f"{folder}/data", {"stdout": subprocess.DEVNULL, "user": user, "cwd": "/"}
        subprocess.run([f"{programs}/initdb", "-D", data, "-U", "chert", "-A", "trust", "--no-sync"], check=True, **quiet)
        process = subprocess.Popen(
            [f"{programs}/postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
            stderr=subprocess.DEVNULL, preexec_fn=die_with_parent, **quiet)
        try:
            ready = [f"{programs}/pg_isready", "-h", folder, "-U", "chert", "-t", "30"]
            while subprocess.run(ready, stdout=subprocess.DEVNULL).returncode:
                if process.poll() is not None:
                    raise RuntimeError("postgres did not start")
            yield f"postgresql:///postgres?host={folder}&user=chert"
        finally:
            stop(process)


def run_tests(url, names, prefix=(), **settings):
    """In a process of its own: the client keeps what it learns about a server. Returns (passed, failed)."""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": url, "PYTHONWARNINGS": "ignore", **settings}
    process = subprocess.run([*prefix, sys.executable, __file__, "--inside", *names], env=environment,
                             stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
    lines = process.stdout.split()
    return (int(lines[-2]), int(lines[-1])) if len(lines) >= 2 else (0, 1)


def run_far_away(url, folder, names):
    """Those of mlflow.spark by a client that shares no disk with the server: over the server's files, and where Spark and
    the client put temporary ones, lie mounts that only the client has. Nothing where that is not allowed."""
    own = f"{folder}-client"
    os.mkdir(own)
    os.makedirs("/tmp/mlflow", exist_ok=True)
    mounts = " && ".join(f"mount -t tmpfs none {path}" for path in (folder, own, "/tmp/mlflow"))
    prefix = ["unshare", "--mount", "--map-root-user", "sh", "-c", mounts + ' && exec "$@"', "sh"]
    try:
        if subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL).returncode:
            print("== no mounts of its own for a client that is far away", flush=True)
            return 0, 0
        print("== SQLite, a client without the server's disk", flush=True)
        return run_tests(url, names, prefix, TMPDIR=own)
    finally:
        os.rmdir(own)


@contextlib.contextmanager
def installed_helpers():
    """A folder with the Python helpers as pip installs them, without what `chert submit` adds to that."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(HERE.parents[1] / "python", f"{folder}/source")  # building leaves files beside the source
        subprocess.run([sys.executable, "-m", "pip", "-q", "install", "--no-deps", "--no-build-isolation", "--no-index",
                        "--target", f"{folder}/site", f"{folder}/source"], check=True, stderr=subprocess.DEVNULL)
        yield f"{folder}/site"


def inside(names):
    sys.path.insert(0, str(HERE))
    os.chdir(tempfile.mkdtemp())
    modules = [n if n.startswith("test_") else f"test_{n}" for n in names]
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(modules) if modules else loader.discover(str(HERE))
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(suite)
    bad = len(result.failures) + len(result.errors)
    print(result.testsRun - bad, bad)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--chert")
    parser.add_argument("--url")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    if arguments.inside:
        return inside(arguments.names)
    results = []
    if arguments.url:
        results.append(run_tests(arguments.url, arguments.names, MLFLOW_OWN_SERVER="1"))
    else:
        program = os.path.abspath(arguments.chert)
        with tempfile.TemporaryDirectory() as folder, chert(program, f"{folder}/tracking.db", folder) as url:
            print("== SQLite", flush=True)
            results.append(run_tests(url, arguments.names))
            if not arguments.names or "spark" in arguments.names:
                results.append(run_far_away(url, folder, ["spark"]))
                with installed_helpers() as path:
                    print("== SQLite, helpers installed by pip", flush=True)
                    chosen = "test_spark.Spark.test_log_model_takes_a_name_and_registers"
                    results.append(run_tests(url, [chosen], PYTHONPATH=path))
        programs = postgres_programs()
        if programs:
            with postgres(programs) as store, tempfile.TemporaryDirectory() as folder:
                with chert(program, store, folder) as url:
                    print("== PostgreSQL", flush=True)
                    results.append(run_tests(url, arguments.names))
        else:
            print("== PostgreSQL is not installed", flush=True)
    passed, failed = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
