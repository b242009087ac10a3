from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from crossrec.errors import DataError
from crossrec_social.importers import deskdrop, stackexchange, yelp
from crossrec_social.importers.stackexchange import plain
from crossrec_social.scenario import SCENARIO

Write = Callable[..., Path]
Real = Callable[[str], Path]


class TestStackExchange:
    POSTS = """\ufeff<?xml version="1.0" encoding="utf-8"?>
<posts>
  <row Id="1" PostTypeId="1" CreationDate="2018-03-12T17:00:45.567" Score="52" ViewCount="1163"
    Body="&lt;p&gt;Can a &lt;a href=&quot;x&quot;&gt;machine&lt;/a&gt;&#xA;think &amp;amp; act?"
    OwnerUserId="7" Title="Can it?" Tags="&lt;turing&gt;&lt;a-b&gt;" />
  <row Id="2" PostTypeId="2" ParentId="1" CreationDate="2018-03-12T18:00:00.000" Score="1"
    Body="Yes" OwnerUserId="8" />
  <row Id="3" PostTypeId="2" ParentId="1" CreationDate="2018-03-12T19:00:00.000" Body="No" />
  <row Id="4" PostTypeId="5" CreationDate="2018-03-12T19:00:00.000" Body="a wiki of a tag" />
  <row Id="5" PostTypeId="1" CreationDate="2018-03-13T00:00:00" Body="" OwnerUserId="8"
    Title="Other" Tags="|noise|gates|" />
</posts>"""
    COMMENTS = """\ufeff<?xml version="1.0" encoding="utf-8"?>
<comments>
  <row Id="1" PostId="2" Text="ok" CreationDate="2018-03-12T18:30:00.000" UserId="7" />
  <row Id="2" PostId="1" Text="hm" CreationDate="2018-03-12T17:30:00.000" UserId="9" />
  <row Id="3" PostId="99" Text="gone" CreationDate="2018-03-12T17:30:00.000" UserId="9" />
  <row Id="4" PostId="1" Text="?" CreationDate="2018-03-12T17:40:00.000" />
</comments>"""

    @pytest.fixture
    def folder(self, write: Write) -> Path:
        write("Posts.xml", self.POSTS)
        return write("Comments.xml", self.COMMENTS)

    def test_what_people_do_with_questions(self, folder: Path) -> None:
        frames = stackexchange.read(folder)
        assert frames.events is not None
        rows = frames.events[["user_id", "item_id", "event_type"]].to_numpy().tolist()
        assert rows == [
            ["7", "1", "post"],
            ["9", "1", "reply"],
            ["8", "1", "answer"],
            # A comment on an answer is one on its question.
            ["7", "1", "reply"],
            ["8", "5", "post"],
        ]
        assert frames.has_clock

    def test_times(self, folder: Path) -> None:
        events = stackexchange.read(folder).events
        assert events is not None
        assert events["time"].iloc[0] == 1_520_874_045.567
        assert events["time"].is_monotonic_increasing

    def test_event_ids(self, folder: Path) -> None:
        events = stackexchange.read(folder).events
        assert events is not None
        assert events["event_id"].tolist() == ["p1", "c2", "p2", "c1", "p5"]

    def test_nobody_is_counted(self, folder: Path) -> None:
        note = stackexchange.read(folder).note
        assert "2 questions, 5 events of 3 users; 2 without a user left out" in note

    def test_questions(self, folder: Path) -> None:
        items = stackexchange.read(folder).items
        assert items is not None
        first, second = items.to_dict("records")
        assert first["item_id"] == "1"
        assert first["title"] == "Can it?"
        assert first["text"] == "Can a machine think & act?"
        assert first["categories"] == ["turing", "a-b"]
        assert first["author"] == "7"
        assert first["created_at"] == 1_520_874_045.567
        assert (first["like_count"], first["view_count"]) == (52, 1163)
        # Newer dumps write tags with bars.
        assert second["categories"] == ["noise", "gates"]
        assert (second["text"], second["like_count"]) == ("", 0)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ("<p>one</p><p>two</p>", "one two"),
            ("a &lt; b &amp;&amp; c", "a < b && c"),
            ("<pre><code>x = 1\n</code></pre>", "x = 1"),
            ("$|0\\rangle$", "$|0\\rangle$"),
            ("", ""),
        ],
    )
    def test_words_of_html(self, body: str, words: str) -> None:
        assert plain(body) == words

    @pytest.mark.parametrize("name", ["Posts.xml", "Comments.xml"])
    def test_missing_files(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        with pytest.raises(DataError, match=f"no stackexchange folder: {name}"):
            stackexchange.read(folder)

    def test_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no such folder"):
            stackexchange.importer()(tmp_path / "nowhere")

    def test_a_cut_off_file_is_named(self, folder: Path, write: Write) -> None:
        write("Posts.xml", self.POSTS[:400])
        with pytest.raises(DataError, match=r"Posts\.xml is not XML"):
            stackexchange.read(folder)

    @pytest.mark.real
    def test_real(self, real: Real) -> None:
        frames = stackexchange.read(real("stackexchange-quantumcomputing"))
        assert frames.events is not None
        assert frames.items is not None
        assert len(frames.items) == 612
        assert frames.events["user_id"].nunique() == 402
        assert len(frames.events) == 5_082
        pairs = frames.events.drop_duplicates(["user_id", "item_id"])
        assert len(pairs) == 2_530
        assert (pairs["user_id"].value_counts() >= 5).sum() == 76
        assert not frames.items["text"].str.contains("<p>|&lt;p|&amp;", regex=True).any()
        assert (frames.items["categories"].map(len) > 0).all()


class TestDeskdrop:
    HEAD = "timestamp,eventType,contentId,personId,sessionId,userAgent,userRegion,userCountry\n"
    ROWS = (
        '300,LIKE,-5,-9,1,"Mozilla/5.0 (X, like Y)",NY,US\n'
        "100,VIEW,-5,-9,1,,,\n"
        "100,VIEW,-5,-9,1,,,\n"
        "200,COMMENT CREATED,6,-9,1,,,\n"
        "200,BOOKMARK,6,8,1,,,\n"
        "200,FOLLOW,6,8,1,,,\n"
    )

    @pytest.fixture
    def folder(self, write: Write) -> Path:
        return write("users_interactions.csv", self.HEAD + self.ROWS)

    def test_events(self, folder: Path) -> None:
        frames = deskdrop.read(folder)
        assert frames.events is not None
        rows = frames.events[["user_id", "item_id", "event_type", "time"]].to_numpy().tolist()
        assert rows == [
            ["-9", "-5", "click", 100.0],
            ["-9", "-5", "click", 100.0],
            ["-9", "6", "reply", 200.0],
            ["8", "6", "bookmark", 200.0],
            ["8", "6", "follow_author", 200.0],
            ["-9", "-5", "like", 300.0],
        ]
        assert frames.has_clock
        assert frames.events["event_id"].is_unique

    def test_says_that_there_is_no_text(self, folder: Path) -> None:
        frames = deskdrop.read(folder)
        assert frames.items is None
        assert "6 events of 2 users on 2 articles; no shared_articles.csv" in frames.note

    def test_zipped(self, folder: Path) -> None:
        plain_events = deskdrop.read(folder).events
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.write(folder / "users_interactions.csv", "users_interactions.csv")
        (folder / "users_interactions.csv").unlink()
        (folder / "users_interactions.csv.zip").write_bytes(buffer.getvalue())
        zipped = deskdrop.read(folder).events
        assert plain_events is not None
        assert plain_events.equals(zipped)

    def test_an_event_that_is_not_known_goes_on(self, folder: Path, write: Write) -> None:
        write("users_interactions.csv", self.HEAD + "1,TELEPORT,5,6,,,,\n")
        events = deskdrop.read(folder).events
        assert events is not None
        assert events["event_type"].tolist() == ["TELEPORT"]

    def test_articles_where_they_are(self, folder: Path, write: Write) -> None:
        write(
            "shared_articles.csv",
            "timestamp,eventType,contentId,authorPersonId,url,title,text,lang\n"
            "50,CONTENT SHARED,-5,3,http://x,Old,Words,en\n"
            "60,CONTENT SHARED,6,3,http://y,Six,More,pt\n"
            "70,CONTENT REMOVED,-5,3,http://x,New,Words,en\n",
        )
        frames = deskdrop.read(folder)
        assert frames.items is not None
        table = frames.items.set_index("item_id")
        assert table["title"].to_dict() == {"6": "Six", "-5": "New"}
        assert table["is_hidden"].to_dict() == {"6": False, "-5": True}
        assert table["author"].to_dict() == {"6": "3", "-5": "3"}
        assert table["created_at"].to_dict() == {"6": 60.0, "-5": 70.0}
        assert "shared_articles" not in frames.note

    def test_every_name_is_one_of_the_scenario(self) -> None:
        for public, name in deskdrop.EVENTS.items():
            for spelling in (public, name):
                event = SCENARIO.event(spelling)
                assert event is not None
                assert event.name == name

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"no deskdrop folder: users_interactions\.csv"):
            deskdrop.read(tmp_path)
        with pytest.raises(DataError, match="no such folder"):
            deskdrop.importer()(tmp_path / "nowhere")

    def test_missing_column(self, write: Write) -> None:
        folder = write("users_interactions.csv", "timestamp,eventType\n1,VIEW\n")
        with pytest.raises(DataError, match="no column 'contentId'"):
            deskdrop.read(folder)

    @pytest.mark.real
    def test_real(self, real: Real) -> None:
        frames = deskdrop.read(real("deskdrop-interactions"))
        assert frames.events is not None
        assert len(frames.events) == 72_312
        assert frames.events["user_id"].nunique() == 1_895
        assert frames.events["item_id"].nunique() == 2_987
        assert frames.events["event_type"].value_counts().to_dict() == {
            "click": 61_086,
            "like": 5_745,
            "bookmark": 2_463,
            "reply": 1_611,
            "follow_author": 1_407,
        }
        days = frames.events["time"] // 86_400
        assert days.min() == 16_874  # 2016-03-14
        assert days.max() == 17_225  # 2017-02-28


