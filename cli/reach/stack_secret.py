"""A stack's one secret in Secrets Manager."""

from dataclasses import dataclass
from typing import Any

from cli.model.failures import Usage, refused_by
from ringline.runtime.vault.document import Document, SecretRefused, new_document, read_document
from ringline.runtime.web.problems import not_found


@dataclass(slots=True)
class StackSecret:
    """`manager` is a client of Secrets Manager, `name` the secret's name there. `arn` is what AWS called it when it was
    last read or written: it says in whose account and in which region that was."""

    manager: Any
    name: str
    arn: str = ""

    @property
    def place(self) -> dict[str, str]:
        """The AWS account and region of what was last read or written, as far as its name tells them."""
        parts = self.arn.split(":")
        known = {"aws_account": parts[4], "region": parts[3]} if len(parts) > 4 else {}
        return {name: value for name, value in known.items() if value}

    def read(self) -> Document:
        """Raises Refused 404 where there is none, Usage for another program's, and botocore's errors."""
        document = self._read()
        if document is None:
            told = f"Secrets Manager has no secret {self.name}"
            raise refused_by(not_found("secret_not_found", told))
        return document

    def read_or_new(self, now: int) -> Document:
        """A fresh one where there is none yet, which `write` makes."""
        return self._read() or new_document(now)

    def write(self, document: Document) -> None:
        """Raises botocore's errors."""
        try:
            answer = self.manager.put_secret_value(SecretId=self.name, SecretString=document.as_text())
        except self.manager.exceptions.ResourceNotFoundException:
            answer = self.manager.create_secret(
                Name=self.name, SecretString=document.as_text(), Description="Everything secret of a Ringline stack"
            )
        self.arn = str(answer.get("ARN", ""))

    def _read(self) -> Document | None:
        try:
            answer = self.manager.get_secret_value(SecretId=self.name)
        except self.manager.exceptions.ResourceNotFoundException:
            return None
        self.arn = str(answer.get("ARN", ""))
        try:
            # A secret of bytes has no text at all.
            return read_document(answer.get("SecretString", ""))
        except SecretRefused:
            raise Usage(
                f"The secret {self.name} holds something else than a stack's secrets",
                advice="It is another program's: a stack's begins with `ringline secrets set livekit --secret NAME`.",
            ) from None
