"""Branches: the places of the bank that own customers and accounts.

Always true: a branch code is unique inside a data space (``partner``); facts are plain JSON about
the place (inhabitants, average salary ...) and decide nothing.

Public: Branch, BranchNotFound, branch, branches, open_branch.
"""

from bankside.bank.branches.errors import BranchNotFound
from bankside.bank.branches.model import Branch
from bankside.bank.branches.service import branch, branches, open_branch

__all__ = ["Branch", "BranchNotFound", "branch", "branches", "open_branch"]
