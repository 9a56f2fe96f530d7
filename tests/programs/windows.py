"""Window functions and spark.sql over temp views."""

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

from results import put, put_error, put_rows

spark = SparkSession.builder.getOrCreate()
sales = spark.createDataFrame(
    [("a", 1, 10.0), ("a", 2, 20.0), ("a", 3, 20.0), ("a", 4, None), ("b", 1, 5.0), ("b", 2, 7.5), ("c", 1, None)],
    "shop STRING, day INT, amount DOUBLE",
)
by_day = Window.partitionBy("shop").orderBy("day")
by_amount = Window.partitionBy("shop").orderBy(F.desc("amount"))
put_rows(
    "ranks",
    sales.select(
        "shop",
        "day",
        F.row_number().over(by_day).alias("row"),
        F.rank().over(by_amount).alias("rank"),
        F.dense_rank().over(by_amount).alias("dense"),
        F.percent_rank().over(by_amount).alias("percent"),
        F.ntile(2).over(by_day).alias("tile"),
        F.cume_dist().over(by_amount).alias("cume"),
    ).orderBy("shop", "day"),
)
put_rows(
    "frames",
    sales.select(
        "shop",
        "day",
        F.lag("amount").over(by_day),
        F.lead("amount", 1, -1.0).over(by_day).alias("next"),
        F.sum("amount").over(by_day).alias("running"),
        F.avg("amount").over(by_day.rowsBetween(-1, 1)).alias("mean3"),
        F.max("amount").over(Window.partitionBy("shop")).alias("best"),
        F.first("amount", ignorenulls=True).over(by_day).alias("first"),
        F.count("*").over(Window.orderBy("day").rangeBetween(Window.unboundedPreceding, 0)).alias("upto"),
    ).orderBy("shop", "day"),
)
sales.createOrReplaceTempView("sales")
put_rows("plain", spark.sql("SELECT shop, count(*) AS n, sum(amount) total FROM sales GROUP BY shop ORDER BY shop"))
put_rows(
    "nested",
    spark.sql(
        "WITH t AS (SELECT *, row_number() OVER (PARTITION BY shop ORDER BY day DESC) AS r FROM sales) "
        "SELECT shop, day, coalesce(amount, 0) AS amount FROM t WHERE r = 1 ORDER BY shop"
    ),
)
put_rows(
    "joined",
    spark.sql(
        "SELECT a.shop, a.day, b.day AS other FROM sales a JOIN sales b ON a.shop = b.shop AND a.day < b.day "
        "WHERE a.amount IS NOT NULL ORDER BY 1, 2, 3 LIMIT 5"
    ),
)
put_rows("case", spark.sql("SELECT CASE WHEN day % 2 = 0 THEN 'even' ELSE 'odd' END AS p, avg(amount) FROM sales GROUP BY 1 HAVING count(*) > 1 ORDER BY 1"))
put_rows("inSubquery", spark.sql("SELECT DISTINCT shop FROM sales WHERE shop IN (SELECT shop FROM sales WHERE amount > 15)"))
put_rows("values", spark.sql("SELECT * FROM VALUES (1, 'x'), (2, NULL) AS t(a, b)"))
put_rows("union", spark.sql("SELECT 1 AS a UNION ALL SELECT 2.5 UNION ALL SELECT NULL"))
put_rows("literals", spark.sql("SELECT 1 + 2.50 AS a, 7 / 2 AS b, 7 DIV 2 AS c, 'a' || 'b' AS d, 3 > 2 AND NULL AS e, -7 % 3 AS f"))
put_rows("named", spark.sql("SELECT :x + 1 AS y, :s AS s", args={"x": 41, "s": "it's"}))
put_error("noTable", lambda: spark.sql("SELECT * FROM nothing").collect())
put_error("noColumn", lambda: spark.sql("SELECT shp FROM sales").collect())
put_error("syntax", lambda: spark.sql("SELEC 1").collect())
put_error("zero", lambda: spark.sql("SELECT 1 / 0").collect())
put("table", spark.table("sales").count())
spark.catalog.dropTempView("sales")
put_error("dropped", lambda: spark.table("sales").count())
spark.stop()
