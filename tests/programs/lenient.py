"""spark.sql.ansi.enabled=false: what overflows wraps as in Java, what cannot be computed or cast is null."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from results import put, put_error, put_rows

spark = SparkSession.builder.getOrCreate()
spark.conf.set("spark.sql.ansi.enabled", "false")

edges = spark.createDataFrame(
    [
        (127, 32767, 2**31 - 1, 2**63 - 1, "12", "x", 1.5, 0),
        (-128, -32768, -(2**31), -(2**63), " 7 ", "1.9", float("nan"), 1),
        (1, 2, 3, 4, "300", "2024-13-01", 1e300, 2),
        (None, None, None, None, None, None, None, None),
    ],
    "b BYTE, s SHORT, i INT, l BIGINT, n STRING, t STRING, d DOUBLE, k INT",
).selectExpr(
    "*", "CAST(d AS DECIMAL(38,10)) AS big", "CAST('99999999999999999999999999999999999999' AS DECIMAL(38,0)) AS huge"
)
edges.createOrReplaceTempView("edges")

EXPRESSIONS = {
    "add": [
        "b + b", "s + s", "i + i", "l + l", "b + 1Y", "s + 1S", "i + 1", "l + 1", "d + d",
    ],
    "subtract": [
        "b - 2Y", "s - 2S", "i - 2", "l - 2", "0 - l", "l - i",
    ],
    "multiply": [
        "b * b", "s * s", "i * i", "l * l", "i * 7", "l * i",
    ],
    "negative": [
        "-b", "-s", "-i", "-l", "-d", "negative(l)", "abs(b)", "abs(s)", "abs(i)", "abs(l)", "+l",
    ],
    "divide": [
        "i / 0", "l / k", "i / k", "d / 0", "d / k", "i / CAST(NULL AS INT)", "1.5 / 0.0",
    ],
    "rest": [
        "i % k", "l % 0", "d % 0", "mod(i, 0)", "pmod(l, k)", "pmod(i, 0)", "pmod(-7, 3)", "d % k", "1.5 % 0.0",
    ],
    "whole": [
        "i div k", "l div 0", "l div -1", "l % -1", "pmod(l, -1)", "i div -1", "1.5 div 0.0",
    ],
    "mixed": [
        "b + i", "i + l", "i + d", "b * l", "i + 1.5", "n + 1", "n * 2", "n / 3", "n % 5", "n + n", "-n", "n + t",
    ],
    "compared": [
        "n = 12", "n < 100", "n > '2'", "t = 1", "l = n", "i = '3'", "d = '1.5'", "n IN (7, 12)",
        "n BETWEEN 5 AND 15",
    ],
    "decimals": [
        "huge + huge", "huge * 10", "huge - 1", "big * huge", "huge / 0.001", "huge / 0", "huge % 7",
        "huge + 1",
    ],
    "tries": [
        "try_add(i, i)", "try_divide(i, k)", "try_multiply(l, l)", "try_subtract(l, 2L)", "try_sum(l) OVER ()",
    ],
    "toByte": [
        "CAST(i AS BYTE)", "CAST(l AS BYTE)", "CAST(d AS BYTE)", "CAST(n AS BYTE)", "CAST(t AS BYTE)",
        "CAST(huge AS BYTE)",
    ],
    "toShort": [
        "CAST(i AS SHORT)", "CAST(l AS SHORT)", "CAST(d AS SHORT)", "CAST(n AS SHORT)", "CAST(t AS SHORT)",
    ],
    "toInt": [
        "CAST(l AS INT)", "CAST(d AS INT)", "CAST(n AS INT)", "CAST(t AS INT)", "CAST(huge AS INT)",
        "CAST(1e10 AS INT)",
    ],
    "toLong": [
        "CAST(d AS BIGINT)", "CAST(n AS BIGINT)", "CAST(t AS BIGINT)", "CAST(huge AS BIGINT)",
        "CAST(d * d AS BIGINT)",
    ],
    "toDouble": [
        "CAST(n AS DOUBLE)", "CAST(t AS DOUBLE)", "CAST('1e400' AS DOUBLE)", "CAST('nan' AS DOUBLE)",
    ],
    "toDecimal": [
        "CAST(l AS DECIMAL(5,2))", "CAST(d AS DECIMAL(5,2))", "CAST(n AS DECIMAL(5,2))", "CAST(t AS DECIMAL(3,1))",
    ],
    "toBoolean": [
        "CAST(n AS BOOLEAN)", "CAST('yes' AS BOOLEAN)", "CAST('maybe' AS BOOLEAN)", "CAST(i AS BOOLEAN)",
    ],
    "toDate": [
        "CAST(t AS DATE)", "CAST('2024-02-30' AS DATE)", "to_date(t)", "to_date('31.12.2024', 'dd.MM.yyyy')",
        "date(t)",
    ],
    "toTime": [
        "CAST(t AS TIMESTAMP)", "to_timestamp(t)", "to_timestamp('x', 'yyyy')", "make_date(2023, 2, 29)",
    ],
    "fromTime": [
        "CAST(TIMESTAMP'2024-01-01 00:00:01' AS INT)", "CAST(TIMESTAMP'2024-01-01 00:00:01.5' AS DOUBLE)",
    ],
    "madeTime": [
        "make_timestamp(2024, 13, 1, 0, 0, 0)", "unix_timestamp(t)", "unix_timestamp('x', 'yyyy')",
    ],
    "items": [
        "array(1, 2)[5]", "array(1, 2)[-1]", "element_at(array(1, 2), 9)", "element_at(map('a', 1), 'b')",
        "map('a', 1)['b']",
    ],
    "implicit": [
        "concat(i, n)", "substring(l, 1, 3)", "length(i)", "coalesce(i, n)", "if(k = 0, i, n)", "array(i, n)",
        "i || 'x'",
    ],
    "logic": [
        "n AND true", "NOT k = 1", "if(k, 1, 2)", "CASE WHEN i THEN 1 ELSE 2 END",
    ],
    "math": [
        "sqrt(n)", "n || 1", "round(n)", "ceil(n)", "floor(d)", "round(i, -9)", "bround(l, -18)", "shiftleft(i, 1)",
    ],
    "parsed": [
        "conv('zz', 40, 10)", "next_day('2024-01-01', 'xx')", "elt(5, 'a')",
        "url_decode('%')",
    ],
}


def answer(text):
    frame = spark.sql(f"SELECT {text} AS v FROM edges")
    return [frame.schema["v"].dataType.simpleString(), [row.v for row in frame.collect()]]


for key, texts in EXPRESSIONS.items():
    for number, text in enumerate(texts):
        put_error(f"{key}.{number}", lambda: [text, answer(text)])

put_rows("sums", edges.agg(F.sum("b"), F.sum("l"), F.sum(F.col("l") + 0), F.avg("l")))
twice = edges.filter("l > 0").select("l", "huge").union(edges.filter("l > 0").select("l", "huge"))
put_rows("wrapped", twice.agg(F.sum("l"), F.sum(F.lit(2**62)), F.avg("l")))
put_rows("wrappedDistinct", twice.agg(F.sum_distinct("l"), F.try_sum("l")))
put_rows("grouped", twice.groupBy((F.col("l") % 2).alias("g")).agg(F.sum("l").alias("s")).orderBy("g"))
put_rows("window", twice.selectExpr("l", "sum(l) OVER (ORDER BY l) AS s"))
put_rows("union", spark.sql("SELECT 1 AS v UNION ALL SELECT 'a'"))
put_rows("inlist", spark.sql("SELECT i FROM edges WHERE i IN ('3', 'x')"))
put_rows("join", spark.sql("SELECT a.i FROM edges a JOIN edges b ON a.n = b.k + 11"))
spark.conf.set("spark.sql.ansi.enabled", "true")
put_error("strict", lambda: spark.sql("SELECT l + 1 FROM edges").collect())
put_error("strictSum", lambda: spark.range(2).agg(F.sum(F.lit(2**63 - 1))).collect())
