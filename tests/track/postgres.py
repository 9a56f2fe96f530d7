"""A private PostgreSQL cluster for tests: `with Postgres() as url: ...`, or None when there are no binaries."""
import glob
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile


def binaries():
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin")) or [os.path.dirname(shutil.which("initdb") or "")]
    return pathlib.Path(folders[-1]) if os.path.exists(os.path.join(folders[-1], "initdb")) else None


class Postgres:
    def __init__(self):
        self.bin = binaries()
        self.folder = None

    def run_as(self):
        """PostgreSQL refuses to run as root."""
        if os.getuid() != 0:
            return {}
        user = pwd.getpwnam("postgres")
        os.chown(self.folder, user.pw_uid, user.pw_gid)
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def __enter__(self):
        if not self.bin:
            return None
        self.folder = tempfile.mkdtemp(prefix="chert-postgres-")
        self.how = {"cwd": self.folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **self.run_as()}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        data = self.folder + "/data"
        subprocess.run([self.bin / "initdb", "-D", data, "-U", "chert", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
                       check=True, **self.how)
        options = f"-p {port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off -c shared_buffers=16MB"
        subprocess.run([self.bin / "pg_ctl", "-D", data, "-w", "-o", options, "-l", self.folder + "/log", "start"],
                       check=True, **self.how)
        return f"postgresql://chert@127.0.0.1:{port}/postgres"

    def __exit__(self, *_):
        if self.folder:
            subprocess.run([self.bin / "pg_ctl", "-D", self.folder + "/data", "-m", "immediate", "stop"], **self.how)
            shutil.rmtree(self.folder, ignore_errors=True)
