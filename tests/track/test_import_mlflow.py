"""`chert import-mlflow` from stores that the real mlflow made: a folder, an SQLite file, MLflow's own server. What the
client tells of chert's store afterwards must be what it told of the source.

    test_import_mlflow.py CHERT

To be run with the Python of deps/venv-mlflow.
"""

import contextlib
import difflib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

from postgres import Postgres
from server import Server

HERE = pathlib.Path(__file__).resolve().parent
CHERT = ""


# HIDING FOLDER COMMAND: the command does not see what is in the folder, for a mount of its own lies over it
HIDING = ["unshare", "--mount", "--map-root-user", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"']


def run_store(command, uri, folder, *arguments):
    """mlflow_store.py in a process of its own, as the client keeps what it learns about a server."""
    done = subprocess.run([sys.executable, HERE / "mlflow_store.py", command, uri, *arguments], cwd=folder,
                          capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{command} {uri}: {done.stderr[-3000:]}")
    return json.loads(done.stdout) if command == "dump" else None


def chert_import(source, store, *options, check=True, prefix=(), **environment):
    done = subprocess.run([*prefix, CHERT, "import-mlflow", "--store", store, *options, source], capture_output=True, text=True,
                          env={**os.environ, **environment})
    if check and done.returncode:
        raise AssertionError(f"import-mlflow {source}: {done.stderr}")
    return done


@contextlib.contextmanager
def mlflow_server(folder):
    """MLflow's own server: its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(folder / "log", "w") as log:
        process = subprocess.Popen([sys.executable, HERE / "mlflow_server.py", folder, str(port)], stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(url + "/health").close()
                break
            if process.poll() is not None:
                raise AssertionError((folder / "log").read_text())
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait()


def without_links(dump):
    """Folders do not know which traces belong to a run."""
    for experiment in dump["experiments"].values():
        experiment.pop("linked")
    return dump


class Import(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.source, self.target = self.folder / "source", self.folder / "target"
        self.source.mkdir()
        self.target.mkdir()
        self.store = str(self.target / "store.db")

    def check_imported(self, expected, prepare=lambda dump: dump):
        with Server(CHERT, str(self.target), store=self.store) as server:
            found = prepare(run_store("dump", f"http://127.0.0.1:{server.port}", self.folder))
        texts = [json.dumps(dump, indent=1, sort_keys=True).splitlines() for dump in (expected, found)]
        self.assertEqual(list(difflib.unified_diff(*texts, n=2, lineterm="")), [])

    def check_repeated(self, source, *options):
        """A second import finds everything there."""
        told = chert_import(source, self.store, *options).stdout
        self.assertRegex(told, "^imported 0 experiments, 0 runs with 0 metric points, 0 logged models, 0 traces, "
                               "0 registered models with 0 versions, 0 files\n1[78] runs, logged models, traces and "
                               "versions were there already\n$")

    def make_folder(self):
        uri = f"file://{self.source}/mlruns"
        run_store("fill", uri, self.source)
        return without_links(run_store("dump", uri, self.source))

    def test_server(self):
        """And its SQLite file, from which the deleted logged model comes, too."""
        with mlflow_server(self.source) as url:
            run_store("fill", url, self.source)
            expected = run_store("dump", url, self.source)
            self.assertIn("3 logged models, 2 traces", chert_import(url, self.store).stdout)
            self.check_repeated(url)
        self.check_imported(expected)
        self.assertFalse((self.target / "artifacts/.import").exists())
        self.store = str(self.target / "from-file.db")
        shutil.rmtree(self.target / "artifacts")
        file = f"sqlite:///{self.source}/mlflow.db"
        self.assertIn("4 logged models, 2 traces", chert_import(file, self.store).stdout)
        self.check_repeated(file)
        self.check_imported(expected)

    def test_server_whose_files_are_elsewhere(self):
        """Artifacts in a folder that only the server sees, which it is asked for by what they belong to."""
        root = self.folder / "root"
        root.mkdir()
        if subprocess.run([*HIDING, root, "true"], capture_output=True).returncode:
            self.skipTest("no mounts of its own")
        with mlflow_server(self.source) as url:
            run_store("fill", url, self.source, str(root))
            expected = run_store("dump", url, self.source)
            chert_import(url, self.store, prefix=[*HIDING, root])
        self.assertTrue((root / "models").is_dir())
        self.check_imported(expected)

    def test_sqlite_of_a_client(self):
        """A store without a server, whose artifacts are in a folder of its own; moved since."""
        uri = f"sqlite:///{self.source}/mlflow.db"
        run_store("fill", uri, self.source)
        expected = run_store("dump", uri, self.source)
        moved = self.source.rename(self.folder / "moved")
        chert_import(str(moved / "mlflow.db"), self.store)
        self.check_repeated(str(moved / "mlflow.db"))
        self.check_imported(expected)

    def test_folder(self):
        """Moved since; into PostgreSQL where there is one."""
        expected = self.make_folder()
        moved = self.source.rename(self.folder / "moved")
        with Postgres() as url:
            self.store = url or self.store
            options = ["--artifacts", str(self.target / "artifacts")]
            chert_import(str(moved / "mlruns"), self.store, *options)
            self.check_repeated(str(moved / "mlruns"), *options)
            self.check_imported(expected, without_links)

    def test_resuming(self):
        """An import that fails half way, or is killed at any time, is finished by the next one."""
        expected = self.make_folder()
        run = expected["experiments"]['one: "all" #1']["runs"]["main run"]["run_id"]
        meta = next(self.source.glob(f"mlruns/*/{run}/meta.yaml"))
        whole = meta.read_text()
        meta.write_text("status: [")
        damaged = chert_import(str(self.source / "mlruns"), self.store, check=False)
        self.assertEqual(damaged.returncode, 1)
        self.assertIn(f"left out: {meta}: no YAML at line", damaged.stderr)
        self.assertIn("1 could not be read and were left out", damaged.stdout)
        meta.write_text(whole)
        in_the_way = self.target / "artifacts/1"
        blocked = pathlib.Path(self.store).parent / "blocked"
        in_the_way.rename(blocked)
        in_the_way.write_text("no folder")
        failed = chert_import(str(self.source / "mlruns"), self.store, check=False)
        self.assertEqual(failed.returncode, 1)
        self.assertIn(f"{in_the_way}/{run}", failed.stderr)
        in_the_way.unlink()
        blocked.rename(in_the_way)
        command = [CHERT, "import-mlflow", "--store", self.store, str(self.source / "mlruns")]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and not (in_the_way / run).exists():
                pass
            process.send_signal(signal.SIGKILL)
        chert_import(str(self.source / "mlruns"), self.store)
        self.check_repeated(str(self.source / "mlruns"))
        self.check_imported(expected, without_links)

    def test_https(self):
        """From a server with a certificate of its own and users: neither is got around."""
        expected = self.make_folder()
        chert_import(str(self.source / "mlruns"), self.store)
        key, certificate = self.folder / "key.pem", self.folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True,
                       capture_output=True)
        users = self.folder / "users"
        line = subprocess.run([CHERT, "user", "--admin", "ann"], input="secret one", text=True, check=True,
                              capture_output=True).stdout
        users.write_text(line)
        copy = str(self.folder / "copy/store.db")
        os.mkdir(self.folder / "copy")
        command = [CHERT, "serve", "--port=0", "--ui-port=0", f"--store={self.store}", f"--auth={users}",
                   f"--tls-cert={certificate}", f"--tls-key={key}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            url = next(m[0] for line in server.stdout if (m := re.search(r"https://\S+", line)))
            url = re.sub(r"//[^:]*:", "//localhost:", url)
            trusted = {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(certificate)}
            unknown = chert_import(url, copy, check=False)
            self.assertIn("certificate", unknown.stderr)
            self.assertIn("MLFLOW_TRACKING_SERVER_CERT_PATH", unknown.stderr)
            nobody = chert_import(url, copy, check=False, **trusted)
            self.assertIn("answered 401", nobody.stderr)
            ann = {"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": "secret one"}
            chert_import(url, copy, **trusted, **ann)
            server.terminate()
        self.target, self.store = self.folder / "copy", copy
        self.check_imported(expected, without_links)


if __name__ == "__main__":
    CHERT = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
