"""A change is on the disk within seconds, whole, and without a pause for anybody."""

import json
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Any

from snapshots import DATA, Snapshots, encode_json, touched_services, write_state


def request(service: str, operation: str = "", method: str = "POST", query: bytes = b"") -> dict[str, Any]:
    credential = f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
    headers = [(b"Authorization", credential.encode()), (b"X-Amz-Target", f"Api_2012.{operation}".encode())]
    return {"type": "http", "method": method, "headers": headers if service else [], "query_string": query}


class Touching(unittest.TestCase):
    def test_a_write_to_the_data_touches_all_of_the_data(self) -> None:
        for service in sorted(DATA):
            self.assertEqual(touched_services(request(service, "PutItem")), DATA)

    def test_a_read_touches_nothing(self) -> None:
        for operation in ("GetItem", "Query", "BatchGetItem", "ReceiveMessage", "ListQueues", "DescribeTable"):
            with self.subTest(operation):
                self.assertEqual(touched_services(request("dynamodb", operation)), frozenset())

    def test_an_object_is_read_by_get_and_written_by_put(self) -> None:
        get, put = request("s3", method="GET"), request("s3", method="PUT")
        self.assertEqual((touched_services(get), touched_services(put)), (frozenset(), DATA))

    def test_a_presigned_upload_counts(self) -> None:
        query = b"X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
        self.assertEqual(touched_services(request("", method="PUT", query=query)), DATA)

    def test_a_stack_touches_everything_even_when_it_is_only_asked_about(self) -> None:
        self.assertIsNone(touched_services(request("cloudformation", method="POST")))

    def test_a_call_of_the_product_itself_touches_nothing_but_what_its_functions_touch(self) -> None:
        self.assertEqual(touched_services(request("", method="POST")), frozenset())

    def test_other_services_touch_everything_when_they_are_changed(self) -> None:
        self.assertIsNone(touched_services(request("iam", "CreateRole")))


def encode(_service: str, content: Any) -> str:
    return encode_json(content, str)


class Saving(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.rows: list[int] = []
        self.lock = threading.Lock()

    def snapshots(self, state: Any = None) -> Snapshots:
        state = state or {"dynamodb": lambda: {"rows": self.rows}, "iam": lambda: {"roles": []}}
        snapshots = Snapshots(str(self.folder), lambda: state, encode, delay_seconds=0.05)
        snapshots.start()
        self.addCleanup(snapshots.stop)
        return snapshots

    def saved(self, name: str, expected: Any) -> bool:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            path = self.folder / f"{name}.json"
            if path.exists() and json.loads(path.read_text()) == expected:
                return True
            time.sleep(0.02)
        return False

    def test_a_change_is_saved_soon_and_so_is_the_next_one(self) -> None:
        snapshots = self.snapshots()
        for row in (1, 2):
            self.rows.append(row)
            snapshots.touch(DATA)
            self.assertTrue(self.saved("dynamodb", {"rows": self.rows}))

    def test_only_what_was_touched_is_written(self) -> None:
        snapshots = self.snapshots()
        snapshots.touch(DATA)
        self.assertTrue(self.saved("dynamodb", {"rows": []}))
        self.assertFalse((self.folder / "iam.json").exists())
        snapshots.touch(None)
        self.assertTrue(self.saved("iam", {"roles": []}))

    def test_a_failed_snapshot_is_tried_again_and_leaves_the_former_one_whole(self) -> None:
        (self.folder / "dynamodb.json").write_text('{"rows": ["old"]}')
        broken = self.folder / "broken"
        broken.touch()

        def state() -> Any:
            if broken.exists():
                raise RuntimeError("cannot be read now")
            return {"rows": self.rows}

        with self.assertLogs("romashka.cloud", "ERROR"):
            self.snapshots({"dynamodb": state}).touch(DATA)
            time.sleep(0.3)
        self.assertEqual(json.loads((self.folder / "dynamodb.json").read_text()), {"rows": ["old"]})
        broken.unlink()
        self.assertTrue(self.saved("dynamodb", {"rows": []}))

    def test_the_server_goes_on_while_a_snapshot_is_written(self) -> None:
        snapshots = self.snapshots({"dynamodb": lambda: time.sleep(1) or {"rows": 1}})
        snapshots.touch(DATA)
        time.sleep(0.1)
        began = time.monotonic()
        snapshots.touch(DATA)
        self.assertLess(time.monotonic() - began, 0.2)

    def test_a_service_without_state_keeps_its_file(self) -> None:
        (self.folder / "iam.json").write_text("kept")
        write_state(str(self.folder), {"iam": lambda: None}, encode, None)
        self.assertEqual((self.folder / "iam.json").read_text(), "kept")
