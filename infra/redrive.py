"""Moves the messages of a dead-letter queue back to the queue they came from.

    python redrive.py --from DEAD_LETTERS_URL --to QUEUE_URL [--endpoint URL]

Each message is sent before it is deleted, so a crash in between leaves it twice rather than never; everything behind
a queue of ours takes a second delivery for what it is. Without `--endpoint` it talks to AWS.
"""

from __future__ import annotations

import argparse

import boto3

BATCH = 10
LOCAL = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


def redrive(sqs, source: str, destination: str) -> int:
    moved = 0
    while True:
        received = sqs.receive_message(
            QueueUrl=source,
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=1,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["MessageGroupId"],
        )
        messages = received.get("Messages", [])
        if not messages:
            return moved
        for message in messages:
            group = message.get("Attributes", {}).get("MessageGroupId")
            sqs.send_message(
                QueueUrl=destination,
                MessageBody=message["Body"],
                MessageAttributes=message.get("MessageAttributes", {}),
                **({"MessageGroupId": group} if group else {}),
            )
            sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            moved += 1


def main() -> None:
    parser = argparse.ArgumentParser(description="Moves dead letters back to their queue.")
    parser.add_argument("--from", dest="source", required=True, help="the dead-letter queue's address")
    parser.add_argument("--to", dest="destination", required=True, help="the queue's address")
    parser.add_argument("--endpoint", help="where a local cloud answers")
    arguments = parser.parse_args()
    local = {"endpoint_url": arguments.endpoint, **LOCAL} if arguments.endpoint else {}
    moved = redrive(boto3.client("sqs", **local), arguments.source, arguments.destination)
    print(f"moved {moved} messages")


if __name__ == "__main__":
    main()
