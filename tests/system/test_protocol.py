#!/usr/bin/env python3
"""The Spark Connect protocol below what PySpark shows of it: raw requests, and the answers real Spark 4.1.3 gives to them.

    test_protocol.py CHERT [unittest arguments]
"""

import json
import os
import pathlib
import random
import socket
import sys
import threading
import time
import unittest
import uuid
import zlib

import grpc
import pyarrow
import pyspark.sql.connect.proto as pb
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from pyspark.sql.connect.proto import base_pb2_grpc

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from run_programs import Server  # noqa: E402

SERVICE = "/spark.connect.SparkConnectService/"
METHODS = [
    "ReleaseExecute", "ExecutePlan", "AnalyzePlan", "Config", "ReattachExecute", "AddArtifacts", "ArtifactStatus",
    "Interrupt", "ReleaseSession", "CloneSession", "FetchErrorDetails",
]  # fmt: skip
Config, Execute, Analyze = pb.ConfigRequest, pb.ExecutePlanRequest, pb.AnalyzePlanRequest
Release, Artifacts = pb.ReleaseExecuteRequest, pb.AddArtifactsRequest


def fresh():
    return str(uuid.uuid4())


def range_plan(end, start=0):
    return pb.Plan(root=pb.Relation(range=pb.Range(start=start, end=end, step=1)))


def sql_plan(text):
    return pb.Plan(root=pb.Relation(sql=pb.SQL(query=text)))


def endless_plan():
    return sql_plan("SELECT max(a.id % 7 + b.id % 11) FROM range(100000000) a CROSS JOIN range(1000000) b")


def value(key, text=None):
    return pb.KeyValue(key=key, value=text)


def field(number, data):
    """A length-delimited field, by hand: the client's own library refuses to nest deeper than 100."""
    size, out = len(data), bytearray()
    number = number << 3 | 2
    for part in (number, size):
        while part >= 0x80:
            out.append(part & 0x7F | 0x80)
            part >>= 7
        out.append(part)
    return bytes(out) + data


def nested_plan(levels):
    """Plan.root of as many nested limits over a range, as bytes."""
    data = pb.Relation(range=pb.Range(end=5, step=1)).SerializeToString()
    for _ in range(levels):
        data = field(8, field(1, data) + b"\x10\x03")  # limit{input, limit: 3}
    return field(1, data)


def chunk(data, crc=None):
    return Artifacts.ArtifactChunk(data=data, crc=zlib.crc32(data) if crc is None else crc)


def artifact(name, data, crc=None):
    return Artifacts.SingleChunkArtifact(name=name, data=chunk(data, crc))


class Protocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(CHERT)
        cls.address = cls.server.remote.removeprefix("sc://")
        cls.channel = grpc.insecure_channel(cls.address)
        cls.stub = base_pb2_grpc.SparkConnectServiceStub(cls.channel)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        cls.server.__exit__()

    def setUp(self):
        self.session = fresh()
        self.addCleanup(lambda: self.stub.ReleaseSession(pb.ReleaseSessionRequest(**self.who())))

    def who(self, session=None):
        return {"session_id": session or self.session, "user_context": pb.UserContext(user_id="tester")}

    def config(self, session=None, **operation):
        return self.stub.Config(Config(operation=Config.Operation(**operation), **self.who(session)))

    def execute(self, plan, operation=None, reattachable=True, **more):
        options = [Execute.RequestOption(reattach_options=pb.ReattachOptions(reattachable=reattachable))]
        return self.stub.ExecutePlan(
            Execute(plan=plan, operation_id=operation, request_options=options, **more, **self.who())
        )

    def reattach(self, operation, last=None, session=None):
        return self.stub.ReattachExecute(
            pb.ReattachExecuteRequest(operation_id=operation, last_response_id=last, **self.who(session))
        )

    def release(self, operation, session=None, **what):
        return self.stub.ReleaseExecute(Release(operation_id=operation, **what, **self.who(session)))

    def analyze(self, **what):
        return self.stub.AnalyzePlan(Analyze(**what, **self.who()))

    def assert_error(self, call, condition, exception=None, text=None):
        with self.assertRaises(grpc.RpcError) as raised:
            answer = call()
            if not hasattr(answer, "ListFields"):
                list(answer)
        error = raised.exception
        self.assertEqual(error.code(), grpc.StatusCode.INTERNAL)
        info = error_details_pb2.ErrorInfo()
        rpc_status.from_call(error).details[0].Unpack(info)
        self.assertEqual(info.domain, "org.apache.spark")
        self.assertEqual(info.metadata.get("errorClass", ""), condition or "", error.details())
        classes = json.loads(info.metadata["classes"])
        self.assertEqual(classes[0], info.reason)
        if exception:
            self.assertIn(exception, classes)
        if text:
            self.assertIn(text, error.details())
        return info


