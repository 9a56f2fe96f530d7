#!/usr/bin/env python3
"""The shipped program as a whole: its command line, starting and ending, clients that vanish, disks that fill up.

    test_server.py CHERT [unittest arguments]
"""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from run_programs import Server, die_with_parent  # noqa: E402

CHERT = os.path.abspath(sys.argv.pop(1))
PYTHON = str(ROOT / "deps" / "venv-4.1.3" / "bin" / "python")

HEADER = """
import sys
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
"""
# Work that takes minutes on any machine: a query that cannot be simplified, and a fit.
ENDLESS_QUERY = HEADER + """
print("started", flush=True)
spark.range(10**8).crossJoin(spark.range(10**6).toDF("j")).select(F.sum(F.sin(F.col("id") * F.col("j")))).collect()
"""
ENDLESS_FIT = HEADER + """
from pyspark.ml.classification import GBTClassifier
from pyspark.ml.feature import VectorAssembler
data = spark.range(200000).select(
    *[F.sin(F.col("id") * k).alias(f"x{k}") for k in range(1, 9)], (F.rand(1) > 0.5).cast("int").alias("label")
)
ready = VectorAssembler(inputCols=[f"x{k}" for k in range(1, 9)], outputCol="features").transform(data)
print("started", flush=True)
GBTClassifier(maxIter=100000, maxDepth=6).fit(ready)
"""


def run(*arguments, **options):
    """Runs a command to its end."""
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, **options)


