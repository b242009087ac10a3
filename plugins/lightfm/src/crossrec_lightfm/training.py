"""Training with the library lightfm; its pitfalls are handled here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.errors import CrossrecError, PluginError
from numpy.typing import NDArray

from crossrec_lightfm.config import LightFmConfig


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Embeddings of users, of the items themselves and of their features.

    Attributes
    ----------
    users : float32 array, shape (n_users, f)
    own : float32 array, shape (m, f + 1)
        Embedding of each trained item itself; its bias is the last column.
    features : float32 array, shape (n_features, f + 1)
        The same of each feature.
    """

    users: NDArray[np.float32]
    own: NDArray[np.float32]
    features: NDArray[np.float32]


def library() -> Any:
    """Return the module lightfm.

    Raises
    ------
    PluginError
        Where it is not installed.
    """
    try:
        import lightfm
    except ImportError as error:
        raise PluginError(
            "source 'lightfm' needs the library lightfm: run `pip install crossrec-lightfm` "
            f"(it is compiled, which takes a C compiler): {error}"
        ) from error
    return lightfm


def train(interactions: Any, features: Any, config: LightFmConfig, run: RunOptions) -> Embeddings:
    """Fit WARP on the interactions of the trained items.

    Parameters
    ----------
    interactions : scipy matrix, users × m, float32
    features : scipy matrix, m × n_features, float32
        Without the items' identities, which are added here.

    Raises
    ------
    CrossrecError
        Where training diverged.
    """
    from scipy.sparse import hstack, identity

    m = interactions.shape[1]
    rows = hstack([identity(m, dtype=np.float32), features], format="csr", dtype=np.float32)
    model = library().LightFM(
        no_components=config.embedding_size,
        loss="warp",
        learning_rate=config.learning_rate,
        item_alpha=config.reg,
        user_alpha=config.reg,
        max_sampled=config.max_sampled,
        random_state=run.seed,
    )
    for epoch in range(config.epochs):
        try:  # one thread: with more the updates race and no two fits agree
            model.fit_partial(interactions.tocoo(), item_features=rows, num_threads=1)
        except ValueError as error:
            raise CrossrecError(f"lightfm diverged: lower learning_rate ({error})") from error
        run.progress("lightfm", epoch + 1, config.epochs)
    items = np.column_stack([model.item_embeddings, model.item_biases]).astype(np.float32)
    return Embeddings(model.user_embeddings.astype(np.float32), items[:m], items[m:])
