"""``python -m crossrec``."""

from crossrec.cli import main

main(prog_name="crossrec")