class TestYelp:
    @pytest.fixture
    def folder(self, write: Write) -> Path:
        write("Yelp.txt", "1 2 1 2\n2 3\n")
        places = {
            "0": {"title": "The Great Greek", "description": "Greek, Wraps, Food"},
            "1": {"title": "Café Noir", "description": ""},
            "2": {"title": "Deli", "description": "Delis"},
        }
        return write("Yelp.item.json", json.dumps(places))

    def test_reviews_in_their_order(self, folder: Path) -> None:
        frames = yelp.read(folder)
        assert frames.events is not None
        assert frames.events["user_id"].tolist() == ["1", "1", "1", "2"]
        assert frames.events["item_id"].tolist() == ["2", "1", "2", "3"]
        assert set(frames.events["event_type"]) == {"review"}
        assert not frames.has_clock
        assert "4 reviews of 2 users, order only" in frames.note

    def test_item_k_is_key_k_less_one(self, folder: Path) -> None:
        items = yelp.read(folder).items
        assert items is not None
        table = items.set_index("item_id")
        assert table["title"].to_dict() == {"1": "The Great Greek", "2": "Café Noir", "3": "Deli"}
        assert table["categories"].to_dict() == {
            "1": ["Greek", "Wraps", "Food"],
            "2": [],
            "3": ["Delis"],
        }

    @pytest.mark.parametrize("name", ["Yelp.txt", "Yelp.item.json"])
    def test_missing_files(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        with pytest.raises(DataError, match=f"no yelp-s3rec folder: {name}"):
            yelp.read(folder)

    def test_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no such folder"):
            yelp.importer()(tmp_path / "nowhere")

    @pytest.mark.parametrize("text", ["{", "[1, 2]", '{"a": {}}', '{"0": {"title": "x"}}'])
    def test_places_of_another_form(self, folder: Path, write: Write, text: str) -> None:
        write("Yelp.item.json", text)
        with pytest.raises(DataError, match="is not number → title, description"):
            yelp.read(folder)

    @pytest.mark.real
    def test_real(self, real: Real) -> None:
        frames = yelp.read(real("yelp-s3rec"))
        assert frames.events is not None
        assert frames.items is not None
        assert frames.events["user_id"].nunique() == 30_431
        assert frames.events["item_id"].nunique() == 20_033
        assert len(frames.events) == 316_354
        assert set(frames.events["item_id"]) == set(frames.items["item_id"])
        assert frames.items.set_index("item_id").loc["1", "title"] == "The Great Greek"

    @pytest.mark.real
    def test_real_shift_by_the_number_of_categories(self, real: Real) -> None:
        """S3-Rec's attributes, by item of Yelp.txt, agree in number at this shift only."""
        import gzip

        folder = real("yelp-s3rec")
        items = yelp.read(folder).items
        assert items is not None
        raw = gzip.decompress((folder / "Yelp_item2attributes.json.gz").read_bytes())
        attributes = {key: len(value) for key, value in json.loads(raw).items()}
        counts = items.set_index("item_id")["categories"].map(len)
        agree = sum(attributes.get(id_) == n for id_, n in counts.items())
        assert agree == 20_032
