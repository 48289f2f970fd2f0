"""How S3 says no (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html)."""

from xml.sax.saxutils import escape

from werkzeug.wrappers import Response


class S3Error(Exception):
    """A request is refused with ``status``, and a document with ``code`` and ``message``."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message

    def response(self) -> Response:
        """The answer."""
        document = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message></Error>"
        )
        return Response(document, self.status, mimetype="application/xml")
