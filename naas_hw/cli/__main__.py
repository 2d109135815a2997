"""`python -m naas_hw.cli`."""

import sys

from naas_hw.cli import main

sys.exit(main())
