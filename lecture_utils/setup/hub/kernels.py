"""What a student's server starts: few kernels, and none of them fills the disk."""

import os
from pathlib import Path

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.ioloop import PeriodicCallback
from tornado.web import HTTPError

from lecture_utils.setup.hub import limits

MOST = 2


class FewKernels(AsyncMappingKernelManager):
    """Refuses a third notebook in a sentence that JupyterLab shows; measures the home."""

    def __init__(self, **options: object):
        super().__init__(**options)
        look = PeriodicCallback(lambda: limits.hold_disk(os.getpid(), Path.home()), 5000)
        look.start()

    async def start_kernel(self, *, kernel_id: str | None = None, **options: object) -> str:
        """Start a kernel; HTTPError if `MOST` run."""
        if len(self) >= MOST and kernel_id not in self:
            raise HTTPError(
                409, reason=f"{MOST} notebooks run already; close one first (Kernel menu)"
            )
        return await super().start_kernel(kernel_id=kernel_id, **options)
