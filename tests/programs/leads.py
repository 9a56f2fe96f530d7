"""The main job and variations of it: stages, three classifiers, metrics, saving and loading."""

import math
import os
import random

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import (
    DecisionTreeClassifier,
    GBTClassificationModel,
    GBTClassifier,
    LogisticRegression,
    LogisticRegressionModel,
    RandomForestClassifier,
)
from pyspark.ml.evaluation import BinaryClassificationEvaluator, MulticlassClassificationEvaluator
from pyspark.ml.feature import (
    IndexToString,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
    StringIndexer,
    StringIndexerModel,
    VectorAssembler,
)
from pyspark.ml.functions import vector_to_array
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from results import path, put, put_rows

spark = SparkSession.builder.getOrCreate()
rng = random.Random(2)
with open(path("leads.csv"), "w") as f:
    f.write("id,age,visits,source,region,won\n")
    for number in range(1, 601):
        age, visits, source = rng.randint(18, 70), rng.randint(0, 30), rng.choice(["mail", "web", "web", "shop"])
        region = rng.choice(["n", "s", "e", ""])
        pull = 0.12 * visits - 0.03 * abs(age - 40) + (1.2 if source == "shop" else 0) - 1.3
        f.write(f"{number},{age},{visits},{source},{region},{int(rng.random() < 1 / (1 + math.exp(-pull)))}\n")
data = spark.read.csv(path("leads.csv"), header=True, inferSchema=True)
train, test = data.randomSplit([0.75, 0.25], seed=1)
put("sizes", [train.count(), test.count()])

stages = [
    StringIndexer(inputCols=["source", "region"], outputCols=["source_i", "region_i"], handleInvalid="keep"),
    OneHotEncoder(inputCols=["source_i", "region_i"], outputCols=["source_v", "region_v"]),
    VectorAssembler(inputCols=["age", "visits", "source_v", "region_v"], outputCol="raw"),
    StandardScaler(inputCol="raw", outputCol="features", withMean=True),
]
features = Pipeline(stages=stages).fit(train)
put("labels", features.stages[0].labelsArray)
put("sizes.onehot", features.stages[1].categorySizes)
put("scaler", [features.stages[3].mean, features.stages[3].std])
ready, held = features.transform(train), features.transform(test)
put("schema", ready.schema.simpleString())
put("metadata", ready.schema["raw"].metadata)
put("metadata.scaled", ready.schema["features"].metadata)
put("metadata.indexed", ready.schema["source_i"].metadata)
put_rows("rows", ready.orderBy("id").select("id", "source_v", "raw", "features").limit(3))

auc = BinaryClassificationEvaluator(labelCol="won")
multi = MulticlassClassificationEvaluator(labelCol="won")
METRICS = ["f1", "accuracy", "weightedPrecision", "weightedRecall", "truePositiveRateByLabel", "logLoss", "hammingLoss", "fMeasureByLabel"]


def evaluate(name, predictions):
    put(f"{name}.auc", auc.evaluate(predictions))
    put(f"{name}.aupr", auc.evaluate(predictions, {auc.metricName: "areaUnderPR"}))
    put(f"{name}.metrics", [multi.evaluate(predictions, {multi.metricName: metric}) for metric in METRICS])
    put(f"{name}.confusion", predictions.groupBy("won", "prediction").count().orderBy("won", "prediction").collect())


lr = LogisticRegression(labelCol="won", maxIter=100, regParam=0.01).fit(ready)
put("lr.model", [lr.coefficients, lr.intercept, lr.numClasses, lr.numFeatures])
summary = lr.summary
put("lr.summary", [summary.areaUnderROC, summary.accuracy, summary.weightedFMeasure(), summary.precisionByLabel, summary.recallByLabel])
put("lr.history", [summary.objectiveHistory[0], summary.objectiveHistory[-1], summary.totalIterations > 1])
put("lr.roc", [summary.roc.count(), summary.roc.columns, summary.pr.columns, summary.fMeasureByThreshold.columns])
put("lr.roc3", summary.roc.limit(3).collect())
evaluate("lr", lr.transform(held))
put_rows("lr.rows", lr.transform(held).orderBy("id").select("id", "rawPrediction", "probability", "prediction").limit(3))
put("lr.predict", [lr.predict(held.first()["features"]), lr.predictProbability(held.first()["features"])])
put("lr.evaluate", lr.evaluate(held).areaUnderROC)
elastic = LogisticRegression(labelCol="won", regParam=0.05, elasticNetParam=0.5).fit(ready)
put("elastic", [elastic.coefficients, elastic.intercept])
plain = LogisticRegression(labelCol="won", standardization=False, regParam=0.1, threshold=0.3).fit(features.transform(train).withColumn("features", F.col("raw")))
put("plain", [plain.coefficients, plain.intercept, plain.getThreshold()])
multinomial = LogisticRegression(labelCol="source_i", family="multinomial", regParam=0.1, maxIter=50).fit(ready)
put("multinomial", [multinomial.coefficientMatrix, multinomial.interceptVector])
put("multinomial.accuracy", multinomial.summary.accuracy)

