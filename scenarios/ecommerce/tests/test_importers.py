from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from crossrec.errors import DataError
from crossrec.plugins.registry import load_registry
from crossrec_ecommerce.importers import amazon14, complete_journey, retailrocket, uci
from crossrec_ecommerce.importers.complete_journey import readable, size, title

Write = Callable[..., Path]
Real = Callable[[str], Path]


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("amazon14", "sequences.txt"),
        ("completejourney", "transactions.csv"),
        ("retailrocket", "view.tsv"),
        ("tafeng", "history.csv"),
        ("uci-online-retail", "online_retail.csv"),
    ],
)
def test_the_missing_file_is_named(tmp_path: Path, name: str, missing: str) -> None:
    read = load_registry().get("importers", name).build()
    with pytest.raises(DataError, match=rf"no {name} folder: {missing}"):
        read(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        read(tmp_path / "nowhere")


class TestUci:
    HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    ROWS = (
        "536365,85123A,WHITE LANTERN ,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
        "536365,85123A,WHITE LANTERN ,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
        "536366,85123A,white lantern wrong,1,2010-12-01 09:00:00,3.0,13047.0,France\n"
        "C536379,85123A,WHITE LANTERN,-2,2010-12-02 09:41:00,2.55,17850.0,United Kingdom\n"
        "536380,POST,POSTAGE,1,2010-12-02 10:00:00,18.0,13047.0,France\n"
        "536381,22139,,56,2010-12-02 11:00:00,0.0,,United Kingdom\n"
        "536382,22139,damaged,-5,2010-12-02 12:00:00,0.0,,United Kingdom\n"
        "536383,22139,TEA SET,2,2010-12-02 13:00:00,4.25,,United Kingdom\n"
    )

    @pytest.fixture
    def folder(self, write: Write) -> Path:
        return write("online_retail.csv", self.HEAD + self.ROWS)

    def test_purchases_and_refunds(self, folder: Path) -> None:
        events = uci.read(folder).events
        assert events is not None
        assert events["event_type"].tolist() == [
            "purchase",
            "purchase",
            "purchase",
            "refund",
            "purchase",
        ]
        assert events["value"].tolist() == [15.3, 15.3, 3.0, 5.1, 18.0]

    def test_customers_are_whole_numbers(self, folder: Path) -> None:
        events = uci.read(folder).events
        assert events is not None
        assert set(events["user_id"]) == {"17850", "13047"}

    def test_real_times(self, folder: Path) -> None:
        frames = uci.read(folder)
        assert frames.events is not None
        assert frames.has_clock
        expected = pd.Timestamp("2010-12-01 08:26:00").timestamp()
        assert frames.events["time"].iloc[0] == expected
        assert frames.events["time"].is_monotonic_increasing

    def test_the_same_line_twice_stays_twice(self, folder: Path) -> None:
        events = uci.read(folder).events
        assert events is not None
        assert events["event_id"].is_unique

    def test_rows_without_customer_are_counted(self, folder: Path) -> None:
        note = uci.read(folder).note
        assert "5 of 8 rows have a customer (2); 1 are refunds" in note

    def test_titles_are_the_usual_description(self, folder: Path) -> None:
        items = uci.read(folder).items
        assert items is not None
        titles = items.set_index("item_id")["title"].to_dict()
        assert titles == {"85123A": "WHITE LANTERN", "POST": "POSTAGE", "22139": "TEA SET"}

    def test_services_are_hidden(self, folder: Path) -> None:
        items = uci.read(folder).items
        assert items is not None
        hidden = items.set_index("item_id")["is_hidden"]
        assert hidden.to_dict() == {"85123A": False, "POST": True, "22139": False}

    def test_prices_are_medians_of_what_was_paid(self, folder: Path) -> None:
        items = uci.read(folder).items
        assert items is not None
        assert items.set_index("item_id")["price"].to_dict() == {
            "85123A": 2.55,
            "POST": 18.0,
            "22139": 4.25,
        }

    def test_missing_column(self, write: Write) -> None:
        folder = write("online_retail.csv", "InvoiceNo,StockCode\n1,2\n")
        with pytest.raises(DataError, match="no column 'Description'"):
            uci.read(folder)

    @pytest.mark.real
    def test_real(self, real: Real) -> None:
        frames = uci.read(real("uci-online-retail"))
        assert frames.events is not None
        assert frames.items is not None
        # 541,909 rows less 135,080 without a customer; 4,372 customers; 4,070 stock codes.
        assert len(frames.events) == 541_909 - 135_080
        assert frames.events["user_id"].nunique() == 4_372
        assert len(frames.items) == 4_070
        assert frames.events["event_id"].is_unique
        first, last = (pd.Timestamp(x, unit="s") for x in frames.events["time"].agg(["min", "max"]))
        assert str(first) == "2010-12-01 08:26:00"
        assert str(last) == "2011-12-09 12:50:00"
        hidden = set(frames.items.loc[frames.items["is_hidden"], "item_id"])
        assert {"POST", "M", "D", "BANK CHARGES"} <= hidden
        assert len(hidden) < 60

    @pytest.mark.real
    def test_real_five_core(self, real: Real) -> None:
        """4,109 customers, 3,184 items, 386,217 purchases, counted without this code."""
        events = uci.read(real("uci-online-retail")).events
        assert events is not None
        core = events[events["event_type"] == "purchase"]
        core = core.drop_duplicates(["user_id", "item_id", "time"])
        before = 0
        while len(core) != before:
            before = len(core)
            for column in ("item_id", "user_id"):
                core = core[core[column].map(core[column].value_counts()) >= 5]
        assert core["user_id"].nunique() == 4_109
        assert core["item_id"].nunique() == 3_184
        assert len(core) == 386_217


class TestCompleteJourney:
    @pytest.fixture
    def folder(self, write: Write) -> Path:
        write(
            "transactions.csv",
            "household_id,product_id,quantity,sales_value,transaction_timestamp\n"
            "906,1,1.0,1.5,2017-01-01 12:30:27\n"
            "906,1,32623.0,20.0,2017-01-02 12:30:27\n"
            "7,99,1.0,0.0,2017-01-03 00:00:00\n",
        )
        return write(
            "products.csv",
            "product_id,manufacturer_id,department,brand,product_category,product_type,package_size\n"
            "1,69,GROCERY,Private,EGGS,EGGS - X-LARGE,A D   1 DZ\n"
            "2,1075,GROCERY,National,CRACKERS/MISC BKD FD,CHEESE CRACKERS (CHEEZ-ITS/GOL,7 OZ\n"
            "3,2,MEAT,National,BEEF,LEAN,\n",
        )

    def test_events(self, folder: Path) -> None:
        frames = complete_journey.read(folder)
        assert frames.events is not None
        assert frames.has_clock
        assert frames.events["user_id"].tolist() == ["906", "906", "7"]
        assert frames.events["item_id"].tolist() == ["1", "1", "99"]
        assert frames.events["value"].tolist() == [1.5, 20.0, 0.0]
        assert frames.events["time"].iloc[0] == 1_483_273_827
        assert set(frames.events["event_type"]) == {"purchase"}

    def test_unlisted_products_are_counted(self, folder: Path) -> None:
        note = complete_journey.read(folder).note
        assert "3 purchases of 2 households; 1 products without a row" in note

    def test_items(self, folder: Path) -> None:
        items = complete_journey.read(folder).items
        assert items is not None
        assert items["title"].tolist() == [
            "Eggs - x-large, 1 dz (Private 69)",
            "Cheese crackers, 7 oz (National 1075)",
            "Beef, lean (National 2)",
        ]
        assert items["categories"].tolist() == [
            ["Grocery > Eggs"],
            ["Grocery > Crackers/misc bkd fd"],
            ["Meat > Beef"],
        ]
        assert items["brand"].tolist() == ["Private 69", "National 1075", "National 2"]

    @pytest.mark.parametrize(
        ("package", "expected"),
        [
            ("A D   1 DZ", "1 dz"),
            ("Q    15 OZ", "15 oz"),
            ("18.4 OZ", "18.4 oz"),
            ("6 PK/11.2 OZ", "6 pk/11.2 oz"),
            ("3/3 OZ", "3/3 oz"),
            ("971267  PK", ""),
            ("", ""),
        ],
    )
    def test_sizes(self, package: str, expected: str) -> None:
        assert size(package) == expected

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ("CHEESE CRACKERS (CHEEZ-ITS/GOL", "Cheese crackers"),
            ("CANDY BARS (SINGLES)(INCLUDING", "Candy bars (singles)"),
            ("BREAD:ITALIAN/FRENCH", "Bread: italian/french"),
            ("  WINE  -", "Wine"),
            ("", ""),
        ],
    )
    def test_words(self, words: str, expected: str) -> None:
        assert readable(words) == expected

    def test_a_bare_word_gets_its_category(self) -> None:
        assert title("BEEF", "LEAN", "1 lb", "Private 69") == "Beef, lean, 1 lb (Private 69)"
        assert title("EGGS", "EGGS", "", "") == "Eggs"

    @pytest.mark.real
    def test_real(self, real: Real) -> None:
        frames = complete_journey.read(real("completejourney-sample"))
        assert frames.events is not None
        assert frames.items is not None
        assert len(frames.events) == 75_000
        assert frames.events["user_id"].nunique() == 2_377
        assert frames.events["item_id"].nunique() == 20_902
        assert len(frames.items) == 20_897
        assert (frames.items["title"] != "").all()
        repeated = frames.events.duplicated(["user_id", "item_id"]).mean()
        assert repeated == pytest.approx(0.077, abs=0.0005)

    @pytest.mark.real
    def test_the_sample_can_be_made_again(self, real: Real) -> None:
        """The script gives the tables that are shipped."""
        package = Path(__file__).parents[1]
        spec = importlib.util.spec_from_file_location("make_sample", package / "make_sample.py")
        assert spec is not None
        assert spec.loader is not None
        script = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(script)
        items, events = script.cut(real("completejourney-sample"))
        shipped = package / "src" / "crossrec_ecommerce" / "sample"
        # Not the packed bytes: they differ between versions of zlib.
        for name, table in (("items", items), ("events", events)):
            packed = (shipped / f"{name}.csv.gz").read_bytes()
            assert gzip.decompress(script.packed(table)) == gzip.decompress(packed)


