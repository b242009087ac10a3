"""The news scenario: a newspaper's articles, their topics and authors, and a paywall."""

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
    EventType("impression", polarity=0, strength=0.0, consumes="soft", half_life_days=1.0),
    EventType(
        "read",
        value="seconds",
        value_cap=60.0,
        consumes="hard",
        aliases=("click", "view", "article_view"),
        summary="read the article; counts in full from a minute",
    ),
    EventType("share", kind="explicit", strength=3.0, aliases=("send", "copy_link")),
    EventType("save", kind="explicit", strength=2.0, aliases=("bookmark", "read_later")),
    EventType("comment", kind="explicit", strength=3.0, aliases=("reply",)),
    EventType(
        "follow_author", kind="explicit", strength=4.0, aliases=("follow",), relation="author"
    ),
    EventType("unfollow_author", polarity=-1, strength=-4.0, cancels=("follow_author",)),
    EventType(
        "not_interested",
        kind="explicit",
        polarity=-1,
        strength=-3.0,
        consumes="hard",
        aliases=("dislike", "hide"),
    ),
    EventType(
        "mute_author",
        kind="explicit",
        polarity=-1,
        strength=-4.0,
        consumes="hard",
        relation="author",
    ),
)

ITEMS = ItemSchema(
    fields=(
        ItemField("title", "text", ("headline", "name")),
        ItemField("text", "text", ("abstract", "body", "teaser", "description")),
        ItemField("categories", "category", ("topics", "section", "category", "keywords")),
        ItemField("author", "category", ("byline", "creator", "authors")),
        ItemField("story_id", "id", ("cluster_id",), "one event that several articles report"),
        ItemField("created_at", "time", ("published_at", "publication_date")),
        ItemField("expires_at", "time", ("embargo_end", "expire_time")),
        ItemField("subscription_needed", "category", ("paywall", "access"), "plans, or a flag"),
        ItemField("language", "category", ("language_code",)),
        ItemField("is_hidden", "flag", ("retracted",)),
        ItemField("uri", "id", ("url", "link")),
    ),
    text_template="{title}. {categories}. {text}",
    creator="author",
)

SCENARIO = Scenario(
    name="news",
    summary="articles of a newspaper: reads, shares, follows",
    events=EVENTS,
    items=ITEMS,
    users=(*COMMON_USER_FIELDS, UserField("followed_topics", "category", ("interests",))),
    surfaces=(
        Surface("for_you", "user", "articles for you, from any author"),
        Surface("read_next", "item", "what goes on from this article", k=5),
        Surface("latest", "user", "what came today, nearest to your taste first"),
        Surface("authors_you_follow", "user", "articles of authors you follow, the newest first"),
        Surface("most_read", "nothing", "what most people have read in the last two days"),
    ),
    pipeline="crossrec_news:pipeline.toml",
    default_event="read",
    main_surface="for_you",
    relations=(
        Relation("author", "author"),
        Relation("topic", "categories"),
        Relation("story", "story_id"),
    ),
    demo="crossrec_news.demo:generate",
)


def scenario() -> Scenario:
    """Return the news scenario."""
    return SCENARIO
