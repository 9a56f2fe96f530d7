#!/usr/bin/env python3
"""Makes the models of test_scoring.py with Spark and mlflow: make_models.py tests/serve/models

Needs mlflow and the full pyspark (with Java). record.py must be run afterwards: it records what they answer.
"""

import pathlib
import shutil
import sys

import mlflow.spark
from mlflow.models.signature import ModelSignature
from mlflow.types import ColSpec, Schema
from mlflow.types.schema import SparkMLVector
from pyspark.ml import Pipeline
from pyspark.ml.classification import GBTClassifier, LogisticRegression, RandomForestClassifier
from pyspark.ml.clustering import KMeans
from pyspark.ml.feature import MinMaxScaler, OneHotEncoder, StandardScaler, StringIndexer, VectorAssembler
from pyspark.sql import SparkSession

SOURCES = ["web", "mail", "phone", "fair", "\u00fcbergabe"]


def lead(i):
    age, salary, visits = 20 + (i * 7) % 45, 20000.0 + (i * 7919) % 60000 + 0.5, (i * 13) % 11
    source = SOURCES[(i * i) % 5 if i % 3 else i % 4]
    converted = (age > 40) != (visits > 5) or (source == "web" and salary > 50000)
    return age, salary, source, visits, float(converted)


def columns(*specs):
    return ModelSignature(inputs=Schema([ColSpec(*spec[:2], **(spec[2] if spec[2:] else {})) for spec in specs]))


def save(folder, model, signature=None):
    shutil.rmtree(folder, ignore_errors=True)
    mlflow.spark.save_model(model, str(folder), signature=signature, pip_requirements=["pyspark"])
    for path in list(folder.rglob("*")):
        if path.name.startswith((".", "_")) or path.parent == folder and path.is_file() and path.name != "MLmodel":
            path.unlink()


def indexer(**options):
    return StringIndexer(inputCol="source", outputCol="source_index", **options)


def assembler(*inputs, **options):
    return VectorAssembler(inputCols=list(inputs), outputCol="features", **options)


def main():
    out = pathlib.Path(sys.argv[1])
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    leads = spark.createDataFrame(
        [lead(i) for i in range(200)], "age long, salary double, source string, visits int, converted double"
    )
    leads = leads.coalesce(1).cache()
    label = {"labelCol": "converted"}

    boosted = GBTClassifier(maxIter=5, maxDepth=3, seed=7, **label)
    stages = [indexer(handleInvalid="keep"), assembler("age", "salary", "visits", "source_index"), boosted]
    model = Pipeline(stages=stages).fit(leads)
    signature = columns(
        ("long", "age"), ("double", "salary"), ("string", "source"), ("integer", "visits"),
        ("string", "note", {"required": False}),
    )
    save(out / "leads", model, signature)
    save(out / "plain", model)

    stages = [
        indexer(),
        OneHotEncoder(inputCol="source_index", outputCol="source_vector"),
        assembler("age", "salary", "source_vector"),
        StandardScaler(inputCol="features", outputCol="scaled"),
        LogisticRegression(featuresCol="scaled", maxIter=20, regParam=0.01, **label),
    ]
    save(out / "strict", Pipeline(stages=stages).fit(leads))

    stages = [
        indexer(handleInvalid="skip"),
        assembler("age", "salary", "source_index", handleInvalid="skip"),
        MinMaxScaler(inputCol="features", outputCol="scaled"),
        KMeans(featuresCol="scaled", k=3, seed=5),
    ]
    save(out / "skipping", Pipeline(stages=stages).fit(leads))

    vectors = assembler("age", "visits").transform(leads)
    save(out / "vector", LogisticRegression(maxIter=10, **label).fit(vectors), columns((SparkMLVector(), "features")))
    save(out / "names", Pipeline(stages=[indexer(handleInvalid="keep")]).fit(leads))

    forest = RandomForestClassifier(numTrees=3, maxDepth=3, seed=1, **label)
    model = Pipeline(stages=[assembler("age", "salary", "visits"), forest]).fit(leads)
    save(out / "forest", model, columns(("integer", "age"), ("float", "salary"), ("long", "visits")))
    spark.stop()


main()
