"""What a pipeline is made of, in TOML: the scenario's default, overridden by the user's file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from crossrec.components.run import Effort
from crossrec.errors import UsageError
from crossrec.expressions import parse_expression
from crossrec.scenario import Input

#: What fills a list that sources and ranker leave short, besides sources by their labels.
MOST_POPULAR = "most_popular"
#: The items of a given list or entity, in the order in which they were given.
GIVEN = "given"
FALLBACKS = (MOST_POPULAR, "newest", GIVEN)
#: Of surfaces about items that the request names.
ABOUT_ITEMS: tuple[Input, ...] = ("item", "items")
History = Literal["auto", "keep", "last", "exclude"]


def _parsed(text: str) -> str:
    """Return an expression that can be parsed."""
    try:
        if text:
            parse_expression(text)
    except UsageError as error:
        raise ValueError(str(error)) from None
    return text


Condition = Annotated[str, AfterValidator(_parsed)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Labelled(_Frozen):
    """A component that may be used twice, under two labels; a name alone is a whole table."""

    name: str
    label: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _label_defaults_to_name(cls, values: Any) -> Any:
        if isinstance(values, str):
            values = {"name": values}
        if isinstance(values, Mapping) and not values.get("label"):
            return {**values, "label": values.get("name", "")}
        return values


class EncoderConfig(_Labelled):
    """One more encoder of a pipeline: of pictures, of sounds, of ready vectors.

    Attributes
    ----------
    name : str
        The registered encoder.
    label : str
        What its vectors are called, and sources ask for; needed only where an encoder is used
        twice.
    settings : mapping
        Its own settings; the others have their defaults.
    """


class SourceConfig(_Labelled):
    """One candidate generator of a pipeline.

    Attributes
    ----------
    name : str
        The registered candidate generator.
    label : str
        How it is called in reports; needed only where a generator is used twice.
    settings : mapping
        Its own settings; the others have their defaults.
    effort : {"quick", "standard", "thorough"}
        Fits and evaluations of less effort leave it out.
    listed_only : bool
        It answers only on surfaces that list it: those that list no sources have the others.
    """

    effort: Effort = "quick"
    listed_only: bool = False


class PolicyConfig(_Frozen):
    """One policy of a pipeline, applied in the order of the file.

    Attributes
    ----------
    name : str
        The registered policy.
    settings : mapping
        Its own settings; the others have their defaults.
    """

    name: str
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, values: Any) -> Any:
        return {"name": values} if isinstance(values, str) else values


class FeatureConfig(PolicyConfig):
    """One feature set of a pipeline: its columns are called ``<name>.<column>``.

    Attributes
    ----------
    name : str
        The registered feature set.
    settings : mapping
        Its settings.
    """


class WordingConfig(_Frozen):
    """How answers are put into another language than English.

    Attributes
    ----------
    language_model : str
        The registered language model that words reasons and changes.
    settings : mapping
        Its settings.
    """

    language_model: str = "template"
    settings: dict[str, Any] = Field(default_factory=dict)


class RowsConfig(_Frozen):
    """Rows that are each about a part of the user's history.

    Attributes
    ----------
    by : {"item", "cluster"}
        ``"item"``: about one item each, the latest first. ``"cluster"``: about items of the history
        that are alike, the part with the most evidence first.
    most : int
        Rows that there are at most.
    days : float
        Only what was done in the last so many days counts; 0 for all. Without a clock all counts.
    weight : float
        Least weight of an event that counts, by the scenario's strengths.
    """

    by: Literal["item", "cluster"] = "item"
    most: Annotated[int, Field(ge=1, le=20)] = 2
    days: Annotated[float, Field(ge=0)] = 60.0
    weight: Annotated[float, Field(ge=0)] = 0.0


class SurfaceConfig(_Frozen):
    """How one surface is answered: a plan over the fitted sources.

    Attributes
    ----------
    input : {"user", "item", "items", "session", "entity", "list", "nothing"}
        What a request on it brings: a user or a history, an item, a cart or playlist, the items of
        a running session, a genre or another value of a field whose items alone are listed, a list
        to put in order, or nothing.
    sources : tuple of str
        Labels of the sources that answer; where empty all of the pipeline but those that answer
        only where they are listed, and on a surface about items its `item_sources`.
    ranker : str
        "" takes the pipeline's, with its settings. ``"auto"`` chooses by the surface's own
        validation queries where it has any, and fuses ranks elsewhere.
    ranker_settings : mapping
        Settings of the ranker that is named beside them.
    policies : tuple of PolicyConfig or None
        Applied in this order; the pipeline's where the key is missing.
    fallback : tuple of str
        What fills a list that stays short, in this order: ``"most_popular"``, ``"newest"``,
        ``"given"`` (the given list in its own order), or the label of a source.
    k : int
        Length of a list where the request does not say.
    history : {"auto", "keep", "last", "exclude"} or None
        Known items that no consumption removes: ``"keep"`` ranks them like others, ``"last"`` puts
        them behind all others, ``"exclude"`` leaves them out, ``"auto"`` keeps them where people of
        the training events came back to what they had, else puts them last. Where the
        key is missing the pipeline's rule holds.
    recent : int
        So many of the latest items of the history, the running session included, are left out,
        whatever else holds; 0 for none.
    fresh : float
        Half-lives during which a soft consumption removes its item.
    weighs : float
        How much of ``0.5 ** (age / half_life)`` its score loses afterwards; 0 to 1.
    filter, boost : str or None
        Expressions in place of the pipeline's: a list holds only items for which the filter is
        true, and the boost multiplies their scores. ``""`` for none.
    rows : RowsConfig or None
        The list is about a part of the user's history: which one says the row of the request.
    heading : str
        What stands above the list, with ``{titles}`` for what it is about.
    answers : str
        A field whose values are answered in place of items, each with its best items: artists,
        albums, authors, topics. ``""`` answers items.
    consumed : {"remove", "keep"}
        ``"remove"`` obeys what the scenario declares; with ``"keep"`` what was consumed stays a
        candidate, to have it again. Dislikes and bans hold in any case.
    """

    input: Input = "user"
    sources: tuple[str, ...] = ()
    ranker: str = ""
    ranker_settings: dict[str, Any] = Field(default_factory=dict)
    policies: tuple[PolicyConfig, ...] | None = None
    fallback: tuple[str, ...] = ("most_popular",)
    k: Annotated[int, Field(ge=1, le=2000)] = 10
    history: History | None = None
    recent: Annotated[int, Field(ge=0, le=2000)] = 0
    fresh: Annotated[float, Field(ge=0)] = 1.0
    weighs: Annotated[float, Field(ge=0, le=1)] = 1.0
    filter: Condition | None = None
    boost: Condition | None = None
    rows: RowsConfig | None = None
    heading: str = ""
    answers: str = ""
    consumed: Literal["remove", "keep"] = "remove"

    @property
    def about_items(self) -> bool:
        """Whether its lists are about items: given ones, or some of the history."""
        return self.input in ABOUT_ITEMS or self.rows is not None

    @model_validator(mode="after")
    def _rows_are_of_a_user(self) -> SurfaceConfig:
        if self.rows is not None and self.input != "user":
            raise ValueError(f'rows are parts of a history: input = "user", not "{self.input}"')
        return self

    @model_validator(mode="after")
    def _settings_have_a_ranker(self) -> SurfaceConfig:
        if self.ranker_settings and not self.ranker:
            raise ValueError("ranker_settings belong to a ranker: name it beside them")
        return self


class PipelineConfig(_Frozen):
    """A whole pipeline.

    Attributes
    ----------
    encoder : str
        Registered encoder whose item vectors the sources may use; "" for none.
    encoder_settings : mapping
        Settings of the encoder.
    title_vectors : bool
        Whether titles alone are encoded too, as ``vectors["<encoder>:title"]``.
    encoders : tuple of EncoderConfig
        Further encoders, whose vectors lie beside those of `encoder` under their labels.
    candidates : int
        Size of the pool that the ranker orders.
    time_limit : float
        Seconds that a source, ranker or policy may take for one request. What is late is left out
        of the answer and named; it is called again when its late call has ended.
    history : {"auto", "keep", "last", "exclude"}
        Rule for known items on surfaces that do not say themselves.
    ranker : str
        ``"auto"`` fuses ranks with equal votes, unless the best source alone or weighted fusion is
        ahead of that beyond noise on validation; any registered ranker serves on the same terms.
    features : tuple of FeatureConfig
        Feature sets for rankers that read them; with the ranker ``"auto"`` the ranker ``linear`` is
        tried too.
    ranker_settings : mapping
        Settings of the ranker.
    policies : tuple of PolicyConfig
        Of surfaces that do not name their own.
    sources : tuple of SourceConfig
        The candidate generators, at least one.
    item_sources : tuple of str
        Labels of the sources of surfaces about items ("more like this") that do not name their
        own; all where empty.
    wording : WordingConfig
        What words the reasons of a request in another language.
    filter, boost : str
        Expressions for surfaces that do not name their own.
    surfaces : mapping of name to SurfaceConfig
        The scenario's, with the keys of the user's file in their place.
    """

    encoder: str = ""
    encoder_settings: dict[str, Any] = Field(default_factory=dict)
    title_vectors: bool = False
    encoders: tuple[EncoderConfig, ...] = ()
    candidates: Annotated[int, Field(ge=1, le=2000)] = 300
    time_limit: Annotated[float, Field(gt=0, le=3600)] = 5.0
    history: History = "auto"
    ranker: str = "auto"
    ranker_settings: dict[str, Any] = Field(default_factory=dict)
    features: tuple[FeatureConfig, ...] = ()
    policies: tuple[PolicyConfig, ...] = ()
    sources: tuple[SourceConfig, ...]
    item_sources: tuple[str, ...] = ()
    wording: WordingConfig = WordingConfig()
    filter: Condition = ""
    boost: Condition = ""
    surfaces: dict[str, SurfaceConfig] = Field(
        default_factory=lambda: {"user": SurfaceConfig(), "item": SurfaceConfig(input="item")}
    )

    @model_validator(mode="after")
    def _labels_are_distinct(self) -> PipelineConfig:
        labels = [source.label for source in self.sources]
        double = {label for label in labels if labels.count(label) > 1}
        if double:
            raise ValueError(f"two sources are called {min(double)!r}: give one a label")
        if not labels:
            raise ValueError("a pipeline needs at least one source")
        if "pipeline" in labels:
            raise ValueError("a source cannot be called 'pipeline': give it another label")
        vectors = [self.encoder, *(one.label for one in self.encoders)]
        if len(set(vectors)) < len(vectors):
            raise ValueError("two encoders have the same label: give one another")
        sets = [one.name for one in self.features]
        if len(set(sets)) < len(sets):
            raise ValueError("a feature set is named twice")
        missing = set(self.item_sources) - set(labels)
        if missing:
            raise ValueError(f"item_sources names {min(missing)!r}, which is no source")
        return self

    @model_validator(mode="after")
    def _surfaces_name_sources(self) -> PipelineConfig:
        if not self.surfaces:
            raise ValueError("a pipeline needs at least one surface")
        labels = {source.label for source in self.sources}
        for name, surface in self.surfaces.items():
            missing = set(surface.sources) - labels
            if missing:
                raise ValueError(f"surface {name!r} names {min(missing)!r}, which is no source")
            if not self.sources_of(name):
                raise ValueError(f"surface {name!r} lists no sources, and all are listed_only")
            unknown = set(surface.fallback) - labels - set(FALLBACKS)
            if unknown:
                raise ValueError(
                    f"surface {name!r}: the fallback {min(unknown)!r} is no source and none of "
                    f"{', '.join(FALLBACKS)}"
                )
        return self

    def sources_of(self, name: str) -> tuple[str, ...]:
        """Return the labels of the sources that answer a surface, in the order of the file."""
        surface = self.surfaces[name]
        chosen = surface.sources
        if not chosen and surface.about_items:
            chosen = self.item_sources
        return tuple(
            source.label
            for source in self.sources
            if (source.label in chosen if chosen else not source.listed_only)
        )

    def ranker_of(self, name: str) -> tuple[str, dict[str, Any]]:
        """Return the ranker of a surface and its settings."""
        own = self.surfaces[name]
        if own.ranker:
            return own.ranker, own.ranker_settings
        if own.about_items:  # the pipeline's is for lists about a user
            return "auto", {}
        return self.ranker, self.ranker_settings

    def policies_of(self, name: str) -> tuple[PolicyConfig, ...]:
        """Return the policies of a surface."""
        own = self.surfaces[name].policies
        return self.policies if own is None else own

    def filter_of(self, name: str) -> str:
        """Return the condition that items of a surface meet; "" for none."""
        own = self.surfaces[name].filter
        return self.filter if own is None else own

    def boost_of(self, name: str) -> str:
        """Return what the scores of a surface are multiplied by; "" for nothing."""
        own = self.surfaces[name].boost
        return self.boost if own is None else own

    def history_of(self, name: str) -> History:
        """Return the rule of a surface for known items."""
        own = self.surfaces[name].history
        return self.history if own is None else own