def client(remote, text, **options):
    return subprocess.Popen(
        [PYTHON, "-c", text],
        env=dict(os.environ, SPARK_REMOTE=remote),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finish(process):
    """Exit status and output of a client that should end by itself."""
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def becomes_idle(pid, seconds):
    """Whether the process stops using the processor within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = cpu_seconds(pid)
        time.sleep(0.5)
        if cpu_seconds(pid) - before < 0.1:
            return True
    return False


class Scratch(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="chert-system-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        pathlib.Path(self.path(name)).write_text(text)
        return self.path(name)


class CommandLine(Scratch):
    def test_help_teaches_and_mistakes_are_named(self):
        for arguments, status, text in [
            (["--help"], 0, "usage: chert COMMAND"),
            (["help", "serve"], 0, "--memory-limit SIZE"),
            (["serve", "--help"], 0, "--port PORT"),
            (["submit", "--help"], 0, "program.py"),
            (["version"], 0, "chert "),
            ([], 2, "usage: chert COMMAND"),
            (["nonsense"], 2, "no command 'nonsense'"),
            (["serve", "--prot", "1"], 2, "no option --prot"),
            (["serve", "--port", "many"], 2, "--port wants a number"),
            (["serve", "extra"], 2, "takes options only"),
            (["submit"], 2, "which program?"),
            (["submit", self.path("nowhere.py")], 2, "No such file"),
        ]:
            with self.subTest(arguments=arguments):
                done = run(CHERT, *arguments)
                self.assertEqual(done.returncode, status)
                self.assertIn(text, done.stdout + done.stderr)

    def test_a_taken_port_is_an_error(self):
        with Server(CHERT) as server:
            done = run(CHERT, "serve", "--no-ui", "--port", server.remote.rsplit(":", 1)[1])
        self.assertEqual(done.returncode, 1)
        self.assertIn("chert serve:", done.stderr)

    def test_a_bad_memory_limit_and_temp_dir_are_errors(self):
        for arguments in (["--memory-limit", "lots"], ["--temp-dir", "/proc/nowhere"]):
            with self.subTest(arguments=arguments):
                done = run(CHERT, "serve", "--no-ui", "--port", "0", *arguments)
                self.assertEqual(done.returncode, 1)
                self.assertIn("chert serve:", done.stderr)


class Http(Scratch):
    """The HTTP side: what is announced, found and left behind."""

    ASK = (
        "import os, sys, time, urllib.request\n"
        "uri = os.environ['MLFLOW_TRACKING_URI']\n"
        "time.sleep(float(sys.argv[1]))\n"
        "print(uri, urllib.request.urlopen(uri + '/version').read().decode())\n"
    )

    def serve(self, *options):
        server = subprocess.Popen(
            [CHERT, "serve", "--port", "0", "--ui-port", "0", *options],
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        )
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        lines = [server.stdout.readline().split("listening on ")[1].strip() for _ in range(2)]
        self.assertTrue(lines[0].startswith("sc://") and lines[1].startswith("http://"), lines)
        return server, *lines

    def get(self, url):
        with urllib.request.urlopen(url, timeout=20) as reply:
            return reply.read().decode()

    def submit(self, *arguments):
        program = self.write("ask.py", self.ASK)
        return subprocess.Popen(
            [CHERT, "submit", "--python", PYTHON, program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        )

    def test_serves_both_and_ends_within_two_seconds(self):
        server, remote, url = self.serve()
        self.assertEqual(self.get(url + "/health"), "OK")
        status, out, err = finish(client(remote, HEADER + "print(spark.range(5).count())"))
        self.assertEqual((status, out), (0, "5\n"), err)
        start = time.monotonic()
        server.terminate()
        self.assertEqual(server.wait(20), 0)
        self.assertLess(time.monotonic() - start, 4, "2 s are promised, the rest is for a busy machine")
        self.assertTrue(os.path.exists(self.path("chert-data/tracking.db")))

    def test_a_second_server_of_a_store_is_refused(self):
        self.serve()
        done = run(CHERT, "serve", "--port", "0", "--ui-port", "0", cwd=self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is in use by another", done.stderr)

    def test_a_taken_port_is_an_error(self):
        _, _, url = self.serve()
        port = url.rsplit(":", 1)[1]
        done = run(CHERT, "serve", "--port", "0", "--ui-port", port, "--store", self.path("other.db"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("chert serve:", done.stderr)

    def test_submit_sets_the_tracking_uri_and_leaves_no_empty_store(self):
        out, err = self.submit("0").communicate(timeout=60)
        self.assertRegex(out, r"^http://127\.0\.0\.1:\d+ 3\.\d+", err)
        self.assertFalse(os.path.exists(self.path("chert-data")))

    def test_submit_tidies_a_folder_that_another_has_just_made(self):
        os.makedirs(self.path("chert-data/artifacts"))
        out, err = self.submit("0").communicate(timeout=60)
        self.assertRegex(out, r"^http://127\.0\.0\.1:\d+ 3\.\d+", err)
        self.assertFalse(os.path.exists(self.path("chert-data")))

    def test_submit_uses_the_server_that_holds_the_store(self):
        server, _, url = self.serve()
        out, err = self.submit("0").communicate(timeout=60)
        self.assertTrue(out.startswith(url + " "), (out, err))
        self.assertIsNone(server.poll())

    def test_submits_at_once_share_a_server_until_the_last_has_ended(self):
        processes = [self.submit(wait) for wait in ("0.1", "1.5", "0.5", "0.5")]
        outputs = [process.communicate(timeout=60) for process in processes]
        self.assertEqual(len({out for out, _ in outputs}), 1, outputs)
        end = time.monotonic() + 10
        while os.path.exists(self.path("chert-data")) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertFalse(os.path.exists(self.path("chert-data")))

    def test_the_engine_api_tells_of_operations_and_sessions(self):
        _, remote, url = self.serve()
        api = url + "/api/chert/v1/"
        process = client(
            remote,
            HEADER + "df = spark.range(100).filter('id > 10').cache(); print(df.count(), flush=True)\n"
            "df.createOrReplaceTempView('v'); sys.stdin.read()",
            stdin=subprocess.PIPE,
        )
        self.assertEqual(process.stdout.readline(), "89\n")
        done = json.loads(self.get(api + "operations?state=finished"))
        first = done["operations"][-1]
        self.assertEqual((first["state"], first["kind"], first["rows"]), ("finished", "execute", 1))
        detail = json.loads(self.get(api + "operations/" + first["id"]))
        self.assertIn("SELECT", detail["sql"])
        self.assertIn("InMemoryTableScan", detail["plan"])
        sessions = json.loads(self.get(api + "sessions"))["sessions"]
        self.assertEqual([len(s["cached"]) for s in sessions], [1])
        frames = json.loads(self.get(api + "storage"))["frames"]
        self.assertEqual([f["rows"] for f in frames], [89])
        ended = urllib.request.Request(api + f"sessions/{sessions[0]['id']}/close", data=b"", method="POST")
        self.assertEqual(urllib.request.urlopen(ended, timeout=20).status, 200)
        self.assertEqual(json.loads(self.get(api + "sessions"))["sessions"], [])
        process.communicate("", timeout=60)

    def test_an_operation_can_be_cancelled(self):
        _, remote, url = self.serve()
        api = url + "/api/chert/v1/operations"
        process = client(remote, ENDLESS_FIT)
        self.addCleanup(process.kill)
        end, running = time.monotonic() + 60, []
        while not any(op["kind"] == "fit" and op["progress"]["what"] for op in running) and time.monotonic() < end:
            running = json.loads(self.get(api + "?state=running"))["operations"]
            time.sleep(0.1)
        fit = next(op for op in running if op["kind"] == "fit")
        self.assertEqual(fit["description"], "GBTClassifier")
        request = urllib.request.Request(f"{api}/{fit['id']}/cancel", data=b"", method="POST")
        self.assertTrue(json.loads(urllib.request.urlopen(request, timeout=20).read())["cancelled"])
        status, _, err = finish(process)
        self.assertIn("OPERATION_CANCELED", err)
        ended = json.loads(self.get(api + "/" + fit["id"]))
        self.assertEqual(ended["state"], "cancelled")
        self.assertTrue(ended["phases"])


class Submit(Scratch):
    def submit(self, text, *arguments, options=(), **more):
        program = self.write("program.py", text)
        return run(CHERT, "submit", "--python", PYTHON, *options, program, *arguments, cwd=self.folder, **more)

    def test_runs_a_program_and_returns_its_status(self):
        done = self.submit(HEADER + "print(spark.range(int(sys.argv[1])).count(), sys.argv[2]); sys.exit(7)", "5", "--x")
        self.assertEqual((done.returncode, done.stdout), (7, "5 --x\n"), done.stderr)

    def test_programs_that_keep_models_to_their_end_do_end(self):
        # the client alone hangs: its models call the server when the interpreter has no threads to give any more
        done = self.submit(
            HEADER + "from pyspark.ml.feature import StringIndexer\n"
            "model = StringIndexer(inputCol='id', outputCol='i').fit(spark.range(3))\n"
            "for _ in range(20): model = StringIndexer(inputCol='id', outputCol='i').fit(spark.range(3))\n"
            "print(len(model.labels))\n"
        )
        self.assertEqual((done.returncode, done.stdout), (0, "3\n"), done.stderr)

    def test_leaves_the_sitecustomize_of_others_alone(self):
        os.mkdir(self.path("own"))
        self.write("own/sitecustomize.py", "import builtins; builtins.customized = 'yes'")
        environment = dict(os.environ, PYTHONPATH=self.path("own"))
        done = self.submit("print(customized)", env=environment)
        self.assertEqual((done.returncode, done.stdout), (0, "yes\n"), done.stderr)

    def test_leaves_nothing_running(self):
        done = self.submit("import os; print(os.environ['SPARK_REMOTE'])")
        self.assertEqual(done.returncode, 0)
        port = done.stdout.strip().rsplit(":", 1)[1]
        self.assertNotIn(f":{int(port):04X} ", pathlib.Path("/proc/net/tcp").read_text())

    def test_interpreter_comes_from_the_environment_too(self):
        program = self.write("program.py", "import pyspark; print(pyspark.__version__)")
        environment = dict(os.environ, PYSPARK_PYTHON=PYTHON)
        done = run(CHERT, "submit", program, env=environment, cwd=self.folder)
        self.assertEqual((done.returncode, done.stdout), (0, "4.1.3\n"))
        self.assertEqual(run(CHERT, "submit", "--python", "/no/python", program, cwd=self.folder).returncode, 127)

    def test_passes_signals_on(self):
        program = self.write(
            "program.py",
            "import signal, sys, time\n"
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n"
            "print('ready', flush=True)\ntime.sleep(60)\n",
        )
        process = subprocess.Popen(
            [CHERT, "submit", "--python", PYTHON, program], stdout=subprocess.PIPE, text=True, cwd=self.folder
        )
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 9)
        process.stdout.close()

    def test_tells_how_far_long_operations_are(self):
        program = self.write("program.py", ENDLESS_FIT)
        for options, told in ([], True), (["--quiet"], False):
            with self.subTest(options=options):
                process = subprocess.Popen(
                    [CHERT, "submit", "--python", PYTHON, *options, program],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                    cwd=self.folder,
                )
                time.sleep(10)
                process.send_signal(signal.SIGTERM)
                self.assertEqual("chert: boosting rounds" in process.communicate()[1], told)

    def test_a_server_that_cannot_start_is_reported(self):
        done = self.submit("print('never')", options=["--memory-limit", "lots"])
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("the server did not start", done.stderr)

    def test_the_example_does_the_main_job(self):
        leads, out = self.path("leads.csv"), self.path("out")
        run(sys.executable, str(ROOT / "examples" / "make_leads.py"), leads, "800")
        example = str(ROOT / "examples" / "lead_scoring.py")
        done = run(CHERT, "submit", "--python", PYTHON, example, leads, out, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        for text in ("800 leads", "logistic regression", "web_visits", "best model", "saved pipeline", "predictions:"):
            self.assertIn(text, done.stdout)
        self.assertTrue(os.path.exists(out + "/best_model/metadata"))
        self.assertTrue(os.path.exists(out + "/predictions.parquet/_SUCCESS"))


class Library(Scratch):
    """libchert as somebody else's program gets it: installed, found by pkg-config, linked."""

    def setUp(self):
        super().setUp()
        done = run("cmake", "--install", os.path.dirname(CHERT), "--prefix", self.path("usr"))
        self.assertEqual(done.returncode, 0, done.stderr)
        [folder] = [str(path.parent) for path in pathlib.Path(self.path("usr")).rglob("chert.pc")]
        self.environment = dict(os.environ, PKG_CONFIG_PATH=folder)
        self.libraries = os.path.dirname(folder)

    def test_the_example_in_c_does_the_main_job(self):
        flags = run("pkg-config", "--cflags", "--libs", "chert", env=self.environment).stdout.split()
        source = str(ROOT / "examples" / "lead_scoring.c")
        built = run("cc", "-std=c99", "-Wall", "-Wextra", "-Werror", source, *flags, "-o", self.path("leads"))
        self.assertEqual(built.returncode, 0, built.stderr)
        run(sys.executable, str(ROOT / "examples" / "make_leads.py"), self.path("leads.csv"), "800")
        done = run(self.path("leads"), self.path("leads.csv"), self.path("out"))
        self.assertEqual(done.returncode, 0, done.stderr)
        for text in ("800", "AUC", "best"):
            self.assertIn(text, done.stdout)

    def test_the_installed_program_runs(self):
        self.assertEqual(run(self.path("usr/bin/chert"), "version").returncode, 0)

    def test_only_the_public_functions_are_exported(self):
        symbols = run("nm", "-D", "--defined-only", os.path.join(self.libraries, "libchert.so")).stdout.split("\n")
        names = {line.split()[2].split("@")[0] for line in symbols if line}
        self.assertIn("chert_open", names)
        self.assertEqual({name for name in names if not name.startswith("chert_")}, set())


class Ending(Scratch):
    def stop(self, server):
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(20)
        server.process.stdout.close()
        return status, time.monotonic() - started

    def assert_ends_clean(self, work):
        temp = self.path("temp")
        os.mkdir(temp)
        server = Server(CHERT, "--temp-dir", temp, "--memory-limit", "300MB")
        process = client(server.remote, work) if work else None
        if process:
            self.assertEqual(process.stdout.readline(), "started\n")
            time.sleep(2)
            self.assertIsNone(process.poll(), "the work must still be going on")
        status, seconds = self.stop(server)
        self.assertEqual(status, 0)
        self.assertLess(seconds, 4, "2 s are promised, the rest is for a busy machine")
        self.assertEqual(os.listdir(temp), [])
        if process:
            process.kill()  # it would try to find its server for minutes
            process.communicate()

    def test_idle(self):
        self.assert_ends_clean(None)

    def test_during_a_query(self):
        self.assert_ends_clean(ENDLESS_QUERY)

    def test_during_a_fit(self):
        self.assert_ends_clean(ENDLESS_FIT)

    def test_while_spilling(self):
        self.assert_ends_clean(
            HEADER + "print('started', flush=True)\n"
            "spark.range(3 * 10**8).select('id', F.hash('id').alias('h')).orderBy('h').agg(F.max('id')).collect()\n"
            "spark.range(3 * 10**8).orderBy(F.hash('id')).write.parquet(sys.argv[0] + '.out')\n"
        )


class Clients(Scratch):
    def test_work_of_a_killed_client_is_freed(self):
        for name, work in (("query", ENDLESS_QUERY), ("fit", ENDLESS_FIT)):
            with self.subTest(name), Server(CHERT, "--idle-timeout", "5") as server:
                process = client(server.remote, work)
                self.assertEqual(process.stdout.readline(), "started\n")
                end = time.monotonic() + 60
                while cpu_seconds(server.process.pid) < 0.5 and time.monotonic() < end:
                    time.sleep(0.1)
                self.assertGreaterEqual(cpu_seconds(server.process.pid), 0.5)
                self.assertIsNone(process.poll(), "the work must still be going on")
                process.kill()
                process.communicate()
                self.assertTrue(becomes_idle(server.process.pid, 30))

    def test_memory_returns_after_many_clients(self):
        """Two clients at once, again and again: what the server holds afterwards does not grow from run to run."""
        leads = self.path("leads.csv")
        run(sys.executable, str(ROOT / "examples" / "make_leads.py"), leads, "1000")
        rounds = int(os.environ.get("CHERT_ROUNDS", "4"))
        sizes, problems = [], []

        def loop(number):
            for turn in range(rounds):
                out = self.path(f"out-{number}-{turn}")
                done = subprocess.run(
                    [PYTHON, str(ROOT / "examples" / "lead_scoring.py"), leads, out],
                    env=dict(os.environ, SPARK_REMOTE=server.remote),
                    capture_output=True,
                    text=True,
                )
                if done.returncode:
                    problems.append(done.stderr[-2000:])
                sizes.append(resident_mb(server.process.pid))

        with Server(CHERT) as server:
            threads = [threading.Thread(target=loop, args=(number,)) for number in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            time.sleep(1)
            sizes.append(resident_mb(server.process.pid))
        print(f"resident MB after each run: {[round(size) for size in sizes]}", flush=True)
        self.assertEqual(problems, [])
        self.assertLess(sizes[-1], 1.2 * sizes[3], f"resident MB after each run: {[round(size) for size in sizes]}")

    def test_a_full_disk_fails_the_request_only(self):
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

        server = subprocess.Popen(
            [CHERT, "serve", "--no-ui", "--port", "0"], stdout=subprocess.PIPE, text=True, preexec_fn=small_files
        )
        remote = server.stdout.readline().split("listening on ")[1].strip()
        status, out, err = finish(
            client(
                remote,
                HEADER
                + f"out = {self.path('big')!r}\n"
                + "try:\n    spark.range(10**6).select(F.rand(1)).write.parquet(out)\n    print('written')\n"
                + "except Exception as e:\n    print(type(e).__name__)\n"
                + "print(spark.range(10).count())\n",
            )
        )
        self.assertEqual(status, 0, err)
        self.assertEqual(out, "SparkException\n10\n")
        self.assertFalse(os.path.exists(self.path("big/_SUCCESS")))
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(20), 0)
        server.stdout.close()

    def test_bytes_that_are_no_protocol_do_no_harm(self):
        import socket

        with Server(CHERT) as server:
            port = int(server.remote.rsplit(":", 1)[1])
            for data in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 999):
                with socket.create_connection(("127.0.0.1", port), 5) as s:
                    s.sendall(data)
            status, out, err = finish(client(server.remote, HEADER + "print(spark.range(3).count())"))
        self.assertEqual((status, out), (0, "3\n"), err)