tree = DecisionTreeClassifier(labelCol="won", maxDepth=4, seed=3).fit(ready)
put("tree", [tree.depth, tree.numNodes, tree.featureImportances])
put("tree.debug", tree.toDebugString.split("\n", 1)[1])
evaluate("tree", tree.transform(held))
gbt = GBTClassifier(labelCol="won", maxIter=8, maxDepth=3, seed=5).fit(ready)
put("gbt", [gbt.getNumTrees, gbt.treeWeights, gbt.totalNumNodes, gbt.featureImportances, len(gbt.trees)])
put("gbt.debug", len(gbt.toDebugString.split("\n")))
put("gbt.iteration", gbt.evaluateEachIteration(held))
evaluate("gbt", gbt.transform(held))
forest = RandomForestClassifier(labelCol="won", numTrees=20, maxDepth=5, seed=42).fit(ready)
put("forest", [forest.getNumTrees, forest.numClasses, forest.numFeatures, len(forest.trees), len(forest.treeWeights)])
put("forest.top", int(forest.featureImportances.toArray().argmax()))
put("forest.sum", forest.featureImportances.toArray().sum())
put("forest.auc", auc.evaluate(forest.transform(held)))
put("forest.leaf", forest.setLeafCol("leaf").transform(held).select("leaf").schema.simpleString())

weighted = ready.withColumn("w", F.when(F.col("won") == 1, 2.0).otherwise(1.0))
put("weighted.lr", LogisticRegression(labelCol="won", weightCol="w", regParam=0.01).fit(weighted).coefficients)
put("weighted.tree", DecisionTreeClassifier(labelCol="won", weightCol="w", maxDepth=3, seed=3).fit(weighted).featureImportances)
put("weighted.auc", BinaryClassificationEvaluator(labelCol="won", weightCol="w").evaluate(lr.transform(weighted)))

minmax = MinMaxScaler(inputCol="raw", outputCol="scaled", min=-1.0, max=1.0).fit(ready)
put("minmax", [minmax.originalMin, minmax.originalMax])
put_rows("minmax.rows", minmax.transform(ready).orderBy("id").select("scaled").limit(2))
alphabet = StringIndexer(inputCol="source", outputCol="i", stringOrderType="alphabetDesc").fit(train)
put("alphabet", alphabet.labels)
words = IndexToString(inputCol="i", outputCol="back").transform(alphabet.transform(test))
put("back", words.filter("back <> source").count())
put("fromLabels", StringIndexerModel.from_labels(["web", "shop", "mail"], "source", "i").transform(test).agg(F.sum("i")).first()[0])
skipping = StringIndexer(inputCol="region", outputCol="r", handleInvalid="skip").fit(train.filter("region <> 'e'"))
put("skipped", skipping.transform(test).count())

pipeline = Pipeline(stages=stages + [GBTClassifier(labelCol="won", maxIter=4, seed=5)])
model = pipeline.fit(train)
model.write().overwrite().save(path("model"))
put("saved", sorted(os.listdir(path("model"))))
put("saved.stages", [name.split("_")[0] + name.split("_")[1] for name in sorted(os.listdir(path("model/stages")))])
loaded = PipelineModel.load(path("model"))
put("loaded", [type(stage).__name__ for stage in loaded.stages])
put("loaded.same", auc.evaluate(loaded.transform(test)) == auc.evaluate(model.transform(test)))
put("loaded.params", [loaded.stages[-1].getMaxIter(), loaded.stages[-1].getStepSize(), loaded.stages[0].getHandleInvalid()])
lr.save(path("lr"))
again = LogisticRegressionModel.load(path("lr"))
put("again", [again.coefficients == lr.coefficients, again.uid == lr.uid, again.getRegParam()])
gbt.save(path("gbt"))
put("again.gbt", GBTClassificationModel.load(path("gbt")).treeWeights)
pipeline.save(path("pipeline"))
put("pipeline", [type(stage).__name__ for stage in Pipeline.load(path("pipeline")).getStages()])
scores = model.transform(test).select("id", vector_to_array("probability")[1].alias("score"), "prediction")
scores.write.parquet(path("scores"))
put_rows("scores", spark.read.parquet(path("scores")).orderBy("id").limit(4))
put("top", scores.orderBy(F.desc("score"), "id").limit(10).agg(F.sum("prediction"), F.count("*")).first())
copy = lr.copy({lr.threshold: 0.9})
put("copy", [lr.transform(held).agg(F.sum("prediction")).first()[0], copy.transform(held).agg(F.sum("prediction")).first()[0]])
spark.stop()
