"""Sessions and operations: settings, isolation, clones, many operations at once, interrupts, big local data."""

import os
import threading
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from results import put, put_error, put_rows

spark = SparkSession.builder.appName("sessions").config("spark.sql.shuffle.partitions", "7").getOrCreate()
put("conf", [spark.conf.get("spark.sql.shuffle.partitions"), spark.conf.get("spark.app.name"), spark.conf.get("no.such", "x")])
put("version", spark.version.split(".")[0])
spark.conf.set("spark.sql.ansi.enabled", "false")
LENIENT = "SELECT 1/0 AS a, CAST('x' AS INT) AS b, 2147483647 + 1 AS c, '7' + 1 AS d, array(1)[3] AS e"
put("lenient", spark.sql(LENIENT).first())
put("wrapped", spark.range(3).agg(F.sum(F.lit(2**62))).first()[0])
spark.conf.unset("spark.sql.ansi.enabled")
put_error("strict", lambda: spark.sql("SELECT 1/0").first())
put("modifiable", [spark.conf.isModifiable("spark.sql.shuffle.partitions"), spark.conf.isModifiable("spark.master")])

spark.conf.set("spark.sql.session.timeZone", "America/New_York")
put_rows("zone", spark.sql("SELECT CAST(TIMESTAMP'2024-07-01 12:00:00' AS STRING) AS s, unix_timestamp(TIMESTAMP'2024-07-01 12:00:00') AS u"))
spark.conf.set("spark.sql.session.timeZone", "UTC")

spark.range(3).createOrReplaceTempView("mine")
put("view", spark.table("mine").count())
put("catalog", [spark.catalog.tableExists("mine"), spark.catalog.currentDatabase()])

second = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).create()
put("other", [second.catalog.tableExists("mine"), second.conf.get("spark.sql.shuffle.partitions") == "7"])
second.range(9).createOrReplaceTempView("mine")
put("both", [spark.table("mine").count(), second.table("mine").count()])
second.stop()

results = [None] * 8


def work(i):
    results[i] = spark.range(1000 * (i + 1)).agg(F.sum("id")).first()[0]


threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
put("parallel", results)

big = spark.createDataFrame([(i, f"row {i}" * 4, i / 7) for i in range(60000)], "i INT, s STRING, d DOUBLE")
put("big", big.agg(F.count("*"), F.sum("i"), F.max("s"), F.sum("d")).first())
put("again", big.filter("i % 1000 = 0").count())
put("sameSemantics", [spark.range(5).sameSemantics(spark.range(5)), spark.range(5).sameSemantics(spark.range(6))])
put("isLocal", [spark.range(1).isLocal(), spark.range(1).isStreaming])

spark.addTag("slow")
ended = []


def slow():
    try:
        spark.range(10**7).crossJoin(spark.range(10**6).toDF("j")).select(F.sum(F.sin("id"))).collect()
        ended.append("finished")
    except Exception as e:  # noqa: BLE001
        ended.append([type(e).__name__, e.getCondition() if hasattr(e, "getCondition") else None])


thread = threading.Thread(target=slow)
thread.start()
interrupted = []
while not interrupted and thread.is_alive():
    time.sleep(0.1)
    interrupted = spark.interruptAll()
put("interrupted", len(interrupted) >= 1)
thread.join(60)
put("ended", ended[0][1] if ended else "still running")
put("after", spark.range(10).count())
spark.stop()
