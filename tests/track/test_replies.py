"""Plays the requests of replies.py against chert and compares with what MLflow's own server answered (replies.json).

usage: test_replies.py CHERT [STORE]   STORE: a PostgreSQL URL; an SQLite file in a new folder when not given
"""
import http.client
import json
import pathlib
import sys
import tempfile
import urllib.parse

import replies
from server import Server



def main():
    expected = json.loads((pathlib.Path(__file__).parent / "replies.json").read_text())
    with tempfile.TemporaryDirectory() as folder, Server(sys.argv[1], folder, *sys.argv[2:3]) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

        def send(method, path, arguments):
            if method == "GET":
                connection.request(method, path + "?" + urllib.parse.urlencode(arguments, doseq=True))
            else:
                connection.request(method, path, json.dumps(arguments), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            return reply.status, reply.read().decode()

        player = replies.Player(send)
        failed = 0
        for request, wanted in zip(replies.REQUESTS, expected, strict=True):
            got = player.play(*request)
            if got == wanted or json.dumps(request[:3]) in replies.ON_PURPOSE:
                continue
            failed += 1
            print(f"{request}\n  MLflow: {json.dumps(wanted, sort_keys=True)[:1500]}\n"
                  f"  chert:  {json.dumps(got, sort_keys=True)[:1500]}")
    print(f"{len(expected) - failed} of {len(expected)} replies are as MLflow's")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
