"""A function's output can be read, and never fills the disk."""

import io
import tempfile
import unittest
from pathlib import Path

from function_logs import LINE_LIMIT_BYTES, FunctionLogs
from patches import logical_name


class FunctionLogsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_output_goes_to_the_file_of_the_function_as_the_template_calls_it(self) -> None:
        logs = FunctionLogs(self.folder, logical_name)
        logs.follow("romashka-UploadsCreate-0123456789ABC", io.BytesIO(b"one\ntwo"))
        self.assertEqual((self.folder / "UploadsCreate.log").read_bytes(), b"one\ntwo\n")

    def test_a_name_that_was_given_is_kept(self) -> None:
        self.assertEqual(logical_name("my-function"), "my-function")

    def test_an_error_is_recorded_with_its_request(self) -> None:
        logs = FunctionLogs(self.folder, str)
        logs.error("f", "request-1", {"errorMessage": "the reason"})
        text = (self.folder / "f.log").read_text()
        self.assertIn("request-1", text)
        self.assertIn("the reason", text)

    def test_a_chatty_function_keeps_at_most_twice_the_limit(self) -> None:
        logs = FunctionLogs(self.folder, str, limit_bytes=1000)
        logs.follow("f", io.BytesIO(b"a line of twenty-two.\n" * 10_000 + b"last\n"))
        sizes = {path.name: path.stat().st_size for path in self.folder.iterdir()}
        self.assertEqual(set(sizes), {"f.log", "f.log.1"})
        self.assertLess(sum(sizes.values()), 2 * 1000 + 2 * 22)
        self.assertTrue((self.folder / "f.log").read_bytes().endswith(b"last\n"))

    def test_a_line_without_end_is_cut_rather_than_held_in_memory(self) -> None:
        logs = FunctionLogs(self.folder, str)
        logs.follow("f", io.BytesIO(b"x" * (LINE_LIMIT_BYTES + 5)))
        lines = (self.folder / "f.log").read_bytes().splitlines()
        self.assertEqual([len(line) for line in lines], [LINE_LIMIT_BYTES, 5])

    def test_a_name_cannot_lead_out_of_the_folder(self) -> None:
        FunctionLogs(self.folder / "logs", str).follow("../out", io.BytesIO(b"x\n"))
        self.assertFalse((self.folder / "out.log").exists())
