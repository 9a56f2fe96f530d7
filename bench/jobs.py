#!/usr/bin/env python3
"""One timed piece of work: jobs.py CONTENDER JOB CSV, run by run.py with the contender's Python.

Prints JSON lines: CPU and wall seconds of the work, reading included, starting and importing excluded, and what came
out of it. CPU counts this process and the server it uses (a JVM, or the process $CHERT_BENCH_SERVER). "cores" is how
many cores a server kept busy while it fitted the last stage again; "again" are the CPU seconds of a repetition, when
the memory that is needed has been used before.
"""

import json
import os
import pathlib
import sys
import time

ROUNDS = {"gbt": 20, "rounds20": 20, "rounds60": 60}


def process_cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Clock:
    """CPU seconds of this process and of one other, wall seconds."""

    def __init__(self, other=None):
        self.pids = [os.getpid()] + ([other] if other else [])
        self.start()

    def start(self):
        self.cpu, self.wall = self.read()

    def read(self):
        return [process_cpu(pid) for pid in self.pids], time.monotonic()

    def spent(self):
        """[CPU seconds of each process], wall seconds since the start."""
        cpu, wall = self.read()
        return [now - then for now, then in zip(cpu, self.cpu)], wall - self.wall

    def stop(self, **results):
        cpu, wall = self.spent()
        say(cpu=sum(cpu), wall=wall, client=cpu[0], **results)


def say(**results):
    print(json.dumps(results), flush=True)


