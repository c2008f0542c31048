"""The Berka bank (PKDD'99): a real, anonymised bank that can be loaded into a data space.

Always true: a folder is checked completely before anything is written, and an error names file,
line and column; a second load changes nothing; a killed one is finished by the next. What the files
hold is loaded as it is; opening balances and postings are derived by the rule of ``rules`` and say
so (kind ``derived``, narrative ``derived: ...``).

Public: load, account_id, Report, PARTNER_DEFAULT, FilesInvalid, Fault, OtherFilesLoaded,
PostingRefused.
"""

from bankside.bank.berka.errors import Fault, FilesInvalid, OtherFilesLoaded, PostingRefused
from bankside.bank.berka.model import Report
from bankside.bank.berka.rows import account_id
from bankside.bank.berka.service import PARTNER_DEFAULT, load

__all__ = [
    "PARTNER_DEFAULT",
    "Fault",
    "FilesInvalid",
    "OtherFilesLoaded",
    "PostingRefused",
    "Report",
    "account_id",
    "load",
]
