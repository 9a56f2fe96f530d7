"""Plays the requests of replies.py against chert and compares with what MLflow's own server answered (replies.json).

On SQLite, and on PostgreSQL where it is installed. usage: test_replies.py CHERT
"""
import http.client
import json
import pathlib
import sys
import tempfile
import time
import urllib.parse

import replies
from postgres import Postgres
from server import Server


def differences(server, expected):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

    def send(method, path, arguments):
        if method == "GET":
            connection.request(method, path + "?" + urllib.parse.urlencode(arguments, doseq=True))
        else:
            connection.request(method, path, json.dumps(arguments), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        # Lists are in the order of times in milliseconds: what is made must not have the time of what was made before.
        if method != "GET" and "search" not in path:
            time.sleep(0.002)
        return reply.status, reply.read().decode()

    player = replies.Player(send)
    for request, wanted in zip(replies.REQUESTS, expected, strict=True):
        got = player.play(*request)
        if got != wanted:
            yield (f"{request}\n  MLflow: {json.dumps(wanted, sort_keys=True)[:1500]}\n"
                   f"  chert:  {json.dumps(got, sort_keys=True)[:1500]}")


def compare(name, store):
    expected = json.loads((pathlib.Path(__file__).parent / "replies.json").read_text())
    with tempfile.TemporaryDirectory() as folder, Server(sys.argv[1], folder, store) as server:
        found = list(differences(server, expected))
    print(*found, f"{name}: {len(expected) - len(found)} of {len(expected)} replies are as MLflow's", sep="\n")
    return len(found)


def main():
    failed = compare("SQLite", None)
    with Postgres() as url:
        if url:
            failed += compare("PostgreSQL", url)
        else:
            print("PostgreSQL is not installed: not tested")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
