"""Clusters of customers: scaling, k-means, choosing k, describing and saving the segments."""

import random

from pyspark.ml import Pipeline
from pyspark.ml.clustering import KMeans, KMeansModel
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.feature import StandardScaler, VectorAssembler
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from results import path, put, put_rows

spark = SparkSession.builder.getOrCreate()
rng = random.Random(4)
centers = [(25, 30000, 25), (45, 60000, 8), (60, 110000, 15)]
rows = [
    (i, rng.gauss(c[0], 2.0), rng.gauss(c[1], 2500.0), rng.gauss(c[2], 1.5))
    for i, c in enumerate(centers[rng.choices([0, 1, 2], [5, 3, 2])[0]] for _ in range(300))
]
spark.createDataFrame(rows, "id INT, age DOUBLE, salary DOUBLE, visits DOUBLE").coalesce(1).write.parquet(path("c"))
customers = spark.read.parquet(path("c"))
prepare = Pipeline(
    stages=[
        VectorAssembler(inputCols=["age", "salary", "visits"], outputCol="raw"),
        StandardScaler(inputCol="raw", outputCol="features", withMean=True, withStd=True),
    ]
)
ready = prepare.fit(customers).transform(customers).cache()
evaluator = ClusteringEvaluator()
for k in (2, 3, 4):
    model = KMeans(k=k, seed=1, maxIter=30).fit(ready)
    predictions = model.transform(ready)
    put(f"k{k}.silhouette", evaluator.evaluate(predictions))
    put(f"k{k}.cosine", ClusteringEvaluator(distanceMeasure="cosine").evaluate(predictions))
    put(f"k{k}.cost", model.summary.trainingCost)
    put(f"k{k}.sizes", sorted(model.summary.clusterSizes))
model = KMeans(k=3, seed=1).fit(ready)
put("k3.centers", sorted(center.tolist() for center in model.clusterCenters()))
put("k3.summary", [model.summary.k, model.summary.predictions.count(), model.hasSummary])
described = (
    model.transform(ready)
    .groupBy("prediction")
    .agg(F.count("*").alias("n"), F.avg("age").alias("age"), F.avg("salary"), F.avg("visits"))
    .orderBy("age")
    .drop("prediction")
)
put_rows("described", described)
model.save(path("kmeans"))
loaded = KMeansModel.load(path("kmeans"))
put("loaded", [sorted(c.tolist() for c in loaded.clusterCenters()), loaded.hasSummary])
first = ready.orderBy("id").first()
put("predict", loaded.predict(first["features"]) == model.predict(first["features"]))
cosine = KMeans(k=3, seed=1, distanceMeasure="cosine").fit(ready)
put("cosine", evaluator.evaluate(cosine.transform(ready)))
weights = KMeans(k=3, seed=1, weightCol="w").fit(ready.withColumn("w", F.lit(2.0)))
put("weighted.cost", weights.summary.trainingCost)
drawn = KMeans(k=3, seed=1, initMode="random", predictionCol="segment").fit(ready)
put("random", [drawn.transform(ready).columns[-1], drawn.getInitMode()])
spark.stop()