class Sessions(Protocol):
    def test_configuration(self):
        key = "spark.sql.shuffle.partitions"
        self.config(set=Config.Set(pairs=[value(key, "3"), value("my.own", "x")]))
        got = self.config(get=Config.Get(keys=[key, "my.own"]))
        self.assertEqual([(p.key, p.value) for p in got.pairs], [(key, "3"), ("my.own", "x")])
        got = self.config(get_all=Config.GetAll(prefix="my."))
        self.assertEqual([(p.key, p.value) for p in got.pairs], [("own", "x")])  # without the prefix, as Spark
        got = self.config(get_option=Config.GetOption(keys=["no.such", key]))
        self.assertEqual([p.HasField("value") for p in got.pairs], [False, True])
        pairs = [value("no.such", "d"), value("no.such"), value(key, "9")]
        got = self.config(get_with_default=Config.GetWithDefault(pairs=pairs))
        self.assertEqual([p.value for p in got.pairs], ["d", "", "3"])
        self.assertFalse(got.pairs[1].HasField("value"))
        self.config(unset=Config.Unset(keys=[key, "no.such"]))
        self.assertEqual(self.config(get=Config.Get(keys=[key])).pairs[0].value, "200")
        got = self.config(is_modifiable=Config.IsModifiable(keys=[key, "spark.driver.memory", "no.such"]))
        self.assertEqual([p.value for p in got.pairs], ["true", "false", "false"])

    def test_configuration_errors(self):
        def put(*pairs, silent=None):
            return self.config(set=Config.Set(pairs=list(pairs), silent=silent))

        memory = value("spark.driver.memory", "1g")
        self.assert_error(lambda: put(memory), "CANNOT_MODIFY_CONFIG", "org.apache.spark.sql.AnalysisException")
        static = value("spark.sql.warehouse.dir", "x")
        self.assert_error(lambda: put(static), "CANNOT_MODIFY_STATIC_CONFIG", "org.apache.spark.sql.AnalysisException")
        number = value("spark.sql.shuffle.partitions", "abc")
        self.assert_error(lambda: put(number), "INVALID_CONF_VALUE.TYPE_MISMATCH", "java.lang.IllegalArgumentException")
        self.assert_error(lambda: put(value("a")), None, "java.lang.IllegalArgumentException", "value cannot be null")
        missing = Config.Get(keys=["no.such"])
        self.assert_error(
            lambda: self.config(get=missing), "SQL_CONF_NOT_FOUND", "org.apache.spark.SparkNoSuchElementException"
        )
        self.assert_error(self.config, None, "java.lang.UnsupportedOperationException")
        answer = put(memory, value("my.own", "y"), silent=True)
        self.assertEqual(len(answer.warnings), 1)
        self.assertTrue(answer.warnings[0].startswith("Failed to set spark.driver.memory to Some(1g) due to [CANNOT_"))
        self.assertEqual(self.config(get=Config.Get(keys=["my.own"])).pairs[0].value, "y")

    def test_ids(self):
        first = self.config(get_all=Config.GetAll())
        second = self.analyze(spark_version=Analyze.SparkVersion())
        self.assertEqual(second.spark_version.version, "4.1.3")
        self.assertEqual(first.session_id, self.session)
        self.assertEqual(first.server_side_session_id, second.server_side_session_id)
        changed = Config(
            operation=Config.Operation(get_all=Config.GetAll()), client_observed_server_side_session_id="x", **self.who()
        )
        self.assert_error(
            lambda: self.stub.Config(changed), "INVALID_HANDLE.SESSION_CHANGED", "org.apache.spark.SparkSQLException"
        )
        self.assert_error(lambda: self.config(session="abc", get_all=Config.GetAll()), "INVALID_HANDLE.FORMAT")
        # the same id of another user is another session
        other = pb.UserContext(user_id="somebody else")
        request = Config(operation=Config.Operation(get_all=Config.GetAll()), session_id=self.session, user_context=other)
        self.assertNotEqual(self.stub.Config(request).server_side_session_id, first.server_side_session_id)
        self.stub.ReleaseSession(pb.ReleaseSessionRequest(session_id=self.session, user_context=other))

    def test_release(self):
        session = fresh()
        release = pb.ReleaseSessionRequest(**self.who(session))
        made = self.config(session=session, get_all=Config.GetAll())
        self.assertEqual(self.stub.ReleaseSession(release).server_side_session_id, made.server_side_session_id)
        self.assertEqual(self.stub.ReleaseSession(release).server_side_session_id, "")
        closed = "INVALID_HANDLE.SESSION_CLOSED"
        self.assert_error(lambda: self.config(session=session, get_all=Config.GetAll()), closed)
        self.assert_error(lambda: self.reattach(fresh(), session=session), closed)
        self.assert_error(lambda: self.release(fresh(), session=session, release_all=Release.ReleaseAll()), closed)
        again = fresh()
        self.config(session=again, get_all=Config.GetAll())
        self.stub.ReleaseSession(pb.ReleaseSessionRequest(allow_reconnect=True, **self.who(again)))
        self.config(session=again, get_all=Config.GetAll())
        self.stub.ReleaseSession(pb.ReleaseSessionRequest(**self.who(again)))

    def test_clone(self):
        def clone(to=None, session=None):
            return self.stub.CloneSession(pb.CloneSessionRequest(new_session_id=to, **self.who(session)))

        self.config(set=Config.Set(pairs=[value("my.own", "x")]))
        list(self.execute(pb.Plan(command=self.view("v", sql_plan("SELECT 7 AS a")))))
        to = fresh()
        answer = clone(to)
        self.assertEqual((answer.session_id, answer.new_session_id), (self.session, to))
        self.assertEqual(self.config(session=to, get=Config.Get(keys=["my.own"])).pairs[0].value, "x")
        bad = "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_"
        self.assert_error(lambda: clone(to), bad + "ALREADY_EXISTS", "org.apache.spark.SparkSQLException")
        self.assert_error(lambda: clone("x"), bad + "FORMAT")
        self.assert_error(lambda: clone(session=fresh()), "INVALID_HANDLE.SESSION_NOT_FOUND")
        self.session, old = to, self.session
        rows = self.rows(self.execute(sql_plan("SELECT a FROM v")))
        self.session = old
        self.assertEqual(rows, [{"a": 7}])
        self.stub.ReleaseSession(pb.ReleaseSessionRequest(**self.who(to)))
        self.assert_error(lambda: clone(to), bad + "ALREADY_CLOSED")
        self.assertTrue(clone().new_session_id)

    def view(self, name, plan):
        return pb.Command(create_dataframe_view=pb.CreateDataFrameViewCommand(input=plan.root, name=name))

    def rows(self, stream):
        out = []
        for m in stream:
            if m.HasField("arrow_batch"):
                out += pyarrow.ipc.open_stream(m.arrow_batch.data).read_all().to_pylist()
        return out


