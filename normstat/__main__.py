"""`python -m normstat` is the command line."""

from normstat.cli import main

main()
