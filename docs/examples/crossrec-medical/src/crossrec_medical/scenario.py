"""Medical documents: guidelines, trials and reviews, for professionals and for patients."""

from __future__ import annotations

from crossrec.scenario import (
    COMMON_USER_FIELDS,
    EventType,
    ItemField,
    ItemSchema,
    Relation,
    Scenario,
    Surface,
    UserField,
)

EVENTS = (
    EventType(
        "open",
        consumes="soft",
        half_life_days=14.0,
        aliases=("view", "click", "abstract_view"),
        summary="opened the document; documents are looked up again",
    ),
    EventType("download", strength=2.0, consumes="soft", half_life_days=14.0, aliases=("pdf",)),
    EventType("cite", kind="explicit", strength=4.0, aliases=("export_citation",)),
    EventType("save", kind="explicit", strength=3.0, aliases=("bookmark", "add_to_library")),
    EventType(
        "not_relevant",
        kind="explicit",
        polarity=-1,
        strength=-3.0,
        consumes="hard",
        aliases=("dislike", "dismiss"),
    ),
)

ITEMS = ItemSchema(
    fields=(
        ItemField("title", "text", ("article_title", "name")),
        ItemField("abstract", "text", ("text", "summary", "description")),
        ItemField("categories", "category", ("mesh_terms", "specialty", "subjects")),
        ItemField("institution", "category", ("publisher", "journal", "source")),
        ItemField("document_type", "category", ("publication_type",), "guideline, trial, review"),
        ItemField("evidence_level", "number", ("level_of_evidence",), "1, the best, to 5"),
        ItemField("audience", "category", (), "professional, patient"),
        ItemField("guideline_id", "id", ("edition_of",), "what several editions have in common"),
        ItemField("created_at", "time", ("publication_date", "pub_date")),
        ItemField("expires_at", "time", ("valid_until", "review_due")),
        ItemField("is_hidden", "flag", ("retracted",), "retracted documents are never shown"),
        ItemField("language", "category", ("language_code",)),
        ItemField("doi", "id"),
    ),
    text_template="{title}. {categories}. {abstract}",
    creator="institution",
)

SCENARIO = Scenario(
    name="medical",
    summary="medical documents: guidelines, trials, reviews",
    events=EVENTS,
    items=ITEMS,
    users=(*COMMON_USER_FIELDS, UserField("audience", "category", ("role",))),
    surfaces=(
        Surface("reading_list", "user", "documents for you"),
        Surface("related", "item", "documents like this one"),
        Surface("guidelines", "user", "guidelines of your field that hold now"),
        Surface("recently_published", "user", "what came in the last month, nearest first"),
    ),
    pipeline="crossrec_medical:pipeline.toml",
    default_event="open",
    main_surface="reading_list",
    relations=(
        Relation("topic", "categories"),
        Relation("institution", "institution"),
        Relation("guideline", "guideline_id"),
    ),
    demo="crossrec_medical.demo:generate",
)


def scenario() -> Scenario:
    """Return the scenario of medical documents."""
    return SCENARIO
