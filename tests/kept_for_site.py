"""Keep what the notebooks' tests have run for the site, with the states of its sliders."""

import contextlib
from pathlib import Path

from nbformat import v4

from lecture_utils.setup.site import execute, states

IMPORT = "from lecture_utils.setup.site import states as _site\n"
OUTPUTS = ("display_data", "execute_result", "stream", "error")


class Kept:
    """One notebook with its outputs, while nbval runs it."""

    def __init__(self, notebook, folder):
        self.nb, self.path, self.kernel = notebook.nb, notebook.path, notebook.kernel
        self.key, self.folder = execute.key(self.path), folder
        self.outputs = []  # of the cell that runs
        self.shown = {}  # display id -> outputs under it, which updates replace
        self.get_message, self.kernel.get_message = self.kernel.get_message, self._get_message

    def add(self, number):
        """Keep the outputs of a cell that has passed; after the last cell write the notebook."""
        outputs, self.outputs = self.outputs, []
        pages = [output.data for output in outputs if "text/html" in output.get("data", {})]
        if any("<!--states " in page["text/html"] for page in pages):
            given = self._run(IMPORT + "_site.give()")
            for page in pages:
                page["text/html"] = states.fill(page["text/html"], given)
            # What is measured next is the memory of the cells again.
            with contextlib.suppress(OSError):
                Path(f"/proc/{self.kernel.km.provisioner.pid}/clear_refs").write_text("5")
        if number == 0:
            self._run(IMPORT + "_site.mark()")
        cells = [cell for cell in self.nb.cells if cell.cell_type == "code"]
        cells[number].outputs, cells[number].execution_count = outputs, number + 1
        if number == len(cells) - 1:
            last = execute.last_cell(self.path)
            models = self._run(last) if last else None
            execute.keep(self.nb, self.key, self.folder / self.path.name, models)

    def _run(self, code):
        """Run code that is no cell of the notebook; return what it gives to programs."""
        given = []

        def take(message):
            given.append(message["content"].get("data", {}).get("application/json"))

        reply = self.kernel.kc.execute_interactive(
            code, store_history=False, allow_stdin=False, timeout=execute.SECONDS / 2,
            output_hook=take,
        )["content"]  # fmt: skip
        if reply["status"] != "ok":
            raise AssertionError(f"for the site: {reply.get('ename')}: {reply.get('evalue')}")
        return next(filter(None, given), None)

    def _get_message(self, stream, timeout=None):
        message = self.get_message(stream, timeout)
        if stream == "iopub":
            self._note(message)
        return message

    def _note(self, message):
        """Add to the outputs as JupyterLab does it: text is joined, an update replaces."""
        kind, content = message["msg_type"], message["content"]
        name = content.get("transient", {}).get("display_id")
        if kind == "update_display_data":
            for output in self.shown.get(name, []):
                output["data"] = content["data"]
        elif kind in OUTPUTS:
            output, before = v4.output_from_msg(message), self.outputs[-1:]
            if kind == "stream" and before and before[0].get("name") == output.name:
                before[0].text += output.text
                return
            self.outputs.append(output)
            if name:
                self.shown.setdefault(name, []).append(output)
