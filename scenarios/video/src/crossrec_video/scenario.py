"""The video scenario: films, series, clips, and how far people watch them.

Names follow Amazon Personalize's video-on-demand domain, Google's media recommendations and
Recombee, whose event names are aliases here; the strengths are crossrec's own choice, to be
tuned on data.
"""

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
        "impression",
        polarity=0,
        strength=0.0,
        consumes="soft",
        half_life_days=3.0,
        aliases=("served", "seen"),
        summary="the title was on the screen; no signal by itself",
    ),
    EventType(
        "click",
        strength=0.5,
        aliases=("view_item", "detail_view", "adddetailview", "view"),
        summary="opened the title's page",
    ),
    EventType(
        "play",
        strength=0.5,
        aliases=("media_play", "start"),
        summary="started it",
    ),
    EventType(
        "watch",
        strength=3.0,
        value="portion",
        consumes="soft",
        half_life_days=30.0,
        aliases=("setviewportion", "view_portion", "watched", "comment"),
        summary="the portion watched, without seeking",
    ),
    EventType(
        "complete",
        strength=3.0,
        consumes="hard",
        aliases=("media_complete", "finish", "finished"),
        summary="watched at least nine tenths",
    ),
    EventType(
        "add_to_watchlist",
        kind="explicit",
        strength=2.0,
        aliases=("addbookmark", "watchlist", "bookmark", "add_to_list", "save"),
        summary="added it to the watch list",
    ),
    EventType(
        "like",
        kind="explicit",
        strength=2.0,
        aliases=("thumbs_up", "favorite", "upvote"),
        summary="liked it",
    ),
    EventType(
        "dislike",
        kind="explicit",
        polarity=-1,
        strength=-3.0,
        consumes="hard",
        aliases=("thumbs_down", "downvote"),
        summary="disliked it",
    ),
    EventType(
        "rating",
        kind="explicit",
        strength=3.0,
        value="rating",
        # Half stars, as in MovieLens since 2003; its older whole stars fit in.
        value_range=(0.5, 5.0),
        consumes="hard",
        aliases=("addrating", "stars", "rate"),
        summary="half a star to 5 stars; 2.75 is neutral",
    ),
    EventType(
        "survey",
        kind="explicit",
        strength=4.0,
        value="rating",
        value_range=(1.0, 5.0),
        summary="answer to 'did you like this?', 1 to 5",
    ),
    EventType("share", kind="explicit", strength=3.0, summary="sent it to someone"),
    EventType(
        "subscribe_channel",
        kind="explicit",
        strength=4.0,
        aliases=("subscribe", "follow"),
        relation="creator",
        summary="subscribed to its channel from this title",
    ),
    EventType(
        "not_interested",
        kind="explicit",
        polarity=-1,
        strength=-4.0,
        consumes="hard",
        aliases=("dismiss", "hide"),
        summary="does not want to see it again",
    ),
    EventType(
        "dont_recommend_channel",
        kind="explicit",
        polarity=-1,
        strength=-6.0,
        consumes="hard",
        aliases=("block_channel",),
        relation="creator",
        summary="wants nothing from its channel",
    ),
)

ITEMS = ItemSchema(
    fields=(
        ItemField("title", "text", ("name", "movie_title", "caption"), "title or caption"),
        ItemField("categories", "category", ("genres", "genre", "category", "tags", "class")),
        ItemField(
            "creator",
            "category",
            ("director", "directors", "channel", "channel_id", "content_owner", "studio"),
            "director of a film, channel of a clip",
        ),
        ItemField("description", "text", ("plot", "overview", "synopsis")),
        ItemField("persons", "category", ("actors", "cast")),
        ItemField(
            "media_type", "category", ("item_type",), "movie, series, episode, clip, live, short"
        ),
        ItemField("production_year", "number", ("year", "release_year")),
        ItemField("duration_s", "number", ("duration", "media_duration")),
        ItemField("language", "category", ("language_code", "audio_language")),
        ItemField("subtitle_languages", "category", ("subtitles",)),
        ItemField("content_classification", "category", ("rated", "maturity_rating")),
        ItemField("is_adult", "flag", ("adult",), "not below 18"),
        ItemField("franchise", "category"),
        ItemField("series_id", "id"),
        ItemField("season_number", "number"),
        ItemField("episode_number", "number"),
        ItemField("available_at", "time", ("media_available_time", "available_time")),
        ItemField(
            "live_start_at", "time", ("start_time", "scheduled_at"), "when a live one begins"
        ),
        ItemField("expires_at", "time", ("expire_time",)),
        ItemField("created_at", "time", ("creation_timestamp",)),
        ItemField("country_rights", "category"),
        ItemField("subscription_needed", "category", (), "the plans of which one is needed"),
        ItemField("price", "number", ("rental_price",)),
        ItemField("is_hidden", "flag", ("hidden",)),
        ItemField("is_kids", "flag"),
        ItemField("average_rating", "number", ("rating_average",)),
        ItemField("image_url", "id", ("poster", "poster_url")),
        ItemField("uri", "id", ("url", "link")),
    ),
    # Plots are left out: on the validation items of MovieLens 1M the content source has recall@10
    # .067 without and .054 with them, and encoding takes a third of the time.
    text_template="{title}. {categories}. {creator}",
    creator="creator",
)

USERS = (
    *COMMON_USER_FIELDS,
    UserField(
        "maturity_limit", "category", ("max_rating", "parental_limit"), "PG-13, or an age: highest"
    ),
    UserField("is_kids", "flag", ("kids_profile",), "the profile sees what is for children alone"),
    UserField("audio_language", "category", ("preferred_audio",)),
    UserField("favourite_genres", "category", ("favorite_genres", "genres")),
)

SCENARIO = Scenario(
    name="video",
    summary="films, series and clips: watches, ratings, watch lists",
    events=EVENTS,
    items=ITEMS,
    users=USERS,
    surfaces=(
        Surface("top_picks", "user", "titles for you"),
        Surface("more_like_this", "item", "titles like this one"),
        Surface("up_next", "item", "the next episode, then what goes well behind it", k=20),
        Surface("continue_watching", "user", "what you have begun, and next episodes"),
        Surface("because_you_watched", "user", "rows like a title that you watched to the end"),
        Surface("genre_row", "entity", "titles of one genre, for you"),
        Surface("person_row", "entity", "titles with one person, for you"),
        Surface("editors_picks", "list", "a given list in your order", k=20),
        Surface("new_releases", "user", "what came lately, nearest to your taste first"),
        Surface("live_now", "user", "what is on air, for you"),
        Surface("most_popular", "nothing", "what most people watched"),
        Surface("trending_now", "nothing", "what more people watch than a week ago"),
    ),
    pipeline="crossrec_video:pipeline.toml",
    default_event="watch",
    main_surface="top_picks",
    relations=(
        Relation("creator", "creator"),
        Relation("genre", "categories"),
        Relation("person", "persons"),
        Relation("series", "series_id"),
        Relation("franchise", "franchise"),
    ),
    metrics=("recall@10", "ndcg@10", "mrr@10"),
    demo="crossrec_video.demo:generate",
)


def scenario() -> Scenario:
    """Return the video scenario."""
    return SCENARIO