def fetch_again(clock, fetch, times=5):
    """Says the median of a few repetitions."""
    seconds = []
    for _ in range(times):
        clock.start()
        fetch()
        seconds.append(sum(clock.spent()[0]))
    say(again=sorted(seconds)[times // 2])


# ---- programs of the Spark API: the same code for chert and for Spark itself


def session(contender):
    """The session and the process that works for it."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("bench")
    if contender == "chert":
        return builder.getOrCreate(), int(os.environ["CHERT_BENCH_SERVER"])
    builder = builder.master("local[2]").config("spark.driver.memory", "3g").config("spark.ui.enabled", "false")
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    spark = builder.config("spark.sql.execution.arrow.pyspark.enabled", "true").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark, spark.sparkContext._gateway.proc.pid


def classifier(job):
    from pyspark.ml.classification import GBTClassifier, LogisticRegression, RandomForestClassifier

    columns = {"labelCol": "converted", "featuresCol": "features"}
    if job == "lr":
        return LogisticRegression(maxIter=100, regParam=0.01, **columns)
    if job == "rf":
        return RandomForestClassifier(numTrees=50, maxDepth=5, seed=42, **columns)
    return GBTClassifier(maxIter=ROUNDS[job], maxDepth=5, stepSize=0.1, seed=42, **columns)


def spark_fit(contender, job, csv):
    from pyspark.ml import Pipeline
    from pyspark.ml.evaluation import BinaryClassificationEvaluator
    from pyspark.ml.feature import OneHotEncoder, StandardScaler, StringIndexer, VectorAssembler

    spark, server = session(contender)
    stages = [
        StringIndexer(inputCol="last_action", outputCol="action_index"),
        OneHotEncoder(inputCols=["action_index"], outputCols=["action"]),
        VectorAssembler(inputCols=["age", "salary", "web_visits", "action"], outputCol="raw"),
        StandardScaler(inputCol="raw", outputCol="features", withMean=True),
        classifier(job),
    ]
    clock = Clock(server)
    leads = spark.read.csv(csv, header=True, inferSchema=True)
    if contender == "spark":
        leads = leads.cache()  # what anybody does who cares for Spark's time
    model = Pipeline(stages=stages).fit(leads)
    clock.stop()
    sample = leads.limit(50000)
    say(auc=BinaryClassificationEvaluator(labelCol="converted").evaluate(model.transform(sample)))
    prepared = leads
    for stage in model.stages[:-1]:
        prepared = stage.transform(prepared)
    if contender == "chert":
        clock.start()
        stages[-1].fit(prepared)
        cpu, wall = clock.spent()
        say(cores=cpu[1] / wall)
    spark.stop()


def spark_pandas(contender):
    from pyspark.sql import functions as F

    spark, server = session(contender)
    frame = spark.range(10_000_000).select(*[(F.col("id") * k / 7.0).alias(f"x{k}") for k in range(1, 5)])
    frame.limit(10).toPandas()
    clock = Clock(server)
    rows = len(frame.toPandas())
    clock.stop(rows=rows)
    fetch_again(clock, frame.toPandas)
    spark.stop()


# ---- the libraries


def read_matrix(csv):
    import pandas

    leads = pandas.read_csv(csv, engine="pyarrow")
    features = leads[["age", "salary", "web_visits"]].astype("float64")
    for action in ("email_click", "form_submit", "web_view"):
        features[action] = (leads["last_action"] == action).astype("float64")
    return features.to_numpy(), leads["converted"].to_numpy()


def report_auc(scores, labels):
    import numpy as np

    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    positive = labels == 1
    n1, n0 = positive.sum(), (~positive).sum()
    say(auc=float((ranks[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)))


def library_fit(contender, job, csv):
    threads = len(os.sched_getaffinity(0))
    if contender == "xgboost":
        import xgboost

        clock = Clock()
        x, y = read_matrix(csv)
        if job == "rf":
            options = {"num_parallel_tree": 50, "subsample": 0.63, "colsample_bynode": 0.4, "learning_rate": 1.0}
        else:
            options = {"learning_rate": 0.1}
        options.update(objective="binary:logistic", tree_method="hist", max_depth=5, nthread=threads)
        booster = xgboost.train(options, xgboost.QuantileDMatrix(x, y), 1 if job == "rf" else ROUNDS[job])
        clock.stop()
        report_auc(booster.inplace_predict(x[:50000]), y[:50000])
    elif contender == "lightgbm":
        import lightgbm

        clock = Clock()
        x, y = read_matrix(csv)
        options = {"objective": "binary", "num_leaves": 31, "max_depth": 5, "num_threads": threads, "verbose": -1}
        if job == "rf":
            options.update(boosting="rf", bagging_freq=1, bagging_fraction=0.63, feature_fraction_bynode=0.4)
        booster = lightgbm.train(options, lightgbm.Dataset(x, y), 50 if job == "rf" else ROUNDS[job])
        clock.stop()
        report_auc(booster.predict(x[:50000]), y[:50000])
    else:
        from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler

        clock = Clock()
        x, y = read_matrix(csv)
        if job == "lr":
            x = StandardScaler().fit_transform(x)
            model = LogisticRegression(C=1 / (0.01 * len(y)), max_iter=100)
        elif job == "rf":
            model = RandomForestClassifier(50, max_depth=5, n_jobs=threads, random_state=42)
        else:
            model = HistGradientBoostingClassifier(max_iter=ROUNDS[job], max_depth=5, early_stopping=False)
        model.fit(x, y)
        clock.stop()
        report_auc(model.predict_proba(x[:50000])[:, 1], y[:50000])


def duckdb_arrow(contender):
    """As a relation, or by a cursor, which keeps all rows before it converts them."""
    import duckdb

    connection = duckdb.connect()
    columns = ", ".join(f"id * {k} / 7.0 AS x{k}" for k in range(1, 5))
    query = f"SELECT {columns} FROM range(10000000) t(id)"

    def fetch(text=query):
        run = connection.execute if contender == "duckdb_cursor" else connection.sql
        result = run(text)
        return result.to_arrow_table() if hasattr(result, "to_arrow_table") else result.fetch_arrow_table()

    fetch(query + " LIMIT 10")
    clock = Clock()
    rows = fetch().num_rows
    clock.stop(rows=rows)
    fetch_again(clock, fetch)


def main():
    contender, job, csv = sys.argv[1], sys.argv[2], os.path.abspath(sys.argv[3])
    if job == "pandas":
        duckdb_arrow(contender) if contender.startswith("duckdb") else spark_pandas(contender)
    elif contender in ("chert", "spark"):
        spark_fit(contender, job, csv)
    else:
        library_fit(contender, job, csv)


main()
