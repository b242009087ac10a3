"""The command line: one small module per group, imported only when its command is called.

Commands read options and print; what they do lies in the rooms below, which never import this one.
"""

from __future__ import annotations

from crossrec.cli.root import CrossrecGroup
from crossrec.cli.version import version_option
from crossrec.version import __version__

main = CrossrecGroup(
    name="crossrec",
    help="Recommendations for many scenarios from one engine: ingest, fit, recommend, evaluate.",
    params=[version_option(__version__)],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)

__all__ = ["main"]