# What a client does on a full disk. Prints a line a step: its name, and what it failed with or "done".
FULL_DISK = HEADER + """
import os
from pyspark.ml import Pipeline
from pyspark.ml.classification import RandomForestClassifier
from pyspark.ml.feature import VectorAssembler
disk, seen = sys.argv[1:]  # the disk's path for the server and for us

def step(name, work):
    before = os.statvfs(seen).f_bfree
    try:
        work()
        print(name, "done")
    except Exception as e:
        print(name, type(e).__name__, "disk" if "o space left on device" in str(e) or "disk full" in str(e) else e)
        left = before - os.statvfs(seen).f_bfree
        if left:
            print(name, "leaves", left, "blocks behind")

big = spark.range(4 * 10**6).select(F.rand(1).alias("a"), F.rand(2).alias("b"))
small = spark.range(1000).select(F.rand(1).alias("a"), F.rand(2).alias("b"), (F.rand(3) > 0.5).cast("int").alias("label"))
stages = [VectorAssembler(inputCols=["a", "b"], outputCol="features"), RandomForestClassifier(maxDepth=8)]
model = Pipeline(stages=stages).fit(small).stages[1]
small.write.parquet(disk + "/kept")
for format in "parquet", "csv", "json":
    step(format, lambda: getattr(big.write, format)(disk + "/" + format))
step("overwrite", lambda: big.write.mode("overwrite").parquet(disk + "/kept"))
step("partitions", lambda: big.withColumn("p", F.hash("a") % 4).write.partitionBy("p").csv(disk + "/partitions"))
step("spill", lambda: spark.range(2 * 10**7).orderBy(F.hash("id")).limit(10**7).agg(F.max("id")).collect())
step("cache", lambda: spark.range(2 * 10**7).select(F.rand(1)).cache().count())
spark.catalog.clearCache()
with open(seen + "/filler", "wb") as filler:
    filler.write(os.urandom(os.statvfs(seen).f_bavail * os.statvfs(seen).f_bsize - 16384))
step("model", lambda: model.save(disk + "/model"))
print(sorted(os.listdir(seen)), spark.read.parquet(disk + "/kept").count())
os.remove(seen + "/filler")
step("model", lambda: model.save(disk + "/model"))
step("parquet", lambda: small.write.parquet(disk + "/parquet"))
step("spill", lambda: spark.range(10**6).orderBy(F.hash("id")).agg(F.max("id")).collect())
"""