class Operations(Protocol):
    def test_responses(self):
        operation = fresh()
        messages = list(self.execute(range_plan(3), operation))
        # a small result is one message: schema, rows and metrics together
        self.assertEqual([m.WhichOneof("response_type") for m in messages], ["arrow_batch", "result_complete"])
        self.assertTrue(messages[0].HasField("schema") and messages[0].HasField("metrics"))
        self.assertEqual({m.operation_id for m in messages}, {operation})
        self.assertEqual({m.session_id for m in messages}, {self.session})
        self.assertEqual(len({m.response_id for m in messages}), 2)
        batch = messages[0].arrow_batch
        self.assertEqual((batch.row_count, batch.start_offset, batch.num_chunks_in_batch), (3, 0, 1))
        self.assertEqual(pyarrow.ipc.open_stream(batch.data).read_all().to_pydict(), {"id": [0, 1, 2]})
        # without rows there is still a batch; without reattachment there is no end marker
        messages = list(self.execute(range_plan(0), reattachable=False))
        self.assertEqual([m.arrow_batch.row_count for m in messages if m.HasField("arrow_batch")], [0])
        self.assertFalse(any(m.HasField("result_complete") for m in messages))

    def test_same_operation_again(self):
        operation = fresh()
        plan = range_plan(1_000_000)  # several batches
        first = [m.response_id for m in self.execute(plan, operation)]
        self.assertGreater(len(first), 3)
        self.assertEqual([m.response_id for m in self.execute(plan, operation)], first)
        self.assertEqual([m.response_id for m in self.reattach(operation)], first)
        self.assertEqual([m.response_id for m in self.reattach(operation, first[1])], first[2:])
        exists = "INVALID_HANDLE.OPERATION_ALREADY_EXISTS"
        self.assert_error(lambda: self.execute(range_plan(4), operation), exists)
        self.assert_error(lambda: self.reattach(operation, "zz"), "INVALID_CURSOR.POSITION_NOT_FOUND")
        until = Release.ReleaseUntil(response_id="zz")
        self.assert_error(lambda: self.release(operation, release_until=until), "INVALID_CURSOR.POSITION_NOT_FOUND")
        self.assert_error(lambda: self.release(operation), None, "java.lang.UnsupportedOperationException")
        self.release(operation, release_until=Release.ReleaseUntil(response_id=first[1]))
        gone = "INVALID_CURSOR.POSITION_NOT_AVAILABLE"
        self.assert_error(lambda: self.reattach(operation, first[0]), gone)
        self.assertEqual([m.response_id for m in self.reattach(operation, first[1])], first[2:])

    def test_release_all(self):
        operation = fresh()
        list(self.execute(range_plan(3), operation))
        every = Release.ReleaseAll()
        self.assertEqual(self.release(operation, release_all=every).operation_id, operation)
        self.assertFalse(self.release(operation, release_all=every).HasField("operation_id"))
        self.assertFalse(self.release(fresh(), release_all=every).HasField("operation_id"))
        self.assert_error(lambda: self.reattach(operation), "INVALID_HANDLE.OPERATION_NOT_FOUND")
        self.assert_error(lambda: self.execute(range_plan(3), operation), "INVALID_HANDLE.OPERATION_ABANDONED")

    def test_unknown_operations(self):
        self.config(get_all=Config.GetAll())
        self.assert_error(lambda: self.reattach(fresh()), "INVALID_HANDLE.OPERATION_NOT_FOUND")
        self.assert_error(lambda: self.reattach(fresh(), session=fresh()), "INVALID_HANDLE.SESSION_NOT_FOUND")
        self.assert_error(lambda: self.execute(range_plan(3), "abc"), "INVALID_HANDLE.FORMAT")
        operation = fresh()
        list(self.execute(range_plan(3), operation, reattachable=False))
        self.assert_error(lambda: self.reattach(operation), "INVALID_HANDLE.OPERATION_NOT_FOUND")

    def test_a_stream_cut_again_and_again(self):
        operation, rows, last, cuts = fresh(), 0, None, 0
        stream = self.execute(range_plan(3_000_000), operation)
        while True:
            finished = False
            for count, message in enumerate(stream, 1):
                last = message.response_id
                if message.HasField("arrow_batch"):
                    self.assertEqual(message.arrow_batch.start_offset, rows)
                    rows += message.arrow_batch.row_count
                self.release(operation, release_until=Release.ReleaseUntil(response_id=last))
                finished = finished or message.HasField("result_complete")
                if count == 2 and not finished:
                    stream.cancel()
                    cuts += 1
                    break
            if finished:
                break
            stream = self.reattach(operation, last)
        self.assertEqual(rows, 3_000_000)
        self.assertGreater(cuts, 2)

    def test_the_last_stream_takes_over(self):
        operation = fresh()
        first = self.execute(endless_plan(), operation)
        next(first)  # the first report of progress
        second = self.reattach(operation)
        next(second)
        self.assert_error(lambda: first, "INVALID_CURSOR.DISCONNECTED")
        self.release(operation, release_all=Release.ReleaseAll())
        self.assert_error(lambda: second, "INVALID_CURSOR.DISCONNECTED")

    def test_progress_is_reported(self):
        stream = self.execute(endless_plan())
        kinds = [next(stream).WhichOneof("response_type") for _ in range(2)]
        self.assertEqual(kinds, ["execution_progress"] * 2)
        stream.cancel()

    def test_interrupt(self):
        kinds = pb.InterruptRequest.InterruptType

        def interrupt(**what):
            return self.stub.Interrupt(pb.InterruptRequest(**what, **self.who())).interrupted_ids

        for what in (
            lambda operation: {"interrupt_type": kinds.INTERRUPT_TYPE_ALL},
            lambda operation: {"interrupt_type": kinds.INTERRUPT_TYPE_TAG, "operation_tag": "two"},
            lambda operation: {"interrupt_type": kinds.INTERRUPT_TYPE_OPERATION_ID, "operation_id": operation},
        ):
            operation = fresh()
            with self.subTest(what=what(operation)):
                stream = self.execute(endless_plan(), operation, tags=["one", "two"])
                next(stream)
                nothing = {"interrupt_type": kinds.INTERRUPT_TYPE_TAG, "operation_tag": "three"}
                self.assertEqual(list(interrupt(**nothing)), [])
                self.assertEqual(list(interrupt(**what(operation))), [operation])
                self.assert_error(lambda: stream, "OPERATION_CANCELED", "org.apache.spark.SparkSQLException")
                self.release(operation, release_all=Release.ReleaseAll())
        bad = "INVALID_PARAMETER_VALUE.INTERRUPT_TYPE_"
        self.assert_error(lambda: interrupt(interrupt_type=2), bad + "TAG_REQUIRES_TAG")
        self.assert_error(lambda: interrupt(interrupt_type=3), bad + "OPERATION_ID_REQUIRES_ID")
        self.assert_error(lambda: interrupt(interrupt_type=99), "UNSUPPORTED_FEATURE.INTERRUPT_TYPE")

    def test_tags(self):
        wrong = "java.lang.IllegalArgumentException"
        self.assert_error(lambda: self.execute(range_plan(1), tags=["a,b"]), None, wrong, "cannot contain ','")
        self.assert_error(lambda: self.execute(range_plan(1), tags=[""]), None, wrong, "cannot be an empty string")

    def test_chunks(self):
        options = [
            Execute.RequestOption(reattach_options=pb.ReattachOptions(reattachable=True)),
            Execute.RequestOption(
                result_chunking_options=pb.ResultChunkingOptions(
                    allow_arrow_batch_chunking=True, preferred_arrow_chunk_size=10_000
                )
            ),
        ]
        request = Execute(plan=range_plan(20_000), request_options=options, **self.who())
        rows, parts = 0, []
        for message in self.stub.ExecutePlan(request):
            if not message.HasField("arrow_batch"):
                continue
            batch = message.arrow_batch
            self.assertEqual((batch.chunk_index, batch.start_offset), (len(parts), rows))
            self.assertLessEqual(len(batch.data), 10_000)
            parts.append(batch.data)
            if len(parts) == batch.num_chunks_in_batch:
                table = pyarrow.ipc.open_stream(b"".join(parts)).read_all()
                self.assertEqual(table.num_rows, batch.row_count)
                rows, parts = rows + table.num_rows, []
        self.assertEqual((rows, parts), (20_000, []))

    def test_many_at_once(self):
        failures = []

        def work(n):
            try:
                for k in range(10):
                    stream = self.execute(range_plan(n * 1000 + k), fresh())
                    got = sum(m.arrow_batch.row_count for m in stream if m.HasField("arrow_batch"))
                    if got != n * 1000 + k:
                        failures.append((n, k, got))
            except Exception as e:  # noqa: BLE001
                failures.append(e)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


