"""LogisticRegression between bounds: the optimum, which a penalty makes the only one, and what is refused."""

import random

from pyspark.ml.classification import LogisticRegression
from pyspark.ml.linalg import Matrices, Vectors
from pyspark.sql import SparkSession

from results import put, put_error

spark = SparkSession.builder.getOrCreate()
rng = random.Random(5)
rows = []
for _ in range(300):
    x = [rng.gauss(0, 1), rng.gauss(2, 3), rng.gauss(-1, 0.5), rng.random()]
    z = 1.2 * x[0] - 0.4 * x[1] + 0.8 * x[2] + 0.3 + rng.gauss(0, 1.5)
    rows.append((float(z > 0), float((z > 0) + (z > 1.5)), Vectors.dense(x)))
data = spark.createDataFrame(rows, ["two", "three", "features"])
INF = float("inf")
BOUNDS = {
    "lower": {"lowerBoundsOnCoefficients": [0.0] * 4},
    "box": {"lowerBoundsOnCoefficients": [0.1, -0.2, -INF, 0.0], "upperBoundsOnCoefficients": [0.5, 0.2, 0.3, INF]},
    "intercept": {"lowerBoundsOnCoefficients": [0.0] * 4, "upperBoundsOnIntercepts": [-1.0]},
    "none": {"fitIntercept": False, "upperBoundsOnCoefficients": [0.2] * 4},
    "elastic": {"lowerBoundsOnCoefficients": [0.0] * 4, "elasticNetParam": 0.5},
    "shape": {"lowerBoundsOnCoefficients": [0.0] * 3},
    "order": {"lowerBoundsOnIntercepts": [1.0], "upperBoundsOnIntercepts": [0.0]},
    "size": {"lowerBoundsOnIntercepts": [1.0, 2.0]},
}


def learner(label, classes, standardization, bounds):
    params = {"labelCol": label, "regParam": 0.1, "standardization": standardization, "tol": 1e-9, "maxIter": 500}
    for name, value in bounds.items():
        if name.endswith("Coefficients"):
            # column by column
            value = Matrices.dense(classes, len(value), [v for v in value for _ in range(classes)])
        elif name.endswith("Intercepts"):
            value = Vectors.dense(value * classes if len(value) == 1 else value)
        params[name] = value
    return LogisticRegression(**params)


for label, classes in (("two", 1), ("three", 3)):
    for standardization in (True, False):
        for name in ("lower", "box", "intercept", "none"):
            model = learner(label, classes, standardization, BOUNDS[name]).fit(data)
            key = f"{label}.{standardization}.{name}"
            put(f"{key}.coefficients", model.coefficientMatrix.toArray().ravel())
            put(f"{key}.intercepts", model.interceptVector.toArray())
            put(f"{key}.loss", model.summary.objectiveHistory[-1])
for name in ("elastic", "shape", "order", "size"):
    put_error(f"refused.{name}", lambda: learner("two", 1, True, BOUNDS[name]).fit(data).intercept)
