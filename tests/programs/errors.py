"""What goes wrong ends as Spark's own exception, and the session lives on."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from results import path, put, put_error

spark = SparkSession.builder.getOrCreate()
a = spark.createDataFrame([(1, "x", 2.0), (2, "y", 0.0)], "id INT, s STRING, d DOUBLE")
b = spark.createDataFrame([(1, "p"), (3, "q")], "id INT, t STRING")

put_error("missingColumn", lambda: a.select("idd").collect())
put_error("noSuggestion", lambda: spark.range(1).select(F.lit(1).alias("z")).filter("nope = 1").collect())
put_error("ambiguous", lambda: a.join(b, a.id == b.id).select("id").collect())
put_error("otherFrame", lambda: a.select(b["t"]).collect())
put_error("selfJoin", lambda: a.join(a, a["id"] == a["id"]).select(a["s"]).collect())
put_error("divide", lambda: a.select(F.col("id") / (F.col("id") - 1)).collect())
put_error("modulo", lambda: a.select(F.col("id") % F.lit(0)).collect())
put_error("overflow", lambda: a.select(F.lit(2147483647) + F.col("id")).collect())
put_error("longOverflow", lambda: a.select(F.lit(9223372036854775807) * (F.col("id") + 1)).collect())
put_error("castInt", lambda: a.select(F.col("s").cast("int")).collect())
put_error("castDate", lambda: a.select(F.col("s").cast("date")).collect())
put_error("castBoolean", lambda: a.select(F.col("s").cast("boolean")).collect())
put_error("castRange", lambda: a.select((F.col("d") * 1e30).cast("int")).collect())
put_error("arrayIndex", lambda: a.select(F.array("id")[F.col("id") + 4]).collect())
put_error("elementAt", lambda: a.select(F.element_at(F.array("id"), 7)).collect())
put_error("typeMismatch", lambda: a.select(F.col("d") + F.array("id")).collect())
put_error("filterType", lambda: a.filter(F.col("id")).collect())
put_error("noFunction", lambda: a.select(F.expr("no_such_function(id)")).collect())
put_error("wrongArity", lambda: a.select(F.expr("sqrt(id, 2)")).collect())
put_error("groupBy", lambda: a.groupBy("s").agg(F.col("d")).collect())
put_error("nestedAggregate", lambda: a.agg(F.sum(F.sum("id"))).collect())
put_error("aggregateInWhere", lambda: a.filter(F.sum("id") > 1).collect())
put_error("unionColumns", lambda: a.union(b).collect())
put_error("unionByName", lambda: a.unionByName(b).collect())
put_error("duplicate", lambda: a.withColumn("x", F.lit(1)).select("id", F.lit(2).alias("ID")).write.parquet(path("dup")))
put_error("noPath", lambda: spark.read.parquet(path("nowhere")).collect())
put_error("noCsv", lambda: spark.read.csv(path("nowhere.csv")).collect())
put_error("noFormat", lambda: spark.read.format("nonsense").load(path("x")).collect())
put_error("badSave", lambda: a.write.mode("sideways").parquet(path("y")))
put_error("syntax", lambda: spark.sql("SELECT id, (1 FROM range(3)").collect())
put_error("expression", lambda: a.selectExpr("id +").collect())
put_error("empty", lambda: spark.sql("").collect())
put_error("badType", lambda: a.select(F.col("id").cast("nonsense")).collect())


def put_parse_error(key, action):
    """The whole message but for the server's stack."""
    try:
        put(key, ["no error", action()])
    except Exception as e:  # noqa: BLE001
        put(key, str(e).split("\n\nJVM")[0].rstrip("\n"))


BAD_SQL = ["SELECT 1 1", "SELECT 1)", "SELECT (1", "SELECT 'abc", "SELECT\n  @", "SELECT a b c FROM t", ""]
for number, text in enumerate(BAD_SQL):
    put_parse_error(f"parse.{number}", lambda: spark.sql(text).collect())
for number, text in enumerate(["id +", "id 1", ")", "a b c"]):
    put_parse_error(f"parseExpression.{number}", lambda: a.selectExpr(text).collect())
BAD_TYPES = ["a arr<int>", "a", "a int b", "a int,", "a foo", "1 int", "a varchar", "arr<", "decimal(5,x)"]
for number, text in enumerate(BAD_TYPES):
    put_parse_error(f"parseType.{number}", lambda: T.StructType.fromDDL(text).simpleString())
put_error("limit", lambda: a.limit(-1).collect())
put_error("sample", lambda: a.sample(1.5).collect())
put_error("raise", lambda: a.select(F.raise_error(F.lit("told you"))).collect())
put_error("conf", lambda: spark.conf.get("spark.no.such.key"))
put_error("staticConf", lambda: spark.conf.set("spark.sql.warehouse.dir", "/x"))
put("alive", a.join(b, "id").count())
spark.stop()
