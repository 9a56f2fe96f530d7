"""The DataFrame API: columns, filters, joins, groups, sets, missing values, statistics."""

import datetime
import decimal

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from results import put, put_rows

spark = SparkSession.builder.getOrCreate()

people = spark.createDataFrame(
    [
        (1, "Ann", 34, 5200.5, True, "north"),
        (2, "Bob", 45, None, False, "south"),
        (3, "Cid", None, 3100.0, True, "north"),
        (4, "Dee", 29, 4100.25, None, None),
        (5, "Eve", 52, 7800.0, False, "east"),
        (6, None, 41, 2950.75, True, "south"),
    ],
    "id INT, name STRING, age INT, pay DOUBLE, member BOOLEAN, region STRING",
)
visits = spark.createDataFrame(
    [(1, "web", 3), (1, "shop", 1), (2, "web", 7), (5, "web", 2), (5, "web", 2), (9, "shop", 4)],
    "id INT, kind STRING, n INT",
)

put_rows("all", people)
put_rows("select", people.select("id", F.col("pay") * 2, (F.col("age") + 1).alias("next"), people.name))
put_rows("expr", people.selectExpr("id", "upper(name) AS name", "age > 40", "pay / 12 AS monthly"))
put_rows("new", people.withColumn("bonus", F.col("pay") * 0.1).withColumn("id", F.col("id") + 100).drop("member"))
put_rows("several", people.withColumns({"a": F.lit(1), "b": F.col("age") % 7}).select("id", "a", "b"))
put_rows("renamed", people.withColumnRenamed("pay", "salary").withColumnsRenamed({"id": "key"}).limit(2))
put_rows("filter", people.filter((F.col("age") > 30) & F.col("pay").isNotNull()))
put_rows("where", people.where("region = 'north' OR name LIKE 'B%'").select("id"))
put_rows("between", people.filter(F.col("age").between(30, 45) & ~F.col("region").isin("east")).select("id"))
put_rows("order", people.orderBy(F.col("age").desc(), "id").select("id", "age"))
put_rows("nulls", people.orderBy(F.asc_nulls_last("age"), F.desc("id")).select("id", "age"))
put_rows("hidden", people.select("name").orderBy(people.id.desc()).limit(3))
put_rows(
    "when",
    people.select(
        "id",
        F.when(F.col("age") < 35, "young").when(F.col("age") < 50, "middle").otherwise("old").alias("class"),
        F.coalesce("pay", F.lit(0.0)).alias("paid"),
    ),
)
put_rows(
    "casts",
    people.select(
        F.col("pay").cast("int"), F.col("age").cast("string"), F.col("member").cast("int"), F.col("id").cast("double")
    ),
)
put("count", people.count())
put("columns", people.columns)
put("dtypes", people.dtypes)
put("first", people.orderBy("id").first())
put("take", people.orderBy("id").take(2))
put("tail", people.orderBy("id").tail(2))
put("empty", [people.isEmpty(), people.filter("id < 0").isEmpty()])

put_rows("inner", people.join(visits, "id").select("id", "name", "kind", "n").orderBy("id", "kind", "n"))
put_rows("left", people.join(visits, "id", "left").orderBy("id", "kind").select("id", "kind"))
put_rows("full", people.join(visits, "id", "full").orderBy("id", "kind").select("id", "name", "kind"))
put_rows("right", people.join(visits, people.id == visits.id, "right").orderBy(visits.id, "kind").select(visits.id, people.name))
put_rows("semi", people.join(visits, "id", "left_semi").orderBy("id").select("id"))
put_rows("anti", people.join(visits, "id", "left_anti").orderBy("id").select("id"))
put("cross", people.crossJoin(visits).count())
put_rows(
    "range",
    people.alias("a").join(people.alias("b"), F.col("a.age") < F.col("b.age")).groupBy("a.id").count().orderBy("id"),
)

by_region = people.groupBy("region")
put_rows(
    "agg",
    by_region.agg(
        F.count("*").alias("n"),
        F.count("pay"),
        F.sum("age"),
        F.avg("pay"),
        F.min("name"),
        F.max("age"),
        F.stddev("age"),
        F.countDistinct("member").alias("kinds"),
    ).orderBy("region"),
)
put_rows("dict", by_region.agg({"pay": "max", "age": "avg"}).orderBy("region"))
put_rows("short", by_region.mean("age", "pay").orderBy("region"))
put_rows("global", people.agg(F.sum("pay"), F.avg("age"), F.count("name"), F.var_pop("pay"), F.skewness("age")))
put_rows("lists", visits.groupBy("id").agg(F.sort_array(F.collect_list("n")).alias("l"), F.sort_array(F.collect_set("n")).alias("s")).orderBy("id"))
put_rows("pivot", visits.groupBy("id").pivot("kind").sum("n").orderBy("id"))
put_rows("pivoted", visits.groupBy("id").pivot("kind", ["shop", "web", "none"]).agg(F.count("n"), F.max("n")).orderBy("id"))
# more columns than are worth a filter each
wide = spark.range(3000).selectExpr(
    "id % 11 AS g",
    "CASE WHEN id % 501 < 500 THEN id % 501 END AS p",
    "date_add(DATE'2024-01-01', CAST(id % 40 AS INT)) AS day",
    "IF(id % 3 = 0, NULL, id * 1.5D) AS v",
)
many = wide.groupBy("g").pivot("p").agg(F.sum("v"))
put("manyColumns", many.columns[:5] + many.columns[-2:] + [len(many.columns)])
put_rows("many", many.select("g", "null", "0", "1", "250", "499").orderBy("g"))
put_rows("manyTotals", many.na.fill(0.0).groupBy().agg(*[F.sum(f"`{i}`").alias(f"s{i}") for i in range(0, 500, 47)]))
two = wide.groupBy("g").pivot("p", [3, 1, *range(100, 140)]).agg(F.count("v"), F.max("v").alias("top"))
put("twoColumns", two.columns[:7] + [len(two.columns)])
put_rows("two", two.select("g", "3_count(v)", "1_top", "120_count(v)", "120_top").orderBy("g"))
days = wide.groupBy().pivot("day").agg(F.collect_list("g"))
put("dayColumns", days.columns[:2] + [len(days.columns)])
put_rows("days", days.select(F.size("2024-01-01").alias("n"), F.element_at("2024-02-09", 1).alias("first")))
put_rows("gone", wide.filter("g < 0").groupBy("g").pivot("p", list(range(30))).count().select("g", "0", "29"))
put_rows("goneToo", wide.filter("g < 0").groupBy().pivot("p", list(range(30))).count().select("0", "29"))
put_rows("unknown", wide.groupBy("g").pivot("p", list(range(1000, 1040))).count().select("g", "1000").orderBy("g"))
put_rows("rollup", visits.rollup("id", "kind").agg(F.sum("n").alias("n")).orderBy("id", "kind"))
put_rows("cube", visits.cube("kind").count().orderBy("kind"))
put_rows("having", visits.groupBy("id").agg(F.sum("n").alias("n")).filter("n > 3").orderBy("id"))