class Plans(Protocol):
    def test_nonsense(self):
        bad = "org.apache.spark.sql.connect.common.InvalidPlanInput"
        cases = [
            (pb.Plan(), None, "OPTYPE_NOT_SET not supported"),
            (pb.Plan(command=pb.Command()), "INTERNAL_ERROR", "COMMANDTYPE_NOT_SET"),
            (pb.Plan(root=pb.Relation()), "INTERNAL_ERROR", "RELTYPE_NOT_SET"),
            (pb.Plan(root=pb.Relation(unknown=pb.Unknown())), "INTERNAL_ERROR", "UNKNOWN(999)"),
            (pb.Plan(root=pb.Relation(filter=pb.Filter())), "INTERNAL_ERROR", "RELTYPE_NOT_SET"),
            (pb.Plan(root=pb.Relation(project=pb.Project(expressions=[pb.Expression()]))), "INTERNAL_ERROR", "EXPRTYPE"),
            (pb.Plan(root=pb.Relation(map_partitions=pb.MapPartitions())), "UNSUPPORTED_FEATURE", "map_partitions"),
        ]
        for plan, condition, text in cases:
            with self.subTest(plan=plan):
                exception = bad if condition == "INTERNAL_ERROR" else "java.lang.UnsupportedOperationException"
                self.assert_error(lambda: self.execute(plan), condition, exception, text)
        self.assert_error(self.analyze, "INTERNAL_ERROR", bad, "Unknown Analyze Method ANALYZE_NOT_SET!")

    def test_names_of_views(self):
        def create(name):
            view = pb.CreateDataFrameViewCommand(input=range_plan(2).root, name=name, replace=True)
            return list(self.execute(pb.Plan(command=pb.Command(create_dataframe_view=view))))

        for name in ("v1", "_v", "`a view`", "db.v2"):
            create(name)
        for table in ("v1", "_v", "`a view`", "v2"):
            list(self.execute(sql_plan(f"SELECT * FROM {table}")))
        for name in ("", "a b", "1", "a.b.c", "ü"):
            text = f"Invalid view name: {name}."
            self.assert_error(lambda: create(name), None, "org.apache.spark.sql.AnalysisException", text)

    def test_missing_relations(self):
        bad = "org.apache.spark.sql.connect.common.InvalidPlanInput"
        local = pb.Relation(cached_local_relation=pb.CachedLocalRelation(hash="x"))
        text = "Cannot find a cached local relation for hash: x"
        self.assert_error(lambda: self.execute(pb.Plan(root=local)), "INTERNAL_ERROR", bad, text)
        remote = pb.Relation(cached_remote_relation=pb.CachedRemoteRelation(relation_id="x"))
        self.assert_error(lambda: self.execute(pb.Plan(root=remote)), "INTERNAL_ERROR", bad, "No DataFrame with id x")

    def test_analysis_answers(self):
        plan = range_plan(5)
        schema = self.analyze(schema=Analyze.Schema(plan=plan)).schema.schema
        self.assertEqual([(f.name, f.data_type.WhichOneof("kind"), f.nullable) for f in schema.struct.fields],
                         [("id", "long", False)])  # fmt: skip
        tree = self.analyze(tree_string=Analyze.TreeString(plan=plan)).tree_string.tree_string
        self.assertEqual(tree, "root\n |-- id: long (nullable = false)\n")
        parsed = self.analyze(ddl_parse=Analyze.DDLParse(ddl_string="a int, b string not null")).ddl_parse.parsed
        self.assertEqual([(f.name, f.nullable) for f in parsed.struct.fields], [("a", True), ("b", False)])
        text = '{"type":"struct","fields":[{"name":"a","type":"integer","nullable":true,"metadata":{}}]}'
        self.assertEqual(self.analyze(json_to_ddl=Analyze.JsonToDDL(json_string=text)).json_to_ddl.ddl_string, "a INT")
        same = Analyze.SameSemantics(target_plan=plan, other_plan=range_plan(5))
        self.assertTrue(self.analyze(same_semantics=same).same_semantics.result)
        hashes = {self.analyze(semantic_hash=Analyze.SemanticHash(plan=range_plan(n))).semantic_hash.result
                  for n in (5, 5, 6)}  # fmt: skip
        self.assertEqual(len(hashes), 2)

    def test_storage_levels(self):
        relation = range_plan(5).root

        def level():
            request = Analyze.GetStorageLevel(relation=relation)
            got = self.analyze(get_storage_level=request).get_storage_level.storage_level
            return (got.use_disk, got.use_memory, got.use_off_heap, got.deserialized, got.replication)

        self.assertEqual(level(), (False, False, False, False, 1))
        self.analyze(persist=Analyze.Persist(relation=relation))
        self.assertEqual(level(), (True, True, False, True, 1))
        self.analyze(unpersist=Analyze.Unpersist(relation=relation))
        self.analyze(persist=Analyze.Persist(relation=relation, storage_level=pb.StorageLevel(use_disk=True, replication=2)))
        self.assertEqual(level(), (True, False, False, False, 2))
        self.analyze(unpersist=Analyze.Unpersist(relation=relation))
        self.assertEqual(level(), (False, False, False, False, 1))

    def test_depth(self):
        def run(levels):
            call = self.channel.unary_stream(SERVICE + "ExecutePlan")
            data = Execute(**self.who()).SerializeToString() + field(3, nested_plan(levels))
            return [pb.ExecutePlanResponse.FromString(m) for m in call(data)]

        self.assertEqual(sum(m.arrow_batch.row_count for m in run(500)), 3)
        self.assert_error(lambda: run(520), "CONNECT_INVALID_PLAN.CANNOT_PARSE")
        self.assert_error(lambda: run(30_000), "CONNECT_INVALID_PLAN.CANNOT_PARSE")

    def test_long_errors_are_fetched(self):
        name = "ü" * 2000
        columns = ", ".join(f"1 AS {name[:50]}{i}" for i in range(40))
        plan = sql_plan(f"SELECT `{name}` FROM (SELECT {columns})")
        info = self.assert_error(lambda: self.execute(plan), "UNRESOLVED_COLUMN.WITH_SUGGESTION")
        answer = self.stub.FetchErrorDetails(
            pb.FetchErrorDetailsRequest(error_id=info.metadata["errorId"], **self.who())
        )
        error = answer.errors[answer.root_error_idx]
        self.assertEqual(error.spark_throwable.error_class, "UNRESOLVED_COLUMN.WITH_SUGGESTION")
        self.assertTrue(error.message.startswith("[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column"))
        self.assertTrue(error.message.endswith("SQLSTATE: 42703"))
        self.assertGreater(len(error.message.encode()), 2100)  # more than fits into the status
        self.assertIn("org.apache.spark.sql.AnalysisException", error.error_type_hierarchy)
        nothing = self.stub.FetchErrorDetails(pb.FetchErrorDetailsRequest(error_id=fresh(), **self.who()))
        self.assertFalse(nothing.HasField("root_error_idx"))


