"""An S3-compatible server for tests, on this machine: ``python -m tests.strategies.s3_server PORT``.

One request at a time, so that putting on condition is as indivisible as a real one's is.
"""

from __future__ import annotations

import sys


def serve(port: int) -> None:
    """Serve until killed."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    run_simple("127.0.0.1", port, DomainDispatcherApplication(create_backend_app), threaded=False)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
