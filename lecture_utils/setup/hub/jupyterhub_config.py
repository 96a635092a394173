"""JupyterHub's configuration for a class (``make hub``); JupyterHub runs this file.

From the environment: PORT, OPEN=1 (reachable for other machines; else this one only), PASSWORD
(the one of the class; made up if there is none), STUDENTS (how many are expected), HUB_FOLDER
(homes and the hub's own files).
"""

import asyncio
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from jupyterhub.spawner import SimpleLocalProcessSpawner

from lecture_utils.setup.hub import limits

folder = Path(os.environ.get("HUB_FOLDER") or limits.ROOT / "build" / "hub").resolve()
port, address = (
    int(os.environ.get("PORT") or 8000),
    "0.0.0.0" if os.environ.get("OPEN") else "127.0.0.1",
)
folder.mkdir(0o711, parents=True, exist_ok=True)
(folder / "homes").mkdir(0o711, exist_ok=True)


def keep(name: str, value: str) -> str:
    """Return the secret `name`; it stays the same when the hub starts again."""
    file = folder / name
    if not file.exists():
        file.touch(0o600)
        file.write_text(value)
    return file.read_text().strip()


class StudentSpawner(SimpleLocalProcessSpawner):
    """Starts a student's server as a process with limits, in a home with the notebooks."""

    @property
    def _home(self) -> Path:
        return folder / "homes" / limits.slug(self.user.name)

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """Return what happens between fork and exec."""
        return limits.confine(self._home, limits.uid(name))

    def user_env(self, env: dict) -> dict:
        """Return the environment of a student's server."""
        setup = limits.ROOT / "lecture_utils" / "setup"
        return env | {
            "HOME": str(self._home), "USER": limits.slug(self.user.name), "SHELL": "/bin/sh",
            "TMPDIR": str(self._home / "tmp"), "OMP_NUM_THREADS": "1",
            "NUMBA_CACHE_DIR": str(self._home / ".cache" / "numba"),
            "JUPYTER_CONFIG_PATH": f"{setup / 'hub' / 'jupyter'}:{setup / 'jupyter'}",
        }  # fmt: skip

    async def start(self) -> tuple[str, int]:
        """Prepare the home, then start."""
        await asyncio.to_thread(limits.prepare, self._home, limits.uid(self.user.name))
        self.notebook_dir = str(self._home / "notebooks")
        return await super().start()


c = get_config()  # noqa: F821
c.JupyterHub.bind_url = f"http://{address}:{port}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{port + 1}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 2}"
proxy = limits.ROOT / ".cache" / "hub" / "node_modules" / ".bin" / "configurable-http-proxy"
c.ConfigurableHTTPProxy.command = [str(proxy), "--log-level", "warn"]
c.ConfigurableHTTPProxy.pid_file = str(folder / "proxy.pid")
c.ConfigurableHTTPProxy.auth_token = keep("proxy_token", secrets.token_hex(32))
c.JupyterHub.db_url = f"sqlite:///{folder / 'hub.sqlite'}"
keep("cookie_secret", secrets.token_hex(32))
c.JupyterHub.cookie_secret_file = str(folder / "cookie_secret")
# A hub that starts again finds the servers and the logins of the one before.
c.JupyterHub.cleanup_servers = False
c.JupyterHub.log_level = "WARN"

c.JupyterHub.authenticator_class = "shared-password"
password = os.environ.get("PASSWORD") or keep("password", secrets.token_hex(5))
c.SharedPasswordAuthenticator.user_password = password
c.Authenticator.allow_all = True
c.Authenticator.username_pattern = r"[^\x00-\x1f\x7f]{1,64}$"

c.JupyterHub.spawner_class = StudentSpawner
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--log-level=WARN"]
c.Spawner.default_url = "/lab"
c.Spawner.env_keep = ["PATH", "LANG", "LC_ALL", "PYTHONPATH"]
c.Spawner.start_timeout = c.Spawner.http_timeout = 600

print(*limits.problems(folder, int(os.environ.get("STUDENTS") or 20)), sep="\n")
host = "THIS-MACHINE" if os.environ.get("OPEN") else address
print(f"http://{host}:{port}: any name, password {password}", flush=True)
