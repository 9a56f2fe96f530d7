"""mlflow.spark over Spark Connect, with the Python helpers of python/chert_mlflow on the path: models that the server
writes straight into its artifacts and reads from there, scoring without a JVM, autologging of fits. Needs SPARK_REMOTE,
the same server's."""

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import mlflow

from support import TestCase, fresh

REMOTE = os.environ.get("SPARK_REMOTE")
if REMOTE:
    import pandas as pd
    from pyspark.errors import PySparkException
    from pyspark.ml import Pipeline, PipelineModel
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.evaluation import BinaryClassificationEvaluator
    from pyspark.ml.feature import StringIndexer, VectorAssembler
    from pyspark.ml.functions import vector_to_array
    from pyspark.ml.tuning import CrossValidator, ParamGridBuilder, TrainValidationSplit
    from pyspark.sql import SparkSession


@unittest.skipUnless(REMOTE, "SPARK_REMOTE is not set")
class Spark(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.spark = SparkSession.builder.remote(REMOTE).getOrCreate()
        rows = [(float(i % 7), ["a", "b", "c"][i % 3], (i * i) % 5 % 2) for i in range(60)]
        cls.frame = cls.spark.createDataFrame(rows, ["x", "kind", "label"])
        cls.pipeline = Pipeline(
            stages=[
                StringIndexer(inputCol="kind", outputCol="k"),
                VectorAssembler(inputCols=["x", "k"], outputCol="features"),
                LogisticRegression(maxIter=5),
            ]
        )
        cls.model = cls.pipeline.fit(cls.frame)
        cls.want = [row.prediction for row in cls.model.transform(cls.frame).collect()]

    def setUp(self):
        super().setUp()
        self.experiment = self.new_experiment()
        mlflow.set_experiment(experiment_id=self.experiment)
        self.addCleanup(mlflow.pyspark.ml.autolog, disable=True)

    def predictions(self, model, frame=None):
        return [row.prediction for row in model.transform(self.frame if frame is None else frame).collect()]

    def files(self, run_id, path=None):
        found = set()
        for entry in self.client.list_artifacts(run_id, path):
            found |= self.files(run_id, entry.path) if entry.is_dir else {entry.path}
        return found

    def log(self, **options):
        with mlflow.start_run() as run:
            info = mlflow.spark.log_model(self.model, "model", **options)
        return run.info.run_id, info

    def test_log_model_writes_straight_into_the_artifacts(self):
        run_id, info = self.log()
        files = self.files(run_id, "model")
        self.assertIn("model/MLmodel", files)
        self.assertTrue(any(f.startswith("model/sparkml/stages/2_LogisticRegression") for f in files), files)
        self.assertEqual(self.predictions(mlflow.spark.load_model(info.model_uri)), self.want)

    def test_models_are_written_and_read_in_threads(self):
        def work(i):
            with tempfile.TemporaryDirectory() as folder:
                mlflow.spark.save_model(self.model, f"{folder}/model")
                self.assertIn("MLmodel", os.listdir(f"{folder}/model"))
            _, info = self.log()
            return self.predictions(mlflow.spark.load_model(info.model_uri))

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            self.assertEqual(list(pool.map(work, range(2))), [self.want] * 2)

    def test_log_model_takes_a_name_and_registers(self):
        name = fresh("Leads")
        with mlflow.start_run():
            mlflow.spark.log_model(self.model, name="scorer", registered_model_name=name)
        self.client.transition_model_version_stage(name, "1", "Production")
        self.client.set_registered_model_alias(name, "best", "1")
        for which in ("/1", "/Production", "@best", "/latest"):
            with self.subTest(which=which):
                self.assertEqual(self.predictions(mlflow.spark.load_model(f"models:/{name}{which}")), self.want)
                self.assertEqual(self.predictions(PipelineModel.load(f"models:/{name}{which}")), self.want)

    def test_a_single_model_is_logged_as_a_pipeline(self):
        features = PipelineModel(self.model.stages[:-1]).transform(self.frame)
        with mlflow.start_run():
            info = mlflow.spark.log_model(self.model.stages[-1], "model")
        self.assertEqual(self.predictions(mlflow.spark.load_model(info.model_uri), features), self.want)
        rows = features.select(vector_to_array("features").alias("features")).toPandas()
        self.assertEqual(mlflow.pyfunc.load_model(info.model_uri).predict(rows), self.want)

    def test_pyfunc_scores_through_the_session(self):
        run_id, _ = self.log()
        rows = self.frame.drop("label").toPandas()
        self.assertEqual(mlflow.pyfunc.load_model(f"runs:/{run_id}/model").predict(rows), self.want)

    def test_an_input_example_gives_a_signature(self):
        _, info = self.log(input_example=self.frame.drop("label").limit(3).toPandas())
        self.assertEqual(info.signature.inputs.input_names(), ["x", "kind"])
        self.assertEqual(str(info.signature.outputs.inputs[0].type), "DataType.double")

    def test_save_model_to_a_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            mlflow.spark.save_model(self.model, folder + "/model")
            self.assertTrue(pathlib.Path(folder, "model/sparkml/metadata").is_dir())
            self.assertEqual(self.predictions(mlflow.spark.load_model(folder + "/model")), self.want)
        # what a client without the server's disk needs for that is gone
        self.assertEqual(self.client.search_logged_models([self.experiment]), [])

    def test_frames_are_read_from_and_written_to_runs(self):
        run = self.new_run(self.experiment).info.run_id
        with tempfile.TemporaryDirectory() as folder:
            pd.DataFrame({"n": [1, 2, 3]}).to_parquet(folder + "/t.parquet")
            self.client.log_artifact(run, folder + "/t.parquet", "data")
        self.assertEqual(self.spark.read.parquet(f"runs:/{run}/data/t.parquet").count(), 3)
        for n in (5, 6):
            self.spark.range(n).write.mode("overwrite").parquet(f"runs:/{run}/out")
            self.assertEqual(self.spark.read.parquet(f"runs:/{run}/out").count(), n)
        self.assertIn("out/_SUCCESS", self.files(run, "out"))

    def test_models_are_overwritten_in_runs(self):
        run = self.new_run(self.experiment).info.run_id
        path = f"runs:/{run}/again"
        self.model.save(path)
        with self.assertRaisesRegex(PySparkException, "already exists"):
            self.model.save(path)
        self.model.write().overwrite().save(path)
        self.assertEqual(self.predictions(PipelineModel.load(path)), self.want)

    def test_paths_of_nobody_are_refused(self):
        run_id, _ = self.log(registered_model_name=fresh("Fixed"))
        unknown = "f" * 32
        for path, message in [
            (f"mlflow-artifacts:/{self.experiment}/{unknown}/artifacts/m", "No FileSystem for scheme"),
            (f"mlflow-artifacts:/99/{run_id}/artifacts/m", "No FileSystem for scheme"),
            ("mlflow-artifacts:/m", "No FileSystem for scheme"),
            (f"runs:/{unknown}/m", "not found"),
            (f"runs:/{run_id}/../../m", "not kept by this server"),
            (f"mlflow-artifacts:/{self.experiment}/{run_id}/artifacts/../../../m", "not kept by this server"),
            ("models:/Nobody/1", "cannot be changed"),
        ]:
            with self.subTest(path=path), self.assertRaisesRegex(PySparkException, message):
                self.model.write().overwrite().save(path)
        with self.assertRaisesRegex(PySparkException, "not found"):
            PipelineModel.load("models:/Nobody/1")

    def test_autolog_of_a_pipeline(self):
        mlflow.pyspark.ml.autolog(log_input_examples=True)
        with mlflow.start_run() as run:
            model = self.pipeline.fit(self.frame)
            scored = model.transform(self.frame)
            area = BinaryClassificationEvaluator().evaluate(scored)
        got = self.client.get_run(run.info.run_id)
        self.assertEqual(got.data.params["LogisticRegression.maxIter"], "5")
        self.assertEqual(got.data.tags["estimator_class"], "pyspark.ml.pipeline.Pipeline")
        self.assertEqual(list(got.data.metrics.values()), [area])
        self.assertEqual(len(got.inputs.dataset_inputs), 2)
        self.assertIn('"approx_count": 60', got.inputs.dataset_inputs[0].dataset.profile)
        info = mlflow.models.get_model_info(f"runs:/{run.info.run_id}/model")
        self.assertEqual(info.signature.inputs.input_names(), ["x", "kind"])
        self.assertEqual(self.predictions(mlflow.spark.load_model(info.model_uri)), self.want)

    def search(self, kind, **settings):
        """The runs that autologging makes of a search over two values of regParam: the parent and its children."""
        grid = ParamGridBuilder().addGrid(self.pipeline.getStages()[-1].regParam, [0.0, 10.0]).build()
        evaluator = BinaryClassificationEvaluator()
        kind(estimator=self.pipeline, estimatorParamMaps=grid, evaluator=evaluator, seed=1, **settings).fit(self.frame)
        runs = [self.client.get_run(run.info.run_id) for run in self.client.search_runs([self.experiment])]
        parent, = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
        children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
        self.assertEqual(len(runs), 3)
        return parent, sorted(children, key=lambda run: float(run.data.params["LogisticRegression.regParam"]))

    def check_search(self, parent, children, name, metrics):
        """What mlflow's autologging gives for a search on classic Spark."""
        self.assertEqual(parent.data.tags["estimator_class"], f"pyspark.ml.tuning.{name}")
        self.assertEqual(parent.data.params["estimator"], "Pipeline")
        self.assertEqual(parent.data.params["BinaryClassificationEvaluator.metricName"], "areaUnderROC")
        self.assertEqual(parent.data.metrics, {})
        self.assertEqual([d.tags[0].value for d in parent.inputs.dataset_inputs], ["train"])
        for child, value in zip(children, ["0.0", "10.0"]):
            self.assertEqual(child.data.params["LogisticRegression.regParam"], value)
            self.assertEqual(set(child.data.metrics), metrics)
            self.assertEqual((child.data.tags["estimator_name"], child.info.status), ("Pipeline", "FINISHED"))
        scores = [next(v for k, v in child.data.metrics.items() if not k.startswith("std_")) for child in children]
        best = ["0.0", "10.0"][scores.index(max(scores))]
        self.assertEqual(parent.data.params["best_LogisticRegression.regParam"], best)
        uri = f"runs:/{parent.info.run_id}/"
        self.assertEqual(mlflow.artifacts.load_dict(uri + "best_parameters.json"), {"LogisticRegression.regParam": float(best)})
        self.assertEqual(len(mlflow.artifacts.load_text(uri + "search_results.csv").splitlines()), 3)
        told = mlflow.artifacts.load_dict(uri + "estimator_info.json")
        self.assertEqual(told["hierarchy"]["tuned_estimator"]["stages"][-1]["name"], "LogisticRegression")
        self.assertEqual(told[name]["tuning_parameter_map_list"][1], {"LogisticRegression.regParam": 10.0})

    def test_autolog_of_a_cross_validation(self):
        mlflow.pyspark.ml.autolog()
        parent, children = self.search(CrossValidator, numFolds=2)
        self.check_search(parent, children, "CrossValidator", {"avg_areaUnderROC", "std_areaUnderROC"})
        for name in "model", "best_model":
            uri = f"runs:/{parent.info.run_id}/{name}"
            self.assertEqual(len(self.predictions(mlflow.spark.load_model(uri))), 60)
            self.assertEqual(len(mlflow.pyfunc.load_model(uri).predict(self.frame.drop("label").toPandas())), 60)

    def test_autolog_of_a_train_validation_split(self):
        name = fresh("Split")
        mlflow.pyspark.ml.autolog(registered_model_name=name)
        self.check_search(*self.search(TrainValidationSplit), "TrainValidationSplit", {"areaUnderROC"})
        self.assertEqual(len(self.predictions(mlflow.spark.load_model(f"models:/{name}/1"))), 60)

    def logged(self, **options):
        """What a fit, two evaluations and autologging with these options leave."""
        mlflow.pyspark.ml.autolog(**options)
        before = {run.info.run_id for run in self.client.search_runs([self.experiment])}
        test = self.frame.limit(30)
        scored = self.pipeline.fit(self.frame).transform(test)
        for _ in range(2):
            BinaryClassificationEvaluator().evaluate(scored)
        new = [run for run in self.client.search_runs([self.experiment]) if run.info.run_id not in before]
        return self.client.get_run(new[0].info.run_id) if new else None

    def test_autolog_options(self):
        run = self.logged(extra_tags={"team": "x"})
        self.assertEqual(set(run.data.metrics), {"areaUnderROC_test", "areaUnderROC-2_test"})
        self.assertEqual(run.data.tags["team"], "x")
        self.assertEqual(sorted(d.tags[0].value for d in run.inputs.dataset_inputs), ["eval", "train"])
        self.assertTrue({"model/MLmodel", "metric_info.json"} <= self.files(run.info.run_id))
        run = self.logged(log_models=False)
        self.assertEqual(self.files(run.info.run_id), {"estimator_info.json", "metric_info.json"})
        run = self.logged(log_datasets=False, log_models=False)
        self.assertEqual(run.inputs.dataset_inputs, [])
        run = self.logged(log_post_training_metrics=False, log_models=False)
        self.assertEqual((run.data.metrics, self.files(run.info.run_id)), ({}, {"estimator_info.json"}))
        self.assertIsNone(self.logged(disable=True))

    def test_data_source_autolog_says_why_it_cannot_be(self):
        with self.assertRaisesRegex(mlflow.MlflowException, "JVM-side state for Spark datasource autologging"):
            mlflow.spark.autolog()

    def test_a_process_of_its_own_loads_without_a_session(self):
        run_id, _ = self.log()
        text = (
            "import mlflow, pandas as pd\n"
            f"model = mlflow.pyfunc.load_model('runs:/{run_id}/model')\n"
            "print(model.predict(pd.DataFrame({'x': [1.0], 'kind': ['a']})))\n"
        )
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120)
        self.assertRegex(done.stdout, r"^\[[01]\.0\]\n$", done.stderr)


if __name__ == "__main__":
    unittest.main()
