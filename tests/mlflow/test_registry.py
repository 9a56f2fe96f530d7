"""The model registry: models, versions, stages, aliases, tags, search, prompts."""

import mlflow

from support import TestCase, api, beyond_mlflow, fresh, request


class Registry(TestCase):
    def setUp(self):
        super().setUp()
        self.name = fresh("model")
        self.run = self.new_run().info

    def add_version(self, name=None, **kwargs):
        source = f"{self.run.artifact_uri}/model"
        return self.client.create_model_version(name or self.name, source, self.run.run_id, **kwargs)

    def test_a_model_and_its_versions(self):
        model = self.client.create_registered_model(self.name, tags={"a": "1"}, description="about")
        self.assertEqual((model.name, model.description, model.tags, model.latest_versions),
                         (self.name, "about", {"a": "1"}, []))
        first = self.add_version(tags={"k": "v"}, description="first")
        second = self.add_version()
        self.assertEqual((first.version, second.version), ("1", "2"))
        got = self.client.get_model_version(self.name, "1")
        self.assertEqual((got.current_stage, got.status, got.run_id, got.source, got.tags, got.description, got.aliases),
                         ("None", "READY", self.run.run_id, f"{self.run.artifact_uri}/model", {"k": "v"}, "first", []))
        self.client.update_registered_model(self.name, "other")
        self.client.update_model_version(self.name, "1", "changed")
        self.assertEqual(self.client.get_registered_model(self.name).description, "other")
        self.assertEqual(self.client.get_model_version(self.name, "1").description, "changed")
        self.assertEqual(self.client.get_model_version_download_uri(self.name, "1"), got.source)

    def test_removed_numbers_do_not_come_back(self):
        self.client.create_registered_model(self.name)
        for _ in range(2):
            self.add_version()
        self.client.delete_model_version(self.name, "2")
        self.assertFails("RESOURCE_DOES_NOT_EXIST", f"Model Version (name={self.name}, version=2) not found",
                         self.client.get_model_version, self.name, "2")
        self.assertEqual(self.add_version().version, "3")

    def test_rename_and_delete(self):
        self.client.create_registered_model(self.name)
        self.add_version()
        other = fresh("renamed")
        self.client.rename_registered_model(self.name, other)
        self.assertEqual(self.client.get_registered_model(other).latest_versions[0].name, other)
        self.assertFails("RESOURCE_DOES_NOT_EXIST", f"Registered Model with name={self.name} not found",
                         self.client.get_registered_model, self.name)
        self.client.delete_registered_model(other)
        self.assertEqual(len(self.client.search_model_versions(f"name = '{other}'")), 0)
        self.client.create_registered_model(other)
        self.assertEqual(self.add_version(other).version, "1")

    def test_stages(self):
        self.client.create_registered_model(self.name)
        for _ in range(3):
            self.add_version()
        self.client.transition_model_version_stage(self.name, "1", "Production")
        self.client.transition_model_version_stage(self.name, "2", "production", archive_existing_versions=True)
        self.assertEqual(self.client.get_model_version(self.name, "1").current_stage, "Archived")
        latest = {v.current_stage: v.version for v in self.client.get_latest_versions(self.name)}
        self.assertEqual(latest, {"Archived": "1", "Production": "2", "None": "3"})
        only = self.client.get_latest_versions(self.name, ["Production"])
        self.assertEqual([v.version for v in only], ["2"])
        self.assertFails("INVALID_PARAMETER_VALUE",
                         "Invalid Model Version stage: Bogus. Value must be one of None, Staging, Production, Archived.",
                         self.client.transition_model_version_stage, self.name, "1", "Bogus")

    def test_aliases(self):
        self.client.create_registered_model(self.name)
        for _ in range(2):
            self.add_version()
        self.client.set_registered_model_alias(self.name, "Champion", "1")
        self.client.set_registered_model_alias(self.name, "second", "1")
        self.client.set_registered_model_alias(self.name, "Champion", "2")
        self.assertEqual(self.client.get_model_version_by_alias(self.name, "Champion").version, "2")
        self.assertEqual(self.client.get_registered_model(self.name).aliases, {"Champion": "2", "second": "1"})
        self.assertEqual(self.client.get_model_version(self.name, "2").aliases, ["Champion"])
        self.assertEqual(self.client.get_model_version_by_alias(self.name, "latest").version, "2")
        self.client.delete_registered_model_alias(self.name, "second")
        self.assertFails("INVALID_PARAMETER_VALUE", "Registered model alias second not found.",
                         self.client.get_model_version_by_alias, self.name, "second")
        self.client.delete_model_version(self.name, "2")
        self.assertEqual(self.client.get_registered_model(self.name).aliases, {})
        for alias, message in (("v12", "Version alias name 'v12' is reserved."),
                               ("latest", "'latest' alias name (case insensitive) is reserved."),
                               ("a b", "Names may only contain alphanumerics, underscores (_), and dashes (-)."),
                               ("x" * 256, "'Registered model alias name' exceeds the maximum length of 255 characters")):
            status, answer = api("POST", "registered-models/alias",
                                 {"name": self.name, "alias": alias, "version": "1"})
            self.assertEqual(status, 400)
            self.assertIn(message, answer["message"])

    def test_tags(self):
        self.client.create_registered_model(self.name)
        self.add_version()
        self.client.set_registered_model_tag(self.name, "k", "v")
        self.client.set_registered_model_tag(self.name, "k", 2)
        self.client.set_model_version_tag(self.name, "1", "k", "v")
        self.client.set_model_version_tag(self.name, "1", "gone", "v")
        self.client.delete_model_version_tag(self.name, "1", "gone")
        self.assertEqual(self.client.get_registered_model(self.name).tags, {"k": "2"})
        self.assertEqual(self.client.get_model_version(self.name, "1").tags, {"k": "v"})
        self.client.delete_registered_model_tag(self.name, "k")
        self.client.delete_registered_model_tag(self.name, "k")
        self.assertEqual(self.client.get_registered_model(self.name).tags, {})

    def test_names_that_are_refused(self):
        self.client.create_registered_model(self.name)
        self.assertFails("RESOURCE_ALREADY_EXISTS", f"Registered Model (name={self.name}) already exists.",
                         self.client.create_registered_model, self.name)
        for name, message in ((" ", "Missing value for required parameter 'name'."),
                              ("a/b", "Invalid model name 'a/b'. Names cannot contain '/' or ':'."),
                              ("..", "This name would resolve to '..'")):
            self.assertFails("INVALID_PARAMETER_VALUE", message, self.client.create_registered_model, name)
        self.assertRefused(404, "RESOURCE_DOES_NOT_EXIST", "Registered Model with name=nope not found", "GET",
                           "registered-models/get", {"name": "nope"})

    def test_sources_lie_where_the_request_says(self):
        self.client.create_registered_model(self.name)
        other = self.new_run().info
        model = {"name": self.name, "source": f"{self.run.artifact_uri}/model"}
        must = "The run_id request parameter must identify the resource that contains the source."
        for body, message in (
            (model, must), ({**model, "run_id": other.run_id}, must),
            ({"name": self.name, "source": f"runs:/{self.run.run_id}/m", "run_id": other.run_id}, must),
            ({"name": self.name, "source": "/etc"}, "To use a local path as a model version source"),
            ({"name": self.name, "source": "file:///etc", "run_id": self.run.run_id}, "To use a local path"),
            ({**model, "source": f"{self.run.artifact_uri}/../x", "run_id": self.run.run_id}, "relative path references"),
            ({**model, "source": f"{self.run.artifact_uri}/..%2fx", "run_id": self.run.run_id}, "relative path"),
            ({**model, "source": "http://example.org/x"}, "'source' cannot use the 'http' scheme"),
            ({**model, "source": "models:/nope/1"}, "Registered Model with name=nope not found"),
        ):
            status, answer = api("POST", "model-versions/create", body)
            self.assertEqual(status // 100, 4, body)
            self.assertIn(message, answer["message"])

    def test_copies_follow_to_the_files(self):
        self.client.create_registered_model(self.name)
        self.add_version()
        copy = self.client.copy_model_version(f"models:/{self.name}/1", fresh("copy"))
        self.assertEqual((copy.source, copy.run_id), (f"models:/{self.name}/1", self.run.run_id))
        self.assertEqual(self.client.get_model_version_download_uri(copy.name, "1"), f"{self.run.artifact_uri}/model")

    @beyond_mlflow
    def test_artifact_of_a_version(self):
        self.client.create_registered_model(self.name)
        self.client.log_text(self.run.run_id, "flavors:", "model/MLmodel")
        self.client.create_model_version(self.name, f"runs:/{self.run.run_id}/model", self.run.run_id)
        status, _, body = request("GET", "/model-versions/get-artifact",
                                  {"name": self.name, "version": "1", "path": "MLmodel"})
        self.assertEqual((status, body), (200, b"flavors:"))


class Search(TestCase):
    @classmethod
    def setUpClass(cls):
        instance = cls()
        instance.setUp()
        cls.mark = fresh("s")
        cls.runs = [instance.new_run().info for _ in range(2)]
        for i, letter in enumerate("cab"):
            instance.client.create_registered_model(f"{cls.mark}-{letter}", tags={"mark": cls.mark, "n": str(i)})
            for run in cls.runs[: i % 2 + 1]:
                instance.client.create_model_version(f"{cls.mark}-{letter}", f"{run.artifact_uri}/m", run.run_id,
                                                     tags={"mark": cls.mark, "of": letter})

    def models(self, filter_string, **kwargs):
        found = self.client.search_registered_models(filter_string, **kwargs)
        return "".join(m.name[-1] for m in found)

    def versions(self, filter_string, **kwargs):
        found = self.client.search_model_versions(filter_string, **kwargs)
        return [v.name[-1] + v.version for v in found]

    def test_models(self):
        mine = f"tags.mark = '{self.mark}'"
        for filter_string, expected in {
            mine: "abc", f"{mine} AND tags.n = '1'": "a", f"{mine} and tag.n != '1'": "bc",
            f"name = '{self.mark}-b'": "b", f"name LIKE '{self.mark}-%'": "abc", f"name LIKE '{self.mark.upper()}%'": "",
            f"name ILIKE '{self.mark.upper()}-_'": "abc", f"{mine} AND name != '{self.mark}-b'": "ac",
            f"name IN ('{self.mark}-a', '{self.mark}-c')": "ac",
        }.items():
            self.assertEqual(self.models(filter_string), expected, filter_string)
        self.assertEqual(self.models(mine, order_by=["name DESC"]), "cba")
        self.assertEqual(self.models(mine, order_by=["last_updated_timestamp DESC", "name"])[0], "b")
        page = self.client.search_registered_models(mine, max_results=2)
        rest = self.client.search_registered_models(mine, max_results=2, page_token=page.token)
        self.assertEqual([m.name[-1] for m in [*page, *rest]], list("abc"))
        self.assertFalse(rest.token)

    def test_versions(self):
        mine = f"tags.mark = '{self.mark}'"
        for filter_string, expected in {
            f"name = '{self.mark}-a'": ["a1", "a2"], f"run_id = '{self.runs[1].run_id}'": ["a2"],
            f"run_id IN ('{self.runs[1].run_id}', 'x')": ["a2"], f"{mine} AND version_number > 1": ["a2"],
            f"{mine} AND version_number = '2'": ["a2"],
            f"{mine} AND tags.of = 'b'": ["b1"], f"source_path = '{self.runs[1].artifact_uri}/m'": ["a2"],
            f"source_path LIKE '%{self.runs[1].run_id}%'": ["a2"],
        }.items():
            self.assertEqual(sorted(self.versions(filter_string)), expected, filter_string)
        ordered = self.versions(mine, order_by=["name ASC", "version_number DESC"])
        self.assertEqual(ordered, ["a2", "a1", "b1", "c1"])

    def test_refusals(self):
        for filter_string, message in {
            "foo = 'a'": "Invalid attribute key 'foo' specified. Valid keys are '{'name'}'",
            "name > 'a'": "Invalid comparator for attribute: >", "bad": "Invalid clause(s) in filter string",
        }.items():
            self.assertFails("INVALID_PARAMETER_VALUE", message, self.client.search_registered_models, filter_string)
        self.assertFails("INVALID_PARAMETER_VALUE", "Could not be parsed.", self.client.search_registered_models,
                         order_by=["name asc bla"])
        for path, most in (("registered-models/search", 1001), ("model-versions/search", 200001)):
            status, answer = api("GET", path, {"max_results": most})
            self.assertEqual((status, answer["error_code"]), (400, "INVALID_PARAMETER_VALUE"))


class Prompts(TestCase):
    def test_prompts_are_apart_from_models(self):
        name = fresh("prompt")
        mlflow.genai.register_prompt(name=name, template="Hello {{who}}", commit_message="first")
        mlflow.genai.register_prompt(name=name, template="Hi {{who}}", tags={"k": "v"})
        mlflow.genai.set_prompt_alias(name, "live", 1)
        self.assertEqual(mlflow.genai.load_prompt(f"prompts:/{name}@live").template, "Hello {{who}}")
        self.assertEqual(mlflow.genai.load_prompt(f"prompts:/{name}/2").format(who="you"), "Hi you")
        self.assertEqual([p.name for p in mlflow.genai.search_prompts(f"name = '{name}'")], [name])
        self.assertEqual(list(self.client.search_registered_models(f"name = '{name}'")), [])
        self.assertFails("RESOURCE_ALREADY_EXISTS", "already taken by a prompt", self.client.create_registered_model,
                         name)