put_rows("distinct", visits.distinct().orderBy("id", "kind"))
put("duplicates", [visits.dropDuplicates(["id"]).count(), visits.dropDuplicates().count()])
put_rows("union", visits.union(visits.limit(1)).orderBy("id", "kind", "n"))
put_rows(
    "unionByName",
    visits.unionByName(spark.createDataFrame([("tv", 5)], "kind STRING, id INT"), allowMissingColumns=True)
    .filter("id = 5")
    .orderBy("kind", "n"),
)
put_rows("intersect", visits.intersect(visits.filter("n > 2")).orderBy("id"))
put_rows("except", visits.exceptAll(visits.limit(4)).orderBy("id"))
put_rows("subtract", visits.subtract(visits.filter("id = 5")).orderBy("id", "kind"))

put_rows("drop", people.dropna().orderBy("id").select("id"))
put_rows("dropSubset", people.na.drop(subset=["pay", "age"]).orderBy("id").select("id"))
put_rows("dropThresh", people.na.drop(thresh=5).orderBy("id").select("id"))
put_rows("fill", people.na.fill({"pay": -1.0, "region": "none"}).orderBy("id"))
put_rows("fillAll", people.fillna(0).orderBy("id"))
put_rows("replace", people.replace(["north", "south"], ["N", "S"], "region").orderBy("id").select("id", "region"))

put_rows("describe", people.describe())
put_rows("summary", people.select("age", "pay").summary())
put_rows("summaryOf", people.select("age", "name").summary("count", "min", "50%", "max"))
full = people.dropna(subset=["age", "pay"])
put("corr", full.stat.corr("age", "pay"))
put("cov", full.stat.cov("age", "pay"))
put("quantiles", people.approxQuantile(["age", "pay"], [0.0, 0.25, 0.5, 1.0], 0.0))
put_rows("crosstab", visits.crosstab("id", "kind").orderBy("id_kind"))
put_rows("freq", visits.freqItems(["kind"], 0.6).select(F.sort_array("kind_freqItems")))

put_rows("range10", spark.range(2, 12, 3))
put_rows("strings", people.select(F.concat_ws("-", "name", "region"), F.length("name"), F.substring("name", 2, 2), F.lower("name")).limit(2))
typed = spark.createDataFrame(
    [
        Row(
            day=datetime.date(2024, 2, 29),
            at=datetime.datetime(2024, 2, 29, 13, 45, 30, 123456),
            amount=decimal.Decimal("12.50"),
            tags=["a", "b"],
            counts={"x": 1},
            inner=Row(p=1, q="z"),
            raw=bytearray(b"\x01\xff"),
        )
    ],
    T.StructType(
        [
            T.StructField("day", T.DateType()),
            T.StructField("at", T.TimestampType()),
            T.StructField("amount", T.DecimalType(10, 2)),
            T.StructField("tags", T.ArrayType(T.StringType())),
            T.StructField("counts", T.MapType(T.StringType(), T.IntegerType())),
            T.StructField("inner", T.StructType([T.StructField("p", T.IntegerType()), T.StructField("q", T.StringType())])),
            T.StructField("raw", T.BinaryType()),
        ]
    ),
)
put_rows("typed", typed)
put_rows("parts", typed.select(F.year("day"), F.month("at"), F.dayofweek("day"), F.hour("at"), F.date_add("day", 1), "inner.p", F.col("tags")[0], F.col("counts")["x"], F.col("amount") * 2))
put_rows("exploded", typed.select("day", F.explode("tags").alias("tag")))
pandas = people.orderBy("id").toPandas()
put("pandas", [str(pandas.dtypes.to_dict()), len(pandas), float(pandas["pay"].sum())])
put_rows("fromPandas", spark.createDataFrame(pandas[["id", "name"]].head(2)))

cached = people.filter("age > 40").cache()
put("cached", [cached.count(), cached.is_cached, str(cached.storageLevel)])
cached.unpersist()
put("uncached", cached.is_cached)
spark.stop()
