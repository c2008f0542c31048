"""Refusals of the import of a bank's own APIs."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class DescriptionRefused(Invalid):
    """The API description cannot be imported; the text names line and rule."""

    code = "import.description_refused"

    def __init__(self, rule: str, line: int, text: str) -> None:
        """``rule`` is the short name of what was broken, ``line`` counts from 1."""
        super().__init__(f"line {line}: {rule}: {text}", extra={"rule": rule, "line": line})
        self.rule = rule
        self.line = line


class ReviewInvalid(Invalid):
    """The review file does not say what is to be published; the text names the place."""

    code = "import.review_invalid"


class ImportUnknown(NotFound):
    """Nothing was imported under this product id."""

    code = "import.not_found"


class ImportNameTaken(Refused):
    """The catalogue has another product or path of this name."""

    code = "import.name_taken"
