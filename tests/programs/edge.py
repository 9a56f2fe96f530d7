"""Unkind data: each case gives Spark's error or Spark's result, and the server lives on."""

import math
import os
import re

from pyspark.ml.classification import (
    DecisionTreeClassifier,
    GBTClassifier,
    LogisticRegression,
    RandomForestClassifier,
)
from pyspark.ml.clustering import KMeans
from pyspark.ml.evaluation import BinaryClassificationEvaluator, MulticlassClassificationEvaluator
from pyspark.ml.feature import MinMaxScaler, OneHotEncoder, StandardScaler, StringIndexer, VectorAssembler
from pyspark.ml.functions import array_to_vector
from pyspark.ml.linalg import Vectors
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from results import path, put, put_error, put_rows

spark = SparkSession.builder.getOrCreate()


def points(rows, schema="features ARRAY<DOUBLE>, label DOUBLE"):
    return spark.createDataFrame(rows, schema).withColumn("features", array_to_vector("features")).coalesce(1)


# Spark wraps what its workers raise in words about its stages, tasks and generated classes; those are left out.
WRAPPING = re.compile(r"^(\[FAILED_EXECUTE_UDF\] .* failed due to: |Job aborted due to stage failure: .*?: )[\w.$]+: ")


def outcome(key, action):
    """The first line of what went wrong, or the result."""
    try:
        put(key, ["ok", action()])
    except Exception as e:  # noqa: BLE001
        lines = str(e).strip().splitlines()
        message = WRAPPING.sub("", lines[0]) if lines else ""
        message = re.sub(r"_[0-9a-f]{12}\b", "_UID", message).removesuffix(" SQLSTATE: 39000").rstrip(".")
        put(key, [type(e).__name__, message])


def kind_of(action):
    try:
        return action()
    except Exception as e:  # noqa: BLE001
        return type(e).__name__


CLASSIFIERS = {
    "lr": LogisticRegression(maxIter=5),
    "tree": DecisionTreeClassifier(maxDepth=2),
    "forest": RandomForestClassifier(numTrees=2, maxDepth=2, seed=1),
    "gbt": GBTClassifier(maxIter=2, maxDepth=2, seed=1),
}
LABELS = {
    "negative": [-1.0, 0.0, 1.0],
    "fraction": [0.5, 0.0, 1.0],
    "null": [None, 0.0, 1.0],
    "nan": [math.nan, 0.0, 1.0],
    "zeros": [0.0, 0.0, 0.0],
    "ones": [1.0, 1.0, 1.0],
    "three": [0.0, 1.0, 2.0],
}
for case, labels in LABELS.items():
    data = points([([float(i), 1.0 - i * i], label) for i, label in enumerate(labels)])
    for name, classifier in CLASSIFIERS.items():
        outcome(f"label.{case}.{name}", lambda: classifier.fit(data).transform(data).agg(F.sum("prediction")).first()[0])

good = points([([0.0, 1.0], 0.0), ([1.0, 0.0], 1.0), ([2.0, 1.0], 1.0), ([3.0, 5.0], 0.0)])
for name, classifier in CLASSIFIERS.items():
    outcome(f"zeroRows.{name}", lambda: classifier.fit(good.filter("label > 5")).numFeatures)
    outcome(f"oneRow.{name}", lambda: classifier.fit(good.limit(1)).transform(good).agg(F.sum("prediction")).first()[0])
    outcome(f"noLabel.{name}", lambda: classifier.fit(good.drop("label")))
    outcome(f"noFeatures.{name}", lambda: classifier.fit(good.drop("features")))
    outcome(f"textLabel.{name}", lambda: classifier.fit(good.withColumn("label", F.lit("x"))))
    outcome(f"scalarFeatures.{name}", lambda: classifier.fit(good.withColumn("features", F.lit(1.0))))
    outcome(f"nullFeatures.{name}", lambda: classifier.fit(good.withColumn("features", F.when(F.col("label") == 1, F.col("features")))))
outcome("params.iterations", lambda: LogisticRegression(maxIter=-1).fit(good))
outcome("params.depth", lambda: DecisionTreeClassifier(maxDepth=40).fit(good))
outcome("params.bins", lambda: DecisionTreeClassifier(maxBins=1).fit(good))
outcome("params.elastic", lambda: LogisticRegression(elasticNetParam=1.5).fit(good))
outcome("params.impurity", lambda: DecisionTreeClassifier(impurity="nonsense").fit(good))
outcome("params.subset", lambda: RandomForestClassifier(featureSubsetStrategy="nonsense").fit(good))
outcome("params.family", lambda: LogisticRegression(family="binomial").fit(points([([1.0], 0.0), ([2.0], 1.0), ([3.0], 2.0)])))

outcome("kmeans.few", lambda: [KMeans(k=10, seed=1).fit(good).summary.trainingCost, len(KMeans(k=10, seed=1).fit(good).clusterCenters())])
outcome("kmeans.zero", lambda: KMeans(k=2, seed=1).fit(good.filter("label > 5")).summary.k)
outcome("kmeans.one", lambda: KMeans(k=1).fit(good))
outcome("kmeans.same", lambda: len(KMeans(k=3, seed=1).fit(points([([1.0, 1.0], 0.0)] * 5)).clusterCenters()))
outcome("kmeans.nan", lambda: KMeans(k=2, seed=1).fit(points([([math.nan], 0.0), ([1.0], 0.0), ([2.0], 1.0)])).summary.k)

