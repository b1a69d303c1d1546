"""papermill's engine, with one deadline for the whole notebook and the kernel's peak memory."""

from __future__ import annotations

import ast
from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine

from sdc_helpers.course.provenance import QUIET

# Between a cell's end and its last output; nbclient's 4 s are short on a busy machine.
_OUTPUT_TIMEOUT_S = 60
_USAGE = "__import__('sdc_helpers.course.provenance', fromlist=['kernel_usage']).kernel_usage()"


class WatchedClient(PapermillNotebookClient):
    """Runs the cells, then asks the kernel what it used."""

    def __init__(self, nb_man: Any, watch: Any, **options: Any) -> None:
        watch.total = len(nb_man.nb.cells)
        super().__init__(
            nb_man,
            timeout_func=watch.cell_timeout,
            on_cell_start=watch.cell_started,
            iopub_timeout=_OUTPUT_TIMEOUT_S,
            **options,
        )
        self.watch = watch

    def papermill_execute_cells(self) -> None:
        """Run the cells; a kernel that is still alive afterwards reports its memory."""
        super().papermill_execute_cells()
        message = self.kc.execute("", silent=True, user_expressions={"usage": _USAGE})
        reply = self.wait_for_reply(message)
        usage = (reply or {}).get("content", {}).get("user_expressions", {}).get("usage", {})
        if usage.get("status") == "ok":
            self.watch.usage = ast.literal_eval(usage["data"]["text/plain"])


class WatchedEngine(NBClientEngine):
    """The engine that :func:`sdc_helpers.course.runner.run` uses."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, watch: Any = None, **options: Any
    ) -> Any:
        """Execute a prepared notebook.

        Parameters
        ----------
        nb_man : papermill.engines.NotebookExecutionManager
            Holds the notebook and saves it as it goes.
        kernel_name : str
            The kernel to start.
        watch : object
            Deadline in, progress and memory out.
        **options : object
            ``resources`` for nbclient; the rest of papermill's options are not used.
        """
        client = WatchedClient(
            nb_man,
            watch,
            kernel_name=kernel_name,
            resources=options.get("resources", {}),
            extra_arguments=list(QUIET),
        )
        return client.execute()
