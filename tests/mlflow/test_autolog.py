"""What logs by itself: scikit-learn's autologging and system metrics."""

import time

import mlflow
import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from support import TestCase

X = numpy.array([[float(i), float(i % 3)] for i in range(60)])
Y = numpy.array([i % 2 for i in range(60)])


class Autolog(TestCase):
    def setUp(self):
        super().setUp()
        self.number = self.new_experiment()
        mlflow.set_experiment(experiment_id=self.number)
        self.addCleanup(mlflow.sklearn.autolog, disable=True)

    def test_sklearn(self):
        mlflow.sklearn.autolog()
        with mlflow.start_run() as run:
            model = LogisticRegression(C=3.0).fit(X, Y)
            model.score(X, Y)
        got = self.client.get_run(run.info.run_id)
        self.assertEqual(got.data.params["C"], "3.0")
        self.assertIn("training_accuracy_score", got.data.metrics)
        self.assertEqual(got.data.tags["estimator_name"], "LogisticRegression")
        self.assertEqual(len(got.inputs.dataset_inputs), 1)
        logged = mlflow.search_logged_models([self.number], output_format="list")
        self.assertEqual(len(logged), 1)
        again = mlflow.sklearn.load_model(f"models:/{logged[0].model_id}")
        self.assertEqual(list(again.predict(X)), list(model.predict(X)))

    def test_grid_search_makes_child_runs(self):
        mlflow.sklearn.autolog(log_models=False, max_tuning_runs=2)
        GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, cv=2).fit(X, Y)
        runs = self.client.search_runs([self.number])
        parents = [r for r in runs if "mlflow.parentRunId" not in r.data.tags]
        self.assertEqual((len(runs), len(parents)), (3, 1))
        self.assertIn("best_cv_score", parents[0].data.metrics)

    def test_system_metrics(self):
        mlflow.set_system_metrics_sampling_interval(0.2)
        mlflow.set_system_metrics_samples_before_logging(1)
        with mlflow.start_run(log_system_metrics=True) as run:
            for _ in range(100):
                time.sleep(0.1)
                if self.client.get_run(run.info.run_id).data.metrics:
                    break
        metrics = self.client.get_run(run.info.run_id).data.metrics
        self.assertIn("system/cpu_utilization_percentage", metrics)
