"""Records what a real Spark grows on generated data, for test_tree_spark.c.

    python record.py sc://host:port [case ...]

The server must run with one core (local[1]) and share this machine's /tmp. Each case below becomes CASE.txt beside this
file: its parameters, how to generate its data, and all nodes of all trees as Spark stored them. The data are generated
here and in the C test by the same few lines of arithmetic, so they are not recorded.
"""
import glob
import math
import os
import shutil
import sys

import pyarrow.parquet as pq
from pyspark.ml.classification import DecisionTreeClassifier, GBTClassifier, RandomForestClassifier
from pyspark.ml.linalg import Vectors, VectorUDT
from pyspark.ml.regression import DecisionTreeRegressor, GBTRegressor, RandomForestRegressor
from pyspark.sql import SparkSession
from pyspark.sql.types import BooleanType, DoubleType, StructField, StructType

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = "/tmp/chert-record-trees"
PREDICTED = 8  # rows of the training data whose predictions are recorded
ESTIMATORS = {
    "tree-class": DecisionTreeClassifier, "tree-regression": DecisionTreeRegressor,
    "forest-class": RandomForestClassifier, "forest-regression": RandomForestRegressor,
    "gbt-class": GBTClassifier, "gbt-regression": GBTRegressor,
}


def case(model, rows, columns, classes=0, weights="none", data_seed=1, validation=0, **params):
    return dict(model=model, rows=rows, columns=columns.split(), classes=classes, weights=weights,
                data_seed=data_seed, validation=validation, params=params)


CASES = {
    "class_small": case("tree-class", 60, "u n i3", 2, maxDepth=4),
    "class_categories": case("tree-class", 400, "k3 k7 u k1", 2, maxDepth=5, maxBins=16),
    "class_entropy": case("tree-class", 500, "u t n", 3, impurity="entropy", maxDepth=6),
    "class_unordered": case("tree-class", 600, "k4 u k5 k12 n", 4, maxDepth=6),
    "class_weights": case("tree-class", 500, "u n k3", 2, "quarters", maxDepth=5, minWeightFractionPerNode=0.03),
    "class_weights_many": case("tree-class", 700, "u n k4 k11", 3, "any", maxDepth=7),
    "class_rules": case("tree-class", 800, "u t n z", 2, maxDepth=10, minInstancesPerNode=20, minInfoGain=0.002),
    "class_entropy_weights": case("tree-class", 900, "i20 i30 t k3 k2 k4", 4, "any", impurity="entropy", maxDepth=10,
                                  data_seed=54),
    "class_sampled": case("tree-class", 12000, "u z n", 2, maxDepth=6),
    "class_gaps": case("tree-class", 30000, "u z t k5", 2, maxDepth=5, seed=77),
    "class_bins": case("tree-class", 3000, "u z n", 2, maxDepth=8, maxBins=300),
    "regression_small": case("tree-regression", 80, "u n i3", maxDepth=5),
    "regression_categories": case("tree-regression", 700, "k6 u k14 z", maxDepth=7),
    "regression_weights": case("tree-regression", 700, "u n t", weights="any", maxDepth=8),
    "regression_sampled": case("tree-regression", 15000, "u z n k4", weights="quarters", maxDepth=7, seed=5),
    "regression_deep": case("tree-regression", 1500, "u n t i4", maxDepth=12, data_seed=3),
    "forest_class": case("forest-class", 500, "u n z t k3", 2, numTrees=7, maxDepth=5, seed=11),
    "forest_many": case("forest-class", 300, "u n z t k3 i5 u", 3, numTrees=45, maxDepth=5, seed=-4),
    "forest_groups": case("forest-class", 250, "u n z t k3 u", 2, numTrees=50, maxDepth=8, maxMemoryInMB=1, seed=3),
    "forest_plain": case("forest-class", 500, "u n z t", 2, numTrees=3, bootstrap=False, subsamplingRate=0.6,
                         featureSubsetStrategy="all", seed=9),
    "forest_regression": case("forest-regression", 600, "u n z t k4 u", weights="any", numTrees=12, maxDepth=6,
                              subsamplingRate=0.8, seed=21),
    "gbt_class": case("gbt-class", 800, "u n z t k3", 2, maxIter=12, maxDepth=4, seed=2),
    "gbt_class_ties": case("gbt-class", 500, "n t i9 i4 k3", 2, maxIter=20, maxDepth=5, data_seed=53, seed=3),
    "gbt_class_weights": case("gbt-class", 900, "u n z", 2, "any", maxIter=6, maxDepth=5, stepSize=0.3),
    "gbt_class_sample": case("gbt-class", 900, "u n z t", 2, maxIter=8, maxDepth=3, subsamplingRate=0.5,
                             featureSubsetStrategy="sqrt", seed=6),
    "gbt_regression": case("gbt-regression", 800, "u n z k5", maxIter=8, maxDepth=5),
    "gbt_absolute": case("gbt-regression", 800, "u n z", maxIter=8, maxDepth=3, lossType="absolute"),
    "gbt_validation": case("gbt-regression", 1500, "u n z", validation=3, maxIter=60, maxDepth=3, stepSize=0.2,
                           validationTol=0.01),
}


