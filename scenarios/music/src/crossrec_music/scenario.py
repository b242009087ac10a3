"""The music scenario: tracks, artists, plays and skips.

Surfaces follow Recombee's and Spotify's; the strengths are crossrec's own choice, to be tuned on
data. Counting a play from half a minute is the industry's convention.
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
        half_life_days=1.0,
        aliases=("served", "seen"),
        summary="the track was on the screen; no signal by itself",
    ),
    EventType(
        "play",
        strength=1.0,
        value="seconds",
        value_cap=30.0,
        consumes="soft",
        half_life_days=7.0,
        aliases=("listen", "stream", "scrobble", "view", "click"),
        summary="played it; counts in full from 30 seconds",
    ),
    EventType(
        "play_count",
        strength=1.0,
        value="count",
        consumes="soft",
        half_life_days=7.0,
        aliases=("plays", "listen_count", "playcount"),
        summary="how often it was played in total, where single plays are not known",
    ),
    EventType(
        "complete",
        strength=1.3,
        consumes="soft",
        half_life_days=7.0,
        aliases=("finish", "trackdone"),
        summary="played it to the end",
    ),
    EventType(
        "skip",
        polarity=-1,
        strength=-0.5,
        consumes="soft",
        half_life_days=1.0,
        aliases=("fwdbtn", "next"),
        summary="skipped it before 30 seconds",
    ),
    EventType(
        "repeat",
        strength=1.5,
        consumes="soft",
        half_life_days=7.0,
        aliases=("replay",),
        summary="played it again at once",
    ),
    EventType(
        "save_track",
        kind="explicit",
        strength=3.0,
        aliases=("like", "love", "favorite", "save", "thumbs_up", "addbookmark", "bookmark"),
        summary="saved or liked it",
    ),
    EventType(
        "add_to_playlist",
        kind="explicit",
        strength=4.0,
        aliases=("playlist_add",),
        summary="added it to a playlist",
    ),
    EventType(
        "follow_artist",
        kind="explicit",
        strength=4.0,
        aliases=("follow",),
        relation="artist",
        summary="followed its artist from this track",
    ),
    EventType(
        "seed_radio",
        kind="explicit",
        strength=2.0,
        aliases=("start_radio",),
        summary="started a radio from it",
    ),
    EventType(
        "search_play",
        kind="explicit",
        strength=2.0,
        summary="searched for it and played it",
    ),
    EventType("share", kind="explicit", strength=3.0, summary="sent it to someone"),
    EventType(
        "purchase",
        kind="explicit",
        strength=4.0,
        value="money",
        aliases=("buy", "download"),
        summary="bought it",
    ),
    EventType(
        "rating",
        kind="explicit",
        strength=3.0,
        value="rating",
        value_range=(1.0, 5.0),
        aliases=("addrating", "stars", "review", "rate"),
        summary="1 to 5 stars; 3 is neutral",
    ),
    EventType(
        "ban_track",
        kind="explicit",
        polarity=-1,
        strength=-5.0,
        consumes="hard",
        aliases=("dislike", "thumbs_down", "not_interested", "ban"),
        summary="never wants to hear it again",
    ),
    EventType(
        "ban_artist",
        kind="explicit",
        polarity=-1,
        strength=-8.0,
        consumes="hard",
        relation="artist",
        summary="wants nothing by its artist",
    ),
)

ITEMS = ItemSchema(
    fields=(
        ItemField("title", "text", ("name", "track_name", "song", "track"), "name of the track"),
        ItemField("artist", "category", ("artist_name", "artists", "artist_ids", "creator")),
        ItemField("categories", "category", ("genres", "genre", "tags", "category")),
        ItemField("album", "category", ("album_name", "album_id", "release")),
        ItemField("moods", "category", ("mood",)),
        ItemField("item_type", "category", (), "track, album, artist, playlist, podcast_episode"),
        ItemField("track_number", "number"),
        ItemField("show_id", "id", ("podcast_id",), "the podcast of an episode"),
        ItemField("episode_number", "number"),
        ItemField("release_date", "time", ("created_at", "available_at")),
        ItemField("duration_ms", "number"),
        ItemField("explicit", "flag"),
        ItemField("is_hidden", "flag", ("hidden",)),
        ItemField("isrc", "id"),
        ItemField("recording_version", "category", (), "studio, live, acoustic, remix, karaoke"),
        ItemField("language", "category", ("language_code",)),
        ItemField("label", "category"),
        ItemField("country_rights", "category"),
        ItemField("bpm", "number", ("tempo",)),
        ItemField("key", "category"),
        ItemField("energy", "number"),
        ItemField("valence", "number"),
        ItemField("acousticness", "number"),
        ItemField("expires_at", "time", ("expire_time",)),
        ItemField("image_url", "id", ("cover", "cover_url")),
        ItemField("uri", "id", ("url", "link")),
    ),
    text_template="{title}. {artist}. {categories}. {album}",
    creator="artist",
)

USERS = (
    *COMMON_USER_FIELDS,
    UserField("explicit_allowed", "flag", ("allow_explicit",), "whether explicit tracks are shown"),
    UserField("favourite_genres", "category", ("favorite_genres", "genres")),
    UserField("followed_artists", "category", (), "for filters; the events follow_artist count"),
)

SCENARIO = Scenario(
    name="music",
    summary="tracks and artists: plays, skips, saves, playlists",
    events=EVENTS,
    items=ITEMS,
    users=USERS,
    surfaces=(
        Surface("songs_for_you", "user", "music for you, with or without knowing it"),
        Surface("similar_tracks", "item", "music like this"),
        Surface("radio", "item", "goes on from a track, artists apart", k=25),
        Surface("playlist_continuation", "items", "what else belongs into a playlist", k=20),
        Surface("autoplay_next", "session", "what goes on behind a running session", k=25),
        Surface("daily_mix", "user", "up to six mixes of known and new, by kinds of music", k=30),
        Surface("discover_weekly", "user", "30 tracks never played before, each by another", k=30),
        Surface("release_radar", "user", "what artists you follow or play released lately", k=30),
        Surface("on_repeat", "user", "what you played most in the last 30 days", k=30),
        Surface("new_releases", "user", "what came lately, nearest to your taste first"),
        Surface("related_artists", "item", "artists like the one of a track, or like an artist"),
        Surface("top_artists_for_you", "user", "artists that you play or would like"),
        Surface("top_albums_for_you", "user", "albums that you play or would like"),
        Surface("trending", "nothing", "what more people play than a week ago"),
    ),
    pipeline="crossrec_music:pipeline.toml",
    default_event="play",
    main_surface="songs_for_you",
    relations=(
        Relation("artist", "artist"),
        Relation("album", "album"),
        Relation("genre", "categories"),
        Relation("label", "label"),
    ),
    metrics=("recall@10", "ndcg@10", "mrr@10"),
    demo="crossrec_music.demo:generate",
)


def scenario() -> Scenario:
    """Return the music scenario."""
    return SCENARIO