text = spark.createDataFrame([("a", 1.0), (None, 2.0), ("b", None), ("a", math.nan)], "s STRING, x DOUBLE").coalesce(1)
outcome("indexer.null", lambda: StringIndexer(inputCol="s", outputCol="i").fit(text).transform(text).collect())
outcome("indexer.keep", lambda: [r["i"] for r in StringIndexer(inputCol="s", outputCol="i", handleInvalid="keep").fit(text).transform(text).collect()])
unseen = spark.createDataFrame([("zzz",)], "s STRING")
outcome("indexer.unseen", lambda: StringIndexer(inputCol="s", outputCol="i").fit(text.dropna()).transform(unseen).collect())
outcome("indexer.column", lambda: StringIndexer(inputCol="nope", outputCol="i").fit(text))
outcome("indexer.exists", lambda: StringIndexer(inputCol="s", outputCol="x").fit(text).transform(text).collect())
nothing = spark.createDataFrame([(None,), (None,)], "s STRING")
outcome("indexer.noCategory", lambda: StringIndexer(inputCol="s", outputCol="i", handleInvalid="keep").fit(nothing).labels)
outcome("assembler.null", lambda: VectorAssembler(inputCols=["x"], outputCol="v").transform(text).collect())
outcome("assembler.keep", lambda: [r["v"].toArray().tolist() for r in VectorAssembler(inputCols=["x"], outputCol="v", handleInvalid="keep").transform(text).collect()])
outcome("assembler.skip", lambda: VectorAssembler(inputCols=["x"], outputCol="v", handleInvalid="skip").transform(text).count())
outcome("assembler.text", lambda: VectorAssembler(inputCols=["s"], outputCol="v").transform(text).collect())
outcome("assembler.column", lambda: VectorAssembler(inputCols=["q"], outputCol="v").transform(text).collect())
outcome("onehot.negative", lambda: OneHotEncoder(inputCol="x", outputCol="v").fit(text.select(F.lit(-1.0).alias("x"))).transform(text).collect())
outcome("onehot.fraction", lambda: OneHotEncoder(inputCol="x", outputCol="v").fit(text.select(F.lit(1.5).alias("x"))))
outcome("onehot.unseen", lambda: OneHotEncoder(inputCol="x", outputCol="v").fit(text.select(F.lit(1.0).alias("x"))).transform(text.select(F.lit(3.0).alias("x"))).collect())
outcome("scaler.constant", lambda: [r["s"].toArray().tolist() for r in StandardScaler(inputCol="features", outputCol="s", withMean=True).fit(points([([2.0, 1.0], 0.0), ([2.0, 3.0], 0.0)])).transform(good).limit(2).collect()])
outcome("scaler.zero", lambda: StandardScaler(inputCol="features", outputCol="s").fit(good.filter("label > 5")).mean)
outcome("minmax.constant", lambda: [r["s"].toArray().tolist() for r in MinMaxScaler(inputCol="features", outputCol="s").fit(points([([2.0], 0.0), ([2.0], 0.0)])).transform(points([([2.0], 0.0), ([5.0], 0.0)])).collect()])

predictions = LogisticRegression(maxIter=5).fit(good).transform(good)
outcome("evaluator.label", lambda: BinaryClassificationEvaluator(labelCol="nope").evaluate(predictions))
outcome("evaluator.raw", lambda: BinaryClassificationEvaluator(rawPredictionCol="nope").evaluate(predictions))
outcome("evaluator.metric", lambda: MulticlassClassificationEvaluator(metricName="nonsense").evaluate(predictions))
outcome("evaluator.zeroRows", lambda: BinaryClassificationEvaluator().evaluate(predictions.filter("label > 5")))
outcome("evaluator.oneClass", lambda: BinaryClassificationEvaluator().evaluate(predictions.filter("label = 1")))
outcome("evaluator.f1ZeroRows", lambda: MulticlassClassificationEvaluator().evaluate(predictions.filter("label > 5")))
outcome("predict.size", lambda: LogisticRegression(maxIter=5).fit(good).predict(Vectors.dense(1.0, 2.0, 3.0)) in (0.0, 1.0))

os.makedirs(path("bad"))
with open(path("bad/x.parquet"), "wb") as f:
    f.write(b"PAR1 this is no parquet file at all PAR1")
put("parquet.garbage", kind_of(lambda: spark.read.parquet(path("bad")).count()))  # Spark's message says nothing
spark.range(100).write.parquet(path("cut"))
[part] = [name for name in os.listdir(path("cut")) if name.endswith(".parquet") and not name.startswith(".")]
whole = open(path("cut/" + part), "rb").read()
for name in os.listdir(path("cut")):
    os.remove(path("cut/" + name))
with open(path("cut/" + part), "wb") as f:
    f.write(whole[: len(whole) // 2])
put_error("parquet.truncated", lambda: spark.read.schema("id LONG").parquet(path("cut")).count())
with open(path("broken.csv"), "w") as f:
    f.write("a,b\n1,2\nthree,4\n")
put_error("csv.failfast", lambda: spark.read.csv(path("broken.csv"), schema="a INT, b INT", header=True, mode="FAILFAST").collect())
put_error("model.missing", lambda: LogisticRegression.load(path("nowhere")))
put_rows("alive", good.groupBy("label").count().orderBy("label"))
spark.stop()
