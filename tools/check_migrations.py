"""Fails when the migrations do not lead to the models: `python -m tools.check_migrations`.

Runs them all on a scratch SQLite database, then lets Alembic compare the result with the models.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="greenroom-check-") as scratch:
        env = os.environ | {
            "ENV": "test",
            "GREENROOM_DATA": scratch,
            "DATABASE_URL": f"sqlite:///{Path(scratch) / 'check.db'}",
        }
        for step in ("upgrade", "check"):
            command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", step]
            done = subprocess.run(command, env=env, capture_output=True, text=True)
            if done.returncode:
                print(done.stdout + done.stderr, file=sys.stderr)
                return done.returncode
    print("The migrations match the models.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
