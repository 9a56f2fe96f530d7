"""A chert server for tests of the tracking server, in a folder of its own."""
import os
import re
import signal
import subprocess


class Server:
    def __init__(self, chert, folder, store=None, options=()):
        self.command = [chert, "serve", "--port", "0", "--ui-port", "0", "--testing",
                        "--store", store or os.path.join(folder, "store.db"),
                        "--artifacts", os.path.join(folder, "artifacts"), *options]
        self.process = None
        self.port = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found[1])
                return self
        raise RuntimeError(f"no server: {self.command} ended with {self.process.wait()}")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
