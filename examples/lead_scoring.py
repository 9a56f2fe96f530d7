#!/usr/bin/env python3
"""Which leads will convert? Trains three models on a CSV of leads, reports on them, saves the best and its scores.

    chert submit examples/lead_scoring.py LEADS.csv OUTPUT_FOLDER

This is a plain PySpark program: nothing in it knows of chert. examples/make_leads.py makes data for it.
"""

import os
import sys

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import GBTClassifier, LogisticRegression, RandomForestClassifier
from pyspark.ml.evaluation import BinaryClassificationEvaluator, MulticlassClassificationEvaluator
from pyspark.ml.feature import OneHotEncoder, StandardScaler, StringIndexer, VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

LABEL = "converted"

CLASSIFIERS = {
    "gradient-boosted trees": GBTClassifier(
        labelCol=LABEL, featuresCol="features", maxIter=20, maxDepth=5, stepSize=0.1, subsamplingRate=0.8, seed=42
    ),
    "random forest": RandomForestClassifier(
        labelCol=LABEL, featuresCol="features", numTrees=50, maxDepth=5, seed=42
    ),
    "logistic regression": LogisticRegression(labelCol=LABEL, featuresCol="features", maxIter=100, regParam=0.01),
}


def feature_stages():
    """From the raw columns to one standardised vector."""
    return [
        StringIndexer(inputCol="last_action", outputCol="action_index", handleInvalid="keep"),
        OneHotEncoder(inputCols=["action_index"], outputCols=["action"]),
        VectorAssembler(inputCols=["age", "salary", "web_visits", "action"], outputCol="raw_features"),
        StandardScaler(inputCol="raw_features", outputCol="features", withMean=True, withStd=True),
    ]


def metrics_of(predictions):
    """The five numbers by which models are compared."""
    by_rank = BinaryClassificationEvaluator(labelCol=LABEL, metricName="areaUnderROC")
    by_class = MulticlassClassificationEvaluator(labelCol=LABEL)
    metrics = {"AUC": by_rank.evaluate(predictions)}
    for title, name in [
        ("accuracy", "accuracy"),
        ("precision", "weightedPrecision"),
        ("recall", "weightedRecall"),
        ("F1", "f1"),
    ]:
        metrics[title] = by_class.evaluate(predictions, {by_class.metricName: name})
    return metrics


def confusion_of(predictions):
    """Counts by (label, prediction)."""
    rows = predictions.groupBy(LABEL, "prediction").count().collect()
    counts = {(int(row[LABEL]), int(row["prediction"])): row["count"] for row in rows}
    return [[counts.get((label, guess), 0) for guess in (0, 1)] for label in (0, 1)]


def feature_names(predictions):
    """Names of the vector's places, out of the metadata that the assembler left on its column."""
    groups = predictions.schema["raw_features"].metadata["ml_attr"]["attrs"]
    places = {attribute["idx"]: attribute["name"] for group in groups.values() for attribute in group}
    return [places[i].replace("action_", "action = ") for i in sorted(places)]


def weights_of(model, names):
    """What the last stage looks at, largest first: importances of trees, coefficients of a linear model."""
    classifier = model.stages[-1]
    if hasattr(classifier, "featureImportances"):
        title, values = "importance", classifier.featureImportances.toArray()
    else:
        title, values = "coefficient", classifier.coefficients.toArray()
    return title, sorted(zip(names, values), key=lambda pair: -abs(pair[1]))


def report(name, metrics, confusion, weights):
    print(f"\n{name}\n{'-' * len(name)}")
    print("   ".join(f"{title} {value:.4f}" for title, value in metrics.items()))
    print("                   predicted no  predicted yes")
    for label, row in zip(("did not convert", "converted"), confusion):
        print(f"  {label:15s} {row[0]:13d} {row[1]:14d}")
    title, pairs = weights
    print(f"  {title}s: " + ", ".join(f"{feature} {value:.3f}" for feature, value in pairs))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    path, output = sys.argv[1], os.path.abspath(sys.argv[2])
    spark = SparkSession.builder.appName("lead scoring").getOrCreate()

    leads = spark.read.csv(os.path.abspath(path), header=True, inferSchema=True)
    rows, rate = leads.agg(F.count("*"), F.avg(LABEL)).first()
    print(f"{rows} leads in {path}, {rate:.1%} of them converted")
    leads.groupBy("last_action").agg(F.count("*").alias("leads"), F.avg(LABEL).alias("rate")).orderBy(
        F.desc("rate")
    ).show()
    train, test = leads.randomSplit([0.8, 0.2], seed=42)
    print(f"training on {train.count()}, testing on {test.count()}")

    models, auc = {}, {}
    for name, classifier in CLASSIFIERS.items():
        models[name] = Pipeline(stages=feature_stages() + [classifier]).fit(train)
        predictions = models[name].transform(test)
        metrics = metrics_of(predictions)
        auc[name] = metrics["AUC"]
        report(name, metrics, confusion_of(predictions), weights_of(models[name], feature_names(predictions)))

    best = max(auc, key=auc.get)
    print(f"\nbest model: {best}, AUC {auc[best]:.4f}")
    model_path, scores_path = os.path.join(output, "best_model"), os.path.join(output, "predictions.parquet")
    models[best].write().overwrite().save(model_path)
    scores = (
        PipelineModel.load(model_path)
        .transform(leads)
        .withColumn("score", vector_to_array("probability")[1])
        .select("id", LABEL, "score", "prediction")
    )
    scores.write.mode("overwrite").parquet(scores_path)
    print(f"saved pipeline: {model_path}")
    print(f"predictions:    {scores_path}")
    print("the most promising leads:")
    spark.read.parquet(scores_path).orderBy(F.desc("score"), "id").show(5)
    spark.stop()


main()
