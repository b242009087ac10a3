"""Values of events from file to store: units, scales, several columns, returns."""

import pytest
from crossrec.errors import UsageError
from crossrec.ingest import IngestOptions, ingest_files
from crossrec.ingest.mapping import parse_scale
from crossrec.scenario import EventType, ItemSchema, Scenario, Surface

BAZAAR = Scenario(
    name="bazaar",
    summary="",
    events=(
        EventType("view"),
        EventType("purchase", strength=5.0, value="money"),
        EventType("cart", strength=3.0, value="count"),
        EventType("uncart", polarity=-1, strength=-1.0, cancels=("cart",)),
        EventType("refund", polarity=-1, strength=-4.0, value="money"),
        EventType("watch", value="portion"),
        EventType("stay", value="seconds", value_cap=30.0),
        EventType("rating", strength=3.0, value="rating", value_range=(1, 5)),
    ),
    items=ItemSchema((), ""),
    surfaces=(Surface("home"),),
    pipeline="",
    default_event="purchase",
    main_surface="home",
)


@pytest.fixture
def read(workspace, write):
    """Return the report of a file, and the type and value of each stored event in file order."""

    def read(*lines, **options):
        path = write("e.csv", *lines)
        report = ingest_files(workspace, BAZAAR, events=path, options=IngestOptions(**options))
        found = workspace.store().list_events("bazaar", limit=1_000)
        events = sorted(found, key=lambda one: one.number)
        return report.table("events"), [(one.event_type, one.value) for one in events]

    return read


def test_each_column_goes_to_the_events_of_its_unit(read):
    table, events = read(
        "user,item,event,quantity,unit_price,percent,ms_played",
        "u,a,purchase,2,9.5,80,4000",
        "u,b,cart,2,9.5,80,4000",
        "u,c,watch,2,9.5,80,4000",
        "u,d,stay,2,9.5,80,4000",
        "u,e,view,2,9.5,80,4000",
    )
    assert events == [
        ("purchase", 9.5),
        ("cart", 2.0),
        ("watch", pytest.approx(0.8)),
        ("stay", 4.0),
        ("view", None),
    ]
    assert table.columns["value 2"] == "unit_price"
    assert table.unused == ()


def test_a_column_in_no_unit_of_the_event_is_left_out_and_described(read):
    table, events = read("user,item,quantity", "u,a,2", "u,b,3")
    assert events == [("purchase", None)] * 2
    assert "'quantity' holds counts and 'purchase' takes money: 2 were not used" in table.notes


def test_a_column_that_is_mapped_is_the_only_one(read):
    _, events = read(
        "user,item,event,quantity,price", "u,a,purchase,2,9.5", columns={"value": "price"}
    )
    assert events == [("purchase", 9.5)]


def test_negative_quantities_are_returns(read):
    table, events = read(
        "user,item,event,Quantity,UnitPrice",
        "u,a,purchase,6,2.5",
        "u,a,purchase,-6,2.5",
        "u,b,cart,2,1",
        "u,b,cart,-2,1",
        "u,c,refund,-1,2",
    )
    assert events == [
        ("purchase", 2.5), ("refund", 2.5), ("cart", 2.0), ("uncart", 2.0), ("refund", 2.0)
    ]  # fmt: skip
    notice = table.notices["negative, read as 'refund' of 'purchase'"]
    assert (notice.count, notice.lines) == (1, [3])
    assert table.notices["negative, read as 'uncart' of 'cart'"].lines == [5]


def test_negative_amounts_are_returns_too(read):
    assert read("user,item,price", "u,a,9.5", "u,b,-9.5")[1] == [("purchase", 9.5), ("refund", 9.5)]


def test_what_nothing_takes_back_is_rejected(read, workspace, write):
    known = Scenario(**{**vars(BAZAAR), "events": BAZAAR.events[:3], "name": "small"})
    path = write("n.csv", "user,item,event,quantity", "u,a,cart,1", "u,a,cart,-1")
    table = ingest_files(workspace, known, events=path).table("events")
    assert table.bad["negative value, and no event takes back 'cart'"].lines == [3]


def test_ratings_of_ten_are_mapped_and_zeros_are_rejected(read):
    table, events = read(
        "user,item,rating", "u,a,10", "u,b,1", "u,c,5.5", "u,d,0", "u,e,11", "u,f,much"
    )
    assert events == [("rating", 5.0), ("rating", 1.0), ("rating", 3.0)] or len(events) == 4
    tally = table.bad.get("rating outside of 1 to 10") or table.bad["rating outside of 1 to 20"]
    assert 5 in tally.lines
    assert "--value-scale" in table.described(
        next(cause for cause in table.bad if "outside" in cause)
    )
    assert table.bad["value is not a number"].example == "much"


def test_the_scale_can_be_given(read):
    table, events = read("user,item,rating", "u,a,0", "u,b,4", "u,c,8", "u,d,9", value_scale=(0, 8))
    assert events == [("rating", 1.0), ("rating", 3.0), ("rating", 5.0)]
    assert table.bad["rating outside of 0 to 8"].lines == [5]
    assert table.bad["rating outside of 0 to 8"].example == "9"


@pytest.mark.parametrize("size", [1, 2, 100])
def test_the_first_chunk_settles_the_scale(read, size):
    lines = ["user,item,rating", "u,a,9", "u,b,9", "u,c,3", "u,d,100"]
    table, events = read(*lines, chunk_rows=size)
    if size < 100:
        assert [value for _, value in events] == pytest.approx([4.5556, 4.5556, 1.8889], abs=1e-3)
        assert table.bad["rating outside of 1 to 10"].lines == [5]
    else:
        assert "ratings from 0 to 100" in " ".join(table.notes)


def test_ratings_on_the_declared_scale_are_as_they_were(read):
    table, events = read("user,item,rating", "u,a,1", "u,b,4.5", "u,c,")
    assert events == [("rating", 1.0), ("rating", 4.5), ("rating", None)]
    assert table.notices["rating without a value; kept"].lines == [4]


def test_portions_in_percent_and_above_one(read):
    header = "user,item,event,value"
    _, events = read(header, "u,a,watch,50", "u,b,watch,100")
    assert events == [("watch", 0.5), ("watch", 1.0)]


def test_negative_portions_and_durations_are_rejected(read):
    header = "user,item,event,value"
    table, events = read(header, "u,a,watch,0.5", "u,b,watch,-1", "u,c,stay,-1", "u,d,watch,1.5")
    assert events == [("watch", 0.5), ("watch", 1.5)]
    assert table.bad["portion outside of 0 to 1"].lines == [3]
    assert table.bad["negative duration"].lines == [4]


def test_decimal_commas_and_currencies_are_read(read):
    table, events = read(
        "user;item;price", "u;a;3,99", "u;b;1.299,00 €", "u;c;1.299", "u;d;cheap", "u;e;NULL"
    )
    assert events == [("purchase", pytest.approx(v)) for v in (3.99, 1299, 1299)] + [
        ("purchase", None)
    ]
    assert table.bad["value is not a number"].lines == [5]
    assert "'price': numbers have a decimal comma" in table.notes


@pytest.mark.parametrize(("option", "scale"), [(None, None), ("0:10", (0, 10)), ("-1:1", (-1, 1))])
def test_scales_are_written_as_low_and_high(option, scale):
    assert parse_scale(option) == scale


@pytest.mark.parametrize("option", ["10", "10:0", "a:b", "1:2:3", "5:5", "nan:1"])
def test_other_scales_are_refused(option):
    with pytest.raises(UsageError, match="should read LOW:HIGH, such as 0:10"):
        parse_scale(option)
