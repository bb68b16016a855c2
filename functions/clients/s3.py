"""The edge of S3: the objects of one bucket."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from botocore.exceptions import ClientError

from functions.clients import aws, calls

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BLOCK = 1 << 20


class Bucket:
    """A bucket. Errors: AwsUnavailableError, AwsRejectedError.

    S3 tells of an object that is not there only whoever may list the bucket; others are refused.
    """

    def __init__(self, client: "S3Client", name: str) -> None:
        self._client = client
        self.name = name

    def put(self, key: str, body: bytes) -> None:
        """Write an object of at most 5 GB, whole."""
        with aws.translated():
            calls.call(
                "s3.put_object",
                lambda: self._client.put_object(Bucket=self.name, Key=key, Body=body),
            )

    def put_file(self, key: str, file: BinaryIO) -> None:
        """Write an object from where the file stands to its end."""
        with aws.translated():
            calls.call(
                "s3.put_object",
                lambda: self._client.put_object(Bucket=self.name, Key=key, Body=file),
            )

    def get(self, key: str) -> bytes | None:
        """An object, whole; None if there is none."""
        blocks = self.blocks(key)
        return None if blocks is None else b"".join(blocks)

    def blocks(self, key: str) -> Iterator[bytes] | None:
        """An object, a megabyte at a time; None if there is none."""
        with aws.translated():
            try:
                body = calls.call(
                    "s3.get_object",
                    lambda: self._client.get_object(Bucket=self.name, Key=key)["Body"],
                )
            except ClientError as error:
                if aws.error_code(error) != "NoSuchKey":
                    raise
                return None
        return _read(body.iter_chunks(_BLOCK))


def _read(chunks: Iterator[bytes]) -> Iterator[bytes]:
    with aws.translated():
        while block := calls.call("s3.get_object.body", lambda: next(chunks, b"")):
            yield block
