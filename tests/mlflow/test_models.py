"""Models through their whole life: logged, registered, found by every kind of URI, loaded."""

import mlflow
import numpy
import pandas
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

from support import TestCase, fresh

X = pandas.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [0.0, 1.0, 0.0, 1.0]})
Y = [2.0, 5.0, 6.0, 9.0]


class Doubler(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["a"] * 2


def log_linear(**kwargs):
    return mlflow.sklearn.log_model(LinearRegression().fit(X, Y), serialization_format="cloudpickle",
                                    pip_requirements=["scikit-learn"], **kwargs)


class Models(TestCase):
    def setUp(self):
        super().setUp()
        self.number = self.new_experiment()
        mlflow.set_experiment(experiment_id=self.number)
        self.model = fresh("model")

    def test_sklearn_by_every_uri(self):
        with mlflow.start_run() as run:
            info = log_linear(name="linear", registered_model_name=self.model, input_example=X,
                              signature=infer_signature(X, Y))
        self.assertEqual(str(info.registered_model_version), "1")
        self.client.set_registered_model_alias(self.model, "champion", 1)
        self.client.transition_model_version_stage(self.model, 1, "Production")
        expected = LinearRegression().fit(X, Y).predict(X)
        for uri in (info.model_uri, f"runs:/{run.info.run_id}/linear", f"models:/{info.model_id}",
                    f"models:/{self.model}/1", f"models:/{self.model}/latest", f"models:/{self.model}/Production",
                    f"models:/{self.model}@champion"):
            numpy.testing.assert_allclose(mlflow.sklearn.load_model(uri).predict(X), expected, err_msg=uri)
        numpy.testing.assert_allclose(mlflow.pyfunc.load_model(f"models:/{self.model}/1").predict(X), expected)
        with self.assertRaises(mlflow.MlflowException):
            mlflow.sklearn.load_model(f"models:/{self.model}/Staging")

    def test_a_model_of_ones_own(self):
        with mlflow.start_run():
            info = mlflow.pyfunc.log_model(name="doubler", python_model=Doubler(), pip_requirements=["mlflow"])
        self.assertEqual(list(mlflow.pyfunc.load_model(info.model_uri).predict(X)), [2.0, 4.0, 6.0, 8.0])

    def test_register_later(self):
        with mlflow.start_run() as run:
            info = log_linear(name="linear")
        first = mlflow.register_model(info.model_uri, self.model, tags={"k": "v"})
        second = mlflow.register_model(f"runs:/{run.info.run_id}/linear", self.model)
        self.assertEqual((first.version, second.version), ("1", "2"))
        self.assertEqual(self.client.get_model_version(self.model, "1").tags, {"k": "v"})
        self.assertEqual(self.client.get_model_version(self.model, "1").run_id, run.info.run_id)
        mlflow.sklearn.load_model(f"models:/{self.model}/2")

    def test_the_logged_model(self):
        with mlflow.start_run() as run:
            info = log_linear(name="linear", params={"depth": 3}, tags={"t": "x"})
            mlflow.log_metric("rmse", 0.5, model_id=info.model_id, step=1)
        model = mlflow.get_logged_model(info.model_id)
        self.assertEqual((model.name, model.status.value, model.source_run_id, model.experiment_id),
                         ("linear", "READY", run.info.run_id, self.number))
        self.assertEqual((model.params["depth"], model.tags["t"]), ("3", "x"))
        self.assertEqual([(m.key, m.value, m.run_id) for m in model.metrics], [("rmse", 0.5, run.info.run_id)])
        got = self.client.get_run(run.info.run_id)
        self.assertEqual([o.model_id for o in got.outputs.model_outputs], [info.model_id])
        mlflow.set_logged_model_tags(info.model_id, {"u": "y"})
        mlflow.delete_logged_model_tag(info.model_id, "t")
        self.assertEqual(mlflow.get_logged_model(info.model_id).tags.get("u"), "y")
        self.assertNotIn("t", mlflow.get_logged_model(info.model_id).tags)
        self.client.delete_logged_model(info.model_id)
        self.assertFails("RESOURCE_DOES_NOT_EXIST", f"Logged model with ID '{info.model_id}' not found.",
                         mlflow.get_logged_model, info.model_id)

    def test_search_of_logged_models(self):
        ids = {}
        with mlflow.start_run():
            for i, name in enumerate("abc"):
                model = mlflow.create_external_model(name=name, params={"p": str(i)}, tags={"t": name},
                                                     model_type="agent" if i else "tool")
                mlflow.log_metric("m", i * 1.5, model_id=model.model_id)
                ids[model.model_id] = name

        def search(filter_string=None, **kwargs):
            found = mlflow.search_logged_models([self.number], filter_string, output_format="list", **kwargs)
            return "".join(m.name for m in found)

        self.assertEqual(search(), "cba")
        for filter_string, expected in {"name = 'b'": "b", "name LIKE '%'": "cba", "params.p = '1'": "b",
                                        "tags.t != 'a'": "cb", "metrics.m > 1": "cb", "model_type = 'agent'": "cb",
                                        "metrics.m >= 1.5 AND params.p = '2'": "c", "name IN ('a', 'c')": "ca"}.items():
            self.assertEqual(search(filter_string), expected, filter_string)
        self.assertEqual(search(order_by=[{"field_name": "metrics.m", "ascending": True}]), "abc")
        self.assertEqual(search(order_by=[{"field_name": "name", "ascending": True}], max_results=2), "ab")
        self.assertEqual(set(mlflow.search_logged_models([self.number])["name"]), set("abc"))

    def test_a_failed_upload_leaves_a_failed_model(self):
        model = mlflow.initialize_logged_model(name="broken")
        self.assertEqual(model.status.value, "PENDING")
        done = mlflow.finalize_logged_model(model.model_id, "FAILED")
        self.assertEqual(done.status.value, "FAILED")
