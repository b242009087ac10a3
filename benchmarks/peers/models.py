"""The models that are compared: which script fits each, and in whose environment."""

from __future__ import annotations

from dataclasses import dataclass

from cells import OURS


@dataclass(frozen=True)
class Model:
    """A model.

    Attributes
    ----------
    name : str
        As the command line and its cells have it.
    script : str
        The module in this folder that fits it and answers.
    environment : str
        The peer whose environment it runs in; "" for our own.
    """

    name: str
    script: str
    environment: str


MODELS = {
    model.name: model
    for model in (
        Model(OURS, "with_crossrec.py", ""),
        Model("implicit-cosine", "with_implicit.py", "implicit"),
        Model("implicit-bm25", "with_implicit.py", "implicit"),
        Model("implicit-als", "with_implicit.py", "implicit"),
        Model("implicit-bpr", "with_implicit.py", "implicit"),
        Model("lenskit-knn", "with_lenskit.py", "lenskit"),
        Model("rectools-ease", "with_rectools.py", "rectools"),
        Model("rectools-sasrec", "with_rectools.py", "rectools"),
        Model("recbole-sasrec", "with_recbole.py", "recbole"),
    )
}
