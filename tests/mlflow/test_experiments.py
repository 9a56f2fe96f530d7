"""Experiments: names, tags, search, soft deletion."""

from mlflow.entities import ViewType

from support import TestCase, api, fresh


class Experiments(TestCase):
    def test_default_experiment_exists(self):
        default = self.client.get_experiment("0")
        self.assertEqual((default.name, default.lifecycle_stage), ("Default", "active"))

    def test_create_and_get(self):
        name = fresh("e")
        number = self.client.create_experiment(name, tags={"owner": "me", "team": "a b"})
        for experiment in (self.client.get_experiment(number), self.client.get_experiment_by_name(name)):
            self.assertEqual(experiment.name, name)
            self.assertEqual(experiment.experiment_id, number)
            self.assertEqual(experiment.artifact_location, f"mlflow-artifacts:/{number}")
            self.assertEqual(experiment.tags, {"owner": "me", "team": "a b"})
            self.assertGreater(experiment.creation_time, 1.7e12)
        self.assertIsNone(self.client.get_experiment_by_name(name + "x"))

    def test_name_is_taken_even_when_deleted(self):
        name = fresh("e")
        number = self.client.create_experiment(name)
        self.assertFails("RESOURCE_ALREADY_EXISTS", "already exists", self.client.create_experiment, name)
        self.client.delete_experiment(number)
        self.assertFails("RESOURCE_ALREADY_EXISTS", "already exists", self.client.create_experiment, name)
        self.assertEqual(self.client.get_experiment(number).lifecycle_stage, "deleted")

    def test_rename(self):
        number = self.new_experiment()
        name = fresh("renamed")
        self.client.rename_experiment(number, name)
        self.assertEqual(self.client.get_experiment(number).name, name)

    def test_tags(self):
        number = self.new_experiment()
        self.client.set_experiment_tag(number, "k", "1")
        self.client.set_experiment_tag(number, "k", "2")
        self.client.set_experiment_tag(number, "other", "x")
        self.client.delete_experiment_tag(number, "other")
        self.assertEqual(self.client.get_experiment(number).tags, {"k": "2"})

    def test_delete_and_restore_take_the_runs_along(self):
        number = self.new_experiment()
        run = self.new_run(number)
        self.client.delete_experiment(number)
        self.assertEqual(self.client.get_run(run.info.run_id).info.lifecycle_stage, "deleted")
        self.assertFails("INVALID_PARAMETER_VALUE", "must be in the 'active' state", self.client.create_run, number)
        self.client.restore_experiment(number)
        self.assertEqual(self.client.get_experiment(number).lifecycle_stage, "active")
        self.assertEqual(self.client.get_run(run.info.run_id).info.lifecycle_stage, "active")

    def test_search(self):
        mark = fresh("m")
        names = [f"{mark}-{c}" for c in "bca"]
        numbers = {n: self.client.create_experiment(n, tags={"mark": mark, "n": n[-1]}) for n in names}
        self.client.delete_experiment(numbers[names[1]])

        def search(filter_string, **kwargs):
            found = self.client.search_experiments(filter_string=filter_string, **kwargs)
            return [e.name[-1] for e in found]

        mine = f"tags.mark = '{mark}'"
        self.assertEqual(search(mine), ["a", "b"])  # the newest first
        self.assertEqual(search(mine, order_by=["name ASC"]), ["a", "b"])
        self.assertEqual(search(mine, order_by=["name DESC"]), ["b", "a"])
        self.assertEqual(search(mine, view_type=ViewType.DELETED_ONLY), ["c"])
        self.assertEqual(search(mine, view_type=ViewType.ALL, order_by=["name"]), ["a", "b", "c"])
        self.assertEqual(search(f"name LIKE '{mark}-%' AND tags.n != 'a'"), ["b"])
        self.assertEqual(search(f"name ILIKE '{mark.upper()}-A'"), ["a"])
        self.assertEqual(search(f"name = '{names[0]}'"), ["b"])

    def test_search_by_pages(self):
        mark = fresh("m")
        for i in range(5):
            self.client.create_experiment(f"{mark}-{i}")
        found, token = [], None
        while True:
            page = self.client.search_experiments(
                filter_string=f"name LIKE '{mark}%'", max_results=2, order_by=["name ASC"], page_token=token
            )
            found += [e.name[-1] for e in page]
            token = page.token
            if not token:
                break
        self.assertEqual(found, list("01234"))

    def test_refusals(self):
        self.assertRefused(404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=99999 exists", "GET", "experiments/get",
                           {"experiment_id": "99999"})
        self.assertRefused(404, "RESOURCE_DOES_NOT_EXIST", "Could not find experiment with name 'nope'", "GET",
                           "experiments/get-by-name", {"experiment_name": "nope"})
        self.assertRefused(400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'name'. See the API docs"
                           " for more information about request parameters.", "POST", "experiments/create", {})
        self.assertRefused(400, "INVALID_PARAMETER_VALUE", "Invalid value 123 for parameter 'name' supplied:  Hint: Value"
                           " was of type 'int'. See the API docs for more information about request parameters.",
                           "POST", "experiments/create", {"name": 123})
        status, answer = api("POST", "experiments/search", {"max_results": 5, "filter": "bad filter"})
        self.assertEqual((status, answer["error_code"]), (400, "INVALID_PARAMETER_VALUE"))
