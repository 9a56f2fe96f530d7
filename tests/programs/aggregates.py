"""Aggregates whose digits hang on the method: moments, regressions, quantiles, distinct counts."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from results import put, put_error, put_rows

spark = SparkSession.builder.getOrCreate()

numbers = (
    spark.range(1000)
    .selectExpr(
        "id % 3 AS k",
        "id",
        "CASE WHEN id % 11 <> 0 THEN sin(id) * 100 END AS x",
        "CASE WHEN id % 13 <> 0 THEN id * 0.37 + cos(id) END AS y",
        "date_add(DATE'2024-01-01', CAST(id AS INT)) AS day",
        "timestamp_micros(id * 86400000123) AS t",
        "CAST(id * 1.01 AS DECIMAL(10, 2)) AS d",
    )
    .coalesce(1)
)
numbers.createOrReplaceTempView("numbers")
MOMENTS = ["stddev", "stddev_pop", "var_samp", "var_pop", "skewness", "kurtosis"]
PAIRS = ["corr", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_count", "regr_sxx", "regr_syy", "regr_sxy"]
PAIRS += ["regr_slope", "regr_intercept", "regr_r2"]


def aggregate(key, *columns):
    put_rows(key, numbers.groupBy("k").agg(*map(F.expr, columns)).orderBy("k"))


aggregate("moments", *[f"{name}(x)" for name in MOMENTS])
aggregate("pairs", *[f"{name}(x, y)" for name in PAIRS])
aggregate("few", *[f"{name}(x) FILTER (WHERE id < 4)" for name in MOMENTS])
aggregate("fewPairs", *[f"{name}(x, y) FILTER (WHERE id BETWEEN 1 AND 4)" for name in PAIRS])
aggregate("none", *[f"{name}(x) FILTER (WHERE id < 0)" for name in MOMENTS])
aggregate("nonePairs", *[f"{name}(x, y) FILTER (WHERE id < 0)" for name in PAIRS])
aggregate("constant", *[f"{name}(1, y)" for name in PAIRS[1:]])
aggregate("constantToo", *[f"{name}(y, 1)" for name in PAIRS[1:]])
aggregate("distinctOnes", "stddev(DISTINCT CAST(x AS INT))", "var_pop(DISTINCT id % 5)")

aggregate("percentile", "percentile(x, 0.5)", "percentile(id, array(0, 0.25, 0.9, 1))", "median(x)", "median(d)")
aggregate("percentileDistinct", "percentile(DISTINCT id % 7, 0.3)", "median(DISTINCT id % 10)")
aggregate("percentileWithin", *[f"percentile_{k}(0.3) WITHIN GROUP (ORDER BY x)" for k in ("cont", "disc")])
aggregate("approx", *[f"percentile_approx({c}, array(0.1, 0.5, 0.99))" for c in ("x", "id", "d", "day", "t")])
aggregate("approxOne", *[f"percentile_approx({c}, 0.37, 20)" for c in ("x", "id", "d", "day", "t")])
aggregate("approxRough", *[f"approx_percentile(x, array(0.05, 0.25, 0.5, 0.75, 0.95), {n})" for n in (3, 10, 50, 200)])
aggregate("approxNone", "percentile_approx(x, 0.5) FILTER (WHERE id < 0)", "percentile(x, 0.5) FILTER (WHERE id < 0)")
for error in (0.0, 0.001, 0.01, 0.05, 0.25, 1.0):
    put(f"quantiles.{error}", numbers.approxQuantile(["x", "y", "id"], [0.0, 0.1, 0.5, 0.77, 1.0], error))
put("quantiles.none", numbers.filter("id < 0").approxQuantile("x", [0.5], 0.1))
put_rows("summary", numbers.select("x", "y", "id").summary())
put_rows("describe", numbers.select("x", "y", "d").describe())
put("corr", numbers.na.fill(0.0).stat.corr("x", "y"))
put("cov", numbers.na.fill(0.0).stat.cov("x", "y"))

# few enough to be counted exactly by every sketch that uses linear counting
aggregate("distinct", "approx_count_distinct(id % 10)", "approx_count_distinct(x)", "approx_count_distinct(d, 0.02)")
TYPES = ["CAST(id AS STRING)", "day", "t", "id % 2 = 0", "y", "array(id % 9)"]
aggregate("distinctTypes", *[f"approx_count_distinct({column})" for column in TYPES])
aggregate("distinctNone", "approx_count_distinct(x) FILTER (WHERE id < 0)", "approx_count_distinct(NULL)")
put_rows(
    "window",
    spark.sql(
        "SELECT id, stddev(x) OVER w AS s, corr(x, y) OVER w AS c, median(x) OVER (PARTITION BY k) AS m,"
        " percentile_approx(id, 0.5) OVER w AS p, approx_count_distinct(id % 3) OVER w AS n FROM numbers WHERE id < 30"
        " WINDOW w AS (PARTITION BY k ORDER BY id ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) ORDER BY id"
    ),
)
BAD = [
    "percentile_approx(x, 1.5)",
    "percentile_approx(x, array(0.5, -0.1))",
    "percentile_approx(x, y)",
    "percentile_approx(x, NULL)",
    "percentile_approx(x, array(0.5, NULL))",
    "percentile_approx(x, 0.5, 0)",
    "percentile_approx(x, 0.5, -3)",
    "percentile_approx(x, 0.5, id)",
    "percentile_approx(x, 0.5, NULL)",
    "percentile_approx('a', 0.5)",
    "percentile(x, 1.5)",
    "percentile(x, array(0.5, 2))",
    "percentile(x, NULL)",
    "percentile(x, array(0.5, NULL))",
    "percentile(x, y)",
    "approx_count_distinct(x, 0.5)",
    "approx_count_distinct(x, 0)",
    "approx_count_distinct(x, y)",
    "approx_count_distinct(x, 'a')",
    "approx_quantile(x, array(0.5), 0.1)",
    "median('x')",
    "corr(x, 'a')",
    "corr(1, y)",
]
for number, bad in enumerate(BAD):
    put_error(f"bad.{number}", lambda: spark.sql(f"SELECT {bad} AS v FROM numbers").collect())
