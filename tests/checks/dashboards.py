#!/usr/bin/env python3
"""Rules, docs/alerts.md and runbooks are what dashboards/generate makes of dashboards/thresholds.yml.

    dashboards.py ROOT
"""

import os
import subprocess
import sys

if __name__ == "__main__":
    sys.exit(subprocess.run([os.path.join(sys.argv[1], "dashboards", "generate"), "--check"], check=False).returncode)
