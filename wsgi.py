"""What a WSGI server and ``flask --app wsgi`` load."""

import sys

from portal.app import create_app
from portal.settings import SettingsError

try:
    app = create_app()
except SettingsError as problem:
    sys.exit(str(problem))
