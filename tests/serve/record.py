#!/usr/bin/env python3
"""Records what MLflow's own scoring server answers, for test_scoring.py: record.py MODELS > replies.json

MODELS is tests/serve/models. Needs mlflow and the full pyspark (with Java): the models are run by Spark itself.
"""

import json
import http.client
import pathlib
import sys
import threading
import time

LEAD = {"age": 30, "salary": 40000.5, "source": "web", "visits": 7}
LEADS = [
    LEAD,
    {"age": 61, "salary": 52000.0, "source": "mail", "visits": 2},
    {"age": 45, "salary": 71234.25, "source": "nobody", "visits": 9},
    {"age": 22, "salary": 20000.5, "source": "\u00fcbergabe", "visits": 0},
]
COLUMNS = ["age", "salary", "source", "visits"]


def table(rows, columns=COLUMNS):
    return [[row[name] for name in columns] for row in rows]


def split(rows, columns=COLUMNS, **more):
    return {"dataframe_split": {"columns": columns, "data": table(rows, columns), **more}}


def but(**changes):
    return {**LEAD, **changes}


def without(name):
    return {key: value for key, value in LEAD.items() if key != name}


def records(*rows):
    return {"dataframe_records": list(rows)}


JSON = "application/json"
CSV = "age,salary,source,visits\n30,40000.5,web,7\n61,52000,mail,2\n"
# model, name of the case, body (text, or something to be written as JSON), content type
CASES = [
    # the four ways to say the same
    ("leads", "split", split(LEADS), JSON),
    ("leads", "split with an index", split(LEADS, index=[7, 8, 9, 10]), JSON),
    ("leads", "split in another order", split(LEADS, ["visits", "source", "salary", "age"]), JSON),
    ("leads", "records", records(*LEADS), JSON),
    ("leads", "instances", {"instances": LEADS}, JSON),
    ("leads", "inputs by column", {"inputs": {name: [row[name] for row in LEADS] for name in COLUMNS}}, JSON),
    ("leads", "inputs by row", {"inputs": LEADS}, JSON),
    ("leads", "csv", CSV, "text/csv"),
    ("leads", "csv, quoted", 'source,age,salary,visits\n"web",30,40000.5,7\n"a ""b"", c",31,1.5,1\n', "text/csv"),
    ("leads", "charset", split(LEADS), "application/json; charset=utf-8"),
    ("leads", "charset in capitals", split(LEADS), "application/json; charset=UTF-8"),
    # types
    ("leads", "whole number for a double", records(but(salary=40000)), JSON),
    ("leads", "double for a whole number", records(but(age=30.5)), JSON),
    ("leads", "whole double for a whole number", records(but(age=30.0)), JSON),
    ("leads", "text for a number", records(but(age="old")), JSON),
    ("leads", "digits for a number", records(but(age="30")), JSON),
    ("leads", "number for a text", records(but(source=5)), JSON),
    ("leads", "boolean for a number", records(but(age=True)), JSON),
    ("leads", "boolean for a double", records(but(salary=True)), JSON),
    ("leads", "null text", records(but(source=None)), JSON),
    ("leads", "null whole number", records(but(age=None)), JSON),
    ("leads", "null double", records(but(salary=None)), JSON),
    ("leads", "NaN", '{"dataframe_records": [{"age": 1, "salary": NaN, "source": "web", "visits": 1}]}', JSON),
    ("leads", "too big for an integer", records(but(visits=3000000000)), JSON),
    ("leads", "too big for a long", records(but(age=30000000000000000000)), JSON),
    ("leads", "a list for a number", records(but(age=[1])), JSON),
    ("leads", "an object for a number", records(but(age={"a": 1})), JSON),
    # columns
    ("leads", "missing column", records(without("age")), JSON),
    ("leads", "two missing columns", records({"age": 1, "source": "web"}), JSON),
    ("leads", "missing and extra columns", records({**without("age"), "ags": 5}), JSON),
    ("leads", "extra column", records(but(other=1)), JSON),
    ("leads", "optional column", records(but(note="hello")), JSON),
    ("leads", "column missing in one row", records(LEAD, without("source")), JSON),
    ("leads", "columns twice", '{"dataframe_split": {"columns": ["age", "age", "salary", "source", "visits"], "data": [[1, 2, 3.5, "web", 4]]}}', JSON),
    # shapes
    ("leads", "no rows", {"dataframe_split": {"columns": COLUMNS, "data": []}}, JSON),
    ("leads", "no records", records(), JSON),
    ("leads", "short row", {"dataframe_split": {"columns": COLUMNS, "data": [[1, 2.5, "web"]]}}, JSON),
    ("leads", "long row", {"dataframe_split": {"columns": COLUMNS, "data": [[1, 2.5, "web", 4, 5]]}}, JSON),
    ("leads", "rows of two lengths", {"dataframe_split": {"columns": COLUMNS, "data": [[1, 2.5, "web", 4], [1, 2.5]]}}, JSON),
    ("leads", "split without columns", {"dataframe_split": {"data": table(LEADS)}}, JSON),
    ("leads", "split without data", {"dataframe_split": {"columns": COLUMNS}}, JSON),
    ("leads", "split with another member", {"dataframe_split": {"columns": COLUMNS, "data": [], "x": 1}}, JSON),
    ("leads", "split is a list", {"dataframe_split": [LEAD]}, JSON),
    ("leads", "split is a text", {"dataframe_split": "x"}, JSON),
    ("leads", "records is an object", {"dataframe_records": LEAD}, JSON),
    ("leads", "records of numbers", {"dataframe_records": [1, 2]}, JSON),
    ("leads", "instances without names", {"instances": table(LEADS)}, JSON),
    ("leads", "inputs without names", {"inputs": table(LEADS)}, JSON),
    ("leads", "inputs of two lengths", {"inputs": {"age": [1, 2], "salary": [1.5], "source": ["web"], "visits": [1]}}, JSON),
    ("leads", "inputs of one row without lists", {"inputs": LEAD}, JSON),
    ("leads", "params without a schema", {**records(LEAD), "params": {"a": 1}}, JSON),
    # the envelope
    ("leads", "two formats", {**records(LEAD), **split(LEADS)}, JSON),
    ("leads", "no format", {"columns": COLUMNS, "data": table(LEADS)}, JSON),
    ("leads", "empty object", {}, JSON),
    ("leads", "a list", [LEAD], JSON),
    ("leads", "a number", 5, JSON),
    ("leads", "not JSON", '{"dataframe_records": [', JSON),
    ("leads", "empty body", "", JSON),
    ("leads", "more after the end", json.dumps(records(LEAD)) + " x", JSON),
    ("leads", "spaces around", "  \n" + json.dumps(records(LEAD)) + "\n ", JSON),
    ("leads", "escapes", '{"dataframe_records": [{"age": 30, "salary": 4.00005e4, "sour\\u0063e": "w\\u0065b", "visits": 7}]}', JSON),
    # content types
    ("leads", "plain text", "hello", "text/plain"),
    ("leads", "another charset", split(LEADS), "application/json; charset=latin-1"),
    ("leads", "another parameter", split(LEADS), "application/json; format=split"),
    ("leads", "csv that is none", "age\n1,2,3\n4,5,6,7,8\n", "text/csv"),
    ("leads", "csv with text for a number", "age,salary,source,visits\nx,1,web,1\n", "text/csv"),
    ("leads", "csv with empty cells", "age,salary,source,visits\n30,,web,7\n", "text/csv"),
    ("leads", "csv with a missing column", "age,salary\n1,2\n", "text/csv"),
    ("leads", "csv, empty", "", "text/csv"),
    ("leads", "csv without rows", "age,salary,source,visits\n", "text/csv"),
    # without a signature
    ("plain", "split", split(LEADS), JSON),
    ("plain", "records", records(*LEADS), JSON),
    ("plain", "instances", {"instances": LEADS}, JSON),
    ("plain", "inputs by column", {"inputs": {name: [row[name] for row in LEADS] for name in COLUMNS}}, JSON),
    ("plain", "csv", CSV, "text/csv"),
    ("plain", "extra column", records(but(other=1)), JSON),
    ("plain", "missing column", records(without("age")), JSON),
    ("plain", "text for a number", records(but(age="old")), JSON),
    # what the stages say
    ("strict", "split", split(LEADS[:2]), JSON),
    ("strict", "unseen label", split(LEADS), JSON),
    ("strict", "null", records(but(salary=None)), JSON),
    ("skipping", "unseen label", split(LEADS), JSON),
    ("skipping", "nothing left", split(LEADS[2:3]), JSON),
    ("forest", "split", split(LEADS, ["age", "salary", "visits"]), JSON),
    ("forest", "double for a float", records({"age": 1, "salary": 0.1, "visits": 1}), JSON),
    ("vector", "split", {"dataframe_split": {"columns": ["features"], "data": [[[30.0, 7.0]], [[61.0, 2.0]]]}}, JSON),
    ("vector", "records", {"dataframe_records": [{"features": [30, 7]}, {"features": [61, 2]}]}, JSON),
    ("vector", "inputs", {"inputs": {"features": [[30, 7], [61, 2]]}}, JSON),
    ("vector", "vector of another size", {"dataframe_records": [{"features": [30, 7, 8]}]}, JSON),
    ("vector", "a number", {"dataframe_records": [{"features": 30}]}, JSON),
    ("names", "records", records(*LEADS), JSON),
]


def requests(path, cases, port):
    for name, body, content_type in cases:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request("POST", "/invocations", data, {"Content-Type": content_type})
        reply = connection.getresponse()
        text = reply.read().decode()
        kind = reply.getheader("Content-Type")
        answer = json.loads(text) if kind == "application/json" and text.strip().startswith("{") else text
        if isinstance(answer, dict):
            answer.pop("stack_trace", None)
        yield {
            "model": path.name,
            "name": name,
            "content_type": content_type,
            "body": data.decode(),
            "status": reply.status,
            "reply_type": kind,
            "reply": answer,
        }
        connection.close()


def main():
    import mlflow.pyfunc
    import uvicorn
    from mlflow.pyfunc import scoring_server
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    folder = pathlib.Path(sys.argv[1])
    recorded = []
    for port, model in enumerate(dict.fromkeys(case[0] for case in CASES), 18750):
        app = scoring_server.init(mlflow.pyfunc.load_model(str(folder / model)))
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        recorded += requests(folder / model, [case[1:] for case in CASES if case[0] == model], port)
        server.should_exit = True
        thread.join()
    json.dump(recorded, sys.stdout, indent=1, ensure_ascii=False)
    print()


main()