class TestRetailrocket:
    @pytest.fixture
    def folder(self, write: Write) -> Path:
        head = "visitorid\titemid\tevent\n"
        write("view.tsv", head + "1\t10\t1\n2\t11\t1\n")
        write("add_to_cart.tsv", head + "1\t10\t1\n")
        return write("purchase.tsv", head + "1\t10\t1\n")

    def test_events(self, folder: Path) -> None:
        events = retailrocket.read(folder).events
        assert events is not None
        assert list(zip(events["user_id"], events["item_id"], events["event_type"])) == [
            ("1", "10", "view"),
            ("2", "11", "view"),
            ("1", "10", "add_to_cart"),
            ("1", "10", "purchase"),
        ]

    def test_says_that_there_is_no_order(self, folder: Path) -> None:
        frames = retailrocket.read(folder)
        assert not frames.has_clock
        assert "no times and no order" in frames.note
        assert frames.items is None

    def test_all_three_are_needed(self, folder: Path) -> None:
        (folder / "purchase.tsv").unlink()
        with pytest.raises(DataError, match=r"purchase\.tsv"):
            retailrocket.read(folder)

    @pytest.mark.real
    def test_real(self, real: Real) -> None:
        events = retailrocket.read(real("retailrocket-small")).events
        assert events is not None
        # Lines of the files less their headers.
        assert events["event_type"].value_counts().to_dict() == {
            "view": 78_371,
            "add_to_cart": 9_028,
            "purchase": 5_088,
        }
        assert events["user_id"].nunique() == 3_431
        assert events["item_id"].nunique() == 8_885


