"""Big files: the client's uploads in parts and downloads by signed address, and what of them is refused."""

import hashlib
import json
import os
import pathlib
import tempfile
import unittest.mock
import urllib.parse
import urllib.request

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository

from support import URI, TestCase, beyond_mlflow, request

PART = 1 << 20
SETTINGS = {"MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": str(3 * PART), "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": str(PART),
            "MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE": str(PART)}


def answer(method, path, body=None, **kwargs):
    status, headers, data = request(method, path, body, **kwargs)
    return status, headers, json.loads(data) if data else None


def tail(url):
    """A URL of the server without its scheme and host."""
    parsed = urllib.parse.urlsplit(url)
    return f"{parsed.path}?{parsed.query}"


@beyond_mlflow
class Transfers(TestCase):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        patch = unittest.mock.patch.dict(os.environ, SETTINGS)
        patch.start()
        self.addCleanup(patch.stop)
        self.run_id = self.new_run().info.run_id
        self.uri = self.client.get_run(self.run_id).info.artifact_uri
        self.root = urllib.parse.urlparse(self.uri).path.lstrip("/")

    def file(self, size, name="big ü%.bin"):
        path = pathlib.Path(self.folder.name, name)
        path.write_bytes(os.urandom(size))
        return path

    def names(self, path=None):
        return [f.path for f in self.client.list_artifacts(self.run_id, path)]

    def same(self, path, local):
        back = pathlib.Path(self.client.download_artifacts(self.run_id, path)).read_bytes()
        self.assertEqual(hashlib.sha256(back).digest(), hashlib.sha256(local.read_bytes()).digest())

    def test_in_parts_and_back(self):
        for size in (3 * PART, 5 * PART + 17):
            local = self.file(size)
            with unittest.mock.patch.object(HttpArtifactRepository, "_upload_part",
                                            wraps=HttpArtifactRepository._upload_part) as parts, \
                    unittest.mock.patch.object(HttpArtifactRepository, "_multipart_download", autospec=True,
                                               side_effect=HttpArtifactRepository._multipart_download) as down:
                self.client.log_artifact(self.run_id, str(local), "deep/er")
                self.assertEqual(parts.call_count, -(-size // PART))
                self.same("deep/er/big ü%.bin", local)
                self.assertEqual(down.call_count, 1)
        small = self.file(100, "small")
        with unittest.mock.patch.object(HttpArtifactRepository, "_upload_part") as parts:
            self.client.log_artifact(self.run_id, str(small))
            parts.assert_not_called()
        self.same("small", small)
        empty = self.file(0, "empty")
        self.client.log_artifact(self.run_id, str(empty))
        self.same("empty", empty)

    def test_a_part_that_fails_aborts(self):
        local = self.file(4 * PART)
        real = HttpArtifactRepository._upload_part

        def failing(credential, **kwargs):
            if credential.part_number == 2:
                raise OSError("the line is down")
            return real(credential=credential, **kwargs)

        with unittest.mock.patch.object(HttpArtifactRepository, "_upload_part", side_effect=failing), \
                self.assertRaisesRegex(MlflowException, "the line is down"):
            self.client.log_artifact(self.run_id, str(local))
        self.assertEqual(self.names(), [])
        self.client.log_artifact(self.run_id, str(local))
        self.assertEqual(self.names(), [local.name])

    def create(self, name="/home/me/f.bin", parts=2):
        return answer("POST", f"/api/2.0/mlflow-artifacts/mpu/create/{self.root}", {"path": name, "num_parts": parts})

    def finish(self, what, id, parts=None, name="f.bin", root=None):
        body = {"path": name, "upload_id": id, **({"parts": parts} if parts is not None else {})}
        return answer("POST", f"/api/2.0/mlflow-artifacts/mpu/{what}/{root or self.root}", body)[::2]

    def put(self, url, data):
        status, headers, _ = request("PUT", tail(url), data=data)
        return status, headers.get("ETag")

    def test_by_hand(self):
        status, _, made = self.create()
        self.assertEqual((status, [c["part_number"] for c in made["credentials"]]), (200, [1, 2]))
        id, urls = made["upload_id"], [c["url"] for c in made["credentials"]]
        self.assertTrue(all(url.startswith(URI + "/") for url in urls))
        parts = [{"part_number": n + 1, "etag": self.put(url, b"ab"[n:n + 1] * 3)[1]} for n, url in enumerate(urls)]
        for wrong in ([], parts[:1], parts[::-1], parts + parts, [parts[0], {**parts[1], "etag": "x"}],
                      [parts[0], {**parts[1], "part_number": 99999999999}], [1, 2], [None, {}]):
            status, said = self.finish("complete", id, wrong)
            self.assertEqual((status, said["error_code"]), (400, "INVALID_PARAMETER_VALUE"), wrong)
        self.assertEqual(self.finish("complete", id, parts, name="other")[0], 400)
        self.assertEqual(self.finish("complete", id, parts, root="77/other")[0], 400)
        self.assertEqual(self.finish("complete", "../" + id[3:], parts)[0], 404)
        self.assertEqual(self.finish("abort", "0" * 32)[0], 404)
        self.assertEqual(self.names(), [])
        self.assertEqual(self.finish("complete", id, parts), (200, {}))
        self.assertEqual(self.finish("complete", id, parts), (200, {}))
        self.assertEqual(request("GET", f"/api/2.0/mlflow-artifacts/artifacts/{self.root}/f.bin")[2], b"aaabbb")
        self.assertEqual(self.put(urls[0], b"late")[0], 404)

    def test_a_missing_part(self):
        made = self.create()[2]
        etag = self.put(made["credentials"][0]["url"], b"1")[1]
        parts = [{"part_number": 1, "etag": etag}, {"part_number": 2, "etag": etag}]
        status, said = self.finish("complete", made["upload_id"], parts)
        self.assertEqual((status, said["message"]), (400, "Part 2 of the upload is missing"))
        self.assertEqual(self.finish("abort", made["upload_id"]), (200, {}))
        self.assertEqual(self.finish("complete", made["upload_id"], parts)[0], 404)

    def test_bad_creations(self):
        for parts in (0, -1, "x", 1 << 40):
            self.assertIn(self.create(parts=parts)[0], (400, 501), parts)
        said = self.create(parts=10001)[2]["message"]  # the client goes on in one piece when it reads this
        self.assertTrue(said.startswith("Multipart upload is not supported for the current artifact repository"))
        for name in ("", "/", "..", "a/..", "%2e%2e", "x%2fy", "a%23b", ".artifact.uploading.1", "x\0y"):
            self.assertEqual(self.create(name)[0], 400, name)
        for folder in ("..", "%2e%2e/x", ".uploads", ""):
            status, _, _ = answer("POST", f"/api/2.0/mlflow-artifacts/mpu/create/{folder}",
                                  {"path": "f", "num_parts": 1})
            self.assertEqual(status, 400, folder)
        self.assertEqual(self.create("C:\\files\\f.bin")[0], 200)

    def test_signatures(self):
        url = tail(self.create(parts=1)[2]["credentials"][0]["url"])
        other = tail(self.create(parts=1)[2]["credentials"][0]["url"])
        parsed = urllib.parse.urlsplit(url)
        query = dict(urllib.parse.parse_qsl(parsed.query))
        forged = [parsed.path, parsed.path + "?expires=9999999999&signature=" + query["signature"],
                  f"{parsed.path}?expires={query['expires']}&signature={'0' * 64}",
                  f"{parsed.path}?expires={query['expires']}", urllib.parse.urlsplit(other).path + "?" + parsed.query,
                  url.replace("/parts/", "/parts/../parts/"), url.replace("/1?", "/2?"), url + "0"]
        for path in forged:
            self.assertIn(request("PUT", path, data=b"x")[0], (403, 404), path)
        self.assertEqual(request("PUT", url, data=b"x")[0], 200)
        self.client.log_text(self.run_id, "hello", "a b.txt")
        status, _, said = answer("GET", f"/api/2.0/mlflow-artifacts/presigned/{self.root}/a%20b.txt")
        self.assertEqual((status, said["file_size"], said["headers"]), (200, 5, {}))
        status, headers, body = request("GET", tail(said["url"]), headers={"Range": "bytes=1-2"})
        self.assertEqual((status, body), (206, b"el"))
        self.assertTrue(headers["Content-Disposition"].startswith("attachment"))
        self.assertEqual(request("GET", tail(said["url"]).replace("a%20b", "b"))[0], 403)
        self.assertEqual(request("PUT", tail(said["url"]), data=b"x")[0], 405)
        for path, expected in (("none", 404), ("", 400), ("../x", 400)):
            self.assertEqual(answer("GET", f"/api/2.0/mlflow-artifacts/presigned/{self.root}/{path}")[0], expected, path)

    def test_behind_a_proxy(self):
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "mlflow.example, inner", "X-Forwarded-Prefix": "/ml/"}
        status, _, body = request("POST", f"/api/2.0/mlflow-artifacts/mpu/create/{self.root}",
                                  {"path": "f", "num_parts": 1}, headers)
        url = json.loads(body)["credentials"][0]["url"]
        self.assertTrue(url.startswith("https://mlflow.example/ml/api/2.0/mlflow-artifacts/signed/parts/"), url)
        headers = {"X-Forwarded-Proto": "javascript", "X-Forwarded-Host": "a\"b<", "X-Forwarded-Prefix": "no"}
        _, _, body = request("POST", f"/api/2.0/mlflow-artifacts/mpu/create/{self.root}",
                             {"path": "f", "num_parts": 1}, headers)
        self.assertTrue(json.loads(body)["credentials"][0]["url"].startswith(URI + "/api/2.0/"))

    def test_addresses_of_clouds(self):
        for which, body in (("upload", {"run_id": self.run_id, "path": "f"}), ("download", {"run_id": self.run_id, "path": "f"})):
            status, _, said = answer("POST", f"/api/2.0/mlflow/artifacts/presigned-{which}-url", body)
            self.assertEqual(status, 400)
            self.assertIn("proxied artifact storage (artifact URI scheme: mlflow-artifacts)", said["message"])

    def test_the_client_may_be_told_not_to(self):
        local = self.file(4 * PART)
        with unittest.mock.patch.dict(os.environ, {"MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false",
                                                   "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false"}), \
                unittest.mock.patch.object(HttpArtifactRepository, "_upload_part") as parts:
            get_artifact_repository(self.uri).log_artifact(str(local))
            parts.assert_not_called()
            self.same(local.name, local)