class Stream:
    """splitmix64, as uniform numbers of [0, 1)."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return ((z ^ (z >> 31)) >> 11) * 2.0 ** -53


def value(kind, u):
    letter, number = kind[0], int(kind[1:] or 0)
    if letter == "u":
        return u
    if letter == "n":
        return math.floor(u * 100) - 50.0
    if letter == "z":
        return 0.0 if u < 0.7 else (u - 0.85) * 10
    if letter == "t":
        return math.floor(u * u * 20) / 4
    return float(math.floor(u * number))  # i, k


def data(spec):
    """Rows of (label, weight, features, is validation)."""
    stream, out = Stream(spec["data_seed"]), []
    for row in range(spec["rows"]):
        x = [value(kind, stream.next()) for kind in spec["columns"]]
        s = 0.0
        for j, v in enumerate(x):
            s += v * ((j * 7 + 3) % 5 - 1.5) / (20.0 if spec["columns"][j][0] == "n" else 1.0)
        if x[0] > 0.5:
            s = 1.0 - s
        noise = stream.next()
        label = math.floor(abs(s) * 2 + noise * 1.5) % spec["classes"] if spec["classes"] else s + noise
        u = stream.next()
        weight = {"none": 1.0, "quarters": 0.25 + math.floor(u * 8) / 4, "any": 0.1 + 2 * u}[spec["weights"]]
        check = spec["validation"] > 0 and row % spec["validation"] == 0
        out.append((float(label), weight, x, check))
    return out


def dataframe(spark, spec):
    schema = StructType([StructField("label", DoubleType()), StructField("weight", DoubleType()),
                         StructField("features", VectorUDT()), StructField("check", BooleanType())])
    rows = [(y, w, Vectors.dense(x), check) for y, w, x, check in data(spec)]
    frame = spark.createDataFrame(rows, schema).coalesce(1)
    attributes = {"numeric": [], "nominal": []}
    for j, kind in enumerate(spec["columns"]):
        if kind[0] == "k":
            attributes["nominal"].append({"idx": j, "num_vals": int(kind[1:])})
        else:
            attributes["numeric"].append({"idx": j})
    metadata = {"ml_attr": {"attrs": {k: v for k, v in attributes.items() if v}, "num_attrs": len(spec["columns"])}}
    return frame.withMetadata("features", metadata)


def numbers(values):
    return " ".join(repr(v) for v in values)


def node_line(node):
    split = node["split"]
    return " ".join(str(node[k]) for k in ("id", "leftChild", "rightChild", "rawCount")) + " " + numbers(
        (node["prediction"], node["impurity"], node["gain"])) + (
        f" {split['featureIndex']} {split['numCategories']} {len(split['leftCategoriesOrThreshold'])} "
        + numbers(split["leftCategoriesOrThreshold"])).rstrip() + " | " + numbers(node["impurityStats"])


def record(spark, name):
    spec = CASES[name]
    params = dict(spec["params"])
    params.setdefault("seed", 42)
    settings = dict(params)
    if spec["weights"] != "none":
        settings["weightCol"] = "weight"
    if spec["validation"]:
        settings["validationIndicatorCol"] = "check"
    frame = dataframe(spark, spec)
    model = ESTIMATORS[spec["model"]](**settings).fit(frame)
    shutil.rmtree(MODEL, ignore_errors=True)
    model.write().overwrite().save(MODEL)
    rows = []
    for path in glob.glob(MODEL + "/data/*.parquet"):
        rows += pq.read_table(path).to_pylist()
    trees = {}
    for row in rows:
        trees.setdefault(row.get("treeID", 0), []).append(row.get("nodeData", row))
    weights = list(model.treeWeights) if hasattr(model, "treeWeights") else [1.0]
    lines = [f"model {spec['model']}", f"rows {spec['rows']}", "columns " + " ".join(spec["columns"]),
             f"classes {spec['classes']}", f"weights {spec['weights']}", f"data_seed {spec['data_seed']}",
             f"validation {spec['validation']}"]
    lines += [f"param {key} {params[key]}" for key in sorted(params)]
    lines.append("importances " + numbers(model.featureImportances.toArray().tolist()))
    if spec["model"].startswith("gbt"):
        losses = [model.evaluateEachIteration(frame)] if spec["classes"] else [
            model.evaluateEachIteration(frame, params.get("lossType", "squared"))]
        lines.append("losses " + numbers(losses[0]))
    raw = "rawPrediction" if spec["classes"] else "prediction"
    for row in model.setLeafCol("leaf").transform(frame).select(raw, "leaf").limit(PREDICTED).collect():
        leaves = row["leaf"].toArray().tolist() if hasattr(row["leaf"], "toArray") else [row["leaf"]]
        values = row[raw].toArray().tolist() if spec["classes"] else [row[raw]]
        lines.append("predict " + numbers(values + leaves))
    for tree in sorted(trees):
        nodes = sorted(trees[tree], key=lambda n: n["id"])
        lines.append(f"tree {tree} {weights[tree]!r} {len(nodes)}")
        lines += [node_line(node) for node in nodes]
    with open(os.path.join(HERE, name + ".txt"), "w") as out:
        out.write("\n".join(lines) + "\n")
    print(name, len(trees), "trees", sum(map(len, trees.values())), "nodes")


def main():
    spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
    for name in sys.argv[2:] or CASES:
        record(spark, name)
    shutil.rmtree(MODEL, ignore_errors=True)


main()
