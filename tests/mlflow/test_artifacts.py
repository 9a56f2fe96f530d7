"""Artifacts: what the client logs, lists and downloads through the proxy, and what the proxy refuses."""

import hashlib
import json
import os
import pathlib
import tempfile
import urllib.parse

import matplotlib
import mlflow
import numpy
import pandas
from PIL import Image

from support import TestCase, beyond_mlflow, request

matplotlib.use("Agg")
import matplotlib.pyplot  # noqa: E402

PROXY = "/api/2.0/mlflow-artifacts/artifacts"


class Artifacts(TestCase):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        mlflow.set_experiment(experiment_id=self.new_experiment())
        self.run = mlflow.start_run().info
        self.root = urllib.parse.urlparse(self.run.artifact_uri).path.lstrip("/")

    def names(self, path=None):
        return [(f.path, f.is_dir) for f in self.client.list_artifacts(self.run.run_id, path)]

    def file(self, name, content=b"x"):
        path = pathlib.Path(self.folder.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def test_files_and_folders(self):
        mlflow.log_artifact(self.file("one.txt", b"hello"))
        mlflow.log_artifact(self.file("two.bin", b"\0\1\2"), "deep/er")
        self.file("tree/a/b.txt", b"b")
        self.file("tree/c.txt", b"cc")
        mlflow.log_artifacts(os.path.join(self.folder.name, "tree"), "all")
        self.assertEqual(self.names(), [("all", True), ("deep", True), ("one.txt", False)])
        self.assertEqual(self.names("deep"), [("deep/er", True)])
        self.assertEqual(self.names("deep/er"), [("deep/er/two.bin", False)])
        self.assertEqual(self.names("one.txt"), [])
        self.assertEqual(self.names("none"), [])
        sizes = {f.path: f.file_size for f in self.client.list_artifacts(self.run.run_id, "all")}
        self.assertEqual(sizes, {"all/a": None, "all/c.txt": 2})
        local = mlflow.artifacts.download_artifacts(run_id=self.run.run_id, artifact_path="all")
        self.assertEqual(pathlib.Path(local, "a", "b.txt").read_bytes(), b"b")
        everything = mlflow.artifacts.download_artifacts(artifact_uri=self.run.artifact_uri)
        self.assertEqual(pathlib.Path(everything, "deep", "er", "two.bin").read_bytes(), b"\0\1\2")
        self.assertEqual(mlflow.artifacts.load_text(f"runs:/{self.run.run_id}/one.txt"), "hello")

    def test_texts_figures_images_tables(self):
        mlflow.log_text("grüße", "notes/text.txt")
        mlflow.log_dict({"a": [1, None]}, "d.json")
        mlflow.log_dict({"a": 1}, "d.yaml")
        figure = matplotlib.pyplot.figure()
        mlflow.log_figure(figure, "figure.png")
        mlflow.log_image(numpy.zeros((4, 5, 3), dtype="uint8"), "image.png")
        mlflow.log_image(numpy.ones((4, 5, 3), dtype="uint8"), key="dog", step=3)
        mlflow.log_table({"q": ["a", "b"], "n": [1, 2]}, "table.json")
        mlflow.log_table(pandas.DataFrame({"q": ["c"], "n": [3]}), "table.json")
        self.assertEqual(mlflow.artifacts.load_text(self.run.artifact_uri + "/notes/text.txt"), "grüße")
        self.assertEqual(mlflow.artifacts.load_dict(self.run.artifact_uri + "/d.json"), {"a": [1, None]})
        self.assertEqual(mlflow.artifacts.load_image(self.run.artifact_uri + "/image.png").size, (5, 4))
        self.assertTrue(all(name.startswith("images/dog") for name, _ in self.names("images")))
        table = mlflow.load_table("table.json", run_ids=[self.run.run_id])
        self.assertEqual(list(table["n"]), [1, 2, 3])
        self.assertEqual([n for n, _ in self.names()],
                         ["d.json", "d.yaml", "figure.png", "image.png", "images", "notes", "table.json"])
        with Image.open(mlflow.artifacts.download_artifacts(self.run.artifact_uri + "/figure.png")) as image:
            self.assertGreater(image.size[0], 10)

    def test_names_beyond_ascii_and_overwriting(self):
        for content in (b"1", b"two"):
            mlflow.log_artifact(self.file("ä b+c%.txt", content))
        self.assertEqual(self.names(), [("ä b+c%.txt", False)])
        local = self.client.download_artifacts(self.run.run_id, "ä b+c%.txt")
        self.assertEqual(pathlib.Path(local).read_bytes(), b"two")

    def test_a_big_file_in_chunks(self):
        content = os.urandom(1 << 20) * 24
        mlflow.log_artifact(self.file("big.bin", content))
        local = self.client.download_artifacts(self.run.run_id, "big.bin")
        self.assertEqual(hashlib.sha256(pathlib.Path(local).read_bytes()).digest(), hashlib.sha256(content).digest())

    def test_deleting(self):
        repository = mlflow.store.artifact.artifact_repository_registry.get_artifact_repository(self.run.artifact_uri)
        mlflow.log_text("x", "d/one.txt")
        mlflow.log_text("x", "d/e/two.txt")
        repository.delete_artifacts("d/one.txt")
        self.assertEqual(self.names("d"), [("d/e", True)])
        repository.delete_artifacts("d")
        repository.delete_artifacts("never")
        self.assertEqual(self.names(), [])

    def test_content_types_and_ranges(self):
        for name, kind in (("a.txt", "text/plain"), ("b.json", "text/plain"), ("c.png", "image/png"),
                           ("MLmodel", "text/plain"), ("d.pkl", "application/octet-stream"),
                           ("e.pdf", "application/pdf"), ("f", "application/octet-stream")):
            path = f"{PROXY}/{self.root}/{name}"
            status, _, _ = request("PUT", path, data=b"0123456789", headers={"Content-Type": "text/plain"})
            self.assertEqual(status, 200)
            status, headers, body = request("GET", path)
            self.assertEqual((status, headers["Content-Type"], body), (200, kind, b"0123456789"), name)
            self.assertEqual(headers["Content-Disposition"], f"attachment; filename={name}")
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        status, headers, body = request("GET", path, headers={"Range": "bytes=2-4"})
        self.assertEqual((status, body, headers["Content-Range"]), (206, b"234", "bytes 2-4/10"))

    @beyond_mlflow
    def test_what_did_not_change_is_not_sent_again(self):
        mlflow.log_text("x", "a.txt")
        path = f"{PROXY}/{self.root}/a.txt"
        etag = request("GET", path)[1]["ETag"]
        self.assertEqual(request("GET", path, headers={"If-None-Match": etag})[0], 304)
        mlflow.log_text("other", "a.txt")
        self.assertEqual(request("GET", path, headers={"If-None-Match": etag})[0], 200)

    def test_pages_of_users_do_not_run(self):
        for name in ("a.html", "b.svg"):
            path = f"{PROXY}/{self.root}/{name}"
            request("PUT", path, data=b"<script>alert(1)</script>", headers={"Content-Type": "text/html"})
            _, headers, _ = request("GET", path)
            self.assertTrue(headers["Content-Disposition"].startswith("attachment"))

    def test_no_way_out_of_the_folder(self):
        for path in ("../x", "..%2fx", "%2e%2e/x", "a/../../x", "..%252f..%252fx", "/etc/passwd", "%2fetc%2fpasswd",
                     "a%23b", "..%5c..%5cx/../..", "file:%2f%2f%2fetc%2fpasswd", "C:%2fx"):
            for method in ("GET", "PUT", "DELETE"):
                status, _, body = request(method, f"{PROXY}/{path}", data=b"x" if method == "PUT" else None)
                self.assertIn(status, (308, 400, 404, 405), (method, path, body))
        for path in ("../", "..", "/etc", "a/../..", "%2e%2e"):
            status, _, body = request("GET", PROXY, {"path": path})
            self.assertEqual((status, json.loads(body)["message"]), (400, "Invalid path"), path)

    @beyond_mlflow
    def test_a_file_is_no_folder(self):
        path = f"{PROXY}/{self.root}/a"
        request("PUT", path, data=b"x")
        self.assertEqual(request("PUT", path + "/b", data=b"x")[0] // 100, 4)
        request("PUT", f"{PROXY}/{self.root}/d/e", data=b"x")
        self.assertEqual(request("PUT", f"{PROXY}/{self.root}/d", data=b"x")[0] // 100, 4)
        self.assertEqual(request("GET", f"{PROXY}/{self.root}/d")[0], 400)

    def test_by_run(self):
        mlflow.log_text("hello", "d/a.txt")
        status, _, body = request("GET", "/get-artifact", {"run_id": self.run.run_id, "path": "d/a.txt"})
        self.assertEqual((status, body), (200, b"hello"))
        status, _, body = request("GET", "/api/2.0/mlflow/artifacts/list", {"run_id": self.run.run_id, "path": "d"})
        self.assertEqual(json.loads(body), {"root_uri": self.run.artifact_uri,
                                            "files": [{"path": "d/a.txt", "is_dir": False, "file_size": 5}]})
        status, _, body = request("GET", "/get-artifact", {"run_id": self.run.run_id, "path": "none"})
        self.assertEqual((status, json.loads(body)["error_code"]), (404, "RESOURCE_DOES_NOT_EXIST"))
        status, _, _ = request("POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={self.run.run_id}&path=up/b.txt",
                               data=b"up", headers={"Content-Type": "application/octet-stream"})
        self.assertEqual((status, self.names("up")), (200, [("up/b.txt", False)]))