class Blobs(Protocol):
    def add(self, *requests):
        return self.stub.AddArtifacts(iter([Artifacts(**r, **self.who()) for r in requests]))

    def exist(self, *names):
        answer = self.stub.ArtifactStatus(pb.ArtifactStatusesRequest(names=names, **self.who()))
        return [answer.statuses[name].exists for name in names]

    def test_batches(self):
        batch = Artifacts.Batch(artifacts=[artifact("cache/abc", b"hello"), artifact("files/x.txt", b"hi")])
        answer = self.add({"batch": batch})
        self.assertEqual([(a.name, a.is_crc_successful) for a in answer.artifacts],
                         [("cache/abc", True), ("files/x.txt", True)])  # fmt: skip
        self.assertEqual(self.exist("cache/abc", "files/x.txt", "cache/no"), [True, False, False])
        broken = self.add({"batch": Artifacts.Batch(artifacts=[artifact("cache/abd", b"hello", 5)])})
        self.assertFalse(broken.artifacts[0].is_crc_successful)
        self.assertEqual(self.exist("cache/abd"), [False])
        again = {"batch": Artifacts.Batch(artifacts=[artifact("files/x.txt", b"other")])}
        self.assert_error(lambda: self.add(again), "ARTIFACT_ALREADY_EXISTS", "org.apache.spark.SparkRuntimeException")
        for name in ("../x", "/x", "a/../../x", ""):
            bad = {"batch": Artifacts.Batch(artifacts=[artifact(name, b"x")])}
            self.assert_error(lambda: self.add(bad), "INVALID_ARTIFACT_PATH")

    def test_chunks(self):
        data = os.urandom(100_000)
        pieces = [data[i : i + 32768] for i in range(0, len(data), 32768)]

        def begin(total=len(data), chunks=len(pieces)):
            return {"begin_chunk": Artifacts.BeginChunkedArtifact(
                name="cache/big", total_bytes=total, num_chunks=chunks, initial_chunk=chunk(pieces[0]))}  # fmt: skip

        rest = [{"chunk": chunk(p)} for p in pieces[1:]]
        failed = "requirement failed"
        for requests in ([begin()], [{"chunk": chunk(b"x")}], [begin(total=10)], [begin(chunks=0)], [begin(), begin()],
                         [begin(total=len(data) + 1), *rest]):  # fmt: skip
            self.assert_error(lambda: self.add(*requests), None, "java.lang.IllegalArgumentException", failed)
        self.assertEqual(self.exist("cache/big"), [False])
        answer = self.add(begin(), *rest)
        self.assertEqual([a.name for a in answer.artifacts], ["cache/big"])
        self.assertEqual(self.exist("cache/big"), [True])
        self.assert_error(lambda: self.add({}), None, "java.lang.UnsupportedOperationException")


