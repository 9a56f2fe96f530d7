"""Cross-validation and train-validation split, serial and parallel, saved and loaded."""

import random

from pyspark.ml import Pipeline
from pyspark.ml.classification import GBTClassifier, LogisticRegression, RandomForestClassifier
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.tuning import CrossValidator, CrossValidatorModel, ParamGridBuilder, TrainValidationSplit
from pyspark.sql import SparkSession

from results import path, put

spark = SparkSession.builder.getOrCreate()
rng = random.Random(6)
rows = []
for _ in range(240):
    a, b, c = rng.gauss(0, 1), rng.gauss(0, 1), rng.gauss(0, 1)
    rows.append((a, b, c, float(a - 0.5 * b + 0.8 * rng.gauss(0, 1) > 0)))
spark.createDataFrame(rows, "a DOUBLE, b DOUBLE, c DOUBLE, label DOUBLE").coalesce(1).write.parquet(path("d"))
data = spark.read.parquet(path("d"))
assembler = VectorAssembler(inputCols=["a", "b", "c"], outputCol="features")
evaluator = BinaryClassificationEvaluator()

lr = LogisticRegression()
pipeline = Pipeline(stages=[assembler, lr])
grid = ParamGridBuilder().addGrid(lr.regParam, [0.001, 0.1]).addGrid(lr.elasticNetParam, [0.0, 1.0]).build()
cv = CrossValidator(estimator=pipeline, estimatorParamMaps=grid, evaluator=evaluator, numFolds=3, seed=9)
model = cv.fit(data)
put("cv.metrics", model.avgMetrics)
put("cv.best", [model.bestModel.stages[-1].getRegParam(), model.bestModel.stages[-1].coefficients])
parallel = cv.copy().setParallelism(3).fit(data)
put("cv.parallel", parallel.avgMetrics == model.avgMetrics)
put("cv.auc", evaluator.evaluate(model.transform(data)))
model.save(path("cv"))
put("cv.loaded", CrossValidatorModel.load(path("cv")).avgMetrics == model.avgMetrics)
split = TrainValidationSplit(estimator=pipeline, estimatorParamMaps=grid, evaluator=evaluator, trainRatio=0.7, seed=9)
put("tvs.metrics", split.fit(data).validationMetrics)

ready = assembler.transform(data)
for name, estimator, params in [
    ("forest", RandomForestClassifier(seed=1, numTrees=5), ("maxDepth", [2, 4])),
    ("gbt", GBTClassifier(seed=1, maxIter=3), ("maxDepth", [2, 3])),
]:
    trees = CrossValidator(
        estimator=estimator,
        estimatorParamMaps=ParamGridBuilder().addGrid(estimator.getParam(params[0]), params[1]).build(),
        evaluator=evaluator,
        numFolds=2,
        seed=9,
        parallelism=2,
        collectSubModels=True,
    ).fit(ready)
    put(f"{name}.metrics", trees.avgMetrics)
    put(f"{name}.sub", [len(trees.subModels), len(trees.subModels[0])])
spark.stop()