class TestAmazon14:
    def test_asins_titles_and_paths(self, write: Write) -> None:
        write("sequences.txt", "1 B2 B1 B2\n2 B1\n")
        folder = write(
            "items.tsv",
            'asin\ttitle\tcategories\nB1\tNail "Red"\tBeauty > Nails | Beauty > Sale\nB2\tOil\t\n',
        )
        frames = amazon14.read(folder)
        assert frames.events is not None
        assert frames.items is not None
        assert frames.events["user_id"].tolist() == ["1", "1", "1", "2"]
        assert frames.events["item_id"].tolist() == ["B2", "B1", "B2", "B1"]
        assert set(frames.events["event_type"]) == {"purchase"}
        assert not frames.has_clock
        assert frames.items["title"].tolist() == ['Nail "Red"', "Oil"]
        assert frames.items["categories"].tolist() == [["Beauty > Nails", "Beauty > Sale"], []]

    def test_numbers_and_key_phrases(self, write: Write) -> None:
        write("sequences.txt.gz", "1 2 1\n")
        folder = write("items.tsv.gz", "item\tkey_phrases\tasin\n1\tgun picks\tB1\n2\tbag\tB2\n")
        frames = amazon14.read(folder)
        assert frames.events is not None
        assert frames.items is not None
        assert frames.events["item_id"].tolist() == ["B2", "B1"]
        assert frames.items.to_dict("list") == {
            "item_id": ["B1", "B2"],
            "title": ["gun picks", "bag"],
        }

    def test_a_number_without_a_row(self, write: Write) -> None:
        write("sequences.txt", "1 2 7\n")
        folder = write("items.tsv", "item\tkey_phrases\tasin\n2\tbag\tB2\n")
        with pytest.raises(DataError, match=r"item '7' has no row in items\.tsv"):
            amazon14.read(folder)

    @pytest.mark.real
    @pytest.mark.parametrize(
        ("name", "users", "items", "events"),
        [
            ("amazon14-beauty", 22_363, 12_101, 198_502),
            ("amazon14-sports", 35_598, 18_357, 296_337),
        ],
    )
    def test_real(self, real: Real, name: str, users: int, items: int, events: int) -> None:
        frames = amazon14.read(real(name))
        assert frames.events is not None
        assert frames.items is not None
        assert frames.events["user_id"].nunique() == users
        assert frames.events["item_id"].nunique() == items
        assert len(frames.events) == events
        assert (frames.items["title"] != "").all()
        assert set(frames.events["item_id"]) == set(frames.items["item_id"])
