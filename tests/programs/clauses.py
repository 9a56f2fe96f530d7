"""Clauses of SQL that need to know their input: GROUP BY ALL, ORDER BY ALL, PIVOT, UNPIVOT, TABLESAMPLE."""

from pyspark.sql import SparkSession

from results import put, put_error, put_rows

spark = SparkSession.builder.getOrCreate()
sales = [("a", 2020, 1, 10.0), ("a", 2021, 2, 20.0), ("b", 2020, 1, 5.0), ("b", 2022, 3, None), ("a", 2020, 2, 7.0)]
spark.createDataFrame(sales, "c STRING, y INT, q INT, v DOUBLE").coalesce(1).createOrReplaceTempView("s")
spark.range(6).selectExpr("id", "id % 2 AS g", "id % 3 AS h").createOrReplaceTempView("t")

QUERIES = {
    "all": "SELECT g, sum(id) FROM t GROUP BY ALL ORDER BY g",
    "allExpression": "SELECT g + 1 AS x, h, count(*) c FROM t GROUP BY ALL HAVING c > 0 ORDER BY ALL",
    "allGlobal": "SELECT sum(id), 1 FROM t GROUP BY ALL",
    "allDistinct": "SELECT g FROM t GROUP BY ALL ORDER BY 1",
    "allMixed": "SELECT g, h + 1, h + 1 + sum(id) FROM t GROUP BY ALL ORDER BY 1, 2",
    "allStar": "SELECT *, count(*) FROM t GROUP BY ALL ORDER BY id LIMIT 2",
    "allColumn": "SELECT `all`, count(*) FROM (SELECT 1 AS `all`) GROUP BY ALL",
    "orderAll": "SELECT * FROM s ORDER BY ALL",
    "orderAllDown": "SELECT * FROM s ORDER BY ALL DESC NULLS LAST",
    "pivot": "SELECT * FROM s PIVOT (sum(v) FOR y IN (2020, 2021)) ORDER BY c, q",
    "pivotName": "SELECT * FROM (SELECT c,y,v FROM s) PIVOT (sum(v) AS s, max(v) m FOR y IN (2020, 2021 b)) ORDER BY 1",
    "pivotTuples": "SELECT * FROM s PIVOT (sum(v) FOR (y, q) IN ((2020, 1) AS a, (2021, 2))) ORDER BY c",
    "pivotGlobal": "SELECT * FROM (SELECT y, v FROM s) PIVOT (sum(v) FOR y IN (2020, 2021))",
    "pivotExpression": "SELECT * FROM (SELECT c, y, v FROM s) PIVOT (sum(v) + 1 FOR y IN (2020, 2000 + 21)) ORDER BY c",
    "pivotWhere": "SELECT * FROM (SELECT c,y,v FROM s) PIVOT (count(*) FOR c IN ('a', 'b')) WHERE y > 2020 ORDER BY y",
    "pivotNone": "SELECT * FROM (SELECT c, y, v FROM s) PIVOT (sum(v * 2) AS x FOR c IN ('a', 'z' AS zz)) ORDER BY y",
    "pivotJoin": "SELECT * FROM t JOIN s ON g = q PIVOT (sum(v) FOR c IN ('a', 'b')) ORDER BY ALL",
    "unpivot": "SELECT * FROM (SELECT c, q, y FROM s) UNPIVOT (val FOR name IN (q, y)) ORDER BY ALL",
    "unpivotTypes": "SELECT * FROM s UNPIVOT (val FOR name IN (v, q)) ORDER BY ALL",
    "unpivotNulls": "SELECT u.* FROM s UNPIVOT INCLUDE NULLS (val FOR name IN (v AS value, q)) AS u ORDER BY ALL",
    "sampleRows": "SELECT count(*) FROM s TABLESAMPLE (2 ROWS)",
    "sampleAll": "SELECT count(*) FROM s TABLESAMPLE (100 PERCENT) AS x JOIN t TABLESAMPLE (100 PERCENT) ON x.q = t.g",
    "sampleSeed": "SELECT c, q FROM s TABLESAMPLE (40.5 PERCENT) REPEATABLE (7)",
    "sampleBucket": "SELECT x.q FROM (SELECT * FROM s) TABLESAMPLE (BUCKET 2 OUT OF 3) REPEATABLE (3) AS x",
}
for key, query in QUERIES.items():
    put_rows(key, spark.sql(query))
put("sampleNone", spark.sql("SELECT * FROM s TABLESAMPLE (0 PERCENT)").count())

ERRORS = {
    "noGroups": "SELECT g + sum(id) FROM t GROUP BY ALL",
    "allAndMore": "SELECT g, sum(id) FROM t GROUP BY ALL, g",
    "pivotAlias": "SELECT * FROM s PIVOT (sum(v) FOR y IN (2020)) AS p",
    "pivotColumn": "SELECT * FROM (SELECT c, y, v FROM s) PIVOT (sum(v) FOR nope IN (1))",
    "pivotValue": "SELECT * FROM (SELECT c, y, v FROM s) PIVOT (sum(v) FOR y IN ('2020', 'x'))",
    "unpivotColumn": "SELECT * FROM s UNPIVOT (val FOR name IN (v, nope))",
    "unpivotMix": "SELECT * FROM s UNPIVOT (val FOR name IN (v, c))",
    "samplePercent": "SELECT * FROM s TABLESAMPLE (101 PERCENT)",
}
for key, query in ERRORS.items():
    put_error(key, lambda: spark.sql(query).collect())
