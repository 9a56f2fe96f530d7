"""Seeded operations give Spark's very rows: randomSplit, sample, sampleBy, rand, randn, monotonically_increasing_id."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from results import path, put, put_rows

spark = SparkSession.builder.getOrCreate()
spark.range(0, 200, 1, 1).withColumn("g", F.col("id") % 3).write.parquet(path("n"))
frame = spark.read.parquet(path("n"))


def ids(data):
    return [row["id"] for row in data.orderBy("id").collect()]


train, test = frame.randomSplit([0.8, 0.2], seed=42)
put("split.train", ids(train))
put("split.test", ids(test))
put("split.three", [ids(part) for part in frame.randomSplit([1.0, 2.0, 1.0], seed=7)])
put("split.filtered", [part.count() for part in frame.filter("g <> 1").randomSplit([0.5, 0.5], 11)])
put("sample", ids(frame.sample(False, 0.1, 3)))
put("sample.all", frame.sample(False, 1.0, 5).count())
put("sample.replace", ids(frame.sample(True, 0.2, 9)))
put("sampleBy", ids(frame.sampleBy("g", {0: 0.1, 1: 0.3}, seed=5)))
put_rows("rand", frame.limit(5).select("id", F.rand(42), F.randn(42), F.rand(7).alias("b")))
put("rand.mean", frame.select(F.rand(1).alias("r"), F.randn(1).alias("n")).agg(F.avg("r"), F.stddev("n")).first())
put_rows("mono", frame.select(F.monotonically_increasing_id().alias("m"), "id").limit(3))
put_rows("partition", frame.select(F.spark_partition_id()).distinct())
spark.stop()
