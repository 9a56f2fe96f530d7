"""The very text of show, printSchema and explain's head."""

import contextlib
import io

from pyspark.ml.linalg import Vectors
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from results import put

spark = SparkSession.builder.getOrCreate()


def printed(action):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        action()
    return out.getvalue()


frame = spark.createDataFrame(
    [
        (1, "short", 1.0, None, [1, 2], {"k": 1.5}),
        (2, "a text that is longer than twenty characters", 1e-5, True, [], {}),
        (-30, "tab\there", 123456789.0, False, None, None),
        (4, "naïve 日本", float("nan"), True, [None, 7], {"a": float("inf")}),
    ],
    "id INT, words STRING, x DOUBLE, flag BOOLEAN, list ARRAY<INT>, map MAP<STRING,DOUBLE>",
)
put("show", printed(frame.show))
put("show2", printed(lambda: frame.show(2)))
put("wide", printed(lambda: frame.show(truncate=False)))
put("narrow", printed(lambda: frame.show(3, truncate=7)))
put("vertical", printed(lambda: frame.show(2, vertical=True)))
put("none", printed(frame.filter("id > 100").show))
put("schema", printed(frame.printSchema))
nested = frame.select(F.struct("id", F.struct("x", "flag").alias("in")).alias("s"), F.array(F.struct("id")).alias("a"))
put("nestedSchema", printed(nested.printSchema))
put("nested", printed(lambda: nested.show(truncate=False)))
put("dates", printed(spark.sql("SELECT DATE'2024-01-31' AS d, TIMESTAMP'2024-01-31 10:20:30.5' AS t, 1.50BD AS m, X'4142' AS b, NULL AS n").show))
vectors = spark.createDataFrame([(Vectors.dense(1.0, 2.5),), (Vectors.sparse(4, [1, 3], [0.5, 1e-7]),)], ["v"])
put("vectors", printed(lambda: vectors.show(truncate=False)))
put("vectorSchema", printed(vectors.printSchema))
put("repr", repr(frame))
spark.stop()
