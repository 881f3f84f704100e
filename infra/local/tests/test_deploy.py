"""A deployment packs the same bytes from the same binaries and touches only what changed."""

import io
import json
import os
import tempfile
import unittest
import zipfile
from pathlib import Path

import deploy
from deploy import Artifacts, DeployError, Memory, binary_name, package, prepare, read_template

TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Resources:
  Work:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: target/lambda/uploads-create/
      Role: !GetAtt Role.Arn
      Environment: { Variables: { TABLE: !Ref Table, NAME: !Sub "${AWS::StackName}-x" } }
  Data:
    Type: AWS::CloudFormation::Stack
    Properties: { TemplateURL: infra/data.yaml }
"""


class Packing(unittest.TestCase):
    def test_the_same_binary_gives_the_same_package(self) -> None:
        self.assertEqual(package(b"\x7fELF" * 100), package(b"\x7fELF" * 100))
        self.assertNotEqual(package(b"a"), package(b"b"))

    def test_a_package_holds_an_executable_bootstrap(self) -> None:
        with zipfile.ZipFile(io.BytesIO(package(b"binary"))) as archive:
            (entry,) = archive.infolist()
            self.assertEqual(
                (entry.filename, entry.external_attr >> 16, entry.date_time[0]), ("bootstrap", 0o100755, 1980)
            )
            self.assertEqual(archive.read("bootstrap"), b"binary")


class Preparing(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "infra").mkdir()
        (self.root / "template.yaml").write_text(TEMPLATE)
        (self.root / "infra/data.yaml").write_text("Resources: { Table: { Type: AWS::DynamoDB::Table } }")
        (self.root / "uploads-create").write_bytes(b"first")

    def prepared(self) -> tuple[str, Artifacts]:
        artifacts = Artifacts("bucket", "http://cloud")
        key = prepare(self.root / "template.yaml", self.root, artifacts, Memory(self.root / "memory"))
        return key, artifacts

    def test_a_function_points_at_its_binary_and_a_nested_stack_at_its_template(self) -> None:
        key, artifacts = self.prepared()
        resources = json.loads(artifacts.templates[key])["Resources"]
        (function,) = artifacts.binaries
        self.assertEqual(resources["Work"]["Properties"]["CodeUri"], f"s3://bucket/{function}")
        self.assertTrue(function.startswith("functions/uploads-create-"))
        nested = resources["Data"]["Properties"]["TemplateURL"].removeprefix("http://cloud/bucket/")
        self.assertIn("Table", json.loads(artifacts.templates[nested])["Resources"])

    def test_nothing_changed_means_the_same_keys(self) -> None:
        self.assertEqual(self.prepared(), self.prepared())

    def test_a_changed_binary_changes_its_key_and_the_templates(self) -> None:
        before, _ = self.prepared()
        (self.root / "uploads-create").write_bytes(b"second")
        self.assertNotEqual(self.prepared()[0], before)

    def test_a_change_in_a_nested_template_changes_the_parent(self) -> None:
        before, _ = self.prepared()
        (self.root / "infra/data.yaml").write_text("Resources: { Other: { Type: AWS::DynamoDB::Table } }")
        self.assertNotEqual(self.prepared()[0], before)

    def test_a_missing_binary_is_named(self) -> None:
        (self.root / "uploads-create").unlink()
        with self.assertRaisesRegex(DeployError, "uploads-create.*build"):
            self.prepared()

    def test_a_template_that_nests_itself_is_refused(self) -> None:
        loop = "Resources: { A: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: data.yaml } } }"
        (self.root / "infra/data.yaml").write_text(loop)
        with self.assertRaisesRegex(DeployError, "contain itself"):
            self.prepared()

    def test_short_forms_are_spelled_out_and_a_date_stays_a_text(self) -> None:
        template = read_template(self.root / "template.yaml")
        properties = template["Resources"]["Work"]["Properties"]
        self.assertEqual(template["AWSTemplateFormatVersion"], "2010-09-09")
        self.assertEqual(properties["Role"], {"Fn::GetAtt": ["Role", "Arn"]})
        self.assertEqual(properties["Environment"]["Variables"]["TABLE"], {"Ref": "Table"})
        self.assertEqual(properties["Environment"]["Variables"]["NAME"], {"Fn::Sub": "${AWS::StackName}-x"})

    def test_a_file_without_resources_is_not_a_template(self) -> None:
        for text in ("[]", "Resources: []", "{", ""):
            with self.subTest(text):
                (self.root / "template.yaml").write_text(text)
                with self.assertRaises(DeployError):
                    read_template(self.root / "template.yaml")

    def test_the_binary_is_the_last_folder(self) -> None:
        self.assertEqual(binary_name("target/lambda/uploads-create/"), "uploads-create")
        self.assertEqual(binary_name("target/lambda/uploads-create"), "uploads-create")


class Remembering(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "binary"
        self.file.write_bytes(b"one")
        self.memory = Memory(Path(folder.name) / "memory")

    def test_a_file_that_was_not_touched_is_not_read_again(self) -> None:
        before = self.memory.sha256(self.file)
        self.memory.save()
        stat = self.file.stat()
        self.file.write_bytes(b"two")
        os.utime(self.file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        self.assertEqual(Memory.load(self.memory.path).sha256(self.file), before)

    def test_a_touched_file_is_read_again(self) -> None:
        before = self.memory.sha256(self.file)
        self.file.write_bytes(b"two")
        os.utime(self.file, ns=(1, 1))
        self.assertNotEqual(self.memory.sha256(self.file), before)

    def test_a_broken_memory_is_an_empty_one(self) -> None:
        for text in ("", "{", "[]", "{}", '{"hashes": 1}'):
            with self.subTest(text):
                self.memory.path.write_text(text)
                self.assertEqual(Memory.load(self.memory.path), Memory(self.memory.path))


class Command(unittest.TestCase):
    def test_a_parameter_keeps_what_follows_its_first_equals_sign(self) -> None:
        self.assertEqual(deploy._parameter("Url=http://x/?a=b"), ("Url", "http://x/?a=b"))
        with self.assertRaises(deploy.argparse.ArgumentTypeError):
            deploy._parameter("Url")
