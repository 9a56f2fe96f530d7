"""kill -9 while 16 clients log: everything that was answered with 200 is there afterwards.

usage: test_kill.py CHERT [ROUNDS]
"""
import http.client
import json
import signal
import sys
import tempfile
import threading
import time

from server import Server

CLIENTS = 16


class Client(threading.Thread):
    """Logs metrics, singly and in batches, until the server is gone; knows what it was told is stored."""

    def __init__(self, port, number):
        super().__init__()
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.number = number
        self.run_id = self.call("runs/create", {"experiment_id": "0", "start_time": 1})["run"]["info"]["run_id"]
        self.stored = []

    def call(self, path, body):
        self.connection.request("POST", "/api/2.0/mlflow/" + path, json.dumps(body),
                                {"Content-Type": "application/json"})
        reply = self.connection.getresponse()
        text = reply.read()
        assert reply.status == 200, text
        return json.loads(text)

    def run(self):
        step = 0
        try:
            while True:
                if (step + self.number) % 5:
                    steps = [step]
                    self.call("runs/log-metric", {"run_id": self.run_id, "key": "m", "value": step, "timestamp": 1,
                                                  "step": step})
                else:
                    steps = list(range(step, step + 20))
                    self.call("runs/log-batch", {"run_id": self.run_id, "metrics": [
                        {"key": "m", "value": s, "timestamp": 1, "step": s} for s in steps]})
                self.stored += steps
                step = steps[-1] + 1
        except (OSError, http.client.HTTPException):
            pass


def history(port, run_id):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", f"/api/2.0/mlflow/metrics/get-history?run_id={run_id}&metric_key=m")
    return {point["step"] for point in json.loads(connection.getresponse().read()).get("metrics", [])}


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            server = Server(sys.argv[1], folder).start()
            clients = [Client(server.port, i) for i in range(CLIENTS)]
            for client in clients:
                client.start()
            time.sleep(0.7 + 0.4 * number)
            server.stop(signal.SIGKILL)
            for client in clients:
                client.join()
            with Server(sys.argv[1], folder) as again:
                for client in clients:
                    lost = set(client.stored) - history(again.port, client.run_id)
                    assert not lost, f"{len(lost)} points of {len(client.stored)} are lost: {sorted(lost)[:10]}"
                    total += len(client.stored)
    assert total > 100 * rounds, f"only {total} points were logged"
    print(f"{rounds} kills, {total} points that were answered with 200: none is lost")


if __name__ == "__main__":
    main()
