"""Refusals of the pages themselves."""

from bankside.kernel.errors import Forbidden, Invalid, Unavailable


class FormInvalid(Invalid):
    """The form is not one of our pages."""

    code = "page.form_invalid"
    status = 400


class FormStale(Forbidden):
    """The form is too old or of another browser: open the page again."""

    code = "page.form_stale"


class PagesBusy(Unavailable):
    """Too many people log in at this moment."""

    code = "page.busy"
