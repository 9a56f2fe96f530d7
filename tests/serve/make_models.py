"""Saves with real Spark and mlflow the models that tests/serve scores: make_models.py FOLDER"""
import sys, os, shutil, pathlib
import mlflow, mlflow.spark
from mlflow.models.signature import ModelSignature
from mlflow.types import Schema, ColSpec, DataType
from mlflow.types.schema import SparkMLVector
from pyspark.sql import SparkSession
from pyspark.ml import Pipeline
from pyspark.ml.feature import *
from pyspark.ml.classification import *
from pyspark.ml.regression import *
from pyspark.ml.clustering import *

out = pathlib.Path(sys.argv[1])
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled","false").config("spark.driver.memory","1g").config("spark.driver.host","127.0.0.1").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
rows = []
for i in range(200):
    age = 20 + (i * 7) % 45
    salary = 20000.0 + (i * 7919) % 60000 + 0.5
    source = ["web", "mail", "phone", "fair", "übergabe"][(i * i) % 5 if i % 3 else i % 4]
    visits = (i * 13) % 11
    label = 1.0 if (age > 40) != (visits > 5) or source == "web" and salary > 50000 else 0.0
    rows.append((age, salary, source, visits, label))
df = spark.createDataFrame(rows, "age long, salary double, source string, visits int, converted double").coalesce(1)
df.cache()

def save(name, model, signature=None):
    path = out / name
    shutil.rmtree(path, ignore_errors=True)
    mlflow.spark.save_model(model, str(path), signature=signature, pip_requirements=["pyspark==4.1.3"])
    for crc in path.rglob("*.crc"):
        crc.unlink()
    for extra in ["conda.yaml", "python_env.yaml", "requirements.txt"]:
        if (path / extra).exists(): (path / extra).unlink()

indexer = StringIndexer(inputCol="source", outputCol="source_index", handleInvalid="keep")
assembler = VectorAssembler(inputCols=["age", "salary", "visits", "source_index"], outputCol="features")
gbt = GBTClassifier(labelCol="converted", featuresCol="features", maxIter=5, maxDepth=3, seed=7)
leads = Pipeline(stages=[indexer, assembler, gbt]).fit(df)
inputs = Schema([ColSpec("long", "age"), ColSpec("double", "salary"), ColSpec("string", "source"), ColSpec("integer", "visits"), ColSpec("string", "note", required=False)])
save("leads", leads, ModelSignature(inputs=inputs, outputs=Schema([ColSpec("double")])))
save("plain", leads)

strict = Pipeline(stages=[StringIndexer(inputCol="source", outputCol="source_index"), OneHotEncoder(inputCol="source_index", outputCol="source_vector"),
    VectorAssembler(inputCols=["age", "salary", "source_vector"], outputCol="features", handleInvalid="error"),
    StandardScaler(inputCol="features", outputCol="scaled"), LogisticRegression(labelCol="converted", featuresCol="scaled", maxIter=20, regParam=0.01)]).fit(df)
save("strict", strict)
skipping = Pipeline(stages=[StringIndexer(inputCol="source", outputCol="source_index", handleInvalid="skip"),
    VectorAssembler(inputCols=["age", "salary", "source_index"], outputCol="features", handleInvalid="skip"),
    MinMaxScaler(inputCol="features", outputCol="scaled"), KMeans(featuresCol="scaled", k=3, seed=5)]).fit(df)
save("skipping", skipping)
vectors = VectorAssembler(inputCols=["age", "visits"], outputCol="features").transform(df)
lr = LinearRegression if False else LogisticRegression(labelCol="converted", maxIter=10).fit(vectors)
save("vector", lr, ModelSignature(inputs=Schema([ColSpec(SparkMLVector(), "features")]), outputs=Schema([ColSpec("double")])))
names = Pipeline(stages=[StringIndexer(inputCol="source", outputCol="source_index", handleInvalid="keep")]).fit(df)
save("names", names)
rf = RandomForestRegressor if False else RandomForestClassifier(labelCol="converted", numTrees=3, maxDepth=3, seed=1)
forest = Pipeline(stages=[VectorAssembler(inputCols=["age", "salary", "visits"], outputCol="features"), rf]).fit(df)
save("forest", forest, ModelSignature(inputs=Schema([ColSpec("integer", "age"), ColSpec("float", "salary"), ColSpec("long", "visits")])))
spark.stop()