class Hostile(Protocol):
    def alive(self):
        return self.analyze(spark_version=Analyze.SparkVersion()).spark_version.version == "4.1.3"

    def call(self, method, data):
        try:
            if method == "AddArtifacts":
                self.channel.stream_unary(SERVICE + method)(iter([data]))
            elif method in ("ExecutePlan", "ReattachExecute"):
                list(self.channel.unary_stream(SERVICE + method)(data))
            else:
                self.channel.unary_unary(SERVICE + method)(data)
        except grpc.RpcError as e:
            self.assertIn(e.code(), (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN))

    def test_bytes_that_are_no_http(self):
        host, port = self.address.rsplit(":", 1)
        for size in (1, 100, 10_000):
            with socket.create_connection((host, int(port))) as s:
                s.send(random.Random(size).randbytes(size))
        self.assertTrue(self.alive())

    def test_unknown_method(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.channel.unary_unary(SERVICE + "Nope")(b"")
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_mutated_requests(self):
        chance = random.Random(7)
        project = pb.Project(
            input=range_plan(5).root,
            expressions=[
                pb.Expression(literal=pb.Expression.Literal(integer=7)),
                pb.Expression(unresolved_attribute=pb.Expression.UnresolvedAttribute(unparsed_identifier="id")),
                pb.Expression(window=pb.Expression.Window()),
            ],
        )
        plan = pb.Plan(root=pb.Relation(project=project))
        originals = [
            Analyze(schema=Analyze.Schema(plan=plan), **self.who()),
            Execute(plan=plan, tags=["a"], **self.who()),
            Config(operation=Config.Operation(set=Config.Set(pairs=[value("a", "b")])), **self.who()),
            Artifacts(batch=Artifacts.Batch(artifacts=[artifact("cache/x", b"abc")]), **self.who()),
        ]
        for _ in range(600):
            data = bytearray(chance.choice(originals).SerializeToString())
            for _ in range(chance.randint(1, 4)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            self.call(chance.choice(METHODS), bytes(data))
        self.assertTrue(self.alive())

    def test_wide_messages(self):
        self.call("Config", b"\x22\x00" * 200_000)
        self.call("AnalyzePlan", b"\x22\x02\x0a\x00" * 200_000)
        self.assertTrue(self.alive())

    def test_silent_streams(self):
        done = threading.Event()

        def wait():
            done.wait(20)
            yield b""

        calls = [self.channel.stream_unary(SERVICE + "Config").future(wait()) for _ in range(200)]
        start = time.monotonic()
        self.assertTrue(self.alive())
        self.assertLess(time.monotonic() - start, 10)
        done.set()
        for call in calls:
            call.cancel()


if __name__ == "__main__":
    CHERT = os.path.abspath(sys.argv.pop(1))
    unittest.main()
