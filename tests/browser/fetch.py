"""Installs the browser that the tests of pages run in, once: Debian's Chromium.

Run by `make test`. Without the right to install packages it says what to do, and exits 1.
"""

from __future__ import annotations

import os
import sys

from tests.browser.chromium import find_chromium
from tests.system_packages import install

_MANUAL = (
    "The tests of pages need Chromium: `apt-get install chromium fonts-dejavu-core` (Debian, "
    "Ubuntu), `dnf install chromium` (Fedora), or Google Chrome. Then run make again. "
    "To go on without it, set VIGIE_TEST_WITHOUT_BROWSER=1: they are skipped, and said to be."
)


def main() -> int:
    """Install what is missing; 0 if it is there."""
    if os.environ.get("VIGIE_TEST_WITHOUT_BROWSER"):
        print("VIGIE_TEST_WITHOUT_BROWSER is set: no page is opened")
        return 0
    if find_chromium() or (install("chromium", "fonts-dejavu-core") and find_chromium()):
        return 0
    print(_MANUAL, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
