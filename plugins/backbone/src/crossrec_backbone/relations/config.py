"""Settings of the relations, of the closed forms above them and of the pool."""

from __future__ import annotations

from typing import Literal

from crossrec.components.settings import Settings
from crossrec.components.vectors import title_name
from pydantic import Field

TextRelation = Literal[
    "title_dense",
    "text_dense",
    "title_words",
    "text_words",
    "title_grams",
    "categories",
    "creator",
]


#: Entries of one relation between the items of a large catalogue: 8 bytes each.
ENTRIES = 40_000_000
#: Items that an exact solve has at least, where there are so many.
_LEAST_SOLVED = 1_000


class TextConfig(Settings):
    """How item texts become relations.

    Attributes
    ----------
    encoder : str
        Name under which the vectors of the full texts lie in ``dataset.vectors``. Without such
        vectors only words are compared; "" requests that.
    title_encoder : str
        The same for the titles; "" means ``"<encoder>:title"``. Where it is missing the relation
        `title_dense` is left out.
    whitening : float
        Dense vectors are divided by the catalogue's spread along each principal axis, to this
        power: 0 leaves them, 1 whitens them fully. One half reduces the directions that all
        items of a narrow catalogue share (WhitenRec, 2024, relaxes full whitening likewise).
    shortest_gram, longest_gram : int
        Length of the character n-grams of the title.
    max_grams : int
        Keep the n-grams of the most items.
    """

    encoder: str = "transformer"
    title_encoder: str = ""
    whitening: float = Field(0.5, ge=0, le=1)
    shortest_gram: int = Field(4, ge=2)
    longest_gram: int = Field(4, ge=2, le=8)
    max_grams: int = Field(60_000, ge=1)

    @property
    def title_vectors(self) -> str:
        """The name under which the vectors of the titles are kept."""
        return self.title_encoder or title_name(self.encoder)


class HistoryConfig(Settings):
    """How a history becomes weights: the last item 1, the one before `decay`, then its square.

    Attributes
    ----------
    decay : float
        Weight of each item relative to the one after it.
    limit : int
        How many of the latest items count.
    """

    decay: float = Field(0.8, gt=0, le=1)
    limit: int = Field(50, ge=1)


class GraphConfig(Settings):
    """The text graph that is the prior of the item-item weights.

    Attributes
    ----------
    neighbours : int
        Items that each item is tied to.
    power : float
        Sharpens similarity before rows are scaled.
    mass : float
        What each row sums to: how much a text neighbour counts against an observed pair.
    exact_up_to : int
        Catalogues up to this size compare all pairs; larger ones only a shortlist. On Amazon Beauty
        the one by dense vectors keeps 99 % of the edges and the same ndcg@10.
    shortlist : int
        How many items nearest by dense vectors are compared where not all are.
    postings : int
        Without vectors words choose whom to compare: so many entries of the lists "term → items"
        are read for each item, those of its heaviest words and n-grams.
    """

    neighbours: int = Field(50, ge=1)
    power: float = Field(2.0, gt=0)
    mass: float = Field(0.3, ge=0, le=1)
    exact_up_to: int = Field(20_000, ge=0)
    shortlist: int = Field(300, ge=1)
    postings: int = Field(4_000, ge=1)


class PriorConfig(Settings):
    """Prior-EASE.

    Attributes
    ----------
    reg : float
        λ: how many joint events the prior outweighs.
    proximity : float
        Two items of one history count ``proximity ** distance``; 1 is plain EASE.
    kept : int
        Weights kept of each row, the largest in size.
    exact_up_to : int
        Items with events that enter the exact solve, the most popular first; the solve is cubic in
        them. The rest are tied to their own joint events and the prior only. What that loses on
        validation (ndcg@10, exact against 2,000 solved): Amazon Beauty, 12,101 items, .080 against
        .081; Scientific, 4,385 items, .107 against .107; ML-1M, 3,416 items, .147 against .146.
    cells : int
        Solved items times items of the catalogue: where there are more, fewer items are solved,
        but not under 1,000.
    entries : int
        Weights kept in all: in a large catalogue fewer than `kept` of each row.
    """

    reg: float = Field(40.0, gt=0)
    proximity: float = Field(0.85, ge=0, le=1)
    kept: int = Field(300, ge=1)
    exact_up_to: int = Field(8_000, ge=1)
    cells: int = Field(200_000_000, ge=1)
    entries: int = Field(ENTRIES, ge=1)

    def solved_in(self, n_items: int) -> int:
        """Return how many items enter the exact solve at most."""
        return min(self.exact_up_to, max(self.cells // max(n_items, 1), _LEAST_SOLVED))

    def kept_in(self, n_items: int) -> int:
        """Return how many weights are kept of each row."""
        return min(self.kept, max(self.entries // max(n_items, 1), 1))


class BehaviourConfig(Settings):
    """Counted relations between items.

    Attributes
    ----------
    shrinkage : float
        Added to the denominator of the co-occurrence cosine and of transitions.
    gap_decay : float
        A step from one item to a later one counts ``gap_decay ** (items between)``.
    window : int
        Longest distance of a transition.
    kept : int
        Pairs kept of each item; co-counts beyond it are lost.
    entries : int
        Pairs kept in all under one relation: in a large catalogue fewer than `kept` of each item.
    products : int
        Multiplications of each step of smoothing: with more pairs, fewer neighbours take part.
    """

    shrinkage: float = Field(2.0, ge=0)
    gap_decay: float = Field(0.7, gt=0, le=1)
    window: int = Field(10, ge=1)
    kept: int = Field(300, ge=1)
    entries: int = Field(ENTRIES, ge=1)
    products: int = Field(400_000_000, ge=1)

    def kept_in(self, n_items: int) -> int:
        """Return how many pairs are kept of each item."""
        return min(self.kept, max(self.entries // max(n_items, 1), 1))


#: Weights of text relations for the decayed history and for the last item, in units of each
#: relation's spread over the catalogue. Relations that a catalogue lacks give their weight to the
#: others.
RelationWeights = dict[TextRelation, tuple[float, float]]
CONSENSUS: RelationWeights = {
    "text_words": (0.25, 0.125),
    "title_grams": (0.25, 0.0),
    "text_dense": (0.25, 0.125),
    "title_dense": (0.25, 0.0),
}


class ConsensusConfig(Settings):
    """Weights of the text relations in the consensus, and of behaviour against it.

    Attributes
    ----------
    weights : RelationWeights
        Of each text relation: for the decayed history, and for its last item.
    kappa : float
        Weight of prior-EASE's raw scores against the consensus, where nothing was validated.
    kappas : tuple of float
        What cross-validation chooses from.
    """

    weights: RelationWeights = Field(default=CONSENSUS)
    kappa: float = Field(400.0, ge=0)
    kappas: tuple[float, ...] = (0.0, 100.0, 200.0, 400.0, 800.0, 1600.0, 10_000.0)