class FullDisk(Scratch):
    """A file system of 20 MB that only the server sees, in a user and mount namespace of its own."""

    MOUNT = 'mount -t tmpfs -o size=20m none "$1" && mkdir "$1/temp" && shift && exec "$@"'

    def setUp(self):
        super().setUp()
        if not shutil.which("unshare"):
            self.skipTest("there is no unshare")
        tried = run("unshare", "-rm", "sh", "-c", self.MOUNT, "sh", self.folder, "true")
        if tried.returncode:
            self.skipTest(f"file systems cannot be mounted here: {tried.stderr.strip()}")

    def test_a_full_disk_fails_what_needs_it_and_no_more(self):
        options = ["serve", "--port", "0", "--memory-limit", "60MB", "--temp-dir", self.path("temp")]
        server = subprocess.Popen(
            ["unshare", "-rm", "sh", "-c", self.MOUNT, "sh", self.folder, CHERT, *options],
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,
        )
        remote = server.stdout.readline().split("listening on ")[1].strip()
        seen = f"/proc/{server.pid}/root{self.folder}"
        done = subprocess.run(
            [PYTHON, "-c", FULL_DISK, self.folder, seen],
            env=dict(os.environ, SPARK_REMOTE=remote),
            capture_output=True,
            text=True,
            timeout=600,
        )
        fails = ["parquet", "csv", "json", "overwrite", "partitions", "spill", "cache", "model"]
        expected = [f"{name} SparkException disk" for name in fails]
        expected += ["['filler', 'kept', 'temp'] 1000", "model done", "parquet done", "spill done"]
        self.assertEqual(done.stdout.splitlines(), expected, done.stderr[-3000:])
        self.assertIsNone(server.poll())
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(20), 0)
        server.stdout.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
