"""A class on one machine: a JupyterHub with limits for each student (``make hub``)."""
