"""Reading and writing CSV, JSON, Parquet and text: schemas, options, modes, partitions."""

import os

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from results import path, put, put_error, put_rows

spark = SparkSession.builder.getOrCreate()


def file(name, text):
    full = path(name)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", newline="") as f:
        f.write(text)
    return full


plain = file(
    "in/plain.csv",
    'id,name,score,when,ok,code\n1,"Smith, J",1.5,2024-01-02,true,007\n2,,2,2024-02-03,false,010\n'
    '3,"say ""hi""",,2024-03-04,,\n4, padded ,-1e3,2024-12-31,TRUE,9\n',
)
put_rows("inferred", spark.read.csv(plain, header=True, inferSchema=True))
put_rows("strings", spark.read.csv(plain, header=True).orderBy("id"))
put_rows("headless", spark.read.csv(plain).limit(2))
put_rows("given", spark.read.schema("id INT, name STRING, score DOUBLE").option("header", True).csv(plain))
put_rows("format", spark.read.format("csv").option("header", "true").option("inferSchema", "true").load(plain).select("id", "score"))
semicolons = file("in/semi.csv", "a;b;c\n1;'x;y';NA\n2;z;4\n")
put_rows("sep", spark.read.csv(semicolons, sep=";", quote="'", header=True, inferSchema=True, nullValue="NA"))
numbers = file("in/numbers.csv", "i,l,d,s,t\n1,3000000000,1.0,1,2024-01-01 10:00:00\n2,2,2,x,2024-01-01 11:30:00.5\n")
put_rows("types", spark.read.csv(numbers, header=True, inferSchema=True))
broken = file("in/broken.csv", "a,b\n1,2\nx,3\n4\n5,6,7\n")
put_rows("permissive", spark.read.schema("a INT, b INT").csv(broken, header=True))
put_rows("corrupt", spark.read.schema("a INT, b INT, _corrupt_record STRING").csv(broken, header=True))
put_rows("dropped", spark.read.schema("a INT, b INT").csv(broken, header=True, mode="DROPMALFORMED"))
put_error("failfast", lambda: spark.read.schema("a INT, b INT").csv(broken, header=True, mode="FAILFAST").collect())
put_rows("emptyFile", spark.read.csv(file("in/empty.csv", "a,b\n"), header=True, inferSchema=True))
multi = file("in/multi.csv", 'a,b\n1,"two\nlines"\n2,x\n')
put_rows("multiline", spark.read.csv(multi, header=True, multiLine=True, inferSchema=True))

lines = file("in/lines.json", '{"a":1,"b":"x","c":[1,2],"d":{"e":true}}\n{"a":2.5,"b":null}\n{"b":"y","f":3}\n')
put_rows("json", spark.read.json(lines))
put_rows("jsonGiven", spark.read.schema("b STRING, a DOUBLE").json(lines))
put_rows("text", spark.read.text(plain).limit(2))
put("wholetext", spark.read.text(semicolons, wholetext=True).first()[0])

data = spark.createDataFrame(
    [(1, "a", 1.0, [1]), (2, "b", None, []), (3, "a", 3.25, None), (4, None, 1e10, [4, 5])],
    "id INT, k STRING, x DOUBLE, l ARRAY<INT>",
)
out = path("out")
data.write.parquet(out + "/p")
put_rows("parquet", spark.read.parquet(out + "/p").orderBy("id"))
put("files", sorted(n for n in os.listdir(out + "/p") if not n.startswith((".", "part"))))
put_error("exists", lambda: data.write.parquet(out + "/p"))
data.write.mode("ignore").parquet(out + "/p")
data.limit(1).write.mode("append").parquet(out + "/p")
put("appended", spark.read.parquet(out + "/p").count())
spark.range(3).write.mode("overwrite").parquet(out + "/p")
put_rows("overwritten", spark.read.parquet(out + "/p").orderBy("id"))
flat = data.drop("l")
flat.write.csv(out + "/c", header=True)
put_rows("csvBack", spark.read.csv(out + "/c", header=True, inferSchema=True).orderBy("id"))
[part] = [n for n in os.listdir(out + "/c") if n.startswith("part")]
put("csvText", open(f"{out}/c/{part}").read())
flat.write.option("sep", "\t").option("nullValue", "-").mode("overwrite").csv(out + "/c")
[part] = [n for n in os.listdir(out + "/c") if n.startswith("part")]
put("tsvText", open(f"{out}/c/{part}").read())
data.write.json(out + "/j")
[part] = [n for n in os.listdir(out + "/j") if n.startswith("part")]
put("jsonText", open(f"{out}/j/{part}").read())
put_rows("jsonBack", spark.read.json(out + "/j").orderBy("id"))
data.select("k").na.fill("").write.text(out + "/t")
[part] = [n for n in os.listdir(out + "/t") if n.startswith("part")]
put("textText", open(f"{out}/t/{part}").read())
flat.write.partitionBy("k").parquet(out + "/by")
put("folders", sorted(n for n in os.listdir(out + "/by") if n.startswith("k=")))
put_rows("partitioned", spark.read.parquet(out + "/by").orderBy("id"))
put_rows("pruned", spark.read.parquet(out + "/by").filter("k = 'a'").select("id").orderBy("id"))
flat.write.format("parquet").mode("overwrite").save(out + "/f")
put_rows("load", spark.read.load(out + "/f").orderBy("id"))
put_rows("sqlFile", spark.sql(f"SELECT count(*) AS n FROM parquet.`{out}/f`"))
put("inputFiles", len(spark.read.parquet(out + "/f").inputFiles()))
data.coalesce(1).write.parquet(out + "/one")
put("oneFile", len([n for n in os.listdir(out + "/one") if n.startswith("part")]))
put_rows("added", spark.read.parquet(out + "/f").withColumn("y", F.col("x") * 2).orderBy("id").select("id", "y"))
spark.stop()
