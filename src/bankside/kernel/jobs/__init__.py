"""Jobs: "look at X now", said in the transaction that made it necessary, done by some worker.

Always true: a job exists exactly when the transaction that asked for it committed; it is done at
least once, by whichever worker is alive; a job that keeps failing is held and listed, never lost.
A job carries ids; what was done is known only from the rows its handler wrote.

Public: enqueue; for workers Worker, Handler; for operators FailedJob, failed_jobs, requeue.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bankside.kernel.jobs.enqueue import enqueue

if TYPE_CHECKING:
    from bankside.kernel.jobs.worker import FailedJob, Handler, Worker, failed_jobs, requeue

__all__ = ["FailedJob", "Handler", "Worker", "enqueue", "failed_jobs", "requeue"]


def __getattr__(name: str) -> Any:
    """The worker's half is loaded when it is asked for: it brings the queue library and pydantic.

    The edge only enqueues, and would pay for them in memory and start-up time.
    """
    if name in __all__:
        return getattr(import_module("bankside.kernel.jobs.worker"), name)
    raise AttributeError(name)
