"""papermill's engine, with one clock for the whole notebook and the kernel's peak memory."""

from __future__ import annotations

import ast
import os
from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.models import Parameter
from papermill.translators import PythonTranslator, papermill_translators

from sdc_helpers._machine import set_threads
from sdc_helpers._paths import absolute_paths
from sdc_helpers.course import warm_kernels
from sdc_helpers.course.errors import ParameterError
from sdc_helpers.course.parameters import parse_schema
from sdc_helpers.course.provenance import QUIET

# Between a cell's end and its last output; nbclient's 4 s are short on a busy machine.
_OUTPUT_TIMEOUT_S = 60
_START_TIMEOUT_S = 300  # a kernel that dies is noticed at once; a busy machine is slow
_USAGE = "__import__('sdc_helpers.course.provenance', fromlist=['kernel_usage']).kernel_usage()"


def kernel_environment() -> dict[str, str]:
    """Return the variables for a kernel that is to be started.

    Paths among them are absolute, text files are UTF-8 whatever the locale, and there are as many
    threads as cores are free.
    """
    environment = absolute_paths(os.environ)
    environment["PYTHONUTF8"] = "1"
    set_threads(environment)
    return environment


class TypedCell(PythonTranslator):
    """Reads a parameters cell as the course does; papermill's own does not know ``int | None``."""

    @classmethod
    def inspect(cls, parameters_cell: Any) -> list[Parameter]:
        """Return the parameters of a cell, as papermill describes them."""
        try:
            schema = parse_schema(parameters_cell.source)
        except ParameterError:  # a cell of another course
            return super().inspect(parameters_cell)
        return [
            Parameter(p.name, p.annotation, repr(p.default), p.description)
            for p in schema.parameters
        ]


class WatchedClient(PapermillNotebookClient):
    """Runs the cells under the run's clock, then asks the kernel what it used."""

    def __init__(self, nb_man: Any, watch: Any, **options: Any) -> None:
        watch.notebook = nb_man.nb
        super().__init__(
            nb_man,
            timeout=None,
            on_cell_start=watch.cell_started,
            iopub_timeout=_OUTPUT_TIMEOUT_S,
            startup_timeout=_START_TIMEOUT_S,
            **options,
        )
        self.watch = watch

    def create_kernel_manager(self) -> Any:
        """Return the kernel's manager; several notebooks in a row have warm kernels."""
        manager = super().create_kernel_manager()
        manager.provisioner = warm_kernels.provisioner(manager)
        return manager

    def papermill_execute_cells(self) -> None:
        """Run the cells; a kernel that is still alive afterwards reports its memory."""
        self.watch.clock.watch(self.km.provisioner.pid, self._end_kernel)
        try:
            super().papermill_execute_cells()
            message = self.kc.execute("", silent=True, user_expressions={"usage": _USAGE})
            reply = self.wait_for_reply(message)
        finally:
            self.watch.clock.stop()
        usage = (reply or {}).get("content", {}).get("user_expressions", {}).get("usage", {})
        if usage.get("status") == "ok":
            self.watch.usage = ast.literal_eval(usage["data"]["text/plain"])

    def _end_kernel(self) -> None:
        """Kill the kernel and what it started; nbclient notices within a second."""
        import psutil

        try:
            kernel = psutil.Process(self.km.provisioner.pid)
            for process in (*kernel.children(recursive=True), kernel):
                process.kill()
        except psutil.NoSuchProcess:
            return


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
            Holds the notebook.
        kernel_name : str
            The kernel to start.
        watch : object
            The clock in; progress, the notebook and the kernel's memory out.
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
        environment = kernel_environment()
        watch.threads = environment.get("OMP_NUM_THREADS")
        return client.execute(env=environment)


def register() -> None:
    """Let papermill know the engine ``sdc`` and the course's parameters cells."""
    papermill_engines.register("sdc", WatchedEngine)
    papermill_translators.register("python", TypedCell)
